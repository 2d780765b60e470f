"""Operators between constants, computed while the file is read: in float32, as whoever runs the file does."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from hls.errors import UnsupportedError
from hls.importing.onnx.backend import Quantizer
from hls.importing.onnx.tensors import Array, Constant

_LARGEST = 1 << 24
"""Elements of a constant that operators make: more than any chip has weights."""
ROUNDINGS: Mapping[str, Callable[[Array], Array]] = {
    "ROUND": np.rint,
    "FLOOR": np.floor,
    "CEIL": np.ceil,
    "DOWN": np.fix,
    "UP": lambda x: np.sign(x) * np.ceil(np.abs(x)),
    "HALF_UP": lambda x: np.sign(x) * np.floor(np.abs(x) + np.float32(0.5)),
    "HALF_DOWN": lambda x: np.sign(x) * np.ceil(np.abs(x) - np.float32(0.5)),
}

FUNCTIONS: Mapping[str, Callable[[Array], Array]] = {
    "Ceil": np.ceil, "Exp": np.exp, "Floor": np.floor, "Log": np.log, "Reciprocal": np.reciprocal, "Round": np.rint,
    "Sqrt": np.sqrt,
}  # fmt: skip
"""What exporters leave between constants, such as the bit widths that Brevitas computes of a window's size."""


def function(kind: str, constant: Constant) -> Constant:
    """One of ``FUNCTIONS`` of a constant."""
    with np.errstate(all="ignore"):
        return Constant(FUNCTIONS[kind](constant.values))


def moved(constant: Constant, move: Callable[[Array], Array]) -> Constant:
    """A constant whose elements change places: its integers do too, and its scale, one number for each of them."""
    if constant.integers is None or constant.scale is None:
        return Constant(move(constant.values))
    scale = constant.scale
    whole = scale if scale.size == 1 else move(np.broadcast_to(scale, constant.values.shape))
    return Constant(move(constant.values), move(constant.integers), whole)


def quantized(constant: Constant, quantizer: Quantizer) -> Constant:
    """The constant on a quantizer's grid."""
    x = np.asarray(constant.values, np.float32)
    scaled = np.clip(x / quantizer.scale + quantizer.zero, quantizer.low, quantizer.high)
    integers = ROUNDINGS[quantizer.rounding](scaled.astype(np.float32)) - quantizer.zero
    values = np.asarray(integers * quantizer.scale, np.float32)
    return Constant(values, np.broadcast_to(integers, values.shape), quantizer.scale)


def bipolar(constant: Constant, scale: Array) -> Constant:
    """``scale`` or ``-scale``, by the sign of each element."""
    signs = np.where(np.asarray(constant.values) >= 0, np.float32(1), np.float32(-1))
    values = np.asarray(signs * scale, np.float32)
    return Constant(values, np.broadcast_to(signs, values.shape), np.asarray(scale, np.float32))


def dequantized(constant: Constant, scale: Array, zero: Array) -> Constant:
    """``(constant - zero) * scale``, kept as such."""
    integers = np.asarray(constant.values, np.float32) - np.asarray(zero, np.float32)
    values = np.asarray(integers * scale, np.float32)
    return Constant(values, integers, np.asarray(scale, np.float32))


def clipped(constant: Constant, low: float | None, high: float | None) -> Constant:
    """The constant between two ends, of which either may be open, in the type that it has."""
    if low is None and high is None:
        return constant
    return Constant(np.asarray(np.clip(constant.values, low, high), constant.values.dtype))


def bounded(size: int, where: str) -> None:
    """Raise UnsupportedError for a constant that is larger than a file of weights states: it is damaged."""
    if size > _LARGEST:
        raise UnsupportedError(f"{where}: a constant of {size} elements; export the model again")


def arithmetic(kind: str, a: Array, b: Array, where: str) -> Constant:
    """Add, Sub, Mul or Div."""
    bounded(math.prod(np.broadcast_shapes(a.shape, b.shape)), where)
    with np.errstate(all="ignore"):
        if kind == "Add":
            found = a + b
        elif kind == "Sub":
            found = a - b
        elif kind == "Mul":
            found = a * b
        else:
            found = a // b if a.dtype.kind in "iu" else a / b
    return Constant(np.asarray(found, a.dtype if a.dtype.kind == "f" else found.dtype))


def rescaled(constant: Constant, kind: str, factor: Array, product: Constant) -> Constant:
    """``product`` of a Mul or Div of a constant by a factor, with the integers that it had and a scale times that."""
    if constant.integers is None or constant.scale is None or not np.all(factor > 0):
        return product
    scale = constant.scale * factor if kind == "Mul" else constant.scale / factor
    integers = np.broadcast_to(constant.integers, product.values.shape)
    return Constant(product.values, integers, np.asarray(scale, np.float32))


def filled(shape: Sequence[int], value: Any, where: str) -> Constant:
    """A constant of one number all over.

    Raises:
        UnsupportedError: it is too large to be meant.
    """
    bounded(-1 if min(shape, default=0) < 0 else math.prod(shape), where)
    return Constant(np.full(tuple(shape), value))
