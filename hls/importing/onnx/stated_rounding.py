"""A quantizer and the rounding that it states as nodes, which round to nearest even or down."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from hls.errors import UnsupportedError
from hls.graph import nodes
from hls.graph.fixed import FixedType
from hls.importing.emitter import Emitter
from hls.importing.onnx.affine import ONE, ZERO, Fractions, fractions, power_of_two
from hls.importing.onnx.backend import Quantizer
from hls.importing.onnx.rounding import emit_floor, emit_nearest
from hls.importing.onnx.settling import settled
from hls.importing.onnx.tables import emit_table
from hls.importing.onnx.value import Value

_TIES = (
    "scales that are no powers of two are divided by exactly; a framework does so in float32, which may round a value "
    "that lies half way between two steps to the other one"
)


def quantized(emit: Emitter, x: Value, quantizer: Quantizer) -> Value:
    """``x`` in steps of the quantizer, rounded as it states and saturated at its ends."""
    scale, zero = fractions(quantizer.scale), fractions(quantizer.zero)
    exponent = power_of_two(scale)
    plain = exponent is not None and (zero == 0).all()
    if x.function is not None:
        unit = scale[0] if plain else Fraction(1)
        return Value(emit_table(emit, x.node, x.function, quantizer, unit), scale / unit, ZERO)
    if exponent is not None and plain:
        unit, factor, offset = Fraction(2) ** exponent, x.factor, x.offset
    else:
        unit, factor, offset = Fraction(1), x.factor / scale, x.offset / scale + zero
        if exponent is None and _TIES not in emit.builder.notes:
            emit.builder.notes.append(_TIES)
    low, high = quantizer.low, quantizer.high
    if x.clips:
        if len(scale) > 1 or len(zero) > 1:
            return quantized(emit, Value.of(settled(emit, x)), quantizer)
        steps = [None if end is None else rounded(end / scale[0] + zero[0], quantizer) for end in (x.low, x.high)]
        low = low if steps[0] is None else min(max(low, steps[0]), high)
        high = high if steps[1] is None else max(min(high, steps[1]), low)
    out = _in_steps(emit, Value(x.node, factor, offset), unit, replace(quantizer, low=low, high=high), quantizer)
    if unit != 1:
        return out
    return Value(out.node, out.factor * scale, (out.offset - zero) * scale)


def truncated(emit: Emitter, x: Value, quantizer: Quantizer, divisor: float, out_scale: float) -> Value:
    """QONNX's Trunc, as ``Backend.truncate`` says.

    Raises:
        UnsupportedError: ``x`` lies between steps of the quantizer's scale.
    """
    scale = fractions(quantizer.scale)
    edge = emit.edge(x.node)
    whole, start = _whole(x.factor / scale / fractions(2.0**edge.fraction)), _whole(x.offset / scale)
    moved: Fractions = abs(x.factor / scale / fractions(2.0**edge.fraction) - whole) * edge.magnitude
    # A scale such as 1/9 is no float32: what lies next to a whole number is rounded to it first, as QONNX says.
    if x.clips or max(moved + abs(x.offset / scale - start)) >= Fraction(1, 2):
        raise UnsupportedError(
            f"operator {emit.layer!r}: what it truncates is no whole number of its scale; "
            "give it the scale of the quantizer before it"
        )
    factor, offset = whole / fractions(divisor), start / fractions(divisor)
    most = int(np.abs(factor).max() * edge.magnitude + np.abs(offset).max()) + 1
    ends = replace(quantizer, low=max(quantizer.low, -most), high=min(quantizer.high, most))
    steps = Value(x.node, factor * fractions(2.0**edge.fraction), offset)
    out = _in_steps(emit, steps, Fraction(1), ends, ends)
    return Value(out.node, out.factor * Fraction(out_scale), ZERO)


def rounded(value: Fraction, quantizer: Quantizer) -> int:
    """A rational number rounded as the quantizer does."""
    size, sign = abs(value), 1 if value >= 0 else -1
    half = Fraction(1, 2)
    found = {
        "ROUND": round(value),
        "FLOOR": value.__floor__(),
        "CEIL": value.__ceil__(),
        "DOWN": sign * size.__floor__(),
        "UP": sign * size.__ceil__(),
        "HALF_UP": sign * (size + half).__floor__(),
        "HALF_DOWN": sign * (size - half).__ceil__(),
    }
    return int(found[quantizer.rounding])


def _whole(values: Fractions) -> Fractions:
    return np.array([Fraction(round(value)) for value in values.reshape(-1).tolist()], object).reshape(values.shape)


def _in_steps(emit: Emitter, x: Value, unit: Fraction, ends: Quantizer, quantizer: Quantizer) -> Value:
    """The line of ``x`` in steps of ``unit``, rounded, saturated to the ends of ``ends``, held as those of another."""
    magnitude = max(abs(quantizer.low), abs(quantizer.high) + 1)
    bits = (magnitude - 1).bit_length() + (quantizer.low < 0)
    shift = power_of_two(np.array([unit], object)) or 0
    kind = FixedType(quantizer.low < 0, max(bits, 1), max(bits, 1) + shift)
    low, high = ends.low, ends.high
    if _has_steps(emit, x, kind, low, high):
        return x
    if quantizer.rounding == "ROUND":
        return Value.of(emit_nearest(emit, x.node, x.factor, x.offset, kind, (low, high)))
    if quantizer.rounding == "FLOOR":
        return Value.of(emit_floor(emit, x.node, x.factor, x.offset, kind, (low, high)))
    if quantizer.rounding == "CEIL":
        return _ceiling(emit, x, kind, low, high)
    return _symmetric(emit, x, unit, kind, ends)


def _has_steps(emit: Emitter, x: Value, kind: FixedType, low: int, high: int) -> bool:
    """Whether every rounding leaves it as it is: it is a node of this very type, as that of a port may be."""
    edge = emit.edge(x.node)
    same = bool((x.factor == 1).all() and (x.offset == 0).all())
    return same and edge.declared == kind and low <= edge.raw_min and edge.raw_max <= high


def _ceiling(emit: Emitter, x: Value, kind: FixedType, low: int, high: int) -> Value:
    """Minus the floor of what is minus that."""
    turned = FixedType(True, kind.width + (not kind.signed) + 1, kind.integer + (not kind.signed) + 1)
    return Value(emit_floor(emit, x.node, -x.factor, -x.offset, turned, (-high, -low)), -ONE, ZERO)


def _symmetric(emit: Emitter, x: Value, unit: Fraction, kind: FixedType, ends: Quantizer) -> Value:
    """Rounding that treats both signs alike: what is above zero and what is below, each cut off at zero."""
    half = {"HALF_UP": unit / 2, "HALF_DOWN": -unit / 2}.get(ends.rounding, Fraction(0))
    up = ends.rounding in ("UP", "HALF_DOWN")
    parts: list[Value] = []
    for sign, most in ((1, ends.high), (-1, -ends.low)):
        if most <= 0 and parts:
            continue
        line = Value(x.node, x.factor * sign, x.offset * sign + half)
        if up:
            part = _ceiling(emit, line, kind, 0, max(most, 0))
        else:
            wide = FixedType(True, kind.width + 1, kind.integer + 1)
            part = Value.of(emit_floor(emit, line.node, line.factor, line.offset, wide, (0, max(most, 0))))
        parts.append(replace(part, factor=part.factor * sign))
    if len(parts) == 1:
        return parts[0]
    return Value.of(emit(nodes.Add, "add", tuple(settled(emit, part) for part in parts), False))
