"""Layouts for tests: random quantizers, and an encoder of Gaussian latents whose KL is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from qmodels.compression.packing.latent_layout import GridPoint, LatentLayout, Quantizer, TrellisQuantizer

FRACTION = 8
VARIANCES = 10.0 ** (np.arange(12) / 4)
"""The posterior variance of latent i is this times β, at most 1."""

Encoded = tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]


def random_quantizer(rng: np.random.Generator, weighted: bool) -> Quantizer:
    """Any sound quantizer: one level or many, flat or with frequencies down to zero."""
    levels = int(rng.choice([1, 2, 3, 17, 200]))
    if levels == 1:
        return Quantizer(1, 0, 1, int(rng.integers(-9, 9)), 0)
    cell = int(rng.integers(1, 5))
    weights = np.floor(rng.random(-(-levels // cell)) ** 5 * 4095).astype(int)
    weights[int(rng.integers(len(weights)))] += 1
    step, offset, origin, slope = (int(rng.integers(1, 100)) for _ in range(4))
    if not weighted:
        return Quantizer(step, offset, levels, origin, slope)
    return Quantizer(step, offset, levels, origin, slope, cell, tuple(weights.tolist()))


def random_layout(seed: int, points: int = 3, latents: int = 4) -> LatentLayout:
    """``points`` log10 β with random quantizers."""
    rng = np.random.default_rng(seed)
    grid = []
    for k in range(points):
        fixed, entropy = (tuple(random_quantizer(rng, weighted) for _ in range(latents)) for weighted in (False, True))
        grid.append(GridPoint(-float(points - k), fixed, entropy))
    return LatentLayout(FRACTION, tuple(grid))


def random_trellis(rng: np.random.Generator) -> TrellisQuantizer:
    """Any sound quantizer, with a latent not sent now and then."""
    count = int(rng.choice([0, 1, 3, 5, 21]))
    if not count:
        return TrellisQuantizer.silent(1 << 18)
    weights = np.floor(rng.random((2, count)) ** 5 * 4095).astype(int)
    weights[:, int(rng.integers(count))] += 1
    values = np.sort(rng.integers(-(1 << 22), 1 << 22, (2, count)), axis=1)
    numbers = (
        int(rng.integers(1, 1 << 20)),
        int(rng.integers(1 << 18, 1 << 20)),
        int(rng.integers(-(1 << 20), 1 << 20)),
    )
    return TrellisQuantizer(*numbers, tuple(values.ravel().tolist()), tuple(weights.ravel().tolist()))


def trellis_layout(seed: int) -> LatentLayout:
    """A random layout with a random trellis at its first two grid points."""
    rng, layout = np.random.default_rng(seed), random_layout(seed)
    trellises = [tuple(random_trellis(rng) for _ in range(layout.latents)) for _ in range(2)] + [()]
    points = zip(layout.points, trellises, strict=True)
    return replace(layout, points=tuple(replace(point, trellis=trellis) for point, trellis in points))


def gaussian_encoder(events: int, seed: int) -> _Encoder:
    """An encoder whose latents follow the prior exactly."""
    return _Encoder(np.random.default_rng(seed).standard_normal((events, len(VARIANCES))))


class _Encoder:
    def __init__(self, normal: npt.NDArray[np.float64]) -> None:
        self._normal = normal

    def __call__(self, log10_beta: float) -> Encoded:
        variance = np.minimum(10.0**log10_beta * VARIANCES, 1.0)
        mean = np.ldexp(np.rint(np.ldexp(self._normal * np.sqrt(1.0 - variance), FRACTION)), -FRACTION)
        return mean, np.broadcast_to(np.log(variance), mean.shape)
