"""What float32 may make of each node's value, given the intervals in which QKeras's values of its inputs lie.

A sum of products that pass n roundings each is off by ``n u / (1 - n u)`` times the sum of their magnitudes at most,
with ``u = 2**-24``, in every order, with fused products and without (Higham, Accuracy and Stability of Numerical
Algorithms, chapter 3). A quantizer makes values of intervals again, unless a tie lies inside.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import singledispatch
from math import prod

import numpy as np
import numpy.typing as npt

from hls.graph import FLOAT32_LIMIT, FixedGraph, nodes
from hls.graph.fixed import FixedArray, IntArray, narrow, round_shift, widen
from hls.graph.float32 import (
    Doubles,
    Float32,
    keeps_fineness,
    leaves_grid,
    roundings,
)
from hls.graph.integers import INT64, plus, shifted, times, whole
from hls.graph.windows import patches
from hls.verification.span import Span, extreme, product, widened

UNIT = 2.0**-24
SAFE = 1 + 2.0**-40
"""More than float64 loses in working out a bound."""
FINE_BITS = 32
"""Bits that a magnitude has at least on the grid of an interval whose ends lie between the steps of the edge's."""


@dataclass(frozen=True, eq=False)
class Context:
    """What a node is given besides the intervals of its inputs."""

    graph: FixedGraph
    note: Float32

    def finer(self, node: nodes.Node, inputs: Sequence[Span]) -> bool:
        """Whether float32's values of ``node`` may lie between the steps of the grid that its inputs give it."""
        between = keeps_fineness(node, self.note) and not all(span.on_grid for span in inputs)
        return between or leaves_grid(node, self.note, self.graph)

    def guard(self, node: nodes.Node, inputs: Sequence[Span], fraction: int) -> int:
        """Bits by which the grid of the interval is finer than the one of ``fraction``."""
        if not self.finer(node, inputs):
            return 0
        edge = self.graph.edges[node.name]
        return max(0, FINE_BITS - edge.magnitude.bit_length() - (fraction - edge.fraction))


@singledispatch
def spread(node: nodes.Node, inputs: Sequence[Span], context: Context) -> Span:
    """What QKeras may hold of ``node``, given what it may hold of the inputs."""
    raise nodes.refusal(node, "spread (hls.verification.float32_spread)")


@dataclass(frozen=True, eq=False)
class _Sum:
    """A sum of products as exact arithmetic gives it, and the sum of the magnitudes of what is summed."""

    low: IntArray
    high: IntArray
    magnitude: Doubles
    roundings: npt.NDArray[np.int64] | int
    certain: npt.NDArray[np.bool_]
    off: Doubles | float = 0.0
    """By how much the constants of QKeras move it."""


def _summed(found: _Sum, fraction: int, guard: int, on_grid: bool) -> Span:
    """The sum as float32 may round it. Exact below 2**24 steps, in whatever order."""
    count = np.asarray(found.roundings, np.float64)
    relative = count * UNIT / (1 - count * UNIT) * SAFE
    own = found.certain & (found.off == 0)
    exact = own & (found.magnitude < FLOAT32_LIMIT)
    error = np.where(exact, 0.0, relative * (found.magnitude + found.off) + found.off * SAFE)
    if guard:
        # What is certain here is a multiple of the coarse step, whatever it is widened by.
        error = np.where(own, np.floor(error), error)
    return Span(*widened(found.low, found.high, error, own, guard), fraction + guard, on_grid)


def _affine(x: Span, kernel: FixedArray, bias: FixedArray, note: Float32) -> tuple[_Sum, int]:
    """``x @ kernel + bias`` with the channels of ``x`` last; the sum and its fraction."""
    weights = kernel.integers
    fraction = max(x.fraction + kernel.fraction, bias.fraction)
    shift = fraction - x.fraction - kernel.fraction
    offset = bias.at_fraction(fraction).integers
    flat = (-1, weights.shape[0])
    low, width = x.low.reshape(flat), plus(x.high, -x.low).reshape(flat)
    start = product(low, weights)
    bottom, top = start, start
    if width.any():
        bottom = plus(start, product(width, np.minimum(weights, 0)))
        top = plus(start, product(width, np.maximum(weights, 0)))
    size = x.magnitude.reshape(flat)
    absolute = np.abs(weights.astype(np.float64))
    magnitude = np.ldexp(size @ absolute, shift) + np.abs(offset.astype(np.float64))
    certain = np.asarray(top == bottom) | x.on_grid
    off: Doubles | float = 0.0
    if note.weights is not None:
        off = np.ldexp(size @ note.weights.reshape(weights.shape), fraction - x.fraction)
    if note.offset is not None:
        off = off + np.ldexp(note.offset, fraction)
    low, high = (plus(shifted(end, shift), offset) for end in (bottom, top))
    return _Sum(low, high, magnitude, roundings(kernel, bias), certain, np.broadcast_to(off, low.shape)), fraction


@spread.register
def _(node: nodes.Dense, inputs: Sequence[Span], context: Context) -> Span:
    (x,) = inputs
    found, fraction = _affine(x, node.kernel, node.bias, context.note)
    guard = context.guard(node, inputs, fraction)
    span = _summed(found, fraction, guard, not context.finer(node, inputs))
    return _shaped(span, (*x.low.shape[:-1], node.kernel.shape[1]))


def _shaped(span: Span, shape: tuple[int, ...]) -> Span:
    return replace(span, low=span.low.reshape(shape), high=span.high.reshape(shape))


@spread.register
def _(node: nodes.Conv, inputs: Sequence[Span], context: Context) -> Span:
    (x,) = inputs
    rank = len(node.strides)
    window, (per_group, channels) = node.kernel.shape[:rank], node.kernel.shape[-2:]
    outputs = channels // node.groups
    low, high = (patches(end, window, node.strides, node.dilation, node.padding) for end in (x.low, x.high))
    places = low.shape[: rank + 1]
    note, parts = context.note, []
    for group in range(node.groups):
        read = slice(group * per_group, (group + 1) * per_group)
        made = slice(group * outputs, (group + 1) * outputs)
        bottom, top = (np.ascontiguousarray(end[..., read]).reshape(prod(places), -1) for end in (low, high))
        kernel = FixedArray(node.kernel.integers[..., made].reshape(-1, outputs), node.kernel.fraction)
        bias = FixedArray(node.bias.integers[made], node.bias.fraction)
        own = replace(
            note,
            weights=None if note.weights is None else note.weights[..., made].reshape(-1, outputs),
            offset=None if note.offset is None else note.offset[made],
        )
        found, fraction = _affine(Span(bottom, top, x.fraction, x.on_grid), kernel, bias, own)
        guard = context.guard(node, inputs, fraction)
        parts.append(_shaped(_summed(found, fraction, guard, not context.finer(node, inputs)), (*places, outputs)))
    return _joined(parts, axis=-1)


def _joined(parts: Sequence[Span], axis: int) -> Span:
    fraction = max(part.fraction for part in parts)
    parts = [part.at(fraction) for part in parts]
    low, high = (np.concatenate([getattr(part, end) for part in parts], axis=axis) for end in ("low", "high"))
    return Span(low, high, fraction, all(part.on_grid for part in parts))


@spread.register
def _(node: nodes.Scale, inputs: Sequence[Span], context: Context) -> Span:
    (x,) = inputs
    note = context.note
    fraction = max(x.fraction + node.factor.fraction, node.offset.fraction)
    shift = fraction - x.fraction - node.factor.fraction
    offset = node.offset.at_fraction(fraction).integers
    ends = [shifted(times(end, node.factor.integers), shift) for end in (x.low, x.high)]
    low, high = (plus(choose(*ends), offset) for choose in (np.minimum, np.maximum))
    if note.exact:
        return Span(low, high, fraction, x.on_grid)
    magnitude = np.maximum(*(np.abs(end.astype(np.float64)) for end in ends)) + np.abs(offset.astype(np.float64))
    off = np.zeros(low.shape)
    if note.weights is not None:
        off = off + np.ldexp(x.magnitude * note.weights, fraction - x.fraction)
    if note.offset is not None:
        off = off + np.ldexp(note.offset, fraction)
    found = _Sum(low, high, magnitude, roundings(node.weights, node.offset), x.certain, off)
    guard = context.guard(node, inputs, fraction)
    return _summed(found, fraction, guard, not context.finer(node, inputs))


@spread.register
def _(node: nodes.Quantize, inputs: Sequence[Span], context: Context) -> Span:
    (x,) = inputs
    if context.note.cut is not None:
        return _cut(node, x, *context.note.cut)
    half_even = node.rounding is nodes.Rounding.NEAREST_EVEN
    fraction = x.fraction
    low, high = x.low, x.high
    if context.note.half:
        low, high, fraction = _moved_by_half(x)

    def quantized(end: IntArray) -> IntArray:
        rounded = round_shift(end, fraction - node.type.fraction, half_even=half_even)
        if max(-node.raw_min, node.raw_max) >= INT64:
            rounded = widen(rounded)
        return narrow(np.clip(rounded, node.raw_min, node.raw_max))

    return Span(quantized(low), quantized(high), node.type.fraction, on_grid=True)


def _cut(node: nodes.Quantize, x: Span, below: bool, above: bool) -> Span:
    """A clip at the ends that it has, on a grid that holds them and what comes in."""
    fine = x.at(max(x.fraction, node.type.fraction))
    shift = fine.fraction - node.type.fraction
    ends = []
    for end in (widen(fine.low), widen(fine.high)):
        cut = np.maximum(end, node.raw_min << shift) if below else end
        ends.append(narrow(np.minimum(cut, node.raw_max << shift) if above else cut))
    return replace(fine, low=ends[0], high=ends[1])


def _moved_by_half(x: Span) -> tuple[IntArray, IntArray, int]:
    """``2 (x / 2 + 1 / 2) - 1`` for a magnitude of one at most: the sum rounds below its 24 bits, by 2**-25 at most."""
    if x.fraction < FLOAT32_LIMIT.bit_length() - 1 and x.on_grid:
        return x.low, x.high, x.fraction
    fraction = max(x.fraction, FLOAT32_LIMIT.bit_length() - 1)
    fine = x.at(fraction)
    step = 1 << (fraction - FLOAT32_LIMIT.bit_length() + 1)
    short = (fine.low == fine.high) & (fine.low % (2 * step) == 0)
    error = np.where(short, 0, step).astype(fine.low.dtype)
    return plus(fine.low, -error), plus(fine.high, error), fraction


@spread.register
def _(node: nodes.Pool, inputs: Sequence[Span], context: Context) -> Span:
    (x,) = inputs
    rank = len(node.window)
    axes = tuple(range(1 + rank, 1 + 2 * rank))
    smallest = int(x.low.min(initial=0))

    def windows(values: npt.NDArray[np.generic], fill: int) -> npt.NDArray[np.generic]:
        return patches(values, node.window, node.strides, (1,) * rank, node.padding, fill)

    if node.maximum:
        low, high = (np.asarray(windows(end, smallest).max(axis=axes)) for end in (x.low, x.high))
        return Span(low, high, x.fraction, x.on_grid)
    count = prod(node.window)
    wide = int(x.magnitude.max(initial=0)) * count >= INT64
    ends = (widen(end) if wide else end for end in (x.low, x.high))
    low, high = (narrow(np.asarray(windows(end, 0).sum(axis=axes))) for end in ends)
    magnitude = np.asarray(windows(x.magnitude, 0).sum(axis=axes)) * context.note.scaled
    passed = count - 1 + (2 if context.note.scaled > 1 else 0)
    found = _Sum(low, high, magnitude, passed, np.asarray(low == high) | x.on_grid)
    guard = context.guard(node, inputs, x.fraction)
    return _summed(found, x.fraction, guard, not context.finer(node, inputs))


@spread.register
def _(node: nodes.Wrap, inputs: Sequence[Span], context: Context) -> Span:
    x, type_ = inputs[0].at(max(inputs[0].fraction, node.type.fraction)), node.type
    finer = x.fraction - type_.fraction
    bottom, top = type_.raw_min << finer, ((type_.raw_max + 1) << finer) - 1
    low, high = plus(x.low, whole(-bottom)), plus(x.high, whole(-bottom))
    if type_.width + finer > 62:
        low, high = widen(low), widen(high)
    turns = low >> (type_.width + finer)
    together = turns == high >> (type_.width + finer)  # else the interval crosses an end, and may be anywhere
    moved = (plus(end, -shifted(turns, type_.width + finer)) for end in (x.low, x.high))
    ends = [narrow(np.where(together, end, outer)) for end, outer in zip(moved, (bottom, top), strict=True)]
    return Span(ends[0], ends[1], x.fraction, x.on_grid)


@spread.register
def _(node: nodes.Relu, inputs: Sequence[Span], context: Context) -> Span:
    (x,) = inputs
    if node.slope_shift is None:
        return replace(x, low=np.maximum(x.low, 0), high=np.maximum(x.high, 0))
    ends = [narrow(np.where(e >= 0, shifted(e, node.slope_shift), e)) for e in (x.low, x.high)]
    return Span(ends[0], ends[1], x.fraction + node.slope_shift, x.on_grid)


@spread.register
def _(node: nodes.Table, inputs: Sequence[Span], context: Context) -> Span:
    (x,) = inputs
    grid = context.graph.edges[node.inputs[0]].fraction
    last = node.entries - 1

    def index(end: IntArray, up: bool) -> npt.NDArray[np.int64]:
        raw = plus(end, whole((1 << max(x.fraction - grid, 0)) - 1)) if up else end
        steps = round_shift(raw, x.fraction - grid, half_even=False)
        place = np.clip(plus(steps, whole(-node.raw_min)), 0, last).astype(np.int64)
        return place + (node.first + node.raw_min).astype(np.int64)

    first, final = index(x.low, up=False), index(x.high, up=True)
    entries = context.note.entries
    low, high = (node.values.integers,) * 2 if entries is None else (entries.low, entries.high)
    return Span(
        extreme(low, first, final, np.minimum), extreme(high, first, final, np.maximum), node.values.fraction, True
    )


def _same_rank(a: IntArray, b: IntArray) -> tuple[IntArray, IntArray]:
    """Missing axes are inserted right after that of the events, as Keras does before it broadcasts."""
    rank = max(a.ndim, b.ndim)
    first, second = (x.reshape(len(x), *(1,) * (rank - x.ndim), *x.shape[1:]) for x in (a, b))
    return first, second


def _ranked(inputs: Sequence[Span]) -> tuple[Span, Span]:
    a, b = inputs
    lows, highs = _same_rank(a.low, b.low), _same_rank(a.high, b.high)
    return replace(a, low=lows[0], high=highs[0]), replace(b, low=lows[1], high=highs[1])


@spread.register
def _(node: nodes.Add, inputs: Sequence[Span], context: Context) -> Span:
    fraction = max(span.fraction for span in inputs)
    a, b = (span.at(fraction) for span in _ranked(inputs))
    if node.negate:
        b = replace(b, low=-b.high, high=-b.low)
    low, high = plus(a.low, b.low), plus(a.high, b.high)
    magnitude = np.maximum(np.abs(low.astype(np.float64)), np.abs(high.astype(np.float64)))
    found = _Sum(low, high, magnitude, 1, a.certain & b.certain)
    guard = context.guard(node, inputs, fraction)
    return _summed(found, fraction, guard, not context.finer(node, inputs))


@spread.register
def _(node: nodes.Multiply, inputs: Sequence[Span], context: Context) -> Span:
    a, b = _ranked(inputs)
    fraction = a.fraction + b.fraction
    ends = [times(p, q) for p in (a.low, a.high) for q in (b.low, b.high)]
    low = narrow(np.minimum(np.minimum(ends[0], ends[1]), np.minimum(ends[2], ends[3])))
    high = narrow(np.maximum(np.maximum(ends[0], ends[1]), np.maximum(ends[2], ends[3])))
    magnitude = np.maximum(np.abs(low.astype(np.float64)), np.abs(high.astype(np.float64)))
    found = _Sum(low, high, magnitude, 1, a.certain & b.certain)
    guard = context.guard(node, inputs, fraction)
    return _summed(found, fraction, guard, not context.finer(node, inputs))


@spread.register
def _(node: nodes.Concatenate, inputs: Sequence[Span], context: Context) -> Span:
    return _joined(inputs, axis=node.axis + 1)


@spread.register
def _(node: nodes.Reshape, inputs: Sequence[Span], context: Context) -> Span:
    (x,) = inputs
    return _shaped(x, (len(x.low), *node.shape))


@spread.register
def _(node: nodes.Transpose, inputs: Sequence[Span], context: Context) -> Span:
    (x,) = inputs
    axes = (0, *(axis + 1 for axis in node.permutation))
    return replace(x, low=np.transpose(x.low, axes), high=np.transpose(x.high, axes))
