"""Weights of a sum of products: their integers, and the scale that stays outside of the sum."""

from __future__ import annotations

import numpy as np

from hls.errors import UnsupportedError
from hls.graph.fixed import FixedArray, narrow, widen
from hls.importing.onnx.affine import ONE, Fractions, fixed, fractions
from hls.importing.onnx.tensors import Array, Constant

_MOST_STATED_BITS = 20
"""Numbers of so few bits without a quantizer were quantized by whoever wrote them: float32 has 24."""


def kernel_of(weights: Constant, operator: str) -> tuple[FixedArray, Fractions]:
    """Their integers and a scale for each output; or their values, where their scale is a power of two.

    Raises:
        UnsupportedError: plain floats; ``operator`` is the one that is named.
    """
    stated = FixedArray.from_float(weights.values)
    if stated.type.width <= _MOST_STATED_BITS:
        return stated, ONE
    if weights.integers is None or weights.scale is None:
        raise UnsupportedError(
            f"operator {operator!r}: its weights are plain floats; quantize the model: "
            "qtrigger quantize MODEL --events FILE --out NEW.keras, or train it with quantizers (Brevitas)"
        )
    scale = weights.scale if weights.scale.size == 1 else np.broadcast_to(weights.scale, weights.values.shape)
    rows = np.asarray(scale).reshape(-1, scale.shape[-1] if scale.size > 1 else 1)
    if (rows != rows[0]).any():
        return stated, ONE  # a scale for each input: the product is exact too, and wide
    return FixedArray.from_float(weights.integers), fractions(rows[0])


def by_rows(matrix: FixedArray, factor: Array) -> FixedArray:
    """A matrix with a factor for each of its rows, of shape (rows, 1)."""
    line = fixed(factor.reshape(-1))
    product = widen(matrix.integers) * widen(line.integers).reshape(factor.shape)
    return FixedArray(narrow(product), matrix.fraction + line.fraction)
