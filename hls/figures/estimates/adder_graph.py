"""LUT cost of a graph as unrolled distributed arithmetic, from the constants alone: no solver runs.

The unit is that of alkaid's own cost (one LUT per adder bit). A solver shares additions between the outputs of a
matrix, so that the terms below, which count every one, are fitted to the cost of what alkaid makes of random layers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import singledispatch
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from hls.figures.estimates.constants import odd_bits, signed_digits
from hls.figures.estimates.elements import table_luts
from hls.graph import Edge, FixedGraph, nodes
from hls.graph.fixed import IntArray

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
        free = node.multiplies and not products
        cost = 0.0 if free else sum(coefficients[name] * count for name, count in terms.items())
        layers[node.layer] = layers.get(node.layer, 0.0) + cost
    return layers


def variable_products(graph: FixedGraph, beats: Mapping[str, int] = MappingProxyType({})) -> int:
    """Products of two variables, which synthesis may place in DSPs; ``beats`` of a layer share one."""
    return sum(
        math.ceil(math.prod(graph.edges[node.name].shape) / beats.get(node.layer, 1))
        for node in graph
        if node.multiplies
    )


def _widths(edge: Edge) -> Floats:
    """Bits of every element of an edge, from its own interval."""
    low, high = np.asarray(edge.low, np.float64), np.asarray(edge.high, np.float64)
    magnitude = np.maximum(np.maximum(high, 0) + 1, -low)
    return np.asarray(np.ceil(np.log2(np.maximum(magnitude, 1))) + (low < 0))


def _size(edge: Edge) -> float:
    return float(math.prod(edge.shape))


def _node_terms(node: nodes.Node, inputs: tuple[Edge, ...], output: Edge) -> dict[str, float]:
    """Terms of one node: the name of a coefficient, and how often it counts."""
    return adder_terms(node, inputs, output) if node.computes else {}


@singledispatch
def adder_terms(node: nodes.Node, inputs: tuple[Edge, ...], output: Edge) -> dict[str, float]:
    """What the LUTs of a node that computes are spent on: the name of a coefficient, and how often it counts."""
    raise nodes.refusal(node, "adder_terms (hls.figures.estimates.adder_graph)")


@adder_terms.register
def _(node: nodes.Dense, inputs: tuple[Edge, ...], output: Edge) -> dict[str, float]:
    rows = _widths(inputs[0]).reshape(-1, inputs[0].shape[-1])
    return _matrix_terms(node.kernel.integers, rows.mean(axis=0), rows.shape[0])


@adder_terms.register
def _(node: nodes.Conv, inputs: tuple[Edge, ...], output: Edge) -> dict[str, float]:
    kernel = node.matrix.integers
    width = np.full(kernel.shape[0], float(_widths(inputs[0]).mean()))
    return _matrix_terms(kernel, width, math.prod(output.shape[:-1]))


@adder_terms.register
def _(node: nodes.Scale, inputs: tuple[Edge, ...], output: Edge) -> dict[str, float]:
    factors = node.weights.integers
    terms = _matrix_terms(factors, _widths(inputs[0]).mean(keepdims=True).reshape(1), 1)
    repeats = _size(output) / factors.size
    offsets = np.count_nonzero(node.offset.integers) / node.offset.integers.size
    scaled = {name: count * repeats for name, count in terms.items()}
    return scaled | {"element": offsets * _size(output) * output.type.width}


@adder_terms.register
def _(node: nodes.Quantize, inputs: tuple[Edge, ...], output: Edge) -> dict[str, float]:
    return {"round": float(_widths(inputs[0]).sum())}


@adder_terms.register
def _(node: nodes.Wrap, inputs: tuple[Edge, ...], output: Edge) -> dict[str, float]:
    return {}  # bits that are left out


@adder_terms.register
def _(node: nodes.Pool, inputs: tuple[Edge, ...], output: Edge) -> dict[str, float]:
    joined = math.prod(node.window) - 1
    return {"element": _size(output) * joined * output.type.width * (1.5 if node.maximum else 1.0)}


@adder_terms.register
def _(node: nodes.Relu, inputs: tuple[Edge, ...], output: Edge) -> dict[str, float]:
    return {"element": _size(output) * output.type.width / 2}


@adder_terms.register
def _(node: nodes.Add, inputs: tuple[Edge, ...], output: Edge) -> dict[str, float]:
    return {"element": _size(output) * output.type.width}


@adder_terms.register
def _(node: nodes.Table, inputs: tuple[Edge, ...], output: Edge) -> dict[str, float]:
    if node.channels > 1:
        return {"element": table_luts(inputs[0], output)}
    return {"element": _size(output) * output.type.width * max(node.values.integers.size / 64, 1.0)}


@adder_terms.register
def _(node: nodes.Multiply, inputs: tuple[Edge, ...], output: Edge) -> dict[str, float]:
    return {"element": 0.75 * _size(output) * inputs[0].type.width * inputs[1].type.width}


def _matrix_terms(kernel: IntArray, widths: Floats, positions: int) -> dict[str, float]:
    """Terms of one matrix product: additions between products, and signed-digit additions inside products.

    Powers of two are wires, so that 1 x + 4 y is the sum of two nine-bit terms and no more; 7 x = 8 x - x is an
    addition of its own, a bit wider than x for the half of what 7 adds to it.

    >>> _matrix_terms(np.array([[1], [4]]), np.array([8.0, 8.0]), positions=1)
    {'sum': 9.0, 'product': 0.0}
    >>> _matrix_terms(np.array([[7], [4]]), np.array([8.0, 8.0]), positions=1)
    {'sum': 10.0, 'product': 9.5}
    """
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
