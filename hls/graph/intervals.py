"""Exact interval arithmetic: the edge that a node's output has, given the edges of its inputs.

The bounds are attained or wider than what is attained, never narrower, so a type that covers them cannot overflow.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import singledispatch
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.graph import nodes
from hls.graph.edge import Edge
from hls.graph.fixed import FixedArray, IntArray, narrow, round_shift, shift_left, widen
from hls.graph.integers import plus, shifted, times
from hls.graph.windows import patches


def matmul_exact(a: IntArray, b: IntArray) -> IntArray:
    """Integer matrix product; through float64 BLAS where every partial sum stays below 2**53, else Python ints.

    >>> matmul_exact(np.array([[1 << 40, -1]]), np.array([[1 << 40], [1]])).tolist()  # float64 would lose the -1
    [[1208925819614629174706175]]
    """
    if a.size == 0 or b.size == 0:
        return np.zeros((*a.shape[:-1], *b.shape[1:]), np.int64)
    bound = int(np.abs(a).max()) * int(np.abs(b).max()) * b.shape[0]
    if bound < 1 << 53:
        product = np.matmul(a.astype(np.float64), b.astype(np.float64))
        return np.asarray(product).astype(np.int64)
    return narrow(np.asarray(np.matmul(widen(a), widen(b))))


@singledispatch
def propagate(node: nodes.Node, inputs: Sequence[Edge]) -> Edge:
    """Edge of ``node``'s output.

    ReLU cuts what is below zero; a product has its ends at products of ends:

    >>> x = Edge.of(np.array([-4]), np.array([7]), fraction=2)
    >>> positive = propagate(nodes.Relu("y", ("x",), "y"), [x])
    >>> positive.raw_min, positive.raw_max
    (0, 7)
    >>> square = propagate(nodes.Multiply("y", ("x", "x"), "y"), [x, x])
    >>> square.raw_min, square.raw_max, square.fraction  # of any two such numbers, so below zero too
    (-28, 49, 4)
    """
    raise nodes.refusal(node, "propagate (hls.graph.intervals)")


@propagate.register
def _(node: nodes.Input, inputs: Sequence[Edge]) -> Edge:
    return Edge.uniform(node.shape, node.raw_min, node.raw_max, node.type)


@propagate.register
def _(node: nodes.Quantize, inputs: Sequence[Edge]) -> Edge:
    x = inputs[0]
    half_even = node.rounding is nodes.Rounding.NEAREST_EVEN
    rounded = [round_shift(end, x.fraction - node.type.fraction, half_even=half_even) for end in (x.low, x.high)]
    if max(-node.raw_min, node.raw_max) >= 1 << 63:
        rounded = [widen(end) for end in rounded]
    low, high = (narrow(np.clip(end, node.raw_min, node.raw_max)) for end in rounded)
    magnitude = max(abs(int(low.min())), abs(int(high.max())))
    return Edge(low, high, node.type.fraction, magnitude, node.type)


@propagate.register
def _(node: nodes.Wrap, inputs: Sequence[Edge]) -> Edge:
    x, type_ = inputs[0], node.type
    if x.fraction > type_.fraction:
        raise ValueError(f"{node.name!r} wraps numbers of {x.fraction} fraction bits to {type_.fraction}; round first")
    low, high = (widen(shift_left(end, type_.fraction - x.fraction)) for end in (x.low, x.high))
    turns = (low - type_.raw_min) >> type_.width
    together = turns == (high - type_.raw_min) >> type_.width  # the interval crosses no end: it is moved as a whole
    low, high = (
        narrow(np.where(together, end - (turns << type_.width), outer))
        for end, outer in ((low, type_.raw_min), (high, type_.raw_max))
    )
    return Edge(low, high, type_.fraction, max(abs(int(low.min())), abs(int(high.max()))), type_)


@propagate.register
def _(node: nodes.Dense, inputs: Sequence[Edge]) -> Edge:
    x = inputs[0]
    return _affine(x.low, x.high, x.fraction, node.kernel.integers, node.kernel.fraction, node.bias)


@propagate.register
def _(node: nodes.Conv, inputs: Sequence[Edge]) -> Edge:
    x = inputs[0]
    window = node.kernel.shape[: len(node.strides)]
    low, high = (
        patches(bound[None], window, node.strides, node.dilation, node.padding)[0] for bound in (x.low, x.high)
    )
    per_group = node.kernel.shape[-2]
    outputs = node.kernel.shape[-1] // node.groups
    if per_group * node.groups != x.shape[-1]:
        raise ValueError(f"the kernel expects {per_group * node.groups} channels, {x.shape[-1]} arrive")
    parts = []
    for group in range(node.groups):
        chosen = slice(group * per_group, (group + 1) * per_group)
        kernel = node.kernel.integers[..., group * outputs : (group + 1) * outputs].reshape(-1, outputs)
        flat = [np.ascontiguousarray(b[..., chosen]).reshape(*b.shape[: len(window)], -1) for b in (low, high)]
        bias = type(node.bias)(node.bias.integers[group * outputs : (group + 1) * outputs], node.bias.fraction)
        parts.append(_affine(flat[0], flat[1], x.fraction, kernel, node.kernel.fraction, bias))
    return Edge(
        np.concatenate([p.low for p in parts], axis=-1),
        np.concatenate([p.high for p in parts], axis=-1),
        parts[0].fraction,
        max(p.partial_bound for p in parts),
    )


def _affine(
    low: IntArray, high: IntArray, fraction: int, kernel: IntArray, kernel_fraction: int, bias: FixedArray
) -> Edge:
    positive, negative = np.maximum(kernel, 0), np.minimum(kernel, 0)
    grid = max(fraction + kernel_fraction, bias.fraction)
    shift = grid - fraction - kernel_fraction
    offset = bias.at_fraction(grid).integers
    bottom = plus(shifted(plus(matmul_exact(low, positive), matmul_exact(high, negative)), shift), offset)
    top = plus(shifted(plus(matmul_exact(high, positive), matmul_exact(low, negative)), shift), offset)
    magnitude = np.maximum(np.abs(low), np.abs(high))
    partial = plus(shifted(matmul_exact(magnitude, np.abs(kernel)), shift), np.abs(offset))
    return Edge.of(bottom, top, grid, int(partial.max()))


@propagate.register
def _(node: nodes.Scale, inputs: Sequence[Edge]) -> Edge:
    x = inputs[0]
    grid = max(x.fraction + node.factor.fraction, node.offset.fraction)
    factor = shifted(node.factor.integers, grid - x.fraction - node.factor.fraction)
    offset = node.offset.at_fraction(grid).integers
    ends = [plus(times(bound, factor), offset) for bound in (x.low, x.high)]
    partial = plus(times(np.maximum(np.abs(x.low), np.abs(x.high)), np.abs(factor)), np.abs(offset))
    return Edge.of(narrow(np.minimum(*ends)), narrow(np.maximum(*ends)), grid, int(partial.max()))


@propagate.register
def _(node: nodes.Pool, inputs: Sequence[Edge]) -> Edge:
    x = inputs[0]
    rank = len(node.window)
    unit = (1,) * rank
    axes = tuple(range(rank, 2 * rank))

    def windows(bound: npt.NDArray[Any], fill: int) -> npt.NDArray[Any]:
        return np.asarray(patches(bound[None], node.window, node.strides, unit, node.padding, fill)[0])

    if node.maximum:
        low, high = (windows(bound, x.raw_min).max(axis=axes) for bound in (x.low, x.high))
        return Edge(low, high, x.fraction, x.magnitude, x.declared)
    low, high = (narrow(windows(widen(bound), 0).sum(axis=axes)) for bound in (x.low, x.high))
    magnitude = np.maximum(np.abs(widen(x.low)), np.abs(widen(x.high)))
    return Edge.of(low, high, x.fraction, int(windows(magnitude, 0).sum(axis=axes).max()))


@propagate.register
def _(node: nodes.Relu, inputs: Sequence[Edge]) -> Edge:
    x = inputs[0]
    if node.slope_shift is None:
        return Edge.of(np.maximum(x.low, 0), np.maximum(x.high, 0), x.fraction)
    low, high = (np.where(b >= 0, shift_left(b, node.slope_shift), b) for b in (x.low, x.high))
    return Edge.of(narrow(low), narrow(high), x.fraction + node.slope_shift)


@propagate.register
def _(node: nodes.Table, inputs: Sequence[Edge]) -> Edge:
    x = inputs[0]
    shape = (-1, node.channels)
    lowest, highest = x.low.reshape(shape).min(axis=0), x.high.reshape(shape).max(axis=0)
    if node.channels == 1:
        lowest, highest = [x.raw_min], [x.raw_max]
    ends = []
    for first, bottom, top in zip(node.first, lowest, highest, strict=True):
        reachable = node.values.integers[int(bottom) + first : int(top) + first + 1]
        ends.append((int(reachable.min()), int(reachable.max())))
    low, high = (np.broadcast_to(np.array(end, object), x.shape) for end in zip(*ends, strict=True))
    return Edge.of(narrow(low), narrow(high), node.values.fraction)


@propagate.register
def _(node: nodes.Add, inputs: Sequence[Edge]) -> Edge:
    a, b = inputs
    grid = max(a.fraction, b.fraction)
    (a_low, a_high), (b_low, b_high) = a.at_fraction(grid), b.at_fraction(grid)
    # Either term is a partial sum: where wide ones nearly cancel, what is left fits a format that they do not.
    partial = max(x.magnitude << (grid - x.fraction) for x in inputs)
    if node.negate:
        b_low, b_high = -b_high, -b_low
    return Edge.of(plus(a_low, b_low), plus(a_high, b_high), grid, partial)


@propagate.register
def _(node: nodes.Multiply, inputs: Sequence[Edge]) -> Edge:
    a, b = inputs
    ends = [times(p, q) for p in (a.low, a.high) for q in (b.low, b.high)]
    low = np.minimum(np.minimum(ends[0], ends[1]), np.minimum(ends[2], ends[3]))
    high = np.maximum(np.maximum(ends[0], ends[1]), np.maximum(ends[2], ends[3]))
    return Edge.of(narrow(low), narrow(high), a.fraction + b.fraction)


@propagate.register
def _(node: nodes.Concatenate, inputs: Sequence[Edge]) -> Edge:
    grid = max(e.fraction for e in inputs)
    bounds = [e.at_fraction(grid) for e in inputs]
    same = inputs[0].declared if len({e.type for e in inputs}) == 1 else None
    low = np.concatenate([b[0] for b in bounds], axis=node.axis)
    high = np.concatenate([b[1] for b in bounds], axis=node.axis)
    edge = Edge.of(narrow(low), narrow(high), grid)
    return Edge(edge.low, edge.high, grid, edge.partial_bound, same)


@propagate.register
def _(node: nodes.Reshape, inputs: Sequence[Edge]) -> Edge:
    x = inputs[0]
    return Edge(x.low.reshape(node.shape), x.high.reshape(node.shape), x.fraction, x.magnitude, x.declared)


@propagate.register
def _(node: nodes.Transpose, inputs: Sequence[Edge]) -> Edge:
    x = inputs[0]
    low, high = (np.transpose(b, node.permutation) for b in (x.low, x.high))
    return Edge(low, high, x.fraction, x.magnitude, x.declared)
