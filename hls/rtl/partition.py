"""Which nodes become one core, and which are the same for every position and share a module with a core for each.

A Deep Sets encoder applies one network to every particle. As one flat core it would be traced, compiled and
synthesised as many times as there are particles; as a module of its own it is once, however often it is instanced.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hls.graph import FixedGraph, nodes
from hls.graph.nodes import Node

Positions = tuple[int, ...]


@dataclass(frozen=True)
class Stage:
    """Nodes of one core, in topological order, without those that are wires only.

    ``positions`` is empty for a core that is there once; else there is one core for each index of these leading axes,
    and each node does the same at all of them.
    """

    nodes: tuple[str, ...]
    positions: Positions = ()


def whole(graph: FixedGraph) -> tuple[Stage, ...]:
    """Everything in one core."""
    return (Stage(tuple(node.name for node in graph if node.computes)),)


@dataclass(frozen=True, order=True)
class _Slot:
    """A stage's turn. Each round has a core that is there once, then one that is there for each position.

    What a node reads decides the earliest slot that it can have, and what it is decides of which kind:

    >>> ready = _Slot(0, each=True)
    >>> ready.once(), ready.next()
    (_Slot(round=1, each=False), _Slot(round=1, each=True))
    >>> ready.once() < ready.next() == ready.once().for_each()
    True
    """

    round: int = 0
    each: bool = False

    def once(self) -> _Slot:
        """The first slot from here on of a core that is there once."""
        return _Slot(self.round + 1) if self.each else self

    def for_each(self) -> _Slot:
        """The first slot from here on of a core for each position."""
        return _Slot(self.round, each=True)

    def next(self) -> _Slot:
        """The next slot of the same kind."""
        return _Slot(self.round + 1, self.each)


def partition(graph: FixedGraph) -> tuple[Stage, ...]:
    """Stages in the order in which data pass them; each reads ports and earlier stages only.

    A matrix product that is applied at several positions becomes part of a shared stage, together with all that is
    done position by position before and after it. Without such a product the graph stays whole.
    """
    shared = {node.name: where for node in graph if (where := _positions(graph, node))}
    slots = _slots(graph, shared)
    while idle := _without_product(graph, shared, slots):
        shared = {name: where for name, where in shared.items() if name not in idle}
        slots = _slots(graph, shared)
    if not shared:
        return whole(graph)
    _postpone(graph, slots)
    members: dict[_Slot, list[str]] = {slot: [] for slot in sorted(set(slots.values()))}
    for name, slot in slots.items():
        members[slot].append(name)
    return tuple(Stage(tuple(names), shared.get(names[0], ())) for names in members.values())


def _without_product(graph: FixedGraph, shared: Mapping[str, Positions], slots: Mapping[str, _Slot]) -> set[str]:
    """Nodes of shared stages that have no matrix product: a module of its own would not pay."""
    products = {slots[name] for name in shared if graph.nodes[name].matrix is not None}
    return {name for name in shared if slots[name] not in products}


def origins(graph: FixedGraph, names: Iterable[str]) -> set[str]:
    """Ports and computing nodes from which the tensors ``names`` come by wires alone."""
    found, stack = set(), list(names)
    while stack:
        node = graph.nodes[stack.pop()]
        if node.wiring:
            stack.extend(node.inputs)
        else:
            found.add(node.name)
    return found


def _positions(graph: FixedGraph, node: Node) -> Positions:
    """Leading axes along which the node does everywhere the same; empty if there are none, or one position."""
    where = graph.edges[node.name].shape[:-1]
    return where if node.pointwise and math.prod(where) > 1 else ()


def _slots(graph: FixedGraph, shared: Mapping[str, Positions]) -> dict[str, _Slot]:
    """The slot of every computing node, each as early as what it reads allows."""
    slots: dict[str, _Slot] = {}
    positions: dict[_Slot, Positions] = {}
    for node in graph:
        ready = max((slots[name] for name in node.inputs), default=_Slot())
        if where := shared.get(node.name):
            slots[node.name] = _claim(ready.for_each(), where, positions)
        elif ready.each and _keeps(graph, node, positions[ready]):
            slots[node.name] = ready
        else:
            slots[node.name] = ready.once()
    return {name: slot for name, slot in slots.items() if graph.nodes[name].computes}


def _claim(slot: _Slot, where: Positions, positions: dict[_Slot, Positions]) -> _Slot:
    """The first slot from ``slot`` on whose stage has the positions ``where``, or none yet."""
    while positions.setdefault(slot, where) != where:
        slot = slot.next()
    return slot


def _keeps(graph: FixedGraph, node: Node, where: Positions) -> bool:
    """Whether the node is wires that leave the elements of each position ``where`` at that position.

    What mixes positions is not to be had before the core that comes after all of them.
    """
    if not isinstance(node, nodes.Concatenate) or node.axis % len(graph.edges[node.name].shape) != len(where):
        return False
    return all(edge.shape[:-1] == where for edge in graph.edges_of(node))


def _postpone(graph: FixedGraph, slots: dict[str, _Slot]) -> None:
    """What no later shared stage waits for joins the next core that is there once, and leaves none to itself.

    A matrix product does not: it takes long, and in a core of its own it is computed beside the shared stage.
    """
    for slot in map(_Slot, range(max(slots.values()).round + 1)):
        later = [name for name, at in slots.items() if at > slot and at.each]
        here = [name for name, at in slots.items() if at == slot]
        quick = all(graph.nodes[name].matrix is None for name in here)
        if quick and later and not _ancestors(graph, later).intersection(here):
            slots.update(dict.fromkeys(here, slot.next()))


def _ancestors(graph: FixedGraph, names: Iterable[str]) -> set[str]:
    found, stack = set(), list(names)
    while stack:
        for name in graph.nodes[stack.pop()].inputs:
            if name not in found:
                found.add(name)
                stack.append(name)
    return found
