"""Quantizers of QONNX (Brevitas), FINN and ONNX itself."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np

from hls.importing.onnx import folding
from hls.importing.onnx.backend import SAME_ROUNDING, Floats, Quantizer, Rounding
from hls.importing.onnx.operation import Operation
from hls.importing.onnx.tensors import Constant, Tensor, channels_last, positive_axis, vector

_MOST_BITS = 64
_OUTPUT_TYPES: dict[int, type[np.integer[Any]]] = {
    0: np.uint8, 2: np.uint8, 3: np.int8, 4: np.uint16, 5: np.int16,
}  # fmt: skip
"""ONNX's numbers of element types, which say what a QuantizeLinear without a zero point gives."""


def _rounding(op: Operation, default: str) -> Rounding:
    stated = op.attribute("rounding_mode", default).upper()
    for mode in get_args(Rounding):
        if SAME_ROUNDING.get(stated, stated) == mode:
            found: Rounding = mode
            return found
    raise op.unsupported(f"rounding_mode {stated!r}", f"use {', '.join(get_args(Rounding))}")


def _bits(op: Operation, index: int) -> int:
    bits = op.number(index, "bit width")
    if bits != int(bits) or not 1 <= bits <= _MOST_BITS:
        raise op.unsupported(f"a bit width of {bits:g}", f"use a whole number up to {_MOST_BITS}")
    return int(bits)


def _positive(op: Operation, index: int) -> Floats:
    scale = op.floats(index, "scale")
    if not scale.size or not (scale > 0).all():
        raise op.unsupported("a scale that is not above zero", "train and export the model again")
    return scale


def _ends(bits: int, *, signed: bool, narrow: bool) -> tuple[int, int]:
    if signed:
        return narrow - (1 << (bits - 1)), (1 << (bits - 1)) - 1
    return 0, (1 << bits) - 1 - narrow


def _quantizer(op: Operation, bits: int, default_rounding: str) -> Quantizer:
    signed, narrow = bool(op.attribute("signed", 1)), bool(op.attribute("narrow", 0))
    low, high = _ends(bits, signed=signed, narrow=narrow)
    zero = op.floats(2, "zero point")
    if (zero != np.rint(zero)).any() or not zero.size:
        raise op.unsupported("a zero point between whole numbers", "use a whole one")
    return Quantizer(_positive(op, 1), zero, low, high, _rounding(op, default_rounding))


def quant(op: Operation) -> Tensor | Constant:
    """QONNX's Quant: one bit with a sign is +1 and -1, as its own execution has it."""
    bits = _bits(op, 3)
    quantizer = _quantizer(op, bits, "ROUND")
    if bits == 1 and op.attribute("signed", 1):
        if quantizer.zero.any():
            raise op.unsupported("one bit with a zero point", "use BipolarQuant")
        return bipolar(op)
    x = op.argument(0)
    return folding.quantized(x, quantizer) if isinstance(x, Constant) else _emit(op, op.tensor(), quantizer)


def _emit(op: Operation, x: Tensor, quantizer: Quantizer) -> Tensor:
    wide = quantizer.scale if quantizer.scale.size >= quantizer.zero.size else quantizer.zero
    x, _, shape = vector(op.backend, x, wide, op.where)
    scale, zero = (values.reshape(-1) for values in (quantizer.scale, quantizer.zero))
    if shape is not None:
        raise op.unsupported("a scale for each element", "one for the tensor, or one a channel")
    flat = Quantizer(scale, zero, quantizer.low, quantizer.high, quantizer.rounding)
    return Tensor(op.backend.quantize(x.handle, flat), x.shape, x.axes)


def bipolar(op: Operation) -> Tensor | Constant:
    """BipolarQuant: the sign, of zero too, times a scale."""
    scale, x = _positive(op, 1), op.argument(0)
    if isinstance(x, Constant):
        return folding.bipolar(x, scale)
    x, row, shape = vector(op.backend, op.tensor(), scale, op.where)
    if shape is not None:
        raise op.unsupported("a scale for each element", "one for the tensor, or one a channel")
    return Tensor(op.backend.bipolar(x.handle, row), x.shape, x.axes)


def trunc(op: Operation) -> Tensor:
    """QONNX's Trunc of either version."""
    x = op.tensor()
    scale, second = op.number(1, "scale"), len(op.node.inputs) > 5
    _positive(op, 1)
    if second:
        bits, out_scale = _bits(op, 5), op.number(4, "output scale")
        divisor = 2.0 ** np.rint(np.log2(out_scale / scale)) if out_scale > 0 else 0.0
        quantizer = _quantizer(op, bits, "FLOOR")
    else:
        divisor, out_scale = 2.0 ** (_bits(op, 3) - _bits(op, 4)), scale
        quantizer = _quantizer(op, _MOST_BITS, "FLOOR")
    if not 2.0**-_MOST_BITS <= divisor <= 2.0**_MOST_BITS:  # below 1 as Brevitas has it, whose averages gain bits
        raise op.unsupported(f"divides by {divisor:g}", "take an output scale nearer to the scale")
    if quantizer.zero.any():
        raise op.unsupported("a zero point", "use zero")
    return Tensor(op.backend.truncate(x.handle, quantizer, float(divisor), out_scale), x.shape, x.axes)


def multi_threshold(op: Operation) -> Tensor:
    """FINN's MultiThreshold: how many thresholds a value has reached."""
    x, thresholds = op.tensor(), op.floats(1, "thresholds")
    layout = op.attribute("data_layout", "")
    axis = layout.index("C") if "C" in layout else 1 if len(x.axes) != 3 else 2
    if thresholds.ndim != 2 or axis >= len(x.axes):
        raise op.unsupported(f"thresholds of shape {thresholds.shape}", "one row a channel")
    x = channels_last(op.backend, x, axis, op.where)
    if len(thresholds) not in (1, x.shape[-1]) or not 1 <= thresholds.shape[1] < 256:
        raise op.unsupported(
            f"thresholds of shape {thresholds.shape} for {x.shape[-1]} channels", "one row a channel, 255 steps at most"
        )
    out = op.backend.thresholds(x.handle, thresholds, op.attribute("out_scale", 1.0), op.attribute("out_bias", 0.0))
    return Tensor(out, x.shape, x.axes)


def _integer_range(op: Operation) -> tuple[Floats, int, int]:
    """The zero point, whose type says of how many bits the integers are."""
    if op.argument(2) is None:
        kind = op.attribute("output_dtype", 0)
        if kind not in _OUTPUT_TYPES:
            raise op.unsupported(f"integers of ONNX type {kind}", "int8 or uint8")
        bounds = np.iinfo(_OUTPUT_TYPES[kind])
        return np.zeros(1, np.float32), int(bounds.min), int(bounds.max)
    values = op.constant(2, "zero point").values
    if values.dtype.kind not in "iu":
        raise op.unsupported(f"integers of type {values.dtype}", "int8 or uint8")
    bounds = np.iinfo(values.dtype)
    return values.astype(np.float32), int(bounds.min), int(bounds.max)


def _along(op: Operation, values: Floats, weights: Constant) -> Floats:
    """Numbers of a channel each, along the axis that the operator names; a single one as it is."""
    shape = weights.values.shape
    if values.size == 1:
        return values.reshape(-1)
    axis = positive_axis(op.attribute("axis", 1), len(shape), op.where)
    if values.shape != (shape[axis],):
        raise op.unsupported(f"scales of shape {values.shape} for weights {shape}", "one for all, or one a channel")
    return values.reshape([-1 if place == axis else 1 for place in range(len(shape))])


def quantize_linear(op: Operation) -> Tensor | Constant:
    """ONNX's QuantizeLinear: the integers, zero point and all; of weights too, which a DequantizeLinear then reads."""
    zero, low, high = _integer_range(op)
    scale, weights = _positive(op, 1), op.argument(0)
    if isinstance(weights, Constant):
        scale, zero = (_along(op, values, weights) for values in (scale, zero))
        steps = np.rint(np.asarray(weights.values, np.float32) / scale) + zero
        return Constant(np.asarray(np.clip(steps, low, high), np.float32))
    if max(scale.size, zero.size) > 1:
        raise op.unsupported("a scale for each channel of an activation", "one for the tensor")
    # It rounds before it adds the zero point, where QONNX's Quant rounds the sum: by an odd one ties go the other way.
    whole = int(zero.reshape(-1)[0])
    x = _emit(op, op.tensor(), Quantizer(scale, np.zeros(1, np.float32), low - whole, high - whole, "ROUND"))
    out = op.backend.scale(x.handle, scale.reshape(1), zero.reshape(1), divide=True)
    return Tensor(out, x.shape, x.axes)


def dequantize_linear(op: Operation) -> Tensor | Constant:
    """ONNX's DequantizeLinear: ``(integer - zero) * scale``."""
    scale, x = _positive(op, 1), op.argument(0)
    zero = op.floats(2, "zero point") if op.argument(2) is not None else np.zeros(1, np.float32)
    if isinstance(x, Constant):
        return folding.dequantized(x, *(_along(op, values, x) for values in (scale, zero)))
    if max(scale.size, zero.size) > 1:
        raise op.unsupported("a scale for each channel of an activation", "one for the tensor")
    held = op.tensor()
    centred = op.backend.scale(held.handle, None, -zero.reshape(1))
    return Tensor(op.backend.scale(centred, scale.reshape(1), None), held.shape, held.axes)
