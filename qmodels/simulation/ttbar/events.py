"""Events as the decoder's ports take them: quarks of the cache or of a file, and noise drawn beside them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from qmodels.errors import ModelDataError
from qmodels.simulation.events import FILE_SEED, NOISE_STREAM, turned
from qmodels.simulation.ttbar.layout import normal_noise, ports
from qmodels.simulation.ttbar.samples import QUICK_SAMPLE, read_events, unseen_events
from qmodels.types import Floats32

SIMULATED = 500
"""Events behind those that a build is verified on. That compares bits, and no physics: jets of partons do."""


def verification_inputs(n: int, seed: int) -> dict[str, Floats32]:
    """``n`` events by port. Few simulated ones make many: each is turned about the beam and mirrored along it."""
    if n < 1:
        raise ModelDataError(f"number of events is {n}: ask for at least 1")
    z = unseen_events(SIMULATED, seed, sample=QUICK_SAMPLE).z
    return ports(turned(z[np.arange(n) % len(z)], seed), normal_noise(n, seed, NOISE_STREAM))


def file_inputs(path: Path) -> dict[str, Floats32]:
    """The usable events of a file of top pairs by port, noise drawn with ``FILE_SEED``; ModelDataError if it has
    none."""
    z = read_events(path)[0].z
    return ports(z, normal_noise(len(z), FILE_SEED, NOISE_STREAM))
