"""What nature does not tell apart: events turned about the beam, and mirrored. Light: it needs no generator."""

from __future__ import annotations

import numpy as np

from qmodels.types import Floats32


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
