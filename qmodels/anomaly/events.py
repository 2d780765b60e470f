"""Events that a network is verified, tested and trained on."""

from __future__ import annotations

import numpy as np

from qmodels.anomaly.samples.blocks import COCKTAIL
from qmodels.anomaly.samples.making import cached_events
from qmodels.anomaly.samples.processes import SIGNALS
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


def multiplied(events: Floats32, n: int, seed: int) -> Floats32:
    """``n`` events: each of those given as often as any other, in random order, turned about the beam and mirrored.

    Nature prefers no angle, and neither side.
    """
    random = np.random.default_rng(seed)
    rounds = [random.permutation(len(events)) for _ in range(-(-n // len(events)))]
    chosen = events[np.concatenate(rounds)[:n]]
    present = chosen[:, :, 0] > 0
    angle = random.uniform(-np.pi, np.pi, (n, 1))
    turned = np.remainder(chosen[:, :, 2] + angle + np.pi, 2 * np.pi) - np.pi
    chosen[:, :, 2] = np.where(present, turned, 0.0)
    chosen[:, :, 1] *= random.choice(np.array([-1.0, 1.0], np.float32), (n, 1))
    return chosen
