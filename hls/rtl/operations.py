"""One node of a FixedGraph as adders, multiplexers and tables (distributed arithmetic)."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import singledispatch

import numpy as np

from hls.graph import FixedGraph, nodes
from hls.graph.fixed import FixedArray
from hls.graph.windows import patches
from hls.rtl.arithmetic import Arithmetic
from hls.rtl.element import Elements


def as_array(elements: Sequence[object], shape: tuple[int, ...]) -> Elements:
    """Array of objects that NumPy must not look into."""
    array = np.empty(len(elements), object)
    array[:] = elements
    return array.reshape(shape)


def _fractions(constant: FixedArray) -> list[Fraction]:
    unit = Fraction(1, 2) ** constant.fraction
    return [int(raw) * unit for raw in constant.integers.ravel()]


@singledispatch
def operate(node: nodes.Node, arithmetic: Arithmetic, inputs: list[Elements], graph: FixedGraph) -> Elements:
    """Elements that ``node`` makes of those of its ``inputs``; one that is wires only takes arrays of anything."""
    raise nodes.refusal(node, "operate (hls.rtl.operations)")


@operate.register
def _(node: nodes.Quantize, arithmetic: Arithmetic, inputs: list[Elements], graph: FixedGraph) -> Elements:
    half_even = node.rounding is nodes.Rounding.NEAREST_EVEN
    limits = (node.type.fraction, node.raw_min, node.raw_max, half_even)
    return as_array([arithmetic.quantize(x, *limits) for x in inputs[0].ravel()], inputs[0].shape)


@operate.register
def _(node: nodes.Wrap, arithmetic: Arithmetic, inputs: list[Elements], graph: FixedGraph) -> Elements:
    return as_array([arithmetic.wrap(x, node.type) for x in inputs[0].ravel()], inputs[0].shape)


@operate.register
def _(node: nodes.Dense, arithmetic: Arithmetic, inputs: list[Elements], graph: FixedGraph) -> Elements:
    return _dense(arithmetic, inputs[0], node.kernel, _fractions(node.bias))


def _dense(arithmetic: Arithmetic, x: Elements, kernel: FixedArray, bias: list[Fraction]) -> Elements:
    rows = x.reshape(-1, kernel.shape[0])
    out = [y for row in rows for y in arithmetic.affine(list(row), kernel.integers, kernel.fraction, bias)]
    return as_array(out, (*x.shape[:-1], kernel.shape[1]))


@operate.register
def _(node: nodes.Conv, arithmetic: Arithmetic, inputs: list[Elements], graph: FixedGraph) -> Elements:
    window = node.kernel.shape[: len(node.strides)]
    seen = _windows(arithmetic, inputs[0], window, node.strides, node.dilation, node.padding)
    positions = seen.shape[: len(window)]
    channels, filters = node.kernel.shape[-2], node.kernel.shape[-1] // node.groups
    groups = []
    for group in range(node.groups):
        part = seen[..., group * channels : (group + 1) * channels].reshape(*positions, -1)
        columns = slice(group * filters, (group + 1) * filters)
        kernel = FixedArray(node.kernel.integers[..., columns].reshape(-1, filters), node.kernel.fraction)
        groups.append(_dense(arithmetic, part, kernel, _fractions(node.bias)[columns]))
    return np.concatenate(groups, axis=-1)


def _windows(
    arithmetic: Arithmetic,
    x: Elements,
    window: tuple[int, ...],
    strides: tuple[int, ...],
    dilation: tuple[int, ...],
    padding: tuple[tuple[int, int], ...],
) -> Elements:
    """(*positions, *window, channels) elements, the padding as constant zeros."""
    numbers = np.arange(x.size).reshape(x.shape)[None]
    chosen = patches(numbers, window, strides, dilation, padding, fill=x.size)[0]
    # The number after the last stands for the padding.
    windows: Elements = as_array([*x.ravel(), arithmetic.constant(Fraction(0))], (x.size + 1,))[chosen]
    return windows


@operate.register
def _(node: nodes.Scale, arithmetic: Arithmetic, inputs: list[Elements], graph: FixedGraph) -> Elements:
    x = inputs[0]
    factor = np.broadcast_to(node.factor.integers, x.shape[-1:])
    offset = np.broadcast_to(np.array(_fractions(node.offset), object), x.shape[-1:])
    out = [
        arithmetic.affine([element], np.array([[factor[c]]]), node.factor.fraction, [offset[c]])[0]
        for row in x.reshape(-1, x.shape[-1])
        for c, element in enumerate(row)
    ]
    return as_array(out, x.shape)


@operate.register
def _(node: nodes.Pool, arithmetic: Arithmetic, inputs: list[Elements], graph: FixedGraph) -> Elements:
    x, rank = inputs[0], len(node.window)
    unit = (1,) * rank
    inside = patches(np.ones((1, *x.shape), bool), node.window, node.strides, unit, node.padding)[0]
    seen = _windows(arithmetic, x, node.window, node.strides, unit, node.padding)
    shape = (*seen.shape[:rank], x.shape[-1])
    out = []
    for index in np.ndindex(shape):
        place = (*index[:-1], ..., index[-1])
        members = list(seen[place][inside[place]])
        ones = np.ones((len(members), 1), np.int64)
        out.append(
            arithmetic.maximum(members) if node.maximum else arithmetic.affine(members, ones, 0, [Fraction(0)])[0]
        )
    return as_array(out, shape)


@operate.register
def _(node: nodes.Relu, arithmetic: Arithmetic, inputs: list[Elements], graph: FixedGraph) -> Elements:
    x = inputs[0]
    if node.slope_shift is None:
        zero = arithmetic.constant(Fraction(0))
        return as_array([element.max_of(zero) for element in x.ravel()], x.shape)
    return as_array([arithmetic.leaky(element, node.slope_shift) for element in x.ravel()], x.shape)


@operate.register
def _(node: nodes.Table, arithmetic: Arithmetic, inputs: list[Elements], graph: FixedGraph) -> Elements:
    x, fraction = inputs[0], graph.edges[node.inputs[0]].fraction
    tables = node.values.integers.reshape(node.channels, node.entries)
    out = [
        arithmetic.lookup(e, tables[place % node.channels], node.values.fraction, node.raw_min, fraction)
        for place, e in enumerate(x.ravel())
    ]
    return as_array(out, x.shape)


@operate.register
def _(node: nodes.Add, arithmetic: Arithmetic, inputs: list[Elements], graph: FixedGraph) -> Elements:
    a, b = np.broadcast_arrays(*inputs)
    pairs = zip(a.ravel(), b.ravel(), strict=True)
    return as_array([arithmetic.add(p, -q if node.negate else q) for p, q in pairs], a.shape)


@operate.register
def _(node: nodes.Multiply, arithmetic: Arithmetic, inputs: list[Elements], graph: FixedGraph) -> Elements:
    a, b = np.broadcast_arrays(*inputs)
    return as_array([arithmetic.multiply(p, q) for p, q in zip(a.ravel(), b.ravel(), strict=True)], a.shape)


@operate.register
def _(node: nodes.Concatenate, arithmetic: Arithmetic, inputs: list[Elements], graph: FixedGraph) -> Elements:
    return np.concatenate(inputs, axis=node.axis)


@operate.register
def _(node: nodes.Reshape, arithmetic: Arithmetic, inputs: list[Elements], graph: FixedGraph) -> Elements:
    return inputs[0].reshape(node.shape)


@operate.register
def _(node: nodes.Transpose, arithmetic: Arithmetic, inputs: list[Elements], graph: FixedGraph) -> Elements:
    return inputs[0].transpose(node.permutation)
