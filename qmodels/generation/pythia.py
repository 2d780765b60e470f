"""PYTHIA 8, quiet and with a seed."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

from hls.machine.extras import missing, not_installed
from qmodels.errors import ModelDataError

if TYPE_CHECKING:
    from pythia8mc import Pythia

_NAMES = {"pythia8mc": "PYTHIA", "fastjet": "FastJet"}


def programs(*packages: str) -> str:
    """Those of ``pythia8mc`` and ``fastjet`` with their versions; ModelDataError if one is not installed."""
    reason = missing(*packages)
    if reason is not None:
        raise ModelDataError(reason)
    return ", ".join(f"{_NAMES[package]} {version(package)}" for package in packages)


def started_pythia(sample: str, settings: Iterable[str], seed: int) -> Pythia:
    """A generator with ``settings``, which makes the same events whenever it is started with the same ``seed``.

    Raises:
        ModelDataError: PYTHIA is not installed, refuses a setting or cannot start.
    """
    pythia8mc = _pythia8mc()
    pythia = pythia8mc.Pythia("", False)
    for line in ("Print:quiet = on", *settings, "Random:setSeed = on", f"Random:seed = {seed}"):
        if not pythia.readString(line):
            raise ModelDataError(f"PYTHIA {pythia8mc.__file__} does not know the setting {line!r}")
    if not pythia.init():
        raise ModelDataError(f"PYTHIA cannot start sample {sample!r} with seed {seed}")
    return pythia


def _pythia8mc() -> Any:
    try:
        import pythia8mc
    except ImportError as error:
        raise ModelDataError(not_installed("pythia8mc")) from error
    return pythia8mc
