"""PQuantML as a witness, in an environment of its own: it stands on HGQ 2."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from hls.importing.pquant import is_pquant
from hls.machine.environments import PQUANT
from hls.witnesses.base import Limits, Skipped
from hls.witnesses.framework import ISOLATED, Framework, FrameworkWitness


def _speaks_for(model_file: Path) -> bool:
    return model_file.is_file() and is_pquant(model_file)


def _interpreter(model_file: Path) -> Sequence[str]:
    if not _speaks_for(model_file):
        raise Skipped("not a PQuantML file")
    reason = PQUANT.missing
    if reason is not None:
        raise Skipped(reason)
    return (str(PQUANT.python), *ISOLATED)


class PquantWitness(FrameworkWitness):
    """Runs the model file under PQuantML."""

    limits: ClassVar[Limits] = Limits(place=0, speaks_for=_speaks_for)
    framework: ClassVar[Framework] = Framework("pquant", "PQuantML", _interpreter)
