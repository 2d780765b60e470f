"""What a node costs before anything is built: its constants, products, and bit operations."""

from __future__ import annotations

import math
from dataclasses import fields

import numpy as np
import numpy.typing as npt

from hls.graph import nodes
from hls.graph.edge import Edge
from hls.graph.fixed import FLOAT64_LIMIT, FixedArray, narrow


def constants(node: nodes.Node) -> list[FixedArray]:
    """The constant arrays of a node."""
    values = (getattr(node, field.name) for field in fields(node))
    return [value for value in values if isinstance(value, FixedArray)]


def _constant_widths(constant: FixedArray) -> npt.NDArray[np.int64]:
    """Bits between leading and trailing one of each element; zero for zero."""
    integers = narrow(constant.integers)
    if integers.dtype == np.int64 and np.abs(integers).max(initial=0) < FLOAT64_LIMIT:
        magnitude = np.abs(integers)
        odd = magnitude // np.maximum(magnitude & -magnitude, 1)
        return np.asarray(np.frexp(odd.astype(np.float64))[1], np.int64)
    widths = [(m // (m & -m)).bit_length() if m else 0 for m in (abs(int(v)) for v in integers.ravel())]
    return np.array(widths, dtype=np.int64).reshape(constant.shape)


def products(node: nodes.Node, output: Edge) -> int:
    """Products of one inference of this node, whose output is ``output``, that need a multiplier or adders."""
    if node.multiplies:
        return math.prod(output.shape)
    if node.weights is None:
        return 0
    return int((_constant_widths(node.weights) > 1).sum()) * _uses(node.weights, output)


def ebops(node: nodes.Node, inputs: tuple[Edge, ...], output: Edge) -> int:
    """Effective bit operations of one inference of this node."""
    width = math.prod(edge.type.width for edge in inputs)
    if node.multiplies:
        return products(node, output) * width
    if node.weights is None:
        return 0
    return int(_constant_widths(node.weights).sum()) * width * _uses(node.weights, output)


def _uses(weights: FixedArray, output: Edge) -> int:
    return math.prod(output.shape) // weights.shape[-1]
