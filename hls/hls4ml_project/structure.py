"""Inputs, pooling maxima, merges and changes of shape."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from hls.graph import Edge, nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.graph.windows import output_length
from hls.hls4ml_project.linear import matrix, window_sum
from hls.hls4ml_project.lowering import Lowering, state
from hls.hls4ml_project.types import Attribute, HlsType, Value


@state.register
def port(node: nodes.Input, low: Lowering) -> Value:
    """An input port."""
    type_ = HlsType(low.fit(node.type))
    return low.emit(node, "InputLayer", (), node.shape, type_, {"input_shape": list(node.shape)})


@state.register
def pool(node: nodes.Pool, low: Lowering) -> Value:
    """A maximum or a sum over windows."""
    return _maximum(low, node) if node.maximum else window_sum(low, node)


def _maximum(low: Lowering, node: nodes.Pool) -> Value:
    """Maximum over windows of the spatial axes."""
    x, _ = low.input(node)
    rank = len(node.window)
    padded = any(p != (0, 0) for p in node.padding)
    if low.streaming:
        node = _streamed(low, node, x.shape, padded=padded)
    if padded and not x.type.type.signed:
        # hls4ml pads with the sign bit alone: the least value of a signed type, but half of an unsigned one.
        wider = FixedType(True, x.type.type.width + 1, x.type.type.integer + 1)
        x = low.cast(node, x, HlsType(wider))
    x = low.shaped(node, x, x.shape)
    types = {"accum": x.type.plain}
    whole = not padded and node.window == x.shape[:rank]
    if whole:
        sizes = {"n_in": x.shape[0]} if rank == 1 else {"in_height": x.shape[0], "in_width": x.shape[1]}
        attributes: dict[str, Attribute] = {"data_format": "channels_last", "n_filt": x.shape[-1], **sizes}
        made = low.emit(node, f"GlobalMaxPooling{rank}D", (x,), x.shape[rank:], x.type.plain, attributes, types)
    else:
        attributes, out = _pool_sizes(x, node)
        made = low.emit(node, f"MaxPooling{rank}D", (x,), (*out, x.shape[-1]), x.type.plain, attributes, types)
    return replace(made, shape=low.graph.edges[node.name].shape)


def _streamed(low: Lowering, node: nodes.Pool, shape: tuple[int, ...], *, padded: bool) -> nodes.Pool:
    """A maximum that hls4ml's stream computes, or the refusal of ``node``."""
    if padded:
        raise low.refuse(node, "padded max pooling is not built", "choose io_parallel, or pooling without padding")
    node = _plain_strides(node, shape)
    if node.strides != node.window and len(node.window) > low.backend.layers.maxima_stride_axes:
        what = f"max pooling over windows of {_by(node.window)} in steps of {_by(node.strides)} is not built"
        raise low.refuse(node, what, "choose io_parallel, or strides equal to the window")
    return node


def _plain_strides(node: nodes.Pool, shape: tuple[int, ...]) -> nodes.Pool:
    """The same maximum; where there is one window along an axis whatever the step, the step is the window."""
    axes = zip(node.window, node.strides, shape, strict=False)
    return replace(
        node, strides=tuple(window if length - window < min(window, step) else step for window, step, length in axes)
    )


def _by(lengths: tuple[int, ...]) -> str:
    return " x ".join(map(str, lengths))


def _pool_sizes(x: Value, node: nodes.Pool) -> tuple[dict[str, Attribute], tuple[int, ...]]:
    out = tuple(
        output_length(n, w, s, 1, p)
        for n, w, s, p in zip(x.shape, node.window, node.strides, node.padding, strict=False)
    )
    attributes: dict[str, Attribute] = {"data_format": "channels_last", "n_filt": x.shape[-1], "count_pad": False}
    if len(out) == 1:
        attributes |= {"n_in": x.shape[0], "n_out": out[0]}
    names = ("width",) if len(out) == 1 else ("height", "width")
    sides = (("left", "right"),) if len(out) == 1 else (("top", "bottom"), ("left", "right"))
    for axis, name in enumerate(names):
        if len(out) == 2:
            attributes |= {f"in_{name}": x.shape[axis], f"out_{name}": out[axis]}
        attributes |= {f"pool_{name}": node.window[axis], f"stride_{name}": node.strides[axis]}
        attributes[f"pad_{sides[axis][0]}"], attributes[f"pad_{sides[axis][1]}"] = node.padding[axis]
    return attributes, out


@state.register
def add(node: nodes.Add, low: Lowering) -> Value:
    """Sum or difference of two tensors."""
    return _merge(low, node, "subtract" if node.negate else "add")


@state.register
def multiply(node: nodes.Multiply, low: Lowering) -> Value:
    """Product of two tensors, element by element."""
    return _merge(low, node, "multiply")


def _merge(low: Lowering, node: nodes.Node, operation: str) -> Value:
    """A layer that takes two tensors of one shape; broadcasting is written out."""
    edge = low.graph.edges[node.name]
    a, b = (expand(low, node, *low.input(node, index), edge.shape) for index in (0, 1))
    if a.layer_shape != b.layer_shape:
        a, b = low.shaped(node, a, edge.shape), low.shaped(node, b, edge.shape)
    made = low.emit(node, "Merge", (a, b), a.layer_shape, low.exact(edge), {"op": operation})
    return replace(made, shape=edge.shape)


def expand(low: Lowering, node: nodes.Node, x: Value, edge: Edge, shape: tuple[int, ...]) -> Value:
    """``x`` repeated along the axes where it has length one: products with ones, which cost wires."""
    x = replace(x, shape=(1,) * (len(shape) - len(x.shape)) + x.shape)
    for first, end in repeated_axes(x.shape, shape):
        x = _repeat(low, node, x, edge, first, shape[first:end])
    return x


def repeated_axes(source: tuple[int, ...], shape: tuple[int, ...]) -> list[tuple[int, int]]:
    """Runs (first axis, axis after the last) along which ``source`` is repeated to become ``shape``.

    A run takes all axes of length one that follow along, so that one product repeats them all:

    >>> repeated_axes((1, 1, 3, 1), (4, 2, 3, 5))
    [(0, 2), (3, 4)]
    >>> repeated_axes((1, 1, 3), (2, 1, 3))
    [(0, 2)]
    """
    runs: list[tuple[int, int]] = []
    for axis, (length, wanted) in enumerate(zip(source, shape, strict=True)):
        done = runs[-1][1] if runs else 0
        if length != wanted and axis >= done:
            end = next((other for other in range(axis, len(source)) if source[other] != 1), len(source))
            runs.append((axis, end))
    return runs


def _repeat(low: Lowering, node: nodes.Node, x: Value, edge: Edge, first: int, lengths: tuple[int, ...]) -> Value:
    """``x`` whose axes of length one from ``first`` on become ``lengths``: rows times unit matrices side by side."""
    before, after = x.shape[:first], x.shape[first + len(lengths) :]
    inner, copies = math.prod(after), math.prod(lengths)
    ones = FixedArray(np.tile(np.eye(inner, dtype=np.int64), (1, copies)), 0)
    zeros = FixedArray(np.zeros(copies * inner, np.int64), 0)
    made = matrix(low, node, replace(x, shape=(math.prod(before), inner)), ones, zeros, edge)
    return replace(made, shape=(*before, *lengths, *after))


@state.register
def concatenate(node: nodes.Concatenate, low: Lowering) -> Value:
    """Joined two at a time; every intermediate type holds both sides on their common grid."""
    edges = [low.graph.edges[name] for name in node.inputs]
    out = low.graph.edges[node.name]
    axis = node.axis % len(out.shape)
    joined, bounds, grid = low.values[node.inputs[0]], (edges[0].raw_min, edges[0].raw_max), edges[0].fraction
    for index in range(1, len(edges)):
        right, edge = low.values[node.inputs[index]], edges[index]
        finer = max(grid, edge.fraction)
        bounds = (
            min(bounds[0] << (finer - grid), edge.raw_min << (finer - edge.fraction), 0),
            max(bounds[1] << (finer - grid), edge.raw_max << (finer - edge.fraction), 0),
        )
        grid = finer
        last = index == len(edges) - 1
        type_ = low.exact(out) if last else HlsType(low.fit(FixedType.covering(*bounds, grid)))
        joined = _join(low, node, joined, right, axis, type_)
    return joined


def _join(low: Lowering, node: nodes.Node, a: Value, b: Value, axis: int, type_: HlsType) -> Value:
    length = a.shape[axis] + b.shape[axis]
    shape = (*a.shape[:axis], length, *a.shape[axis + 1 :])
    if not low.streaming or len(shape) > 3:
        # Arrays are flat: what matters is how much of each side comes in one go.
        before = int(np.prod(shape[:axis], dtype=np.int64))
        sides = [(x, x.size // before) for x in (a, b)]
        flat = [low.shaped(node, x, (n,) if before == 1 else (before, n)) for x, n in sides]
        total = sides[0][1] + sides[1][1]
        known: tuple[int, ...] = (total,) if before == 1 else (before, total)
        position = len(known)
    else:
        # Where streams of vectors are joined wrongly, as one row each they are joined well.
        one_row: tuple[int, ...] = (1,) if len(shape) == 1 and not low.backend.layers.joins_streamed_vectors else ()
        flat = [low.shaped(node, x, one_row + x.shape) for x in (a, b)]
        known, position = one_row + shape, axis + 1 + len(one_row)
    attributes: dict[str, Attribute] = {"axis": position, "op": f"concatenate{len(known)}d"}
    made = low.emit(node, "Concatenate", flat, known, type_, attributes)
    return replace(made, shape=shape)


@state.register
def reshape(node: nodes.Reshape, low: Lowering) -> Value:
    """A view; a layer only if a reader needs hls4ml to know the shape."""
    x, _ = low.input(node)
    return replace(x, shape=node.shape)


@state.register
def transpose(node: nodes.Transpose, low: Lowering) -> Value:
    """Axes of length one left out and neighbours that stay together merged, so that the rank is the least there is."""
    x, _ = low.input(node)
    shape, order = fewest_axes(x.shape, node.permutation)
    out = low.graph.edges[node.name].shape
    if len(shape) < 2:
        return replace(x, shape=out)
    if len(shape) > _transpose_axes(low):
        raise low.refuse(node, f"a transpose that moves {len(shape)} axes is not built")
    flat = low.shaped(node, x, shape)
    turned = tuple(shape[axis] for axis in order)
    made = low.emit(node, "Transpose", (flat,), turned, x.type, {"perm": list(order)})
    return replace(made, shape=out)


def _transpose_axes(low: Lowering) -> int:
    """The most axes that the backend's transpose moves."""
    able = low.backend.layers
    return able.streamed_transpose_axes if low.streaming else able.transpose_axes


def fewest_axes(shape: tuple[int, ...], permutation: tuple[int, ...]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The same movement of a row-major array with as few axes as possible: (shape, permutation).

    Axes of length one are left out, and axes that stand side by side before and after are one. Here 3 and 4 go ahead
    of 2 and 5 together, as one axis of 12:

    >>> fewest_axes((2, 1, 3, 4, 5), (2, 3, 1, 0, 4))
    ((2, 12, 5), (1, 0, 2))
    """
    kept = [axis for axis, length in enumerate(shape) if length != 1]
    joined = _runs([kept.index(axis) for axis in permutation if shape[axis] != 1])
    before = sorted(joined)
    lengths = tuple(math.prod(shape[kept[place]] for place in run) for run in before)
    return lengths, tuple(before.index(run) for run in joined)


def _runs(numbers: Sequence[int]) -> list[list[int]]:
    """``numbers`` split where one is not the successor of that before it.

    >>> _runs([2, 3, 0, 1, 4])
    [[2, 3], [0, 1], [4]]
    """
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return runs
