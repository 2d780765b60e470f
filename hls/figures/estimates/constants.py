"""What the constants of a layer cost when each is multiplied by its own hardware."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from hls.graph.fixed import IntArray

DSP_AREA = 85
"""Bits x bits above which HLS takes a DSP: 16 x 4 is built from LUTs, 16 x 6 is not (C synthesis of hls4ml layers)."""

_WIDE = 1 << 52  # beyond, float64 does not tell the number of bits
_HE_TRUNCATION = 0.87962566103423978  # standard deviation of a normal cut at two of its own


@dataclass(frozen=True)
class ConstantProducts:
    """Products of one input vector with constants, summed over all outputs.

    ``total`` counts all, ``nonzero`` those that are not zero, ``adders`` the signed-digit additions of products built
    from LUTs, ``dsps`` the products that take a DSP instead; ``terms`` is the mean number of non-zero products in one
    output's sum and ``digits`` the most signed digits of any constant built from LUTs.
    """

    total: float
    nonzero: float
    adders: float
    dsps: float
    terms: float
    digits: int


def signed_digits(integers: IntArray) -> npt.NDArray[np.int64]:
    """Non-zero digits of the canonical signed-digit form of each integer: 7 = 8 - 1 has two, 0 has none.

    >>> signed_digits(np.array([0, 4, 7, 11, -15])).tolist()  # 7 = 8 - 1, 11 = 8 + 4 - 1, 15 = 16 - 1
    [0, 1, 2, 3, 2]
    """
    magnitude = np.abs(np.asarray(integers))
    if magnitude.max(initial=0) < _WIDE:
        small = magnitude.astype(np.int64)
        return np.asarray(np.bitwise_count((3 * small) ^ small), np.int64)
    counts = [((3 * value) ^ value).bit_count() for value in map(int, magnitude.ravel())]
    return np.array(counts, np.int64).reshape(magnitude.shape)


def odd_bits(integers: IntArray) -> npt.NDArray[np.int64]:
    """Bits of the odd part of each magnitude (a power of two is a wire): 12 = 3 << 2 has two, 0 has none.

    >>> odd_bits(np.array([0, 8, 12, -5])).tolist()
    [0, 1, 2, 3]
    """
    magnitude = np.abs(np.asarray(integers))
    if magnitude.max(initial=0) < _WIDE:
        small = magnitude.astype(np.int64)
        odd = small // np.maximum(small & -small, 1)
        return np.asarray(np.frexp(odd.astype(np.float64))[1], np.int64)
    lengths = [(value // max(value & -value, 1)).bit_length() for value in map(int, magnitude.ravel())]
    return np.array(lengths, np.int64).reshape(magnitude.shape)


def constant_products(kernel: IntArray, input_bits: int) -> ConstantProducts:
    """How HLS builds the products of an input of ``input_bits`` with each constant of ``kernel`` (inputs, outputs).

    A constant of three signed digits or more takes a DSP if it is wide enough; others become additions of shifted
    inputs.

    Four constants for an input of 8 bits: zero is nothing, 8 a wire, 7 one addition, 11 two:

    >>> found = constant_products(np.array([[0, 8], [7, 11]]), input_bits=8)
    >>> found.total, found.nonzero, found.adders, found.dsps, found.terms
    (4.0, 3.0, 3.0, 0.0, 1.5)
    >>> constant_products(np.array([[0, 8], [7, 11]]), input_bits=18).dsps  # 18 x 5 bits are more than 85
    1.0
    """
    digits = signed_digits(kernel)
    wide = (digits >= 3) & (input_bits * (odd_bits(kernel) + 1) > DSP_AREA)
    adders = np.where(wide, 0, np.maximum(digits - 1, 0))
    nonzero = float(np.count_nonzero(digits))
    return ConstantProducts(
        total=float(digits.size),
        nonzero=nonzero,
        adders=float(adders.sum()),
        dsps=float(np.count_nonzero(wide)),
        terms=nonzero / max(kernel.shape[-1], 1),
        digits=int(np.where(wide, 0, digits).max(initial=0)),
    )


def typical_kernel(inputs: int, outputs: int, bits: int) -> npt.NDArray[np.int64]:
    """Raw integers of an untrained QKeras kernel with ``quantized_bits(bits, 0, alpha=1)``.

    QDense starts from he_normal: a normal of variance 2 / inputs, cut at two standard deviations. Where that is finer
    than the quantizer resolves, QKeras (``QInitializer``) multiplies the variance by the largest value over the
    deviation. Quantiles stand for a random draw, so that the result is always the same.
    """
    scale = 1 << (bits - 1)
    unit = _normal_quantiles(inputs * outputs)
    deviation = np.sqrt(2 / inputs)
    if deviation < 2.0**-bits:
        deviation = np.sqrt(deviation)
    raw = np.clip(np.rint(unit * deviation * scale), -scale, scale - 1).astype(np.int64)
    return np.random.default_rng(0).permutation(raw).reshape(inputs, outputs)


def _normal_quantiles(count: int) -> npt.NDArray[np.float64]:
    """Quantiles of a normal of unit variance that was cut at two standard deviations of the uncut one."""
    normal = NormalDist(sigma=1 / _HE_TRUNCATION)
    edge = normal.cdf(-2 * normal.stdev)
    return np.array([normal.inv_cdf(edge + (1 - 2 * edge) * (i + 0.5) / count) for i in range(count)])
