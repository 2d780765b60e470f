"""HGQ 2 as a witness, in an environment of its own: its packages and QKeras's bring a module of the same name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from hls.importing.hgq2 import is_hgq2
from hls.machine.environments import HGQ2
from hls.witnesses.base import Limits, Skipped
from hls.witnesses.framework import ISOLATED, Framework, FrameworkWitness


def _interpreter(model_file: Path) -> Sequence[str]:
    if not is_hgq2(model_file):
        raise Skipped("not an HGQ 2 file")
    reason = HGQ2.missing
    if reason is not None:
        raise Skipped(reason)
    return (str(HGQ2.python), *ISOLATED)


class Hgq2Witness(FrameworkWitness):
    """Runs the model file under HGQ 2."""

    limits: ClassVar[Limits] = Limits(place=0, speaks_for=is_hgq2)
    framework: ClassVar[Framework] = Framework("hgq", "HGQ 2", _interpreter)
