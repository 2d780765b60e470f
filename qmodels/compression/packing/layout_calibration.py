"""Steps of the quantizers, chosen so that the packet is short and blurs an event no more than the latents' own noise.

For a latent with mean μ of variance s² over events and posterior variance σ², a decoder that sees the sampled
z = μ + σε can know μ no better than with mean square error D = s² σ² / (s² + σ²): the price of KL = ½ ln(1 + s²/σ²)
nats, if all is Gaussian. At the minimum of S + β KL the distortion S grows with such an error as β/(2D), so that
Σ error/D counts what all latents together do to the event. Bits are spent by a Lagrangian, Σ rate + λ Σ error/D, with λ
such that the sum of error/D is that of the sampled z: latents that cost more than they tell get no bits (reverse
water-filling: Cover and Thomas, Elements of Information Theory, 10.3.3).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from qmodels.compression.packing.latent_layout import (
    MAX_LEVELS,
    VALUE_BITS,
    Coding,
    GridPoint,
    Ints,
    LatentLayout,
    Quantizer,
)
from qmodels.errors import ModelDataError
from qmodels.types import Floats64

LOG10_BETAS = tuple(np.arange(-24, 5) / 4)  # the trained range in quarters, exact in any fixed-point port
Encode = Callable[[float], tuple[npt.NDArray[np.floating], npt.NDArray[np.floating]]]

_CELLS, LARGEST_WEIGHT = 24, 4095  # size of a table of frequencies
MARGIN = 0.15  # of the calibrated range: other samples reach further
LARGEST_SEEN = 3.0  # standard deviations of z: no decoder has learned what larger ones mean
_STEPS_PER_OCTAVE = 4
TOLERANCE = 0.02  # of error/D: latents of no information would cost bits else


@dataclass(frozen=True)
class _Choice:
    quantizer: Quantizer
    rate: float  # bits
    cost: float  # error/D


def calibrate(encode: Encode, fraction: int, log10_betas: Sequence[float] = LOG10_BETAS) -> LatentLayout:
    """The layout for an encoder.

    Args:
        encode: gives mean and log-variance (events, latents) at a log10 β; the same events each time, some thousands.
        fraction: the means are multiples of 2**-fraction; others are rounded to it.
        log10_betas: the grid, ascending.

    Raises:
        ModelDataError: what encode gives is not finite, or the grid does not ascend.
    """
    if not (np.diff(log10_betas) > 0).all():
        raise ModelDataError(f"the grid of log10 beta must ascend, not {list(log10_betas)}")
    return LatentLayout(fraction, tuple(_point(float(value), *encode(value), fraction) for value in log10_betas))


def raw_means(mean: npt.ArrayLike, fraction: int) -> Ints:
    """Means as integers of the firmware, int64: exact for its own outputs, else rounded half to even."""
    scaled = np.ldexp(np.asarray(mean, np.float64), fraction)
    if not np.isfinite(scaled).all():
        raise ModelDataError(f"the mean of event {int(np.argwhere(~np.isfinite(scaled))[0][0])} is not finite")
    return np.rint(scaled).astype(np.int64)


def mean_fraction(mean: npt.ArrayLike) -> int:
    """Bits right of the binary point that means (events, latents) of a quantized encoder use.

    Raises ModelDataError if they are more than 20: these are means of a float encoder.
    """
    values = np.asarray(mean, np.float64)
    for fraction in range(VALUE_BITS + 1):
        if (np.ldexp(values, fraction) % 1.0 == 0.0).all():
            return fraction
    raise ModelDataError("the means are no fixed-point numbers: calibrate the layout with the quantized encoder")


def _point(
    log10_beta: float, mean: npt.NDArray[np.floating], log_variance: npt.NDArray[np.floating], fraction: int
) -> GridPoint:
    raw = raw_means(mean, fraction)
    noise = np.exp(np.asarray(log_variance, np.float64).mean(axis=0)) * 4.0**fraction
    if not np.isfinite(noise).all():
        raise ModelDataError(f"log10 beta {log10_beta}: a log-variance is not finite; train the encoder again")
    latents = [Latent.of(column, float(variance), fraction) for column, variance in zip(raw.T, noise, strict=True)]
    entropy = zip(_allocated(latents, "entropy"), latents, strict=True)
    return GridPoint(log10_beta, _allocated(latents, "fixed"), tuple(_with_weights(q, x) for q, x in entropy))


def _allocated(latents: list[Latent], coding: Coding) -> tuple[Quantizer, ...]:
    """Bisection for the slope λ, in bits per error/D."""
    choices = [list(_choices(latent, coding)) for latent in latents]
    rates = [np.array([choice.rate for choice in row]) for row in choices]
    costs = [np.array([choice.cost for choice in row]) for row in choices]

    def picked(slope: float) -> list[int]:
        return [int(np.argmin(rate + slope * cost)) for rate, cost in zip(rates, costs, strict=True)]

    least, most = -12.0, 12.0  # log2 of the slope
    for _ in range(40):
        middle = (least + most) / 2
        spent = sum(cost[index] for cost, index in zip(costs, picked(2.0**middle), strict=True))
        least, most = (middle, most) if spent > len(latents) + TOLERANCE else (least, middle)
    return tuple(row[index].quantizer for row, index in zip(choices, picked(2.0**most), strict=True))


@dataclass(frozen=True, eq=False)
class Latent:
    """Distribution of one latent's raw mean over the calibration events."""

    values: Ints
    share: Floats64
    noise: float
    fraction: int
    centre: float
    variance: float

    @staticmethod
    def of(raw: Ints, noise: float, fraction: int) -> Latent:
        """From means (events,) and the posterior variance, both in LSBs."""
        values, counts = np.unique(raw, return_counts=True)
        share = counts / len(raw)
        centre = float(share @ values)
        return Latent(values, share, noise, fraction, centre, float(share @ (values - centre) ** 2))

    @property
    def matched(self) -> float:
        """Mean square error of μ as known from a sampled z."""
        return self.variance * self.noise / (self.variance + self.noise)

    @property
    def gain(self) -> float:
        """How far a decoder of noisy z trusts it: E[μ|z] - centre is gain times z - centre."""
        return self.variance / (self.variance + self.noise)


def _choices(latent: Latent, coding: Coding) -> Iterator[_Choice]:
    origin = round(latent.centre * 2.0 ** (VALUE_BITS - latent.fraction))
    yield _Choice(Quantizer(1, 0, 1, origin, 0), 0.0, 1 + latent.variance / latent.noise)
    if latent.variance == 0:
        return
    for step in _steps(latent):
        yield from _entropy_choices(latent, step) if coding == "entropy" else _fixed_choices(latent, step)


def _steps(latent: Latent) -> list[int]:
    """Whole numbers of LSBs, about four an octave, from half of σ' to six times the spread."""
    finest, coarsest = np.log2([latent.matched**0.5, 6 * latent.variance**0.5])
    octaves = np.arange(finest * _STEPS_PER_OCTAVE, coarsest * _STEPS_PER_OCTAVE + 1) / _STEPS_PER_OCTAVE
    return sorted({max(1, round(2.0**octave)) for octave in octaves})


def _entropy_choices(latent: Latent, step: int) -> Iterator[_Choice]:
    margin = MARGIN * float(latent.values[-1] - latent.values[0])
    for phase in (0.5, 0.0):  # the centre in the middle of a step, or at an edge
        start = round(latent.centre - phase * step)
        below = max(0, -int(np.floor((latent.values[0] - margin - start) / step)))
        levels = below + int(np.floor((latent.values[-1] + margin - start) / step)) + 1
        if 2 <= levels <= MAX_LEVELS:
            yield _choice(latent, step, below * step - start, levels, None)


def _fixed_choices(latent: Latent, step: int) -> Iterator[_Choice]:
    span = max(float(latent.values[-1] - latent.centre), float(latent.centre - latent.values[0]), 1.0)
    widest = min(int(np.log2(2 * span / step + 1)) + 1, MAX_LEVELS.bit_length() - 1)
    for width in range(1, widest + 1):
        levels = 1 << width
        yield _choice(latent, step, (levels // 2) * step - round(latent.centre), levels, float(width))


def _choice(latent: Latent, step: int, offset: int, levels: int, width: float | None) -> _Choice:
    """A quantizer with the best linear reconstruction, its rate (``width``, or its entropy) and its cost."""
    symbols = np.clip((latent.values + offset) // step, 0, levels - 1)
    shares = np.bincount(symbols, latent.share)
    used = np.flatnonzero(shares)
    line = _Line.through(latent, symbols)
    stretch = _stretch(latent, line.slope * max(line.mean - used[0], used[-1] - line.mean))
    error = latent.variance - line.slope * line.common + (1 - latent.gain * stretch) ** 2 * line.slope * line.common
    unit = 2.0 ** (VALUE_BITS - latent.fraction)
    slope = line.slope * stretch
    quantizer = Quantizer(step, offset, levels, round((latent.centre - slope * line.mean) * unit), round(slope * unit))
    rate = -float(shares[used] @ np.log2(shares[used])) if width is None else width
    return _Choice(quantizer, rate, error / latent.matched)


@dataclass(frozen=True)
class _Line:
    """Least squares of a latent's raw mean against its symbol s: m = centre + ``slope`` (s - ``mean``)."""

    mean: float
    slope: float
    common: float
    """Covariance of symbol and raw mean; times the slope, the variance of the raw mean that the symbols tell."""

    @staticmethod
    def through(latent: Latent, symbols: Ints) -> _Line:
        mean = float(latent.share @ symbols)
        spread = float(latent.share @ (symbols - mean) ** 2)
        common = float(latent.share @ ((symbols - mean) * (latent.values - latent.centre)))
        slope = common / spread if spread > 0 else 0.0
        return _Line(mean, slope, common)


def _stretch(latent: Latent, furthest: float) -> float:
    """What m - E[μ], ``furthest`` at most, is multiplied by for the decoder.

    The decoder takes E[μ] + gain (z - E[μ]) for μ, so it is given z - E[μ] = (m - E[μ]) / gain, but none that it has
    not seen in training.
    """
    if furthest <= 0:
        return 1.0
    known = LARGEST_SEEN * (latent.variance + latent.noise) ** 0.5
    return min(1 / latent.gain, max(1.0, known / furthest))


def _with_weights(quantizer: Quantizer, latent: Latent) -> Quantizer:
    """Add the symbols' frequencies as seen, neighbours sharing a cell where there are many."""
    if quantizer.levels == 1:
        return quantizer
    symbols = np.clip((latent.values + quantizer.offset) // quantizer.step, 0, quantizer.levels - 1)
    cell = -(-quantizer.levels // _CELLS)
    cells = -(-quantizer.levels // cell)
    shares = np.bincount(symbols // cell, latent.share, minlength=cells)
    weights = np.rint(shares / shares.max() * LARGEST_WEIGHT).astype(int)
    return replace(quantizer, cell=cell, weights=tuple(weights.tolist()))
