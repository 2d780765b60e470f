"""Sums and maxima over windows: their sizes as hls4ml calls them, and what a sum can hold."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np

from hls.graph import Edge, nodes
from hls.graph.fixed import FixedArray, IntArray, widen
from hls.graph.windows import patches, ungrouped
from hls.proof.hls4ml.steps import Span

_AXES: Mapping[int, Sequence[tuple[str, str, str]]] = {
    1: (("width", "left", "right"),),
    2: (("height", "top", "bottom"), ("width", "left", "right")),
}


def sizes(node: nodes.Conv | nodes.Pool, shape: Sequence[int], result: Sequence[int]) -> dict[str, int]:
    """Sizes that hls4ml's templates go by, for a tensor of ``shape`` in and one of ``result`` out.

    A pool over one axis calls its lengths otherwise than a convolution does.
    """
    window = node.kernel.shape if isinstance(node, nodes.Conv) else node.window
    kind = "filt" if isinstance(node, nodes.Conv) else "pool"
    line = isinstance(node, nodes.Pool) and len(node.strides) == 1
    found = {"n_filt": result[-1]}
    if isinstance(node, nodes.Conv):
        found["n_chan"] = shape[-1]
    for axis, (name, before, after) in enumerate(_AXES[len(node.strides)]):
        found |= {
            "n_in" if line else f"in_{name}": shape[axis],
            "n_out" if line else f"out_{name}": result[axis],
            f"{kind}_{name}": window[axis],
            f"stride_{name}": node.strides[axis],
            f"pad_{before}": node.padding[axis][0],
            f"pad_{after}": node.padding[axis][1],
        }
    return found


def whole_sizes(shape: Sequence[int]) -> dict[str, int]:
    """Sizes of a pool over all positions."""
    if len(shape) == 2:
        return {"n_in": shape[0], "n_filt": shape[1]}
    return {"in_height": shape[0], "in_width": shape[1], "n_filt": shape[2]}


def whole_kernel(node: nodes.Conv) -> FixedArray:
    """The kernel over all channels: a filter of some of them has zeros for the others."""
    return node.kernel if node.groups == 1 else ungrouped(node.kernel, node.groups)


def in_windows(node: nodes.Conv, elements: IntArray) -> IntArray:
    """``elements`` of a tensor (*positions, channels) as rows, one for each position of the result."""
    found = patches(elements[None], node.kernel.shape[: len(node.strides)], node.strides, node.dilation, node.padding)
    row = prod(found.shape[len(node.strides) + 1 :])
    rows: IntArray = np.ascontiguousarray(found).reshape(-1, row)
    return rows


def partial_sums(node: nodes.Dense | nodes.Conv, edge: Edge) -> Span:
    """Bounds of every sum of some of the products and the bias, in any order, of elements as of ``edge``."""
    kernel = node.kernel if isinstance(node, nodes.Dense) else whole_kernel(node)
    weights = widen(kernel.integers.reshape(-1, kernel.shape[-1]))
    magnitude = np.maximum(np.abs(widen(edge.low)), np.abs(widen(edge.high)))
    if isinstance(node, nodes.Conv):
        magnitude = in_windows(node, magnitude)
    grid = max(edge.fraction + kernel.fraction, node.bias.fraction)
    products = magnitude.reshape(-1, len(weights)) @ np.abs(weights) << (grid - edge.fraction - kernel.fraction)
    bias = np.abs(widen(node.bias.integers)) << (grid - node.bias.fraction)
    bound = (products + bias).ravel()
    return Span(-bound, bound, grid)


def sum_as_convolution(node: nodes.Pool, channels: int) -> nodes.Conv:
    """The sum over windows as hls4ml writes it: each of the ``channels`` by itself, times ones."""
    ones = FixedArray(np.ones((*node.window, 1, channels), np.int64), 0)
    zeros = FixedArray(np.zeros(channels, np.int64), 0)
    steps = (1,) * len(node.strides)
    return nodes.Conv(node.name, node.inputs, node.layer, ones, zeros, node.strides, steps, node.padding, channels)
