"""What a node costs before anything is built: its constants, products, and bit operations."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import numpy.typing as npt

from hls.graph import nodes
from hls.graph.edge import Edge
from hls.graph.fixed import FLOAT64_LIMIT, FixedArray, narrow
from hls.graph.intervals import propagate


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


def _uses(node: nodes.Node, x: Edge) -> int:
    """How often each constant of a linear node multiplies something."""
    if isinstance(node, nodes.Dense):
        return int(np.prod(x.shape[:-1], dtype=np.int64))
    if isinstance(node, nodes.Conv):
        rank = len(node.strides)
        out = propagate(node, [x]).shape[:rank]
        return int(np.prod(out, dtype=np.int64))
    return int(np.prod(x.shape, dtype=np.int64)) // node.factor.integers.size if isinstance(node, nodes.Scale) else 0


def _kernel(node: nodes.Node) -> FixedArray | None:
    if isinstance(node, nodes.Dense | nodes.Conv):
        return node.kernel
    return node.factor if isinstance(node, nodes.Scale) else None


def products(node: nodes.Node, inputs: tuple[Edge, ...]) -> int:
    """Products of one inference of this node that need a multiplier or adders."""
    if isinstance(node, nodes.Multiply):
        return int(np.prod(np.broadcast_shapes(*(e.shape for e in inputs)), dtype=np.int64))
    kernel = _kernel(node)
    if kernel is None:
        return 0
    return int((_constant_widths(kernel) > 1).sum()) * _uses(node, inputs[0])


def ebops(node: nodes.Node, inputs: tuple[Edge, ...]) -> int:
    if isinstance(node, nodes.Multiply):
        return products(node, inputs) * inputs[0].type.width * inputs[1].type.width
    kernel = _kernel(node)
    if kernel is None:
        return 0
    return int(_constant_widths(kernel).sum()) * inputs[0].type.width * _uses(node, inputs[0])
