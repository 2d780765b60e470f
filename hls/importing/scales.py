"""How QKeras chooses the scale of a quantizer by the numbers that it quantizes, in float32 as it does."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hls.graph.float32 import Doubles
from hls.importing.options import numbers
from hls.importing.quantizers import Grid, Quantizer

Array = npt.NDArray[np.float32]

EPSILON = np.float32(1e-7)
"""Keras's own."""
LOG2 = np.float32(np.log(2.0))


def round_to_grid(plain: Grid, values: Array) -> Doubles:
    """Values on the grid, with its ends as they are: float32 has none beyond 24 bits."""
    scaled = np.rint(np.ldexp(values.astype(np.float64), plain.type.fraction))
    raw = np.clip(scaled, float(plain.raw_min), float(plain.raw_max))
    return np.asarray(np.ldexp(raw, -plain.type.fraction), np.float64)


def channel_axes(values: Array) -> tuple[int, ...]:
    """All but the last; of a vector the only one."""
    return tuple(range(values.ndim - 1)) if values.ndim > 1 else (0,)


def nearest_power(scale: Array) -> Array:
    """In the logarithm."""
    exponent = np.rint(np.log((scale + EPSILON).astype(np.float32)) / LOG2)
    return np.exp2(exponent).astype(np.float32)


def least_squares(values: Array, steps: Array) -> Array:
    """The scale of each channel by which ``steps`` come nearest to ``values``; of a vector one for each element.

    Sums in float64, rounded once: those of float32 depend on the order in which a machine adds.
    """
    qx, qq = (product.astype(np.float64) for product in (values * steps, steps * steps))
    if values.ndim > 1:
        qx, qq = (product.mean(axis=channel_axes(values), keepdims=True) for product in (qx, qq))
    return np.asarray(qx.astype(np.float32) / (qq.astype(np.float32) + EPSILON), np.float32)


def least_squares_power(values: Array, quantized: Array) -> Array:
    """The power of two nearest (in the logarithm) to the least-squares scale of each channel."""
    qx, qq = values * quantized, quantized * quantized
    if values.ndim > 1:
        axes = channel_axes(values)
        qx, qq = qx.mean(axis=axes, keepdims=True), qq.mean(axis=axes, keepdims=True)
    return nearest_power((qx / (qq + EPSILON)).astype(np.float32))


def symmetric_steps(x: Array, scale: Array, most: np.float32) -> Array:
    """The nearest whole numbers of steps, halves away from zero, up to ``most``."""
    steps = np.floor(np.abs(x) / scale + np.float32(0.5))
    return np.asarray(np.sign(x) * np.where(steps < most, steps, most), np.float32)


def trained_scale(quantizer: Quantizer, values: Array) -> Array | None:
    """What training left behind as ``post_training_scale``, one for all or one a channel."""
    trained = quantizer.options.get("post_training_scale")
    if trained is None:
        return None
    levels = np.float32(2.0 ** (quantizer.bits - int(bool(quantizer.get("keep_negative", True)))))
    found = numbers(trained)
    if found is None or found.shape not in (
        (),
        (1,),
        values.shape[-1:],
        (*(1,) * (values.ndim - 1), values.shape[-1]),
    ):
        raise quantizer.unsupported("a post_training_scale that fits no kernel", "save the model again")
    return np.asarray(found, np.float32) / levels


def signs(quantizer: Quantizer, values: Array) -> Array:
    """One and minus one, or with ``use_01`` one and zero."""
    sign = np.where(values >= 0, np.float32(1), np.float32(-1))
    return np.asarray((sign + 1) / 2 if quantizer.get("use_01", False) else sign, np.float32)


def ternary_threshold(quantizer: Quantizer) -> np.float32:
    """Magnitude from which a ternary quantizer gives plus or minus one."""
    threshold = quantizer.options.get("threshold")
    if isinstance(threshold, str):
        raise quantizer.unsupported(f"threshold={threshold!r}", "use a number")
    return np.float32(0.33 if threshold is None else threshold)
