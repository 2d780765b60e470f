"""Functions between HGQ2's types as tables, one for all values of a tensor or one for each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from hls.errors import UnsupportedError
from hls.graph import nodes
from hls.graph.fixed import FixedArray
from hls.graph.float32 import Doubles, Entries, Float32
from hls.importing.element_types import Formats, Integers, scaled
from hls.importing.emitter import Emitter
from hls.importing.functions import SMOOTH, Smooth
from hls.importing.spec import LayerSpec

MOST_ENTRIES = 1 << 20
UNIT = 2.0**-24
"""Of a float32 rounding, relative."""
_STEEPEST = 2.0
"""More than the slope of any of the functions, but the exponential, whose own value is its slope."""
FUNCTIONS = {
    **SMOOTH,
    "linear": Smooth(lambda x: x, lambda _x, y: 0 * y),
    "relu": Smooth(lambda x: np.maximum(x, 0.0), lambda _x, y: 0 * y),
}


@dataclass(frozen=True)
class Inexact:
    """Numbers, and how far float32 may be from each."""

    value: Doubles
    error: Doubles

    def affine(self, kernel: Doubles, bias: Doubles) -> Inexact:
        """``sum_k x[k] * kernel[k] + bias`` along the last axis, with a kernel for each entry of the first."""
        value = np.einsum("nek,nkm->nem", self.value, kernel) + bias
        terms = np.einsum("nek,nkm->nem", np.abs(self.value), np.abs(kernel)) + np.abs(bias)
        carried = np.einsum("nek,nkm->nem", self.error, np.abs(kernel))
        return Inexact(value, carried + (kernel.shape[1] + 2) * UNIT * terms)

    def through(self, function: Smooth) -> Inexact:
        """A function of each."""
        value = function.value(self.value)
        steepest = np.maximum(_STEEPEST, np.abs(value))
        return Inexact(value, steepest * self.error + 2 * UNIT * np.abs(function.off(self.value, value)))


def each_table(types: Formats, shape: tuple[int, ...]) -> Formats:
    """Of types that are broadcast to ``shape`` those of each value, in a row."""
    signed, bits, integer = (np.broadcast_to(a, shape).reshape(-1) for a in (types.signed, types.bits, types.integer))
    return replace(types, signed=signed, bits=bits, integer=integer)


def placed(emit: Emitter, x: str, read: Formats | None) -> tuple[str, Integers]:
    """Values as whole numbers of the type in which each was read, and the fraction bits that those numbers have.

    A value of 0.75 that was read in quarters and one of 1.5 in halves are the numbers 3 and 3, of 2 and 1 bits.
    """
    if read is None:
        return x, np.full(1, emit.edge(x).fraction)
    fraction = np.where(read.used, read.fraction, 0)
    x = scaled(emit, "places", x, fraction, read.used)
    return x, fraction + emit.edge(x).fraction


def tabulated(
    emit: Emitter,
    spec: LayerSpec,
    x: str,
    between: tuple[Formats | None, Formats],
    function: Callable[[Doubles], Inexact],
) -> str:
    """A function of ``x``, that was read in the first types and is written in the second: a table, or one a value."""
    read, types = between
    shape = emit.edge(x).shape
    if all(a.size == 1 for held in between if held is not None for a in (held.signed, held.bits, held.integer)):
        return looked_up(emit, spec, x, np.full(1, emit.edge(x).fraction), each_table(types, (1,)), function)
    x, grid = placed(emit, x, read)
    flat = emit(nodes.Reshape, "values", (x,), (prod(shape),))
    looked = looked_up(emit, spec, flat, np.broadcast_to(grid, shape).reshape(-1), each_table(types, shape), function)
    return emit(nodes.Reshape, "shaped", (looked,), shape)


def looked_up(
    emit: Emitter, spec: LayerSpec, x: str, grid: Integers, types: Formats, function: Callable[[Doubles], Inexact]
) -> str:
    """A table for each entry of ``grid``, whose fraction bits the whole numbers of ``x`` have, in a type of its own.

    ``function`` is given the values that each table may be asked for, (tables, entries).
    """
    edge, tables = emit.edge(x), len(grid)
    entries = edge.raw_max - edge.raw_min + 1
    if entries * tables > MOST_ENTRIES:
        raise UnsupportedError(
            f"layer {spec.name!r}: {tables:,} tables of {entries:,} entries, of {MOST_ENTRIES:,} at most; train its "
            "input quantizer to fewer bits, which is another network"
        )
    low, high = edge.low.reshape(-1, tables).min(axis=0), edge.high.reshape(-1, tables).max(axis=0)
    raw = np.clip(np.arange(edge.raw_min, edge.raw_max + 1), low[:, None], high[:, None]).astype(np.float64)
    found = function(np.ldexp(raw, -grid[:, None]))
    exact, *ends = (_rounded(types, found.value + side * found.error) for side in (0, -1, 1))
    values = FixedArray.from_float(exact.reshape(-1))
    note = None
    if any(not np.array_equal(end, exact) for end in ends):
        bounds = [np.ldexp(choose(*ends), values.fraction) for choose in (np.minimum, np.maximum)]
        note = Float32(entries=Entries(*(np.rint(b).astype(np.int64).reshape(-1) for b in bounds)))
    return emit(nodes.Table, "table", (x,), values, edge.raw_min, tables, float32=note)


def _rounded(types: Formats, values: Doubles) -> Doubles:
    """Entries in their types, one for each table, as HGQ2 rounds values."""
    fraction, ends = (np.asarray(a, np.float64)[:, None] for a in (types.fraction, types.integer - types.signed))
    signed, step, end = types.signed[:, None], 2.0**fraction, 2.0**ends
    top = end - 1 / step
    bottom = -signed * (top if types.overflow == "SAT_SYM" else end)
    if types.overflow != "WRAP":
        values = np.clip(values, bottom, top)
    half = 0.5 if types.rounding == "RND" else 0.0
    steps = np.rint(values * step) if types.rounding == "RND_CONV" else np.floor(values * step + half)
    values = steps / step
    if types.overflow == "WRAP":
        values = (values - bottom) % (end * (1 + signed)) + bottom
    return np.asarray(np.where(types.used[:, None], values, 0.0))
