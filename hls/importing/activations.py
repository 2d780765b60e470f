"""Activations and activation quantizers as nodes."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.errors import UnsupportedError
from hls.graph import nodes
from hls.graph.fixed import FLOAT32_LIMIT, FixedArray, FixedType, narrow
from hls.graph.float32 import EXACT, Float32
from hls.importing import learned_bits
from hls.importing.emitter import Emitter
from hls.importing.functions import SMOOTH as FUNCTIONS
from hls.importing.functions import Awaited, Smooth, rounded
from hls.importing.keras2 import HARD_SIGMOID
from hls.importing.quantizers import (
    PICKLED,
    REAL,
    SMOOTH,
    Grid,
    Quantizer,
    function_name,
    grid,
    parse_quantizer,
    sign_scale,
    static_scale,
    upper_bound,
    without_scale,
)
from hls.importing.refusals import ANOTHER, NO_BINARY_FUNCTION, NOT_READ, SIGMOID_STATED, SOFTMAX_STATED
from hls.importing.scales import ternary_threshold
from hls.importing.tables import (
    SMOOTH_SLOPE,
    hard_swish,
    monotonic_table,
    mu_law,
    powers_of_two,
    real_sigmoid,
    real_tanh,
    table,
)

_ROUNDED = (
    f"rounded to 10 bits, {ANOTHER}; or, of a last layer, end the network before it and compute it in software, which "
    "changes nothing"
)
_ROUNDED_NEXT = (
    "put a QActivation(quantized_bits(...)) or QActivation(quantized_relu(...)) right after it, whose rounding makes a "
    f"table of it, {ANOTHER}"
)
_OUTSIDE = {
    "sigmoid": f"use QActivation('quantized_sigmoid(10, use_real_sigmoid=1)'), a table of it {_ROUNDED}",
    "tanh": f"use QActivation('quantized_tanh(10, use_real_tanh=1)'), a table of it {_ROUNDED}",
    **dict.fromkeys(
        ("mish", "celu", "log_softmax", "glu", "log_sigmoid", "squareplus", "sparsemax",
         "tanh_shrink"),
        NO_BINARY_FUNCTION,
    ),
    **dict.fromkeys(("threshold", "sparse_plus"), NOT_READ),
    **dict.fromkeys(
        ("elu", "selu", "gelu", "swish", "silu", "hard_swish", "hard_silu", "softplus", "softsign", "exponential"),
        _ROUNDED_NEXT,
    ),
}  # fmt: skip
_SOFTMAX_LAST = (
    "end the network before it and take the softmax of its outputs in software, which changes nothing (it keeps the "
    f"order of the scores, so an argmax needs none): {SOFTMAX_STATED}"
)
_SOFTMAX_INSIDE = (
    "its quotients have no finite binary expansion, and what follows reads them; end the network before it and leave "
    f"the rest to software, or use HGQ2's QSoftmax, which is of tables and is read here, {ANOTHER}"
)
_FUNCTIONS: dict[str, Callable[[Emitter, str], str]] = {
    "hard_tanh": lambda emit, x: clipped(emit, x, -1.0, 1.0),
    "hard_sigmoid": lambda emit, x: clipped(emit, _line(emit, x, 0.5, 0.5), 0.0, 1.0),
    HARD_SIGMOID: lambda emit, x: clipped(emit, _line(emit, x, 0.2, 0.5), 0.0, 1.0),
    "smooth_sigmoid": lambda emit, x: clipped(emit, _line(emit, x, SMOOTH_SLOPE, 0.5), 0.0, 1.0),
    "smooth_tanh": lambda emit, x: _line(emit, clipped(emit, _line(emit, x, SMOOTH_SLOPE, 0.5), 0.0, 1.0), 2.0, -1.0),
    "binary_sigmoid": lambda emit, x: _binary_sigmoid(emit, x),
    "binary_tanh": lambda emit, x: _line(emit, _binary_sigmoid(emit, x), 2.0, -1.0),
    "relu6": lambda emit, x: clipped(emit, x, 0.0, 6.0),
    "leaky_relu": lambda emit, x: leaky(emit, x, float(np.float32(0.2))),
    "soft_shrink": lambda emit, x: soft_shrink(emit, x, 0.5),
    "hard_shrink": lambda emit, x: hard_shrink(emit, x, 0.5),
    "sparse_sigmoid": lambda emit, x: clipped(emit, _line(emit, x, 0.5, 0.5), 0.0, 1.0),
}
"""Functions of QKeras that are lines, clips and signs. Keras's ``hard_tanh`` and ``relu6`` are the same, and what
follows these is in none but Keras."""
_KERAS_OWN = {
    "hard_sigmoid": "Keras's divides by six, which gives no finite binary number; use QActivation('hard_sigmoid'), "
    "whose slope "
    f"is a half, {ANOTHER}"
}


def emit_activation(emit: Emitter, value: Any, x: str, *, of_keras: bool = False) -> str:
    """Nodes for an ``activation=`` argument or a QActivation; returns the node that holds the result.

    ``of_keras``: the layer is Keras's own, whose functions differ from QKeras's of the same name.

    Raises:
        UnsupportedError: an activation that has no exact fixed-point statement.
    """
    name = function_name(value)
    pickled = isinstance(value, Mapping) and value.get("class_name") in PICKLED  # which is told for the whole model
    if name == "linear" or pickled:
        return x
    if name == "relu":
        return emit(nodes.Relu, "relu", (x,))
    if name in FUNCTIONS and emit.before_quantizers and (of_keras or name not in _FUNCTIONS):
        return await_rounding(emit, FUNCTIONS[name], x)
    outside = _outside(emit, name, of_keras=of_keras)
    if outside is not None:
        emit.refuse(UnsupportedError(f"layer {emit.layer!r}: activation {name!r} is not supported; {outside}"))
        return x
    if name in _FUNCTIONS:
        return _FUNCTIONS[name](emit, x)
    quantizer = parse_quantizer(name or value, f"layer {emit.layer!r}, activation")
    return x if quantizer is None else _emit_quantizer(emit, quantizer, x)


def await_rounding(emit: Emitter, function: Smooth, x: str) -> str:
    """A node that stands for a function until the quantizer that reads it makes a table of both; in no graph."""
    emit.refuse_unrounded(x, "a table")
    name = emit(nodes.Relu, "function", (x,))
    emit.awaited[name] = Awaited(x, function)
    return name


def emit_smooth(emit: Emitter, what: str, function: Smooth, x: str) -> str:
    """A layer that is such a function; refused where anything but a quantizer reads it."""
    if emit.before_quantizers:
        return await_rounding(emit, function, x)
    emit.refuse(UnsupportedError(f"layer {emit.layer!r}: {what} is not supported without a quantizer; {_ROUNDED_NEXT}"))
    return x


def _outside(emit: Emitter, name: str | None, *, of_keras: bool) -> str | None:
    """What to do about a function that no firmware of ours computes; None for one that it does, or does not know."""
    if name == "softmax":
        return _SOFTMAX_LAST if emit.last else _SOFTMAX_INSIDE
    if name == "sigmoid" and emit.last:
        return f"{_OUTSIDE[name]}: {SIGMOID_STATED}"
    if name in _KERAS_OWN and of_keras:
        return _KERAS_OWN[name]
    return _OUTSIDE.get(name or "")


def _emit_quantizer(emit: Emitter, quantizer: Quantizer, x: str) -> str:
    plain = grid(quantizer)
    if x in emit.awaited:
        return _emit_function(emit, quantizer, plain, emit.awaited[x])
    if plain is not None:
        return emit_grid(emit, plain, x, _float32(quantizer, plain))
    match quantizer.kind:
        case learned_bits.KIND:
            return learned_bits.emit_learned(emit, quantizer, x)
        case "quantized_relu":
            return _leaky(emit, quantizer, x)
        case "quantized_sigmoid" if not _is_real(quantizer, "use_real_sigmoid"):
            return _line_sigmoid(emit, quantizer, x)
        case "quantized_tanh" if not _is_real(quantizer, "use_real_tanh"):
            smooth = _line(emit, _line(emit, x, SMOOTH_SLOPE, 0.5), 2.0, -1.0)
            type_ = FixedType(True, quantizer.bits, 1)
            return emit_grid(emit, Grid(type_, type_.raw_min + quantizer.symmetric, type_.raw_max), smooth, EXACT)
        case "quantized_bits" if (unscaled := grid(without_scale(quantizer))) is not None:
            steps = emit_grid(emit, unscaled, x, EXACT)
            return _levels(emit, steps, 1, 0, static_scale(quantizer), Float32(through=x))
        case "binary" | "quantized_bits" | "quantized_linear":
            return _binary(emit, quantizer, x)
        case "ternary":
            return _ternary(emit, quantizer, x)
    emit.refuse_unrounded(x, f"{quantizer.kind} by a table")
    if quantizer.kind == "quantized_sigmoid":
        return monotonic_table(emit, quantizer, x, real_sigmoid(quantizer))
    if quantizer.kind == "quantized_tanh":
        return monotonic_table(emit, quantizer, x, real_tanh(quantizer))
    if quantizer.kind == "quantized_hswish":
        return table(emit, quantizer, x, hard_swish(quantizer))
    if quantizer.kind == "quantized_ulaw":
        return monotonic_table(emit, quantizer, x, mu_law(quantizer))
    return table(emit, quantizer, x, powers_of_two(quantizer), through=x)


def _emit_function(emit: Emitter, quantizer: Quantizer, plain: Grid | None, awaited: Awaited) -> str:
    if plain is None or quantizer.kind == "quantized_tanh":
        raise quantizer.unsupported(
            "rounding a function that is no finite binary number",
            f"put QActivation('quantized_bits(10, 3, alpha=1)') between the two, {ANOTHER}",
        )
    make = monotonic_table if awaited.function.monotonic else table
    return make(emit, quantizer, awaited.x, rounded(awaited.function, plain))


def _float32(quantizer: Quantizer, plain: Grid) -> Float32 | None:
    """How QKeras computes a plain quantizer. One with a ReLU adds and subtracts what is clipped to its range."""
    if quantizer.kind == "quantized_tanh":
        return Float32(half=True)
    clipped_first = quantizer.kind == "quantized_relu" and quantizer.get("is_quantized_clip", True)
    if quantizer.kind == learned_bits.KIND or (clipped_first and plain.raw_max < FLOAT32_LIMIT):
        return EXACT
    return None


def emit_grid(emit: Emitter, plain: Grid, x: str, float32: Float32 | None = None) -> str:
    """A Quantize node, or ``x`` itself where it already is on that grid, in that range and of that type."""
    edge = emit.edge(x)
    inside = plain.raw_min <= edge.raw_min and edge.raw_max <= plain.raw_max
    if edge.declared == plain.type and inside:
        return x
    return emit(nodes.Quantize, "quantize", (x,), plain.type, plain.raw_min, plain.raw_max, float32=float32)


def _leaky(emit: Emitter, quantizer: Quantizer, x: str) -> str:
    mantissa, exponent = math.frexp(float(quantizer.get("negative_slope", 0.0)))
    shift = 1 - exponent
    type_ = FixedType(True, quantizer.bits, quantizer.integer + 1)
    if mantissa != 0.5 or shift < 0 or shift > quantizer.bits - 1:
        raise quantizer.unsupported(
            f"negative_slope={quantizer.get('negative_slope')}",
            f"QKeras takes powers of two alone; use one in [2**-{quantizer.bits - 1}, 1] and train again",
        )
    leaky = emit(nodes.Relu, "leaky", (x,), shift)
    low = type_.raw_min >> shift  # QKeras saturates below at -slope * 2**integer
    return emit_grid(emit, Grid(type_, low, upper_bound(quantizer, type_)), leaky)


def leaky(emit: Emitter, x: str, slope: float) -> str:
    """``x`` where it is positive, else ``x * slope`` with the slope as float32: exact for any, wide for most."""
    mantissa, exponent = math.frexp(slope)
    if slope == 0:
        return emit(nodes.Relu, "relu", (x,))
    if mantissa == 0.5 and exponent <= 1:
        return emit(nodes.Relu, "leaky", (x,), 1 - exponent)
    negative = emit(nodes.Relu, "negative", (_line(emit, x, -1.0, 0.0),))
    return emit(nodes.Add, "leaky", (emit(nodes.Relu, "positive", (x,)), _line(emit, negative, -slope, 0.0)))


def leaky_by_channel(emit: Emitter, x: str, slopes: npt.NDArray[np.float32]) -> str:
    """``x`` where it is positive, else ``x`` times the slope of its channel."""
    negative = emit(nodes.Relu, "negative", (_line(emit, x, -1.0, 0.0),))
    factor, offset = FixedArray.from_float(-slopes), FixedArray.from_float(np.zeros(1, np.float32))
    scaled = emit(nodes.Scale, "slopes", (negative,), factor, offset)
    return emit(nodes.Add, "leaky", (emit(nodes.Relu, "positive", (x,)), scaled))


def clipped(emit: Emitter, x: str, low: float | None, high: float | None) -> str:
    """``x`` saturated to ``[low, high]`` and not rounded: its grid becomes as fine as the ends need."""
    emit.refuse_unrounded(x, "a clip")
    edge = emit.edge(x)
    ends = FixedArray.from_float([0.0 if end is None else end for end in (low, high)])
    fraction = max(edge.fraction, ends.fraction)
    bottom, top = (int(end) for end in ends.at_fraction(fraction).integers)
    if low is None:
        bottom = edge.raw_min << (fraction - edge.fraction)
    if high is None:  # an end that no value reaches is all there is
        top = max(edge.raw_max << (fraction - edge.fraction), bottom)
    type_ = FixedType.covering(min(bottom, 0), max(top, 0), fraction)
    note = Float32(exact=True, cut=(low is not None, high is not None))
    return emit(nodes.Quantize, "clip", (x,), type_, min(bottom, top), top, float32=note)


def thresholded(emit: Emitter, x: str, threshold: float, slope: float, most: float | None) -> str:
    """Keras's ReLU with a threshold: ``x`` above it and 0 up to it, clipped to [0, most], and a line from it down."""
    found = emit(nodes.Multiply, "above", (x, above(emit, x, threshold)))
    if most is not None:
        found = clipped(emit, found, 0.0, float(np.float32(most)))
    if slope == 0:
        return found
    below = emit(nodes.Relu, "below", (_line(emit, x, -1.0, threshold),))
    return emit(nodes.Add, "leaky", (found, _line(emit, below, -slope, 0.0)))


def above(emit: Emitter, x: str, threshold: float) -> str:
    """One bit: is ``x`` above the threshold?"""
    raw = math.floor(Fraction(threshold) * Fraction(2) ** emit.edge(x).fraction) + 1
    return at_least(emit, x, raw, "threshold")


def soft_shrink(emit: Emitter, x: str, threshold: float) -> str:
    """What ``x`` is beyond ``[-threshold, threshold]``: above it, less what is below, turned."""
    beyond = (emit(nodes.Relu, "beyond", (_line(emit, x, sign, -threshold),)) for sign in (1.0, -1.0))
    return emit(nodes.Add, "shrunk", (*beyond,), True)


def hard_shrink(emit: Emitter, x: str, threshold: float) -> str:
    """``x`` beyond ``[-threshold, threshold]``, else zero."""
    bits = (above(emit, one, threshold) for one in (x, _line(emit, x, -1.0, 0.0)))
    return emit(nodes.Multiply, "shrunk", (x, emit(nodes.Add, "outside", (*bits,), float32=EXACT)), float32=EXACT)


def _line(emit: Emitter, x: str, factor: float, offset: float) -> str:
    """``x * factor + offset``, both as float32."""
    return emit(
        nodes.Scale, "line", (x,), *(FixedArray.from_float(np.array([v], np.float32)) for v in (factor, offset))
    )


def _binary_sigmoid(emit: Emitter, x: str) -> str:
    return emit(nodes.Quantize, "bit", (_line(emit, x, 0.5, 0.5),), FixedType(False, 1, 1), 0, 1, float32=EXACT)


def _is_real(quantizer: Quantizer, option: str) -> bool:
    return bool(quantizer.get(option, False)) or quantizer.internal_sigmoid == REAL


def _line_sigmoid(emit: Emitter, quantizer: Quantizer, x: str) -> str:
    slope = SMOOTH_SLOPE if quantizer.internal_sigmoid == SMOOTH else 0.5
    type_ = FixedType(False, quantizer.bits, 0)
    return emit_grid(emit, Grid(type_, quantizer.symmetric, type_.raw_max), _line(emit, x, slope, 0.5), EXACT)


def at_least(emit: Emitter, x: str, raw: int, suffix: str) -> str:
    """One bit: is the raw integer of ``x`` at least ``raw``? A shift to integers, then a saturation to {0, 1}."""
    factor = FixedArray(np.array([1], np.int64), -emit.edge(x).fraction)
    offset = FixedArray(narrow(np.array([1 - raw], object)), 0)
    shifted = emit(nodes.Scale, f"{suffix}_shift", (x,), factor, offset, float32=EXACT)
    return emit(nodes.Quantize, f"{suffix}_bit", (shifted,), FixedType(False, 1, 1), 0, 1, float32=EXACT)


def _levels(emit: Emitter, x: str, factor: int, offset: int, scale: float, float32: Float32 | None = None) -> str:
    """``(x * factor + offset) * scale`` for small integers and the ``alpha`` of a quantizer."""
    if (factor, offset, scale) == (1, 0, 1.0):
        return x
    constants = (FixedArray.from_float([v * scale]) for v in (factor, offset))
    return emit(nodes.Scale, "levels", (x,), *constants, float32=float32)


def _binary(emit: Emitter, quantizer: Quantizer, x: str) -> str:
    emit.refuse_unrounded(x, quantizer.kind)
    bit = at_least(emit, x, 0, "sign")
    note = _levels_of(quantizer, x)
    if quantizer.get("use_01", False):
        return _levels(emit, bit, 1, 0, static_scale(quantizer), note)
    return _levels(emit, bit, 2, -1, sign_scale(quantizer), note)


def _levels_of(quantizer: Quantizer, x: str) -> Float32 | None:
    """Without ``alpha`` QKeras adds and subtracts ``tanh(x)``, of magnitude one at most, which changes no bit."""
    squashed = quantizer.kind in ("binary", "ternary") and quantizer.options.get("alpha") is None
    return EXACT if squashed else Float32(through=x)


def _ternary(emit: Emitter, quantizer: Quantizer, x: str) -> str:
    emit.refuse_unrounded(x, quantizer.kind)
    threshold = Fraction(float(ternary_threshold(quantizer)))
    raw = max(math.ceil(threshold * Fraction(2) ** emit.edge(x).fraction), 1)
    above, below = at_least(emit, x, raw, "above"), at_least(emit, x, 1 - raw, "below")
    total = emit(nodes.Add, "steps", (above, below))
    return _levels(emit, total, 1, -1, static_scale(quantizer), _levels_of(quantizer, x))
