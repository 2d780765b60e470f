"""LUT cost of a graph as unrolled distributed arithmetic, from the constants alone: no solver runs.

The unit is that of alkaid's own cost (one LUT per adder bit). A solver shares additions between the outputs of a
matrix, so that the terms below, which count every one, are fitted to the cost of what alkaid makes of random layers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from hls.figures.estimates.constants import odd_bits, signed_digits
from hls.graph import Edge, FixedGraph, nodes
from hls.graph.fixed import IntArray
from hls.graph.windows import output_length

Floats = npt.NDArray[np.float64]


def cost_terms(graph: FixedGraph) -> dict[str, float]:
    """What the LUTs of the whole graph are spent on: the name of a coefficient, and how often it counts."""
    total: dict[str, float] = {}
    for node in graph:
        for name, count in _node_terms(node, graph.edges_of(node), graph.edges[node.name]).items():
            total[name] = total.get(name, 0.0) + count
    return total


def cost_by_layer(graph: FixedGraph, coefficients: Mapping[str, float], *, products: bool = True) -> dict[str, float]:
    """The cost, split over the Keras layers; without ``products`` those of two variables cost nothing."""
    layers: dict[str, float] = {}
    for node in graph:
        terms = _node_terms(node, graph.edges_of(node), graph.edges[node.name])
        free = isinstance(node, nodes.Multiply) and not products
        cost = 0.0 if free else sum(coefficients[name] * count for name, count in terms.items())
        layers[node.layer] = layers.get(node.layer, 0.0) + cost
    return layers


def variable_products(graph: FixedGraph) -> int:
    """Products of two variables, which synthesis may place in DSPs."""
    return sum(int(np.prod(graph.edges[n.name].shape, dtype=np.int64)) for n in graph if isinstance(n, nodes.Multiply))


def _widths(edge: Edge) -> Floats:
    """Bits of every element of an edge, from its own interval."""
    low, high = np.asarray(edge.low, np.float64), np.asarray(edge.high, np.float64)
    magnitude = np.maximum(np.maximum(high, 0) + 1, -low)
    return np.asarray(np.ceil(np.log2(np.maximum(magnitude, 1))) + (low < 0))


def _node_terms(node: nodes.Node, inputs: tuple[Edge, ...], output: Edge) -> dict[str, float]:
    size = float(np.prod(output.shape, dtype=np.int64))
    if isinstance(node, nodes.Dense):
        rows = _widths(inputs[0]).reshape(-1, inputs[0].shape[-1])
        return _matrix_terms(node.kernel.integers, rows.mean(axis=0), rows.shape[0])
    if isinstance(node, nodes.Conv):
        channels = node.kernel.shape[-1]
        kernel = node.kernel.integers.reshape(-1, channels)
        width = np.full(kernel.shape[0], float(_widths(inputs[0]).mean()))
        return _matrix_terms(kernel, width, _positions(node, inputs[0]))
    if isinstance(node, nodes.Scale):
        factors = node.factor.integers.reshape(-1)
        terms = _matrix_terms(factors.reshape(1, -1), _widths(inputs[0]).mean(keepdims=True).reshape(1), 1)
        repeats = size / factors.size
        offsets = np.count_nonzero(node.offset.integers) / node.offset.integers.size
        scaled = {name: count * repeats for name, count in terms.items()}
        return scaled | {"element": offsets * size * output.type.width}
    if isinstance(node, nodes.Quantize):
        return {"round": float(_widths(inputs[0]).sum())}
    if isinstance(node, nodes.Pool):
        return {"element": size * (math.prod(node.window) - 1) * output.type.width * (1.5 if node.maximum else 1.0)}
    if isinstance(node, nodes.Relu):
        return {"element": size * output.type.width / 2}
    if isinstance(node, nodes.Add):
        return {"element": size * output.type.width}
    if isinstance(node, nodes.Table):
        return {"element": size * output.type.width * max(node.values.integers.size / 64, 1.0)}
    if isinstance(node, nodes.Multiply):
        return {"element": 0.75 * size * inputs[0].type.width * inputs[1].type.width}
    return {}


def _positions(node: nodes.Conv, x: Edge) -> int:
    sizes = zip(x.shape, node.kernel.shape, node.strides, node.dilation, node.padding, strict=False)
    return math.prod(output_length(*size) for size in sizes)


def _matrix_terms(kernel: IntArray, widths: Floats, positions: int) -> dict[str, float]:
    """Terms of one matrix product: additions between products, and signed-digit additions inside products."""
    digits = signed_digits(kernel)
    bits = odd_bits(kernel)
    nonzero = digits > 0
    per_input = (nonzero * (widths[:, None] + bits / 2)).sum()
    inside = (np.maximum(digits - 1, 0) * (widths[:, None] + bits / 2)).sum()
    columns = nonzero.any(axis=0).sum() * float(widths.mean())
    return {
        "sum": positions * float(per_input - columns),
        "product": positions * float(inside),
    }
