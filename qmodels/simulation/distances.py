"""How far two samples of events are apart, as the paper measures it: sliced Wasserstein, reduced χ², KS."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import stats

from qmodels.simulation.particles import pair_mass
from qmodels.types import Floats, Floats32, Floats64

SLICES = 1000
_SEED = 4
_AT_ONCE = 50
FEWEST = 5
"""Entries that a bin needs in both samples to count."""

BINS: dict[str, Floats64] = {
    "p_y": np.array([-100, -60, *range(-50, 51, 5), 60, 100], np.float64),
    "p_z": np.array([-400, *range(-250, 251, 20), 400], np.float64),
    "E": np.array([0, *range(20, 271, 10), 400], np.float64),
    "M_ee": np.arange(70.0, 110.5, 1.0),
}
"""Edges in GeV of the paper's histograms; the first three are of the positron."""


@dataclass(frozen=True)
class Distance:
    """Squared Wasserstein distance (GeV²), reduced χ² and Kolmogorov-Smirnov distance of one observable."""

    wasserstein: float
    chi2: float
    ks: float


def observables(particles: Floats32) -> dict[str, Floats]:
    """The paper's four, by the keys of ``BINS``."""
    return {"p_y": particles[:, 5], "p_z": particles[:, 6], "E": particles[:, 7], "M_ee": pair_mass(particles)}


def sliced_wasserstein(a: Floats32, b: Floats32, slices: int = SLICES) -> float:
    """Squared W2 in GeV² of projections of samples (n, 8) on random directions, the mean over ``slices`` of them.

    Of samples of different size the longer is cut; the directions are always the same.
    """
    directions = random_directions(slices, a.shape[1])
    n, total = min(len(a), len(b)), 0.0
    for start in range(0, slices, _AT_ONCE):
        some = directions[start : start + _AT_ONCE]
        first, second = (np.sort(some @ sample[:n].T, axis=1) for sample in (a, b))
        total += float(((first - second).astype(np.float64) ** 2).mean(axis=1).sum())
    return total / slices


def random_directions(slices: int, dimensions: int) -> Floats32:
    """Unit vectors (slices, dimensions), always the same."""
    directions = np.random.default_rng(_SEED).normal(size=(slices, dimensions)).astype(np.float32)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return directions


def distance(a: Floats, b: Floats, bins: Floats64) -> Distance:
    """Of one observable in two samples, cut to the same size."""
    n = min(len(a), len(b))
    a, b = a[:n].astype(np.float64), b[:n].astype(np.float64)
    squared = float(np.mean((np.sort(a) - np.sort(b)) ** 2))
    return Distance(squared, reduced_chi2(a, b, bins), float(stats.ks_2samp(a, b).statistic))


def reduced_chi2(a: Floats, b: Floats, bins: Floats64) -> float:
    """Σ (n₁ - n₂)²/(n₁ + n₂) over (bins - 1), of bins with ``FEWEST`` entries or more in both; nan of a single one."""
    first, second = (np.histogram(sample, bins)[0].astype(np.float64) for sample in (a, b))
    counted = (first >= FEWEST) & (second >= FEWEST)
    if counted.sum() < 2:
        return float("nan")
    first, second = first[counted], second[counted]
    return float(((first - second) ** 2 / (first + second)).sum() / (counted.sum() - 1))
