"""Sums of products: dense and convolution layers, and sums over windows as convolutions with ones."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from hls.graph import Edge, nodes
from hls.graph.fixed import FixedArray, FixedType, IntArray
from hls.graph.windows import output_length, ungrouped
from hls.hls4ml_project import sum_pooling
from hls.hls4ml_project.lowering import Lowering, state
from hls.hls4ml_project.types import Attribute, HlsType, Value


@dataclass(frozen=True, eq=False)
class _Sums:
    """Sums of products with ``kernel``, plus ``bias``; ``edge`` has the exact results and bounds every partial sum."""

    kernel: FixedArray
    bias: FixedArray
    edge: Edge


@dataclass(frozen=True)
class _Steps:
    """How a window moves: its stride along each axis, and the zeros before and after."""

    strides: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]


def accumulator(edge: Edge) -> FixedType:
    """A type that holds every partial sum, in any order of summation."""
    bound = max(edge.partial_bound, 1)
    return FixedType.covering(-bound, bound, edge.fraction)


@state.register
def dense(node: nodes.Dense, low: Lowering) -> Value:
    """Dense over the last axis."""
    x, _ = low.input(node)
    return matrix(low, node, x, node.kernel, node.bias, low.graph.edges[node.name])


def matrix(low: Lowering, node: nodes.Node, x: Value, kernel: FixedArray, bias: FixedArray, edge: Edge) -> Value:
    """``x @ kernel + bias`` over the last axis: Dense for one vector, a pointwise convolution for several."""
    n_in, n_out = kernel.shape
    shape = (*x.shape[:-1], n_out)
    rows = x.size // n_in
    if rows == 1:
        flat = low.flattened(node, x)
        attributes: dict[str, Attribute] = {"n_in": n_in, "n_out": n_out}
        weights, types = _weights(low, node, _Sums(kernel, bias, edge))
        made = low.emit(node, "Dense", (flat,), (n_out,), low.exact(edge), {**attributes, **weights}, types)
        return replace(made, shape=shape)
    # A stream is best left as it is packed; arrays are flat, so there the shape is free.
    positions: tuple[int, ...] = x.shape[:2] if low.streaming and len(x.shape) == 3 else (rows,)
    rank = len(positions)
    pointwise = FixedArray(kernel.integers.reshape((1,) * rank + kernel.shape), kernel.fraction)
    steps = _Steps((1,) * rank, ((0, 0),) * rank)
    made = _convolve(low, node, low.shaped(node, x, (*positions, n_in)), _Sums(pointwise, bias, edge), steps)
    return replace(made, shape=shape)


@state.register
def convolution(node: nodes.Conv, low: Lowering) -> Value:
    """Convolution; groups that hls4ml has no layer for become zeros of an ordinary kernel."""
    x, _ = low.input(node)
    x = low.shaped(node, x, x.shape)
    rank = len(node.strides)
    kernel = _spread(node.kernel, node.dilation)
    edge, steps = low.graph.edges[node.name], _Steps(node.strides, node.padding)
    kernel, steps = _rows_to_skip(low, x, kernel, steps)
    channels = x.shape[-1]
    if node.groups == channels and channels > 1 and _has_depthwise(low, rank, kernel.shape[-1] // channels):
        return _depthwise(low, node, x, _Sums(kernel, node.bias, edge), steps)
    if node.groups > 1:
        kernel = ungrouped(kernel, node.groups)
    return _convolve(low, node, x, _Sums(kernel, node.bias, edge), steps)


def window_sum(low: Lowering, node: nodes.Pool) -> Value:
    """Sum over windows: a kernel of ours where the window is all there is, else a convolution with ones.

    hls4ml only averages, and truncates.
    """
    x, _ = low.input(node)
    edge = low.graph.edges[node.name]
    rank, channels = len(node.window), x.shape[-1]
    if node.window == x.shape[:rank] and all(p == (0, 0) for p in node.padding):
        if low.backend.layers.sum_pooling is not None:
            return _sum_pooling(low, node, x, edge)
        if not low.streaming:
            return _product_with_ones(low, node, x, edge)
    x = low.shaped(node, x, x.shape)
    steps = _Steps(node.strides, node.padding)
    zero = FixedArray(np.zeros(channels, np.int64), 0)
    ones = FixedArray(np.ones((*node.window, 1, channels), np.int64), 0)
    ones, steps = _rows_to_skip(low, x, ones, steps)
    if channels > 1 and _has_depthwise(low, rank, 1):
        return _depthwise(low, node, x, _Sums(ones, zero, edge), steps)
    return _convolve(low, node, x, _Sums(ungrouped(ones, channels), zero, edge), steps)


def _sum_pooling(low: Lowering, node: nodes.Pool, x: Value, edge: Edge) -> Value:
    channels = x.shape[-1]
    # A stream brings one position after the other, however many axes they lie on; arrays are flat.
    if low.streaming and x.layer_shape[-1] != channels:
        x = low.shaped(node, x, x.shape)
    attributes = {"n_in": x.size // channels, "n_filt": channels}
    types = {"accum": HlsType(low.fit(accumulator(edge)))}
    made = low.emit(node, sum_pooling.CLASS_NAME, (x,), (channels,), low.exact(edge), attributes, types)
    return replace(made, shape=edge.shape)


def _product_with_ones(low: Lowering, node: nodes.Pool, x: Value, edge: Edge) -> Value:
    """Sum of all positions: put them last (wires only), then one column of ones."""
    channels = x.shape[-1]
    positions = x.size // channels
    flat = low.shaped(node, x, (positions, channels))
    turned = replace(flat, shape=(channels, positions))
    if min(positions, channels) > 1:
        turned = transpose_2d(low, node, flat)
    ones = FixedArray(np.ones((positions, 1), np.int64), 0)
    made = matrix(low, node, turned, ones, FixedArray(np.zeros(1, np.int64), 0), edge)
    return replace(made, shape=edge.shape)


def transpose_2d(low: Lowering, node: nodes.Node, x: Value) -> Value:
    """Rows and columns swapped."""
    return low.emit(node, "Transpose", (x,), (x.shape[1], x.shape[0]), x.type, {"perm": [1, 0]})


def _spread(kernel: FixedArray, dilation: tuple[int, ...]) -> FixedArray:
    """A dilated kernel written out with its zeros: most backends know no dilation."""
    integers = kernel.integers
    for axis, step in enumerate(dilation):
        if step > 1:
            length = step * (integers.shape[axis] - 1) + 1
            wide: IntArray = np.zeros((*integers.shape[:axis], length, *integers.shape[axis + 1 :]), integers.dtype)
            wide[(slice(None),) * axis + (slice(None, None, step),)] = integers
            integers = wide
    return FixedArray(integers, kernel.fraction)


def _rows_to_skip(low: Lowering, x: Value, kernel: FixedArray, steps: _Steps) -> tuple[FixedArray, _Steps]:
    """A window of one row that skips rows gets a second row of zeros, where hls4ml's stream would take every row.

    hls4ml moves such a window along columns alone. The image grows by the row below it that the last window now needs.
    """
    one_row = len(steps.strides) == 2 and kernel.shape[0] == 1 < kernel.shape[1]
    if not (low.streaming and one_row and steps.strides[0] > 1) or low.backend.layers.one_row_strides:
        return kernel, steps
    integers = np.concatenate([kernel.integers, np.zeros_like(kernel.integers)])
    (above, below), columns = steps.padding
    last = (x.shape[0] + above + below - 1) // steps.strides[0] * steps.strides[0]
    missing = max(last + 2 - (x.shape[0] + above + below), 0)
    return FixedArray(integers, kernel.fraction), _Steps(steps.strides, ((above, below + missing), columns))


def _has_depthwise(low: Lowering, rank: int, multiplier: int) -> bool:
    """Whether hls4ml can do one kernel per channel, or it takes an ordinary kernel with zeros.

    Vitis and Vivado have it, for arrays with the latency strategy only, and the headers of the one- and the
    two-dimensional layer exclude each other, so the first rank in a design is the one that gets it.
    """
    if multiplier != 1 or not low.backend.layers.depthwise:
        return False
    if low.depthwise_rank is None:
        low.depthwise_rank = rank
    return low.depthwise_rank == rank and (low.streaming or low.target.strategy == "latency")


def _geometry(x: Value, window: tuple[int, ...], steps: _Steps) -> tuple[dict[str, Attribute], tuple[int, ...]]:
    """hls4ml's names for the sizes of a window layer, and the positions of its output."""
    strides, padding = steps.strides, steps.padding
    out = tuple(output_length(n, w, s, 1, p) for n, w, s, p in zip(x.shape, window, strides, padding, strict=False))
    names = ("width",) if len(window) == 1 else ("height", "width")
    sides = (("left", "right"),) if len(window) == 1 else (("top", "bottom"), ("left", "right"))
    attributes: dict[str, Attribute] = {"data_format": "channels_last"}
    for axis, name in enumerate(names):
        attributes[f"in_{name}"] = x.shape[axis]
        attributes[f"out_{name}"] = out[axis]
        attributes[f"filt_{name}"] = window[axis]
        attributes[f"stride_{name}"] = strides[axis]
        attributes[f"pad_{sides[axis][0]}"], attributes[f"pad_{sides[axis][1]}"] = padding[axis]
    return attributes, out


def _convolve(low: Lowering, node: nodes.Node, x: Value, sums: _Sums, steps: _Steps) -> Value:
    """Every filter over all channels; the kernel is (*window, channels, filters)."""
    x, steps = _padded(low, node, x, steps)
    rank, filters = len(steps.strides), sums.kernel.shape[-1]
    attributes, positions = _geometry(x, sums.kernel.shape[:rank], steps)
    attributes |= {"n_chan": x.shape[-1], "n_filt": filters, **_parallel(low, positions)}
    weights, types = _weights(low, node, sums)
    shape, result = (*positions, filters), low.exact(sums.edge)
    attributes |= weights
    return low.emit(node, f"Conv{rank}D", (x,), shape, result, attributes, types, _most_reuse(low, sums.kernel))


def _most_reuse(low: Lowering, kernel: FixedArray) -> int | None:
    if low.streaming or low.target.strategy != "resource" or not low.backend.folds_within_window:
        return None
    return int(np.prod(kernel.shape[:-1]))


def _padded(low: Lowering, node: nodes.Node, x: Value, steps: _Steps) -> tuple[Value, _Steps]:
    """Streams are padded by a layer of their own.

    hls4ml would insert one itself, but where a tensor has several readers it does so before the wrong one.
    """
    if not low.streaming or all(p == (0, 0) for p in steps.padding):
        return x, steps
    rank = len(steps.padding)
    attributes, shape = _geometry(x, (1,) * rank, _Steps((1,) * rank, steps.padding))
    attributes |= {"n_chan": x.shape[-1]}
    made = low.emit(node, f"ZeroPadding{rank}D", (x,), (*shape, x.shape[-1]), x.type, attributes)
    return made, _Steps(steps.strides, ((0, 0),) * rank)


def _parallel(low: Lowering, positions: tuple[int, ...]) -> dict[str, Attribute]:
    """All positions at once where the reuse factor is one, as for the other layers of an io_parallel design."""
    if low.streaming or low.target.reuse_factor > 1 or low.target.strategy != "latency":
        return {}
    return {"parallelization_factor": int(np.prod(positions))}


def _depthwise(low: Lowering, node: nodes.Node, x: Value, sums: _Sums, steps: _Steps) -> Value:
    """One filter per channel; the kernel is (*window, 1, channels)."""
    x, steps = _padded(low, node, x, steps)
    rank, channels, kernel = len(steps.strides), x.shape[-1], sums.kernel
    attributes, positions = _geometry(x, kernel.shape[:rank], steps)
    attributes |= {"n_chan": channels, "n_filt": channels, "depth_multiplier": 1, **_parallel(low, positions)}
    split = FixedArray(kernel.integers.reshape(*kernel.shape[:-2], channels, 1), kernel.fraction)
    weights, types = _weights(low, node, replace(sums, kernel=split), "depthwise")
    shape, result = (*positions, channels), low.exact(sums.edge)
    return low.emit(node, f"DepthwiseConv{rank}D", (x,), shape, result, {**attributes, **weights}, types)


def _weights(
    low: Lowering, node: nodes.Node, sums: _Sums, name: str = "weight"
) -> tuple[dict[str, Attribute], dict[str, HlsType]]:
    """Constants of a layer, whose kernel hls4ml calls ``name``, and their types and that of the accumulator."""
    kernel, kernel_type = low.constant(name, sums.kernel, node)
    bias, bias_type = low.constant("bias", sums.bias, node)
    accum = HlsType(low.fit(accumulator(sums.edge)))
    return {**kernel, **bias}, {"weight": kernel_type[name], **bias_type, "accum": accum}
