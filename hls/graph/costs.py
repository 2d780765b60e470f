"""What a node costs before anything is built: its constants, products, and bit operations."""

from __future__ import annotations

import math
from dataclasses import fields

import numpy as np
import numpy.typing as npt

from hls.graph import nodes
from hls.graph.edge import Edge
from hls.graph.fixed import FLOAT64_LIMIT, FixedArray, narrow

_AT_ONCE = 1 << 18
"""Constants of which all that is found on the way is in memory."""


def constants(node: nodes.Node) -> list[FixedArray]:
    """The constant arrays of a node.

    >>> two, one = FixedArray.from_float([2.0]), FixedArray.from_float([1.0])
    >>> [constant.to_float().tolist() for constant in constants(nodes.Scale("y", ("x",), "y", two, one))]
    [[2.0], [1.0]]
    """
    values = (getattr(node, field.name) for field in fields(node))
    return [value for value in values if isinstance(value, FixedArray)]


def _constant_widths(constant: FixedArray) -> npt.NDArray[np.int64]:
    """Bits between leading and trailing one of each element; zero for zero."""
    integers = narrow(constant.integers)
    if integers.dtype == np.int64 and np.abs(integers).max(initial=0) < FLOAT64_LIMIT:
        found = np.empty(integers.size, np.int64)
        for start in range(0, integers.size, _AT_ONCE):
            magnitude = np.abs(integers.ravel()[start : start + _AT_ONCE])
            odd = magnitude // np.maximum(magnitude & -magnitude, 1)
            found[start : start + _AT_ONCE] = np.frexp(odd.astype(np.float64))[1]
        return found.reshape(constant.shape)
    widths = [(m // (m & -m)).bit_length() if m else 0 for m in (abs(int(v)) for v in integers.ravel())]
    return np.array(widths, dtype=np.int64).reshape(constant.shape)


def products(node: nodes.Node, output: Edge) -> int:
    """Products of one inference of this node, whose output is ``output``, that need a multiplier or adders.

    Of the factors 0, 4 and 5 two are no multiplication: zero is nothing, four a wire.

    >>> factor = FixedArray.from_float([0.0, 4.0, 5.0])
    >>> scale = nodes.Scale("y", ("x",), "y", factor, FixedArray.from_float([0.0]))
    >>> output = Edge.of(np.zeros((6, 3), np.int64), np.ones((6, 3), np.int64), 0)  # at six positions
    >>> products(scale, output)
    6
    """
    if node.multiplies:
        return math.prod(output.shape)
    if node.weights is None:
        return 0
    return int((_constant_widths(node.weights) > 1).sum()) * _uses(node.weights, output)


def all_products(node: nodes.Node, output: Edge) -> int:
    """As :func:`products`, with those by zero and by powers of two: a program computes them too."""
    if node.weights is None:
        return math.prod(output.shape) if node.multiplies else 0
    return node.weights.integers.size * _uses(node.weights, output)


def ebops(node: nodes.Node, inputs: tuple[Edge, ...], output: Edge) -> int:
    """Effective bit operations of one inference of this node.

    >>> kernel = FixedArray.from_float([[0.0], [4.0], [5.0]])  # bits between the ends: none, 1, 3
    >>> dense = nodes.Dense("y", ("x",), "y", kernel, FixedArray.from_float([0.0]))
    >>> six_bits = Edge.of(np.array([0]), np.array([63]), 0)
    >>> ebops(dense, (six_bits,), six_bits)
    24
    """
    width = math.prod(edge.type.width for edge in inputs)
    if node.multiplies:
        return products(node, output) * width
    if node.weights is None:
        return 0
    return int(_constant_widths(node.weights).sum()) * width * _uses(node.weights, output)


def _uses(weights: FixedArray, output: Edge) -> int:
    return math.prod(output.shape) // weights.shape[-1]
