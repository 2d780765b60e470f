"""A function and the quantizer behind it: one table, of an entry for each value that may arrive."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from hls.errors import UnsupportedError
from hls.graph.float32 import Doubles
from hls.importing import quantizers
from hls.importing.emitter import Emitter
from hls.importing.functions import UNIT, Function, Smooth
from hls.importing.onnx.backend import Quantizer
from hls.importing.onnx.folding import ROUNDINGS
from hls.importing.tables import monotonic_table, table

_KIND = "Quant"
_NARROWER = f"put a quantizer ({_KIND}) of 10 bits before it, whose rounding is part of the network then"


def emit_table(emit: Emitter, x: str, function: Smooth, quantizer: Quantizer, unit: Fraction) -> str:
    """Steps of the quantizer, each of ``unit``, which is a power of two; of the function in float64.

    Raises:
        UnsupportedError: a quantizer of several scales, or more values than a table may have entries.
    """
    if quantizer.scale.size > 1 or quantizer.zero.size > 1:
        raise UnsupportedError(
            f"operator {emit.layer!r}: rounds a function by a scale for each channel; take one scale for all of them"
        )
    make = monotonic_table if function.monotonic else table
    named = quantizers.Quantizer(_KIND, {}, f"operator {emit.layer!r}")
    return make(emit, named, x, stepped(function, quantizer, float(unit)), narrower=_NARROWER)


def stepped(function: Smooth, quantizer: Quantizer, unit: float) -> Function:
    """``(round(clip(y / scale + zero, low, high)) - zero) * unit``; float32 may be a step off where two are near."""
    scale, zero = float(quantizer.scale.reshape(-1)[0]), float(quantizer.zero.reshape(-1)[0])

    def steps(y: Doubles) -> Doubles:
        inside = np.clip(y / scale + zero, quantizer.low, quantizer.high)
        return np.asarray((ROUNDINGS[quantizer.rounding](inside) - zero) * unit)

    def bounds(x: Doubles) -> tuple[Doubles, Doubles]:
        y = function.value(x)
        error = (function.off(x, y) + 4 * np.abs(y)) * UNIT
        return steps(y - error), steps(y + error)

    return Function(lambda x: steps(function.value(x)), bounds)
