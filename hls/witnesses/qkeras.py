"""QKeras as a witness: the library that trained most networks that come here."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from hls.importing.formats import existing_file
from hls.importing.hgq import is_hgq
from hls.importing.hgq2 import is_hgq2
from hls.importing.model_file import container
from hls.importing.pquant import is_pquant
from hls.machine.extras import missing
from hls.witnesses.base import Limits, Skipped
from hls.witnesses.framework import Framework, FrameworkWitness

IGNORING_WARNINGS = (sys.executable, "-W", "ignore")


def _interpreter(model_file: Path) -> Sequence[str]:
    reason = missing("tensorflow", "qkeras-v3")
    if reason is not None:
        raise Skipped(reason)
    if is_hgq2(model_file):
        raise Skipped("an HGQ 2 file, for which the witness hgq2 speaks")
    if is_hgq(model_file):
        raise Skipped("an HGQ file, for which the witness hgq speaks")
    if is_pquant(model_file):
        raise Skipped("a PQuantML file, for which the witness pquant speaks")
    return (*IGNORING_WARNINGS, "-P")  # the worker's own folder, where this module is called qkeras, is not searched


def _speaks_for(model_file: Path) -> bool:
    keras = container(existing_file(model_file)) is not None
    return keras and not is_hgq(model_file) and not is_hgq2(model_file) and not is_pquant(model_file)


class QKerasWitness(FrameworkWitness):
    """Runs the model file under QKeras."""

    limits: ClassVar[Limits] = Limits(place=0, speaks_for=_speaks_for)
    framework: ClassVar[Framework] = Framework("qkeras", "QKeras", _interpreter)
