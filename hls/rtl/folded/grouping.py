"""Which nodes one engine computes: a head, and what follows element by element on its way out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from math import prod

import numpy as np

from hls.graph import FixedGraph, nodes
from hls.graph.nodes import Node
from hls.rtl.folded.layout import Numbers


class Kind(Enum):
    """What an engine does with the words that it reads."""

    DENSE = "dense"
    """Sums of products over channels and window, several outputs at once."""
    DEPTHWISE = "depthwise"
    """Sums of products over the window, each of one channel."""
    POOL = "pool"
    """Largest or sum over the window, each of one channel."""
    ELEMENTWISE = "elementwise"
    """Nothing but the nodes that follow: an operation of several tensors, or of a port."""
    JOIN = "join"
    """Words of several tensors one after the other."""


@dataclass
class Unit:
    """Nodes of one engine. ``operands`` are the tensors that ``head`` reads; an element-wise head has them in ``tail``
    too. ``exports`` are the tensors that others read or that leave the design."""

    name: str
    kind: Kind
    head: Node
    operands: tuple[str, ...]
    tail: list[Node] = field(default_factory=list)
    exports: list[str] = field(default_factory=list)


def group(graph: FixedGraph) -> tuple[Unit, ...]:
    """The engines of ``graph``, in the order in which data pass them."""
    units: list[Unit] = []
    home: dict[str, Unit] = {}
    for node in graph:
        if isinstance(node, nodes.Input) or source_of(graph, node.name) != node.name:
            continue
        unit = _joined(graph, node, home)
        if unit is None:
            unit = Unit(f"u{len(units)}", _kind(graph, node), node, tuple(dict.fromkeys(node.inputs)))
            units.append(unit)
        if unit.head is not node or unit.kind is Kind.ELEMENTWISE:
            unit.tail.append(node)
        home[node.name] = unit
    read = [name for unit in units for name in unit.operands]
    for name in dict.fromkeys([*read, *graph.outputs]):
        source = source_of(graph, name)
        if source is not None and source not in home[source].exports:
            home[source].exports.append(source)
    return tuple(units)


def source_of(graph: FixedGraph, name: str) -> str | None:
    """The computing node or concatenation from which a tensor comes by wires; None if it is wires of ports alone."""
    node = graph.nodes[name]
    if isinstance(node, nodes.Input):
        return None
    if not node.wiring:
        return name
    sources = [source_of(graph, source) for source in node.inputs]
    if all(source is None for source in sources):
        return None
    return name if len(sources) > 1 else sources[0]


def port_of(graph: FixedGraph, name: str) -> str | None:
    """The port of which a tensor is another shape or order; None if it is computed or joined."""
    node = graph.nodes[name]
    if isinstance(node, nodes.Input):
        return name
    return port_of(graph, node.inputs[0]) if node.wiring and len(node.inputs) == 1 else None


def elements_of(graph: FixedGraph, name: str, source: str) -> Numbers:
    """For each element of tensor ``name``, which comes from ``source`` by wires, its number there."""
    if name == source:
        shape = graph.edges[name].shape
        return np.arange(prod(shape)).reshape(shape)
    node = graph.nodes[name]
    numbers = elements_of(graph, node.inputs[0], source)
    return (
        numbers.transpose(node.permutation)
        if isinstance(node, nodes.Transpose)
        else numbers.reshape(graph.edges[name].shape)
    )


def _joined(graph: FixedGraph, node: Node, home: dict[str, Unit]) -> Unit | None:
    """The engine on whose way out the node can be: it does the same to every element of that one's tensors."""
    if not node.elementwise or not _uniform(node):
        return None
    size = prod(graph.edges[node.name].shape)
    unit: Unit | None = None
    for name in node.inputs:
        source = source_of(graph, name)
        if source is None or (unit is not None and home[source] is not unit):
            return None
        unit = home[source]
        numbers = elements_of(graph, name, source)
        if numbers.size != size or (numbers.ravel() != np.arange(size)).any():
            return None
        # A table covers the values that its input has, and a lane's interval is that of all elements together.
        if isinstance(node, nodes.Table) and not graph.nodes[source].rounds:
            return None
    return unit


def _uniform(node: Node) -> bool:
    if isinstance(node, nodes.Table):
        return node.channels == 1
    return not isinstance(node, nodes.Scale) or max(node.factor.integers.size, node.offset.integers.size) == 1


def _kind(graph: FixedGraph, node: Node) -> Kind:
    if isinstance(node, nodes.Dense):
        return Kind.DENSE
    if isinstance(node, nodes.Conv):
        return Kind.DEPTHWISE if node.groups == graph.edges[node.inputs[0]].shape[-1] > 1 else Kind.DENSE
    if isinstance(node, nodes.Scale) and not _uniform(node):
        return Kind.DEPTHWISE
    if isinstance(node, nodes.Pool):
        return Kind.POOL
    if isinstance(node, nodes.Concatenate):
        return Kind.JOIN
    if node.elementwise and _uniform(node):
        return Kind.ELEMENTWISE
    raise nodes.refusal(node, "folded RTL (hls.rtl.folded.grouping)")


def consumers(graph: FixedGraph, units: Sequence[Unit], source: str) -> list[tuple[int, ...]]:
    """Shapes in which engines read the tensor ``source``."""
    return [graph.edges[name].shape for unit in units for name in unit.operands if source_of(graph, name) == source]
