"""Witnesses found through the entry-point group ``qtrigger.witnesses``, ours and those of other packages."""

from __future__ import annotations

from pathlib import Path

from hls.machine.plugins import Plugins
from hls.witnesses.base import Limits, Task, Witness

WITNESSES: Plugins[type[Witness]] = Plugins("qtrigger.witnesses", "witness")


def witness_names() -> tuple[str, ...]:
    """Every witness there is."""
    return WITNESSES.names()


def check_witness_name(name: str) -> str:
    """``name`` if there is such a witness, else ProjectError with the nearest."""
    return WITNESSES.check(name)


def default_witnesses(model_file: Path) -> tuple[str, ...]:
    """Those that run for a model file where none is named, in their order."""
    limits = {name: kind.limits for name, kind in WITNESSES.load_all().items()}
    chosen = (name for name in limits if limits[name].by_default and limits[name].speaks_for(model_file))
    return tuple(sorted(chosen, key=lambda name: limits[name].place))


def limits_of(name: str) -> Limits:
    """The limits of the witness called ``name``."""
    return WITNESSES.load(name).limits


def witness(name: str, task: Task) -> Witness:
    """The witness called ``name``, ready to run."""
    return WITNESSES.load(name)(task)
