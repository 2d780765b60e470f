"""What the graph computes, as numbers of a ``Space``: one function a kind of node."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import singledispatch
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.graph import Edge, FixedGraph, nodes
from hls.graph.fixed import FixedArray, IntArray
from hls.graph.windows import patches
from hls.proof import runs as functions
from hls.proof.forms import Value
from hls.proof.runs import Ints, Runs
from hls.proof.subject import NotClosedError
from hls.proof.words import Space

Tensor = npt.NDArray[np.object_]
"""A ``Value`` for each element of a tensor: its raw integer."""


def tensor(values: Iterable[Value], shape: tuple[int, ...]) -> Tensor:
    """An array of values that NumPy must not look into."""
    listed = list(values)
    array = np.empty(len(listed), object)
    array[:] = listed
    return array.reshape(shape)


def graph_numbers(graph: FixedGraph, space: Space, visit: Callable[[nodes.Node], None]) -> dict[str, Tensor]:
    """The raw integers of every tensor; raises ``NotClosedError`` with the layer where that cannot be said.

    ``visit`` is called with each node before it is read.
    """
    found: dict[str, Tensor] = {}
    for node in graph:
        visit(node)
        space.layer = node.layer
        try:
            if isinstance(node, nodes.Input):
                found[node.name] = _port(node, graph.inputs.index(node.name), space)
            else:
                inputs = [found[name] for name in node.inputs]
                made = meaning(node, space, inputs, graph.edges_of(node), graph.edges[node.name])
                found[node.name] = made.reshape(graph.edges[node.name].shape)
        except NotClosedError as error:
            raise NotClosedError(error.reason, error.layer or node.layer) from error
    space.layer = None
    return found


def _port(node: nodes.Input, number: int, space: Space) -> Tensor:
    size = int(np.prod(node.shape, dtype=np.int64))
    return tensor((space.port(number, e, node.raw_min, node.raw_max) for e in range(size)), node.shape)


@singledispatch
def meaning(node: nodes.Node, space: Space, inputs: list[Tensor], edges: Sequence[Edge], edge: Edge) -> Tensor:
    """The numbers of a node, by those of its ``inputs``; ``edges`` are theirs, ``edge`` is its own."""
    raise NotClosedError(str(nodes.refusal(node, "meaning (hls.proof.meaning)")), node.layer)


def _each(x: Tensor, value: Callable[[Any], Value]) -> Tensor:
    return tensor((value(element) for element in x.ravel()), x.shape)


def _sums(space: Space, rows: Tensor, kernel: IntArray, constants: IntArray) -> list[Value]:
    """``row @ kernel + constants`` for each row: integers in one unit."""
    columns = [[(int(k), int(kernel[k, n])) for k in np.flatnonzero(kernel[:, n])] for n in range(kernel.shape[1])]
    made: list[Value] = []
    for row in rows:
        forms = [space.form(element) for element in row]
        for column, constant in zip(columns, constants, strict=True):
            made.append(space.affine([(weight, forms[k]) for k, weight in column], int(constant)))
    return made


def _on_grid(kernel: FixedArray, bias: FixedArray, source: Edge, edge: Edge) -> tuple[IntArray, IntArray]:
    """Kernel and bias as integers such that a sum of their products comes in units of ``edge``."""
    shift = edge.fraction - source.fraction - kernel.fraction
    return kernel.integers.astype(object) * (1 << shift), bias.at_fraction(edge.fraction).integers.astype(object)


@meaning.register
def _(node: nodes.Dense, space: Space, inputs: list[Tensor], edges: Sequence[Edge], edge: Edge) -> Tensor:
    kernel, bias = _on_grid(node.kernel, node.bias, edges[0], edge)
    return tensor(_sums(space, inputs[0].reshape(-1, kernel.shape[0]), kernel, bias), edge.shape)


@meaning.register
def _(node: nodes.Conv, space: Space, inputs: list[Tensor], edges: Sequence[Edge], edge: Edge) -> Tensor:
    kernel, bias = _on_grid(node.kernel, node.bias, edges[0], edge)
    rank = len(node.strides)
    seen = _windows(inputs[0], kernel.shape[:rank], node.strides, node.dilation, node.padding, space.constant(0))
    channels, filters = kernel.shape[-2], kernel.shape[-1] // node.groups
    groups = []
    for group in range(node.groups):
        part = seen[..., group * channels : (group + 1) * channels].reshape(*seen.shape[:rank], -1)
        columns = slice(group * filters, (group + 1) * filters)
        matrix = kernel[..., columns].reshape(-1, filters)
        made = _sums(space, part.reshape(-1, part.shape[-1]), matrix, bias[columns])
        groups.append(tensor(made, (*part.shape[:-1], filters)))
    return np.concatenate(groups, axis=-1)


def _windows(
    x: Tensor,
    window: tuple[int, ...],
    strides: tuple[int, ...],
    dilation: tuple[int, ...],
    padding: tuple[tuple[int, int], ...],
    fill: Value | None,
) -> Tensor:
    """(*positions, *window, channels) values, the padding as ``fill``."""
    places = patches(np.arange(x.size).reshape(x.shape)[None], window, strides, dilation, padding, fill=x.size)[0]
    whole = np.empty(x.size + 1, object)
    whole[:-1], whole[-1] = x.ravel(), fill
    seen: Tensor = whole[places]
    return seen


@meaning.register
def _(node: nodes.Scale, space: Space, inputs: list[Tensor], edges: Sequence[Edge], edge: Edge) -> Tensor:
    factor, offset = _on_grid(node.factor, node.offset, edges[0], edge)
    factors, offsets = (np.broadcast_to(part, edge.shape).ravel() for part in (factor, offset))
    elements = zip(inputs[0].ravel(), factors, offsets, strict=True)
    return tensor((space.affine([(int(w), element)], int(c)) for element, w, c in elements), edge.shape)


@meaning.register
def _(node: nodes.Quantize, space: Space, inputs: list[Tensor], edges: Sequence[Edge], edge: Edge) -> Tensor:
    shift = edges[0].fraction - node.type.fraction
    half_even = node.rounding is nodes.Rounding.NEAREST_EVEN
    key = ("quantize", shift, half_even, node.raw_min, node.raw_max)

    def quantized(f: Runs) -> Runs:
        return functions.clip(rounded(f, shift, half_even), node.raw_min, node.raw_max)

    return _each(inputs[0], lambda value: space.apply(key, [value], quantized))


def rounded(f: Runs, shift: int, half_even: bool) -> Runs:
    """``f / 2**shift`` rounded: to the nearest integer, the even one of two, or down.

    Of two integers equally near, the even one is what ``half`` less the last bit of the lower one makes of it:

    >>> rounded(functions.line(-3, 5, 1, 0), 1, half_even=True).at(np.arange(-3, 6)).tolist()  # -1.5, -1 ... 2.5
    [-2, -1, 0, 0, 0, 1, 2, 2, 2]
    """
    if shift <= 0:
        return functions.combine([(1 << -shift, f)])
    floor = functions.floor_shift(f, shift)
    if not half_even:
        return floor
    odd = functions.modulo(floor, 1, 0)
    return functions.floor_shift(functions.combine([(1, f), (1, odd)], (1 << (shift - 1)) - 1), shift)


@meaning.register
def _(node: nodes.Wrap, space: Space, inputs: list[Tensor], edges: Sequence[Edge], edge: Edge) -> Tensor:
    factor = 1 << (node.type.fraction - edges[0].fraction)

    def wrapped(value: Value) -> Value:
        return space.modulo(space.affine([(factor, value)]), node.type.width, node.type.raw_min)

    return _each(inputs[0], wrapped)


@meaning.register
def _(node: nodes.Pool, space: Space, inputs: list[Tensor], edges: Sequence[Edge], edge: Edge) -> Tensor:
    rank = len(node.window)
    seen = _windows(inputs[0], node.window, node.strides, (1,) * rank, node.padding, None)
    made: list[Value] = []
    for index in np.ndindex(*seen.shape[:rank], seen.shape[-1]):
        members = [member for member in seen[(*index[:-1], ..., index[-1])].ravel() if member is not None]
        made.append(space.maximum(members) if node.maximum else space.affine([(1, member) for member in members]))
    return tensor(made, edge.shape)


@meaning.register
def _(node: nodes.Relu, space: Space, inputs: list[Tensor], edges: Sequence[Edge], edge: Edge) -> Tensor:
    shift = edge.fraction - edges[0].fraction
    slope = node.slope_shift

    def rectified(f: Runs) -> Runs:
        scaled = functions.combine([(1 << shift, f)])
        below = functions.combine([(0, f)]) if slope is None else functions.floor_shift(scaled, slope)
        return functions.select(functions.at_least(f, 0), scaled, below)

    return _each(inputs[0], lambda value: space.apply(("relu", shift, slope), [value], rectified))


@meaning.register
def _(node: nodes.Table, space: Space, inputs: list[Tensor], edges: Sequence[Edge], edge: Edge) -> Tensor:
    values = node.values.at_fraction(edge.fraction).integers.astype(np.int64)

    def looked_up(channel: int, value: Value) -> Value:
        def entries(raw: Ints) -> Ints:
            found: Ints = values[raw + node.first[channel]]
            return found

        return space.apply(("table", node.name, channel), [value], lambda f: functions.pointwise([f], entries))

    elements = enumerate(inputs[0].ravel())
    return tensor((looked_up(place % node.channels, value) for place, value in elements), edge.shape)


@meaning.register
def _(node: nodes.Add, space: Space, inputs: list[Tensor], edges: Sequence[Edge], edge: Edge) -> Tensor:
    a, b = np.broadcast_arrays(*inputs)
    one, other = (1 << (edge.fraction - source.fraction) for source in edges)
    other = -other if node.negate else other
    pairs = zip(a.ravel(), b.ravel(), strict=True)
    return tensor((space.affine([(one, p), (other, q)]) for p, q in pairs), edge.shape)


@meaning.register
def _(node: nodes.Multiply, space: Space, inputs: list[Tensor], edges: Sequence[Edge], edge: Edge) -> Tensor:
    a, b = np.broadcast_arrays(*inputs)
    factor = 1 << (edge.fraction - edges[0].fraction - edges[1].fraction)
    pairs = zip(a.ravel(), b.ravel(), strict=True)
    return tensor((space.affine([(factor, space.product(p, q))]) for p, q in pairs), edge.shape)


@meaning.register
def _(node: nodes.Concatenate, space: Space, inputs: list[Tensor], edges: Sequence[Edge], edge: Edge) -> Tensor:
    factors = [1 << (edge.fraction - source.fraction) for source in edges]
    parts = [
        _each(x, lambda value, factor=factor: space.affine([(factor, value)]))  # type: ignore[misc]
        for x, factor in zip(inputs, factors, strict=True)
    ]
    return np.concatenate(parts, axis=node.axis)


@meaning.register
def _(node: nodes.Reshape, space: Space, inputs: list[Tensor], edges: Sequence[Edge], edge: Edge) -> Tensor:
    return inputs[0].reshape(node.shape)


@meaning.register
def _(node: nodes.Transpose, space: Space, inputs: list[Tensor], edges: Sequence[Edge], edge: Edge) -> Tensor:
    return inputs[0].transpose(node.permutation)
