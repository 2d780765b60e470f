"""Weights and biases of sums of products, whatever node has them, by their place in a window."""

from __future__ import annotations

import numpy as np

from hls.graph import nodes
from hls.graph.fixed import FixedArray
from hls.graph.nodes import Node
from hls.graph.windows import ungrouped
from hls.rtl.folded.engine import two_axes


def kernel_of(node: Node) -> FixedArray:
    """Weights (ky, kx, channels, outputs) of a sum of products; of one by channel (ky, kx, 1, outputs)."""
    if isinstance(node, nodes.Dense):
        return FixedArray(node.kernel.integers[None, None], node.kernel.fraction)
    if isinstance(node, nodes.Scale):
        size = max(node.factor.integers.size, node.offset.integers.size)
        factor = np.broadcast_to(node.factor.integers, (size,))
        return FixedArray(factor.reshape(1, 1, 1, size), node.factor.fraction)
    if not isinstance(node, nodes.Conv):
        raise nodes.refusal(node, "kernel_of (hls.rtl.folded.constants)")
    kernel = node.kernel.integers
    kernel = kernel.reshape(*two_axes(kernel.shape[:-2]), *kernel.shape[-2:])
    if node.groups == 1 or kernel.shape[2] == 1:
        return FixedArray(kernel, node.kernel.fraction)
    return ungrouped(FixedArray(kernel, node.kernel.fraction), node.groups)


def bias_of(node: Node) -> FixedArray:
    """What a sum of products begins with, for each output."""
    if isinstance(node, nodes.Scale):
        size = max(node.factor.integers.size, node.offset.integers.size)
        return FixedArray(np.broadcast_to(node.offset.integers, (size,)), node.offset.fraction)
    if isinstance(node, nodes.Dense | nodes.Conv):
        return node.bias
    raise nodes.refusal(node, "bias_of (hls.rtl.folded.constants)")
