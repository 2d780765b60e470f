"""Levels, frequencies and prices of the trellis, such that an event is blurred as by the latents' own noise.

The rule is that of :mod:`qmodels.compression.packing.layout_calibration`: the fewest bits whose Σ error/D is that of
the sampled z. Levels begin evenly spaced and become the means of what they are chosen for, but none tells the decoder a
z that it has not met. All latents have one slope λ, in bits for an error/D of 1; a latent that is cheaper unsent is not
sent.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from qmodels.compression.packing.latent_layout import (
    PRICE_BITS,
    VALUE_BITS,
    GridPoint,
    Ints,
    LatentLayout,
    TrellisQuantizer,
)
from qmodels.compression.packing.layout_calibration import (
    LARGEST_SEEN,
    LARGEST_WEIGHT,
    MARGIN,
    TOLERANCE,
    Encode,
    Latent,
    raw_means,
)
from qmodels.compression.packing.packet_files import EVENTS_PER_STRING
from qmodels.compression.packing.trellis import trellis_symbols
from qmodels.types import Floats64

LOG10_BETAS = -3.0, -0.5
"""Below, a trellis saves a few per cent only; above, there is nothing to send."""
_STEP = 1.6  # of neighbouring levels of both quantizers, over √D
_ROUNDS = 16
_FIRST_SLOPE, _STEEPEST, _HASTE = 0.8, 4096.0, 1.1
_OFTEN, _UNSEEN = 3, 0.1  # events of which a level is the mean; what a symbol that was not chosen counts


def with_trellis(layout: LatentLayout, encode: Encode) -> LatentLayout:
    """The layout with a trellis at each grid point where one blurs an event as little as the sampled latents do."""
    low, high = LOG10_BETAS
    return replace(
        layout,
        points=tuple(
            _with_trellis(point, *encode(point.log10_beta), layout.fraction)
            if low <= point.log10_beta <= high
            else point
            for point in layout.points
        ),
    )


def _with_trellis(
    point: GridPoint, mean: npt.NDArray[np.floating], log_variance: npt.NDArray[np.floating], fraction: int
) -> GridPoint:
    raw = raw_means(mean, fraction)
    noise = np.exp(np.asarray(log_variance, np.float64).mean(axis=0)) * 4.0**fraction
    tables = [_Tables(Latent.of(column, float(n), fraction)) for column, n in zip(raw.T, noise, strict=True)]
    slope, least = _FIRST_SLOPE, np.inf
    for _ in range(_ROUNDS):
        quantizers = [each.quantizer(slope) for each in tables]
        chosen = trellis_symbols(raw, quantizers, fraction, EVENTS_PER_STRING)
        tried = [
            each.tried(column, symbols, quantizer, slope)
            for each, column, symbols, quantizer in zip(tables, raw.T, chosen.T, quantizers, strict=True)
        ]
        rate, cost = sum(each.rate for each in tried), sum(each.cost for each in tried)
        if cost <= len(tables) + TOLERANCE and rate < least:
            least, point = rate, replace(point, trellis=tuple(each.quantizer for each in tried))
        slope = min(slope * (cost / len(tables)) ** _HASTE, _STEEPEST)
    return point


@dataclass(frozen=True)
class _Tried:
    quantizer: TrellisQuantizer
    rate: float  # bits
    cost: float  # error/D


class _Tables:
    """Levels and weights (2, symbols) of one latent, better each time that they are tried."""

    def __init__(self, latent: Latent) -> None:
        self._latent = latent
        self._origin = round(latent.centre * 2.0 ** (VALUE_BITS - latent.fraction))
        step = _STEP * latent.matched**0.5
        self._fine = step >= 1  # else the LSB is coarser than the trellis would be, or the latent does not move
        if self._fine:
            half = int(np.abs(latent.values - latent.centre).max() * (1 + MARGIN) / (2 * step)) + 1
            symbols = np.arange(-half, half + 1)
            self._levels = self._seen(latent.centre + step * np.stack([2 * symbols, 2 * symbols - np.sign(symbols)]))
            self._weights = np.tile(np.exp2(-np.abs(symbols)), (2, 1))

    def quantizer(self, slope: float) -> TrellisQuantizer:
        """As they are, with the price of errors at ``slope``; a silent one where that cannot be written."""
        latent, silent = self._latent, TrellisQuantizer.silent(self._origin)
        if not self._fine:
            return silent
        beyond = (self._levels - latent.centre) / latent.gain * 2.0 ** (VALUE_BITS - latent.fraction)
        made = TrellisQuantizer(
            price=max(1, round(slope / latent.matched * 2.0**PRICE_BITS)),
            gain=round(latent.gain * 2.0**VALUE_BITS),
            origin=self._origin,
            values=tuple((self._origin + np.rint(beyond).astype(int)).ravel().tolist()),
            weights=tuple(np.rint(self._weights * (LARGEST_WEIGHT / self._weights.max())).astype(int).ravel().tolist()),
        )
        return made if made.sound else silent

    def tried(self, raw: Ints, chosen: Ints, quantizer: TrellisQuantizer, slope: float) -> _Tried:
        """What ``chosen`` symbols of raw means cost, or what it costs to send none, if that is less; learns of them."""
        latent = self._latent
        silent = _Tried(TrellisQuantizer.silent(self._origin), 0.0, 1 + latent.variance / latent.noise)
        if not quantizer.symbols:
            return silent
        error = float(np.mean((raw - quantizer.levels(latent.fraction)[chosen]) ** 2))
        sent = _Tried(quantizer, float(quantizer.bits[chosen].mean()), error / latent.matched)
        counts = np.bincount(chosen, minlength=self._levels.size).reshape(self._levels.shape)
        sums = np.bincount(chosen, raw, minlength=self._levels.size).reshape(self._levels.shape)
        often = counts >= _OFTEN
        self._levels = self._seen(np.where(often, sums / np.maximum(counts, 1), self._levels))
        self._weights = counts + _UNSEEN
        return min(sent, silent, key=lambda each: each.rate + slope * each.cost)

    def _seen(self, levels: Floats64) -> Floats64:
        """Levels of a z that a decoder has met: 3 standard deviations, or as far out as the mean itself."""
        latent = self._latent
        beyond = levels - latent.centre
        known = LARGEST_SEEN * (latent.variance + latent.noise) ** 0.5
        z = np.minimum(np.abs(beyond) / latent.gain, np.maximum(np.abs(beyond), known))
        return latent.centre + np.sign(beyond) * latent.gain * z
