"""Quantizers that are tables: each value that may arrive has an entry, worked out here once."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from hls.graph import Edge, nodes
from hls.graph.fixed import FixedArray, FixedType, narrow
from hls.graph.float32 import EXACT, Doubles, Entries, Float32
from hls.importing.emitter import Emitter
from hls.importing.functions import Function, Smooth, rounded
from hls.importing.quantizers import REAL, SMOOTH, Quantizer, grid
from hls.importing.refusals import ANOTHER
from hls.importing.weights import around, quantize_values

_TABLE_LIMIT = 1 << 16
_NARROWER = (
    "put QActivation(quantized_bits(10, ..., alpha=1)) before it, whose rounding is part of the network then; "
    "before the gates of a recurrent layer none can stand: give its kernels, inputs and state fewer bits"
)
SMOOTH_SLOPE = 0.1875
"""Of QKeras's smooth sigmoid."""

# TensorFlow's tanh and sigmoid are off by 6.2 and 6.4 units in the last place at most, over a seventh of all float32
# numbers (2.19, AVX-512); neither is rounded correctly, nor the same on every CPU.
_FUNCTION_ULPS = 10


def _rounded(smooth: Callable[[Doubles], tuple[Doubles, Doubles]], levels: float, low: float) -> Function:
    """``smooth`` gives a value and how far float32 may be from it; both go to the nearest of ``levels`` steps."""

    def on_grid(values: Doubles) -> Doubles:
        return np.asarray(np.clip(np.rint(values * levels), low, levels - 1) / levels)

    def bounds(x: Doubles) -> tuple[Doubles, Doubles]:
        value, error = smooth(x)
        return on_grid(value - error), on_grid(value + error)

    return Function(lambda x: on_grid(smooth(x)[0]), bounds)


def real_sigmoid(quantizer: Quantizer) -> Function:
    """A sigmoid rounded to the quantizer's bits."""

    def smooth(x: Doubles) -> tuple[Doubles, Doubles]:
        value = 0.5 + 0.5 * np.tanh(0.5 * x)
        return value, value * _FUNCTION_ULPS * 2.0**-23

    return _rounded(smooth, 2.0**quantizer.bits, float(quantizer.symmetric))


def real_tanh(quantizer: Quantizer) -> Function:
    """A tanh rounded to the quantizer's bits; made of a sigmoid unless it is told to be real."""
    real = bool(quantizer.get("use_real_tanh", False))

    def smooth(x: Doubles) -> tuple[Doubles, Doubles]:
        value = np.tanh(x)
        if real:
            return value, np.abs(value) * _FUNCTION_ULPS * 2.0**-23
        return value, (1 + value) * _FUNCTION_ULPS * 2.0**-23 + 2.0**-24  # twice a sigmoid, minus one

    levels = 2.0 ** (quantizer.bits - 1)
    return _rounded(smooth, levels, -levels + quantizer.symmetric)


def powers_of_two(quantizer: Quantizer) -> Function:
    """The nearest power of two that the quantizer's bits of exponent hold."""

    def exact(x: Doubles) -> Doubles:
        return quantize_values(quantizer, x.astype(np.float32)).astype(np.float64)

    def bounds(x: Doubles) -> tuple[Doubles, Doubles]:
        low, high = around(quantizer, x.astype(np.float32))
        return low.astype(np.float64), high.astype(np.float64)

    return Function(exact, bounds)


def hard_swish(quantizer: Quantizer) -> Function:
    """``x * clip(x + shift, 0, bound) / bound``, rounded as quantized_bits does.

    Raises:
        UnsupportedError: options with which QKeras stops, or an ``alpha`` that is not one.
    """
    shift, bound = float(quantizer.get("relu_shift", 3)), float(quantizer.get("relu_upper_bound", 6))
    plain = grid(Quantizer("quantized_bits", quantizer.options, quantizer.where))
    if shift <= 0 or bound <= 0:
        raise quantizer.unsupported(f"relu_shift={shift:g}, relu_upper_bound={bound:g}", "QKeras wants them positive")
    if plain is None:
        raise quantizer.unsupported("one bit, or an alpha that is not 1", f"set alpha=1, {ANOTHER}")

    def value(x: Doubles) -> Doubles:
        return np.asarray(x * np.clip(x + shift, 0.0, bound) / bound)

    return rounded(Smooth(value, lambda _x, y: 4 * np.abs(y), monotonic=False), plain)


def mu_law(quantizer: Quantizer) -> Function:
    """The logarithm of a rounded sigmoid, as a float32 number: QKeras rounds before it takes the logarithm.

    Raises:
        UnsupportedError: one bit, or a ``u`` without a logarithm.
    """
    u, most = float(quantizer.get("u", 255.0)), 2.0 ** (quantizer.bits - 1)
    if quantizer.bits < 2 or u <= 0:
        raise quantizer.unsupported(f"bits={quantizer.bits} and u={u:g}", "use 2 bits at least and a positive u")
    top = 2.0**quantizer.integer
    sigmoid, ulps = _internal_sigmoid(quantizer)

    def expanded(p: Doubles) -> Doubles:
        share = 2 * np.rint(p * most) / most - 1
        grown = np.sign(share) * np.log1p(u * np.abs(share)) / np.log1p(u)
        return np.asarray(top * np.clip(grown, quantizer.symmetric / most - 1, 1 - 1 / most))

    def exact(x: Doubles) -> Doubles:
        return expanded(sigmoid(x / top)).astype(np.float32).astype(np.float64)

    def bounds(x: Doubles) -> tuple[Doubles, Doubles]:
        p = sigmoid(x / top)
        low, high = (expanded(p * (1 + side * ulps * 2.0**-23)) for side in (-1, 1))
        off = _FUNCTION_ULPS * 2.0**-23
        return low - np.abs(low) * off, high + np.abs(high) * off

    return Function(exact, bounds)


def _internal_sigmoid(quantizer: Quantizer) -> tuple[Callable[[Doubles], Doubles], int]:
    """What QKeras's own sigmoid is made of, and the units in the last place by which float32 may be off."""
    if quantizer.internal_sigmoid == REAL:
        return lambda x: np.asarray(0.5 + 0.5 * np.tanh(0.5 * x)), _FUNCTION_ULPS
    slope = SMOOTH_SLOPE if quantizer.internal_sigmoid == SMOOTH else 0.5
    return lambda x: np.asarray(np.clip(slope * x + 0.5, 0.0, 1.0)), 0


def monotonic_table(
    emit: Emitter, quantizer: Quantizer, x: str, function: Function, *, narrower: str = _NARROWER
) -> str:
    """Clip first to where the function still changes: beyond, every entry would be the same."""
    edge = emit.edge(x)
    low = _last_equal(function, edge, edge.raw_min, edge.raw_max)
    high = _last_equal(function, edge, edge.raw_max, edge.raw_min)
    if (low, high) != (edge.raw_min, edge.raw_max) and low < high:
        type_ = FixedType.covering(min(low, 0), max(high, 0), edge.fraction)
        x = emit(nodes.Quantize, "clip", (x,), type_, low, high, float32=EXACT)
    return table(emit, quantizer, x, function, narrower=narrower)


def _last_equal(function: Function, edge: Edge, end: int, other: int) -> int:
    """The raw integer farthest from ``end`` up to which a monotonic function keeps its value at ``end``."""

    def value(raw: int) -> float:
        return float(function.exact(np.array([math.ldexp(raw, -edge.fraction)]))[0])

    reference, step = value(end), 1 if other > end else -1
    low, high = 0, abs(other - end)
    while low < high:
        middle = (low + high + 1) // 2
        if value(end + step * middle) == reference:
            low = middle
        else:
            high = middle - 1
    return end + step * low


def table(
    emit: Emitter,
    quantizer: Quantizer,
    x: str,
    function: Function,
    through: str | None = None,
    *,
    narrower: str = _NARROWER,
) -> str:
    """An entry for each value that may arrive; ``through``: QKeras adds and subtracts that node's value.

    ``narrower`` is the cure of more values than fit.

    Raises:
        UnsupportedError: more entries than a table may have.
    """
    edge = emit.edge(x)
    size = edge.raw_max - edge.raw_min + 1
    if size > _TABLE_LIMIT:
        raise quantizer.unsupported(f"a table of {size} entries (at most {_TABLE_LIMIT})", narrower)
    raw = np.arange(edge.raw_min, edge.raw_max + 1, dtype=np.float64)
    inputs = np.ldexp(raw, -edge.fraction)
    values = FixedArray.from_float(function.exact(inputs))
    note = Float32(through=through, entries=_entries(values, *function.bounds(inputs)))
    return emit(nodes.Table, "table", (x,), values, edge.raw_min, float32=note)


def _entries(values: FixedArray, low: Doubles, high: Doubles) -> Entries | None:
    """Those that float32 may have, on the grid of ``values``; None if they are what the table holds."""
    exact = values.to_float()
    if np.array_equal(low, exact) and np.array_equal(high, exact):
        return None
    scaled = (np.floor(np.ldexp(low, values.fraction)), np.ceil(np.ldexp(high, values.fraction)))
    least, most = (np.array([int(v) for v in end], object) for end in scaled)
    return Entries(narrow(np.minimum(least, values.integers)), narrow(np.maximum(most, values.integers)))
