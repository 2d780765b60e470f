"""Pooling layers. An average is a sum, times a constant, and, where the count is no power of two, a floor."""

from __future__ import annotations

import math
import reprlib

import numpy as np

from hls.errors import ModelFileError, UnsupportedError
from hls.graph import nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.graph.float32 import EXACT, Float32, Quotient
from hls.graph.windows import same_padding
from hls.importing.activations import emit_activation
from hls.importing.emitter import Emitter, Handler
from hls.importing.options import require_channels_last, sizes
from hls.importing.quantizers import parse_quantizer
from hls.importing.spec import LayerSpec
from hls.importing.weights import float32_deviation, quantize_values

_LARGEST_DIVISOR = 1 << 24


def _pool(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...], *, maximum: bool) -> tuple[str, int]:
    """The Pool node of a windowed layer, and the number of values in a window."""
    require_channels_last(spec)
    rank = len(emit.edge(inputs[0]).shape) - 1
    window = sizes(spec.config["pool_size"], rank)
    strides = sizes(spec.config.get("strides") or window, rank)
    if len(window) != rank:
        raise ModelFileError(
            f"layer {spec.name!r} is inconsistent: it pools over {len(window)} axes and reads a tensor of shape "
            f"{emit.edge(inputs[0]).shape}; save the whole model again"
        )
    padding = ((0, 0),) * rank
    if spec.config.get("padding", "valid") == "same":
        spatial = emit.edge(inputs[0]).shape[:rank]
        padding = tuple(same_padding(*axis) for axis in zip(spatial, window, strides, strict=True))
        if not maximum and any(p != (0, 0) for p in padding):
            raise UnsupportedError(
                f"layer {spec.name!r}: average pooling with padding='same' divides by another count at the border; "
                "use padding='valid' and an input that its windows fill, which is another network"
            )
    name = emit(nodes.Pool, "max" if maximum else "sum", inputs, window, strides, padding, maximum)
    return name, math.prod(window)


def _global(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...], *, maximum: bool) -> tuple[str, int]:
    require_channels_last(spec)
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
    return name, math.prod(window)


def divided(emit: Emitter, total: str, count: int) -> str:
    """``total / count``. For a power of two the binary point moves; else see :func:`divide`."""
    if count & (count - 1):
        return divide(emit, total, count)
    factor = FixedArray(np.array([1], np.int64), count.bit_length() - 1)
    return emit(nodes.Scale, "average", (total,), factor, FixedArray(np.zeros(1, np.int64), 0))


def _average(emit: Emitter, spec: LayerSpec, total: str, count: int) -> str:
    quantizer = parse_quantizer(spec.config.get("average_quantizer"), f"layer {spec.name!r}, average_quantizer")
    if quantizer is not None:
        share = np.array([1.0 / count], np.float32)
        factor, zero = FixedArray.from_float(quantize_values(quantizer, share)), FixedArray(np.zeros(1, np.int64), 0)
        note = Float32(weights=float32_deviation(quantizer, share, factor))
        out = emit(nodes.Scale, "average", (total,), factor, zero, float32=note)
        if spec.class_name == "QAveragePooling2D":  # multiplies by the count, and Keras divides by it
            emit.builder.float32[total] = Float32(scaled=count)
    else:
        out = divided(emit, total, count)
    return emit_activation(emit, spec.config.get("activation"), out)


def divide(emit: Emitter, total: str, count: int) -> str:
    """``floor(total / count)`` on a grid fine enough for any quantizer of the network to round as the quotient would.

    Quotients are multiples of ``2**-f / count``. On a grid of F bits that is finer than a quantizer's half LSB by more
    than a factor ``count``, a floor never moves a quotient onto or across a tie. The division is a multiplication by a
    reciprocal plus half of ``1 / count``: the nearest grid point is then at least that half away, and a reciprocal
    with enough bits cannot err by as much. A leaky slope between the two is a power of two, of one at most (another is
    refused as any factor is): it takes the ties that the mean sees further apart, and never off this grid.
    """
    edge = emit.edge(total)
    fraction = max(edge.fraction, emit.guard_fraction) + count.bit_length() + 1
    bits = ((edge.magnitude + 1) * 2 * count).bit_length() + 1 + fraction - edge.fraction
    reciprocal = ((1 << (bits + fraction - edge.fraction + 1)) // count + 1) // 2
    half = ((1 << bits) // count + 1) // 2
    scaled = emit(
        nodes.Scale,
        "reciprocal",
        (total,),
        FixedArray(
            np.array([reciprocal], object if reciprocal.bit_length() > 62 else np.int64),
            bits + fraction - edge.fraction,
        ),
        FixedArray(np.array([half], object if half.bit_length() > 62 else np.int64), bits + fraction),
        float32=EXACT,
    )
    wide = emit.edge(scaled)
    shift = wide.fraction - fraction
    low, high = wide.raw_min >> shift, wide.raw_max >> shift
    type_ = FixedType.covering(min(low, 0), max(high, 0), fraction)
    floor = (type_, type_.raw_min, type_.raw_max, nodes.Rounding.FLOOR)
    out = emit(nodes.Quantize, "quotient", (scaled,), *floor, float32=Float32(quotient=Quotient(total, count)))
    emit.mark_unrounded(out)
    return out


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
