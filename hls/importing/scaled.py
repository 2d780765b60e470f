"""Weights with scales that are no powers of two: steps of few bits, times one number for each channel.

The specification multiplies the scale, the float32 number that it is, with the exact sum of the steps; QKeras
multiplies each weight with it first, and rounds the product. Where a scale is a quotient of sums (least squares),
whose float32 value depends on the order in which a machine adds, the specification adds in float64 and rounds once.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ldexp
from typing import TypeGuard

import numpy as np

from hls.graph.fixed import FixedArray, times
from hls.graph.float32 import Doubles
from hls.importing.quantizers import Quantizer
from hls.importing.scales import (
    EPSILON,
    Array,
    channel_axes,
    least_squares,
    least_squares_power,
    nearest_power,
    signs,
    symmetric_steps,
    trained_scale,
)

_UNIT = 2.0**-24
_UNSURE = 2.0**-16
"""How near to a tie a weight is refused, since another order of sums might put it on the other side."""
AUTO, AUTO_PO2 = "auto", "auto_po2"
_MOST_LOOPS = 5


@dataclass(frozen=True, eq=False)
class Scaled:
    """``steps * scale``, the scale of shape (channels,) along the last axis, or (1,).

    ``doubt`` is by how much QKeras's scale may be off ours, as a part of it.
    """

    steps: Doubles
    scale: Array
    doubt: float = 0.0

    def constant(self) -> FixedArray:
        """Every product, exactly."""
        return times(FixedArray.from_float(self.steps), FixedArray.from_float(self.scale))

    @property
    def powers(self) -> bool:
        """Whether every scale is a power of two, whose products are no wider than the steps."""
        return _are_powers(self.scale)

    def deviation(self, values: Array) -> Doubles:
        """By how much QKeras's weights may be off, in units of the scale.

        It rounds when it multiplies by the scale, when it adds and subtracts ``x``, and when it multiplies by an input,
        where a power of two alone would round nothing.
        """
        x, scale = values.astype(np.float32), self.scale.astype(np.float64)
        exact = self.steps * scale
        held = exact.astype(np.float32)
        stuck = np.abs((x + (held - x)).astype(np.float64) - exact)
        off = np.maximum(np.abs(held - exact), stuck) / np.where(scale == 0, 1.0, np.abs(scale))
        return np.asarray(off + np.abs(self.steps) * (self.doubt + 4 * _UNIT))


def scaled(quantizer: Quantizer, values: Array) -> Scaled | None:
    """Weights through a quantizer whose scale they choose, or that divides by one; None for any other quantizer.

    Raises:
        UnsupportedError: a scale that float32 may choose in two ways.
    """
    alpha, values = quantizer.options.get("alpha"), values.astype(np.float32)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        if alpha in (AUTO, AUTO_PO2) and quantizer.kind == "quantized_bits":
            return _bits(quantizer, values)
        if alpha in (AUTO, AUTO_PO2) and quantizer.kind == "quantized_linear":
            return _linear(quantizer, values, _linear_scale(quantizer, values))
        if alpha == AUTO and quantizer.kind == "binary":
            return _least_squares(values, signs(quantizer, values))
        if alpha == AUTO and quantizer.kind == "ternary":
            return _ternary(quantizer, values)
        if quantizer.kind == "quantized_linear" and _divides(alpha):
            unit = ldexp(1.0, quantizer.integer - quantizer.bits + bool(quantizer.get("keep_negative", True)))
            return _linear(quantizer, values, np.full(1, np.float32(alpha) * np.float32(unit)))
    return None


def _divides(alpha: object) -> TypeGuard[float]:
    """Whether quantized_linear divides by what is no power of two."""
    return isinstance(alpha, int | float) and not _are_powers(np.float32(alpha).reshape(1))


def _bits(quantizer: Quantizer, values: Array) -> Scaled | None:
    """The largest magnitude of a channel becomes the largest step; ``auto_po2`` only with a scale found in training."""
    half_levels = np.float32(2 ** (quantizer.bits - 1) - 1)
    trained = trained_scale(quantizer, values)
    if quantizer.options["alpha"] == AUTO_PO2 and (trained is None or _are_powers(trained)):
        return None
    if half_levels < 1:
        raise quantizer.unsupported("bits=1 and alpha='auto'", "use binary(alpha='auto')")
    top = np.float32(2.0**quantizer.integer)
    x = values / top
    largest = np.abs(x).max(axis=channel_axes(x), keepdims=True)
    scale = largest * 2 / (2 * half_levels) if trained is None else trained
    return Scaled(symmetric_steps(x, scale, half_levels) * np.float64(top), scale.reshape(-1))


def _are_powers(scale: Array) -> bool:
    return bool(np.isin(np.frexp(scale)[0], (0.0, 0.5)).all())


def _linear_ends(quantizer: Quantizer) -> tuple[np.float32, np.float32]:
    signed = bool(quantizer.get("keep_negative", True))
    if signed and quantizer.bits == 1:
        return np.float32(-0.5), np.float32(0.5)
    levels = 2.0 ** (quantizer.bits - signed)
    return np.float32(signed * (quantizer.symmetric - levels)), np.float32(levels - 1)


def _linear_scale(quantizer: Quantizer, values: Array) -> Array:
    """The least that clips nothing; for ``auto_po2`` the power of two next to the one of least squares.

    One for each element of a vector: QKeras takes the greatest over all axes but the last, which there are none.
    """
    low, high = _linear_ends(quantizer)
    over = np.abs(values) * 2 if quantizer.get("keep_negative", True) else values
    scale = np.maximum(over.max(axis=tuple(range(values.ndim - 1)), keepdims=True) / (high - low), EPSILON)
    if quantizer.options["alpha"] == AUTO:
        return np.asarray(scale, np.float32)
    scale, last = nearest_power(scale), -np.ones_like(scale)
    for _ in range(1 if low == -0.5 else _MOST_LOOPS):
        if not (last != scale).any():
            break
        steps = _linear(quantizer, values, scale).steps.astype(np.float32)
        last, scale = scale, least_squares_power(values, steps)
    return np.asarray(scale, np.float32)


def _linear(quantizer: Quantizer, values: Array, scale: Array) -> Scaled:
    low, high = _linear_ends(quantizer)
    shift = np.float32(0.5 if low == -0.5 else 0.0)
    steps = np.rint(np.clip(values / scale, low, high) - shift) + shift
    return Scaled(steps.astype(np.float64), scale.reshape(-1))


def _least_squares(values: Array, steps: Array) -> Scaled:
    """Of magnitudes, which are not negative: sums of n of them are off by n roundings at most."""
    count = values.size // values.shape[-1] if values.ndim > 1 else 0
    scale = least_squares(values, steps)
    return Scaled(steps.astype(np.float64), np.asarray(scale, np.float32).reshape(-1), (2 * count + 4) * _UNIT)


def _ternary(quantizer: Quantizer, values: Array) -> Scaled:
    axes = channel_axes(values) if values.ndim > 1 else None
    scale = np.asarray(2 * np.abs(values).max(axis=axes, keepdims=True) / np.float32(3), np.float32)
    steps = np.zeros_like(values)
    for _ in range(quantizer.whole("number_of_unrolls", 5)):
        ratio = np.abs(values / scale)
        if (np.abs(ratio - 0.5) < _UNSURE).any():
            raise quantizer.unsupported(
                "a weight at its threshold, which float32 puts on either side",
                "train with alpha='auto_po2' or a threshold of its own, which is another network",
            )
        # In a vector each has a scale, which is 0 once it is: by 0 QKeras divides to no number, which it drops.
        steps = np.where((ratio > 0.5) & (scale > 0), np.sign(values), np.float32(0))
        scale = np.asarray(least_squares(values, steps), np.float32)
    return _least_squares(values, steps)
