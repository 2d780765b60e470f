"""Activations and activation quantizers as nodes."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.errors import UnsupportedError
from hls.graph import Edge, nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.importing import learned
from hls.importing.emitter import Emitter
from hls.importing.quantizers import (
    Grid,
    Quantizer,
    grid,
    parse_quantizer,
    static_scale,
    upper_bound,
    without_scale,
)
from hls.importing.weights import quantize_values, ternary_threshold

_TABLE_LIMIT = 1 << 16
_HOST_SIDE = {
    "softmax": "leave it off the chip: it does not change the order of the scores",
    "sigmoid": "use quantized_sigmoid, or leave a last sigmoid off the chip: it is monotonic",
    "tanh": "use quantized_tanh",
}


def emit_activation(emit: Emitter, value: Any, x: str) -> str:
    """Nodes for an ``activation=`` argument or a QActivation; returns the node that holds the result.

    Raises:
        UnsupportedError: an activation that has no exact fixed-point statement.
    """
    name = value if isinstance(value, str) else None
    if value is None or name == "linear":
        return x
    if name == "relu":
        return emit(nodes.Relu, "relu", (x,))
    if name in _HOST_SIDE:
        raise UnsupportedError(f"layer {emit.layer!r}: activation {name!r} is not supported; {_HOST_SIDE[name]}")
    quantizer = parse_quantizer(value, f"layer {emit.layer!r}, activation")
    assert quantizer is not None
    return _emit_quantizer(emit, quantizer, x)


def _emit_quantizer(emit: Emitter, quantizer: Quantizer, x: str) -> str:
    plain = grid(quantizer)
    if plain is not None:
        return emit_grid(emit, plain, x)
    match quantizer.kind:
        case learned.KIND:
            return learned.emit_learned(emit, quantizer, x)
        case "quantized_relu":
            return _leaky(emit, quantizer, x)
        case "quantized_sigmoid" if not quantizer.get("use_real_sigmoid", False):
            return _hard_sigmoid(emit, quantizer, x)
        case "quantized_bits" if (unscaled := grid(without_scale(quantizer))) is not None:
            return _scaled(emit, emit_grid(emit, unscaled, x), 1, 0, static_scale(quantizer))
        case "binary" | "quantized_bits" | "quantized_linear":
            return _binary(emit, quantizer, x)
        case "ternary":
            return _ternary(emit, quantizer, x)
    emit.refuse_unrounded(x, f"{quantizer.kind} by a table")
    if quantizer.kind == "quantized_sigmoid":
        return _monotonic_table(emit, quantizer, x, _sigmoid(quantizer))
    if quantizer.kind == "quantized_tanh":
        return _monotonic_table(emit, quantizer, x, _tanh(quantizer))
    return _table(emit, quantizer, x, lambda v: quantize_values(quantizer, v.astype(np.float32)).astype(np.float64))


def emit_grid(emit: Emitter, plain: Grid, x: str) -> str:
    """A Quantize node, or ``x`` itself where it already is on that grid, in that range and of that type."""
    edge = emit.edge(x)
    inside = plain.raw_min <= edge.raw_min and edge.raw_max <= plain.raw_max
    if edge.declared == plain.type and inside:
        return x
    return emit(nodes.Quantize, "quantize", (x,), plain.type, plain.raw_min, plain.raw_max)


def _leaky(emit: Emitter, quantizer: Quantizer, x: str) -> str:
    mantissa, exponent = math.frexp(float(quantizer.get("negative_slope", 0.0)))
    shift = 1 - exponent
    type_ = FixedType(True, quantizer.bits, quantizer.integer + 1)
    if mantissa != 0.5 or shift < 0 or shift > quantizer.bits - 1:
        raise quantizer.unsupported(
            f"negative_slope={quantizer.get('negative_slope')}", f"use a power of two in [2**-{quantizer.bits - 1}, 1]"
        )
    leaky = emit(nodes.Relu, "leaky", (x,), shift)
    low = type_.raw_min >> shift  # QKeras saturates below at -slope * 2**integer
    return emit_grid(emit, Grid(type_, low, upper_bound(quantizer, type_)), leaky)


def _hard_sigmoid(emit: Emitter, quantizer: Quantizer, x: str) -> str:
    half = FixedArray(np.array([1], np.int64), 1)
    scaled = emit(nodes.Scale, "hard_sigmoid", (x,), half, half)
    type_ = FixedType(False, quantizer.bits, 0)
    return emit_grid(emit, Grid(type_, int(bool(quantizer.get("symmetric", False))), type_.raw_max), scaled)


def _at_least(emit: Emitter, x: str, raw: int, suffix: str) -> str:
    """One bit: is the raw integer of ``x`` at least ``raw``? A shift to integers, then a saturation to {0, 1}."""
    factor = FixedArray(np.array([1], np.int64), -emit.edge(x).fraction)
    offset = FixedArray(np.array([1 - raw], np.int64), 0)
    shifted = emit(nodes.Scale, f"{suffix}_shift", (x,), factor, offset)
    return emit(nodes.Quantize, f"{suffix}_bit", (shifted,), FixedType(False, 1, 1), 0, 1)


def _scaled(emit: Emitter, x: str, factor: int, offset: int, exponent: int) -> str:
    """``(x * factor + offset) * 2**exponent`` for small integers."""
    if (factor, offset, exponent) == (1, 0, 0):
        return x
    constants = (FixedArray(np.array([v], np.int64), -exponent) for v in (factor, offset))
    return emit(nodes.Scale, "levels", (x,), *constants)


def _binary(emit: Emitter, quantizer: Quantizer, x: str) -> str:
    emit.refuse_unrounded(x, quantizer.kind)
    bit = _at_least(emit, x, 0, "sign")
    if quantizer.get("use_01", False):
        return _scaled(emit, bit, 1, 0, static_scale(quantizer))
    return _scaled(emit, bit, 2, -1, static_scale(quantizer))


def _ternary(emit: Emitter, quantizer: Quantizer, x: str) -> str:
    emit.refuse_unrounded(x, quantizer.kind)
    threshold = Fraction(float(ternary_threshold(quantizer)))
    raw = max(math.ceil(threshold * Fraction(2) ** emit.edge(x).fraction), 1)
    above, below = _at_least(emit, x, raw, "above"), _at_least(emit, x, 1 - raw, "below")
    total = emit(nodes.Add, "steps", (above, below))
    return _scaled(emit, total, 1, -1, static_scale(quantizer))


Function = Callable[[npt.NDArray[np.float64]], npt.NDArray[np.float64]]


def _sigmoid(quantizer: Quantizer) -> Function:
    levels = 2.0**quantizer.bits
    low = float(bool(quantizer.get("symmetric", False)))

    def values(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        smooth = 0.5 + 0.5 * np.tanh(0.5 * x)
        return np.clip(np.rint(smooth * levels), low, levels - 1) / levels

    return values


def _tanh(quantizer: Quantizer) -> Function:
    levels = 2.0 ** (quantizer.bits - 1)
    low = -levels + float(bool(quantizer.get("symmetric", False)))

    def values(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.clip(np.rint(np.tanh(x) * levels), low, levels - 1) / levels

    return values


def _monotonic_table(emit: Emitter, quantizer: Quantizer, x: str, function: Function) -> str:
    """Clip first to where the function still changes: beyond, every entry would be the same."""
    edge = emit.edge(x)
    low = _last_equal(function, edge, edge.raw_min, edge.raw_max)
    high = _last_equal(function, edge, edge.raw_max, edge.raw_min)
    if (low, high) != (edge.raw_min, edge.raw_max) and low < high:
        type_ = FixedType.covering(min(low, 0), max(high, 0), edge.fraction)
        x = emit(nodes.Quantize, "clip", (x,), type_, low, high)
    return _table(emit, quantizer, x, function)


def _last_equal(function: Function, edge: Edge, end: int, other: int) -> int:
    """The raw integer farthest from ``end`` up to which a monotonic function keeps its value at ``end``."""

    def value(raw: int) -> float:
        return float(function(np.array([math.ldexp(raw, -edge.fraction)]))[0])

    reference, step = value(end), 1 if other > end else -1
    low, high = 0, abs(other - end)
    while low < high:
        middle = (low + high + 1) // 2
        if value(end + step * middle) == reference:
            low = middle
        else:
            high = middle - 1
    return end + step * low


def _table(emit: Emitter, quantizer: Quantizer, x: str, function: Function) -> str:
    edge = emit.edge(x)
    size = edge.raw_max - edge.raw_min + 1
    if size > _TABLE_LIMIT:
        raise quantizer.unsupported(
            f"a table of {size} entries", "put QActivation(quantized_bits(10, ..., alpha=1)) before it"
        )
    raw = np.arange(edge.raw_min, edge.raw_max + 1, dtype=np.float64)
    values = FixedArray.from_float(function(np.ldexp(raw, -edge.fraction)))
    return emit(nodes.Table, "table", (x,), values, edge.raw_min)
