"""HGQ as a witness, in an environment of its own: it lives under Keras 2, and QKeras here under Keras 3."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

from hls.importing.hgq import is_hgq
from hls.machine.environments import HGQ
from hls.witnesses.base import Limits, Skipped
from hls.witnesses.framework import ISOLATED, Framework, FrameworkWitness


def _interpreter(model_file: Path) -> Sequence[str]:
    if not is_hgq(model_file):
        raise Skipped("not an HGQ file")
    reason = HGQ.missing
    if reason is not None:
        raise Skipped(reason)
    return (str(HGQ.python), *ISOLATED)


class HgqWitness(FrameworkWitness):
    """Runs the model file under HGQ."""

    limits: ClassVar[Limits] = Limits(place=0, speaks_for=is_hgq)
    framework: ClassVar[Framework] = Framework("HGQ", "HGQ", _interpreter)
