"""What is made of one bit that tells whether a value has reached a number: signs and thresholds."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np

from hls.errors import UnsupportedError
from hls.graph import nodes
from hls.graph.fixed import FixedType
from hls.importing.emitter import Emitter
from hls.importing.onnx.affine import fractions
from hls.importing.onnx.backend import Floats
from hls.importing.onnx.rounding import emit_scale
from hls.importing.onnx.settling import settled
from hls.importing.onnx.value import Value


def reached(emit: Emitter, x: Value, name: str) -> str:
    """One bit: is the line of ``x`` at least zero? By the raw integer from which on it is, in each channel."""
    edge = emit.edge(x.node)
    unit = Fraction(2) ** -edge.fraction
    factor, offset = np.broadcast_arrays(x.factor, x.offset)
    signs: list[Fraction] = []
    offsets: list[Fraction] = []
    for slope, start in zip(factor.tolist(), offset.tolist(), strict=True):
        if slope == 0:
            signs.append(Fraction(0))
            offsets.append(Fraction(int(start >= 0)))
            continue
        sign = 1 if slope > 0 else -1
        least = -((start / (abs(slope) * unit)).__floor__())
        least = min(max(least, -edge.magnitude - 1), edge.magnitude + 1)
        signs.append(Fraction(sign) / unit)
        offsets.append(Fraction(1 - least))
    line = emit_scale(emit, x.node, np.array(signs, object), np.array(offsets, object))
    return emit(nodes.Quantize, f"{name}_bit", (line,), FixedType(False, 1, 1), 0, 1)


def bipolar(emit: Emitter, x: Value, scale: Floats) -> Value:
    """``scale`` where ``x >= 0``, else ``-scale``.

    Raises:
        UnsupportedError: ``x`` is never below zero.
    """
    if x.clips:
        if x.low is not None and x.low >= 0:
            raise UnsupportedError(
                f"operator {emit.layer!r}: BipolarQuant of a Relu is one number for every event; Brevitas "
                "writes it for a QuantReLU of one bit, whose values are 0 and its scale: "
                "write Quant with signed = 0 and a bit width of 1 instead"
            )
        x = Value.of(settled(emit, x))
    step = fractions(scale)
    return Value(reached(emit, x, "sign"), 2 * step, -step)


def counted(emit: Emitter, x: Value, thresholds: Floats, scale: float, bias: float) -> Value:
    """``scale * n + bias`` where ``n`` of the thresholds, of shape (channels or 1, steps), are not above ``x``."""
    x = Value.of(settled(emit, x)) if x.clips else x
    total: str | None = None
    for step in thresholds.T:
        bit = reached(emit, replace(x, offset=x.offset - fractions(step)), "step")
        total = bit if total is None else emit(nodes.Add, "count", (total, bit), False)
    if total is None:
        raise UnsupportedError(f"operator {emit.layer!r}: no thresholds; export the model again")
    return Value(total, fractions(np.float32(scale)), fractions(np.float32(bias)))
