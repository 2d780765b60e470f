"""Pairs without a generator: a Z that decays, moves along the beam, and is smeared by a few per cent."""

from __future__ import annotations

import numpy as np

from qmodels.simulation.pairs import Pairs
from qmodels.simulation.particles import with_energies


def pairs(n: int, seed: int = 1, smearing: float = 0.05) -> Pairs:
    random = np.random.default_rng(seed)
    mass, cos = 91.19 + random.normal(0, 2, n), random.uniform(-0.8, 0.8, n)
    phi, rapidity = random.uniform(0, 2 * np.pi, n), random.normal(0, 0.8, n)
    rows = []
    for sign in (1, -1):
        across = sign * mass / 2 * np.sqrt(1 - cos**2)
        along, energy = sign * mass / 2 * cos, mass / 2
        boosted = along * np.cosh(rapidity) + energy * np.sinh(rapidity)
        rows.append(np.stack([across * np.cos(phi), across * np.sin(phi), boosted], axis=1))
    z = np.concatenate(rows, axis=1)
    gains = np.repeat(1 + smearing * random.normal(size=(n, 2)), 3, axis=1)
    return Pairs(with_energies(z), with_energies(z * gains))
