"""Functions that exporters write as several operators, read as the one that they are.

``x * sigmoid(x)`` and ``0.5 * x * (1 + erf(x / sqrt(2)))`` are what PyTorch makes of SiLU and GELU. By themselves
neither sigmoid nor erf has a finite binary value; the whole, with the quantizer behind it, is a table.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np

from hls.importing.onnx.model import Node, OnnxModel

SILU, GELU = "Silu", "Gelu"
"""Kinds of operators; the first is none of ONNX's own."""
_NEAR = 1e-6


def with_functions(model: OnnxModel) -> OnnxModel:
    """The model with one operator for each such function; what only it read of its parts is gone."""
    parts = _Parts.of(model)
    found = {node.outputs[0]: made for node in model.nodes if (made := _silu(parts, node) or _gelu(parts, node))}
    if not found:
        return model
    gone = {name for made in found.values() for name in made.inside}
    nodes = [
        replace(node, kind=found[node.outputs[0]].kind, inputs=(found[node.outputs[0]].x,), attributes={})
        if node.outputs[0] in found
        else node
        for node in model.nodes
        if node.outputs[0] not in gone
    ]
    return replace(model, nodes=tuple(nodes))


@dataclass(frozen=True)
class _Function:
    """A function of ``x``, and the outputs of the operators inside it."""

    kind: str
    x: str
    inside: tuple[str, ...]


@dataclass(frozen=True)
class _Parts:
    """What makes a tensor, if nothing but one operator reads it, and which number a constant is."""

    makers: Mapping[str, Node]
    numbers: Mapping[str, float]

    @classmethod
    def of(cls, model: OnnxModel) -> _Parts:
        reads = Counter(name for node in model.nodes for name in node.inputs)
        reads.update(port.name for port in model.outputs)
        makers = {node.outputs[0]: node for node in model.nodes if node.outputs and reads[node.outputs[0]] == 1}
        numbers = {
            name: float(array.reshape(-1)[0])
            for name, array in model.constants.items()
            if array.size == 1 and np.issubdtype(array.dtype, np.floating)
        }
        return cls(makers, numbers)

    def maker(self, name: str, kind: str) -> Node | None:
        """The operator that makes ``name``, if it is of this kind."""
        node = self.makers.get(name)
        return node if node is not None and node.kind == kind else None

    def beside(self, node: Node, number: float) -> str | None:
        """The argument of ``node`` that stands beside the constant ``number``."""
        for constant, other in _both_ways(node):
            if math.isclose(self.numbers.get(constant, math.nan), number, rel_tol=_NEAR):
                return other
        return None


def _both_ways(node: Node) -> Iterator[tuple[str, str]]:
    if len(node.inputs) == 2:
        yield node.inputs
        yield node.inputs[::-1]


def _silu(parts: _Parts, node: Node) -> _Function | None:
    """``x * sigmoid(x)``."""
    if node.kind == "Mul":
        for x, other in _both_ways(node):
            sigmoid = parts.maker(other, "Sigmoid")
            if sigmoid is not None and sigmoid.inputs == (x,):
                return _Function(SILU, x, (other,))
    return None


def _gelu(parts: _Parts, node: Node) -> _Function | None:
    """``x * (1 + erf(x / sqrt(2)))``, halved: the product as a whole, as PyTorch does, or ``x`` before it."""
    product = parts.beside(node, 0.5) if node.kind == "Mul" else None
    made = None if product is None else parts.maker(product, "Mul")
    if product is None or made is None:
        return None
    for x, one_more in _both_ways(made):
        inside = _erf_and_one(parts, one_more, x)
        if inside:
            return _Function(GELU, x, (product, *inside))
    return None


def _erf_and_one(parts: _Parts, name: str, x: str) -> tuple[str, ...]:
    """The outputs inside, if ``name`` is ``1 + erf(x / sqrt(2))``."""
    total = parts.maker(name, "Add")
    erf = parts.beside(total, 1.0) if total is not None else None
    made = None if erf is None else parts.maker(erf, "Erf")
    ratio = None if made is None else parts.makers.get(made.inputs[0])
    if erf is None or ratio is None:
        return ()
    by_root = {"Div": math.sqrt(2), "Mul": math.sqrt(0.5)}.get(ratio.kind, math.nan)
    turned = ratio.kind == "Div" and ratio.inputs[0] != x  # sqrt(2) / x
    if turned or parts.beside(ratio, by_root) != x:
        return ()
    return name, erf, ratio.outputs[0]
