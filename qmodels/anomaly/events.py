"""Events that a network is verified, tested and trained on."""

from __future__ import annotations

import numpy as np

from qmodels.anomaly.samples.blocks import COCKTAIL
from qmodels.anomaly.samples.making import cached_events
from qmodels.anomaly.samples.processes import SIGNALS
from qmodels.anomaly.symmetry import multiplied
from qmodels.types import Floats32

COLLISIONS = {COCKTAIL: 3000, **{process.name: 300 for process in SIGNALS}}
"""Collisions of the background and of each signal behind events that are verified and measured on: few, as each is met
turned and mirrored."""


def cached_collisions(seed: int) -> dict[str, Floats32]:
    """Events (n, 19, 3) by sample, ``COLLISIONS`` of each: generated the first time, then read."""
    return {sample: cached_events(sample, count, seed) for sample, count in COLLISIONS.items()}


def verification_events(n: int, seed: int) -> Floats32:
    """``n`` events (n, 19, 3), of the background and of every signal."""
    return multiplied(np.concatenate(list(cached_collisions(seed).values())), n, seed)
