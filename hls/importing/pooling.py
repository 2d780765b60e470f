"""Pooling layers. An average is a sum, times a constant, and, where the count is no power of two, a floor."""

from __future__ import annotations

import math
import reprlib

import numpy as np

from hls.errors import ModelFileError, UnsupportedError
from hls.graph import nodes
from hls.graph.fixed import FixedArray, FixedType, IntArray
from hls.graph.float32 import EXACT, Float32, Quotient
from hls.graph.windows import patches, same_padding
from hls.importing.activations import emit_activation
from hls.importing.emitter import Emitter, Handler
from hls.importing.options import sizes
from hls.importing.quantizers import parse_quantizer
from hls.importing.spec import LayerSpec
from hls.importing.weights import float32_deviation, quantize_values

Counts = tuple[int, ...]
"""How many values a mean is of: one number, or one for each element."""
_LARGEST_DIVISOR = 1 << 24


def _pool(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...], *, maximum: bool) -> tuple[str, Counts]:
    """The Pool node of a windowed layer, and how many values each of its windows holds."""
    rank = len(emit.edge(inputs[0]).shape) - 1
    window = sizes(spec.config["pool_size"], rank)
    strides = sizes(spec.config.get("strides") or window, rank)
    if len(window) != rank:
        raise ModelFileError(
            f"layer {spec.name!r} is inconsistent: it pools over {len(window)} axes and reads a tensor of shape "
            f"{emit.edge(inputs[0]).shape}; save the whole model again"
        )
    padding: tuple[tuple[int, int], ...] = ((0, 0),) * rank
    if spec.config.get("padding", "valid") == "same":
        spatial = emit.edge(inputs[0]).shape[:rank]
        padding = tuple(same_padding(*axis) for axis in zip(spatial, window, strides, strict=True))
        if padding != ((0, 0),) * rank and spec.class_name == "QAveragePooling2D":
            raise UnsupportedError(
                f"layer {spec.name!r}: QAveragePooling2D with padding='same' averages fewer values at the border and "
                "multiplies by the count of a whole window; use padding='valid' and an input that its windows fill, "
                "which is another network"
            )
    name = emit(nodes.Pool, "max" if maximum else "sum", inputs, window, strides, padding, maximum)
    if maximum or padding == ((0, 0),) * rank:
        return name, (math.prod(window),)
    ones = np.ones((1, *emit.edge(inputs[0]).shape), np.int64)
    inside = patches(ones, window, strides, (1,) * rank, padding)[0]
    return name, tuple(int(count) for count in inside.sum(axis=tuple(range(rank, 2 * rank))).ravel())


def _global(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...], *, maximum: bool) -> tuple[str, Counts]:
    shape = emit.edge(inputs[0]).shape
    window, channels = shape[:-1], shape[-1]
    if not window:
        raise ModelFileError(
            f"layer {spec.name!r} is inconsistent: it pools a tensor of shape {shape}; save the whole model again"
        )
    rank = len(window)
    name = emit(nodes.Pool, "max" if maximum else "sum", inputs, window, window, ((0, 0),) * rank, maximum)
    if not spec.config.get("keepdims", False):
        name = emit(nodes.Reshape, "squeeze", (name,), (channels,))
    return name, (math.prod(window),)


def divided(emit: Emitter, total: str, *counts: int) -> str:
    """``total / count``, with one count or one for each element.

    For powers of two the binary point moves; else see :func:`_quotient`.
    """
    if len(set(counts)) > 1:
        shape = emit.edge(total).shape
        flat = emit(nodes.Reshape, "flat", (total,), (math.prod(shape),))
        return emit(nodes.Reshape, "unflattened", (_divided(emit, flat, counts),), shape)
    return _divided(emit, total, counts[:1])


def _divided(emit: Emitter, total: str, counts: Counts) -> str:
    if any(count & (count - 1) for count in counts):
        return _quotient(emit, total, counts)
    most = max(counts)
    factor = FixedArray(np.array([most // count for count in counts], np.int64), most.bit_length() - 1)
    return emit(nodes.Scale, "average", (total,), factor, FixedArray(np.zeros(1, np.int64), 0))


def _average(emit: Emitter, spec: LayerSpec, total: str, counts: Counts) -> str:
    count = max(counts)  # of a whole window, which is all there is where a share is quantized
    quantizer = parse_quantizer(spec.config.get("average_quantizer"), f"layer {spec.name!r}, average_quantizer")
    if quantizer is not None:
        share = np.array([1.0 / count], np.float32)
        factor, zero = FixedArray.from_float(quantize_values(quantizer, share)), FixedArray(np.zeros(1, np.int64), 0)
        note = Float32(weights=float32_deviation(quantizer, share, factor))
        out = emit(nodes.Scale, "average", (total,), factor, zero, float32=note)
        if spec.class_name == "QAveragePooling2D":  # multiplies by the count, and Keras divides by it
            emit.builder.float32[total] = Float32(scaled=count)
    else:
        out = divided(emit, total, *counts)
    return emit_activation(emit, spec.config.get("activation"), out)


def _quotient(emit: Emitter, total: str, counts: Counts) -> str:
    """``floor(total / count)`` on a grid fine enough for any quantizer of the network to round as the quotient would.

    Quotients are multiples of ``2**-f / count``. On a grid of F bits that is finer than a quantizer's half LSB by more
    than a factor ``count``, a floor never moves a quotient onto or across a tie. The division is a multiplication by a
    reciprocal plus half of ``1 / count``: the nearest grid point is then at least that half away, and a reciprocal
    with enough bits cannot err by as much. A leaky slope between the two is a power of two, of one at most (another is
    refused as any factor is): it takes the ties that the mean sees further apart, and never off this grid.
    Of several counts the greatest asks for most bits.
    """
    edge, most = emit.edge(total), max(counts)
    fraction = max(edge.fraction, emit.guard_fraction) + most.bit_length() + 1
    finer = fraction - edge.fraction
    bits = ((edge.magnitude + 1) * 2 * most).bit_length() + 1 + finer
    reciprocals, halves = (
        _integers([((1 << (width + 1)) // count + 1) // 2 for count in counts]) for width in (bits + finer, bits - 1)
    )
    scaled = emit(
        nodes.Scale,
        "reciprocal",
        (total,),
        FixedArray(reciprocals, bits + finer),
        FixedArray(halves, bits + fraction),
        float32=EXACT,
    )
    wide = emit.edge(scaled)
    shift = wide.fraction - fraction
    low, high = wide.raw_min >> shift, wide.raw_max >> shift
    type_ = FixedType.covering(min(low, 0), max(high, 0), fraction)
    floor = (type_, type_.raw_min, type_.raw_max, nodes.Rounding.FLOOR)
    out = emit(nodes.Quantize, "quotient", (scaled,), *floor, float32=Float32(quotient=Quotient(total, counts)))
    emit.mark_unrounded(out)
    return out


def _integers(values: list[int]) -> IntArray:
    return np.array(values, object if max(values).bit_length() > 62 else np.int64)


def _max_pool(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    return _pool(emit, spec, inputs, maximum=True)[0]


def _global_max(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    return _global(emit, spec, inputs, maximum=True)[0]


def _average_pool(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    return _average(emit, spec, *_pool(emit, spec, inputs, maximum=False))


def _global_average(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    return _average(emit, spec, *_global(emit, spec, inputs, maximum=False))


def _global_sum(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    if len(emit.edge(inputs[0]).shape) != 2:
        raise ModelFileError(
            f"layer {spec.name!r} is inconsistent: {spec.class_name} sums (particles, channels) over the particles, "
            "and reads "
            f"a tensor of shape {emit.edge(inputs[0]).shape}; save the whole model again"
        )
    divisor = spec.config.get("divisor", 1)
    if not isinstance(divisor, int) or not 0 < divisor <= _LARGEST_DIVISOR or divisor & (divisor - 1):
        raise UnsupportedError(
            f"layer {spec.name!r}: divisor={reprlib.repr(divisor)} is no power of two; take 1, 2, 4, 8, ..., which "
            "is another "
            "network"
        )
    total, _ = _global(emit, spec, inputs, maximum=False)
    return total if divisor == 1 else divided(emit, total, divisor)


HANDLERS: dict[str, Handler] = {
    "GlobalSumPooling1D": _global_sum,
    **dict.fromkeys(("MaxPooling1D", "MaxPooling2D"), _max_pool),
    **dict.fromkeys(("GlobalMaxPooling1D", "GlobalMaxPooling2D"), _global_max),
    **dict.fromkeys(("AveragePooling1D", "AveragePooling2D", "QAveragePooling2D"), _average_pool),
    **dict.fromkeys(("GlobalAveragePooling1D", "GlobalAveragePooling2D", "QGlobalAveragePooling2D"), _global_average),
}
