"""Figures of arXiv:2210.11489 to compare with: from its text, and from the result files and notebooks that its authors
published beside it (github.com/erichuangyf/EMD_VAE).

Their samples are their own PYTHIA runs, their networks those of the ``paper`` preset after about 1.4 million steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

AUC_MUONS, AUC_HT, AUC_UNCOMPRESSED = 0.719, 0.8461, 0.9918
"""Of classifiers of the two muons, of H_T, and of 50 uncompressed particles (the text rounds to 0.71 and 0.84)."""

AUC_LOG10_BETA = np.linspace(1.0, -6.0, 30)
AUC_MEANS = np.array([
    .525, .475, .474, .479, .600, .895, .904, .923, .912, .938, .953, .962, .977, .984, .981,
    .991, .984, .965, .990, .985, .985, .989, .984, .989, .989, .987, .983, .989, .989, .985,
])  # fmt: skip
"""AUC of a fresh classifier at each β on reconstructions from the means (workshop version of Fig. 3)."""
AUC_SAMPLED = np.array([
    .484, .529, .524, .476, .476, .546, .669, .761, .834, .882, .909, .929, .948, .949, .976,
    .982, .986, .988, .989, .979, .954, .989, .982, .988, .988, .990, .987, .987, .989, .989,
])  # fmt: skip
"""The same with latents drawn from the posterior (arXiv version of Fig. 3)."""

AUC_BITS = np.concatenate([np.zeros(5), [
    .075, .466, 1.03, 2.01, 3.43, 5.65, 8.87, 14.4, 22.9, 35.7, 49.4, 63.6, 77.4, 91.5, 105., 119., 134., 150., 169.,
    191., 216., 243., 273., 303., 335.,
]]) / np.log(2.0)  # fmt: skip
"""KL in bits at those β; the first five are below 0.1."""


@dataclass(frozen=True)
class RatePoint:
    """Background test average at one β: S in R², ΣKL in nats, the heat capacities, latents with mean KL > 0.1 nats."""

    log10_beta: float
    distortion: float
    kl_nats: float
    c_kl: float
    c_s: float
    active: int


RATE = tuple(
    RatePoint(*row)
    for row in (
        (-1.0, 1.069, 2.375, 2.48, 2.73, 3),
        (-1.286, 0.870, 4.35, 3.99, 4.07, 10),
        (-1.571, 0.720, 7.57, 6.12, 6.07, 12),
        (-2.0, 0.538, 17.5, 14.4, 14.5, 30),
        (-2.286, 0.434, 30.3, 24.4, 25.2, 47),
        (-2.571, 0.365, 46.3, 26.9, 28.0, 47),
        (-3.0, 0.317, 71.3, 25.4, 26.3, 48),
        (-3.571, 0.2960, 104.4, 24.5, 25.8, 50),
        (-4.0, 0.29095, 129.8, 26.4, 28.1, 50),
        (-4.571, 0.28856, 170.3, 37.9, 34.2, 60),
        (-5.0, 0.28798, 212.4, 46.8, 26.6, 120),
        (-6.0, 0.28788, 334.6, 57.3, -357.0, 256),
    )
)
"""Fig. 2, at some of its β."""


def rate_at(log10_beta: float) -> RatePoint | None:
    """The published point at ``log10_beta``, if there is one.

    >>> rate_at(-3.0).kl_nats
    71.3
    >>> rate_at(-3.1) is None
    True
    """
    return next((point for point in RATE if abs(point.log10_beta - log10_beta) < 1e-6), None)


def auc_at(log10_beta: float) -> float:
    """Published AUC from the means, interpolated between its points."""
    return float(np.interp(log10_beta, AUC_LOG10_BETA[::-1], AUC_MEANS[::-1]))
