"""Which nodes become one core, and which are the same for every position and share a module with a core for each.

A Deep Sets encoder applies one network to every particle. As one flat core it would be traced, compiled and
synthesised as many times as there are particles; as a module of its own it is once, however often it is instanced.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
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


def partition(graph: FixedGraph) -> tuple[Stage, ...]:
    """Stages in the order in which data pass them; each reads ports and earlier stages only.

    A matrix product that is applied at several positions becomes part of a shared stage, together with all that is
    done position by position before and after it. Without such a product the graph stays whole.
    """
    shared = {node.name: where for node in graph if (where := _positions(graph, node))}
    while True:
        levels = _levels(graph, shared)
        products = {levels[name] for name in shared if graph.nodes[name].matrix is not None}
        idle = [name for name in shared if levels[name] not in products]
        if not idle:
            break
        for name in idle:
            del shared[name]
    if not shared:
        return whole(graph)
    _postpone(graph, levels)
    stages = []
    for level in sorted(set(levels.values())):
        names = tuple(name for name, at in levels.items() if at == level)
        stages.append(Stage(names, shared.get(names[0], ())))
    return tuple(stages)


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


def _levels(graph: FixedGraph, shared: dict[str, Positions]) -> dict[str, int]:
    """Stage of every computing node: even ones are there once, odd ones for each of their positions."""
    levels: dict[str, int] = {}
    at: dict[int, Positions] = {}
    for node in graph:
        level = max((levels[name] for name in node.inputs), default=0)
        if node.wiring:
            # What mixes the positions of a shared stage is not to be had before the next one.
            level += level % 2 and not _keeps(graph, node, at[level])
        elif node.computes:
            where = shared.get(node.name)
            level += level % 2 if where is None else 1 - level % 2
            while where is not None and at.setdefault(level, where) != where:
                level += 2
        levels[node.name] = level
    return {name: level for name, level in levels.items() if graph.nodes[name].computes}


def _keeps(graph: FixedGraph, node: Node, where: Positions) -> bool:
    if not isinstance(node, nodes.Concatenate) or node.axis % len(graph.edges[node.name].shape) != len(where):
        return False
    return all(edge.shape[:-1] == where for edge in graph.edges_of(node))


def _postpone(graph: FixedGraph, levels: dict[str, int]) -> None:
    """What no later shared stage waits for joins the next core that is there once, and leaves none to itself."""
    for level in range(0, max(levels.values()), 2):
        later = [name for name, at in levels.items() if at > level and at % 2]
        waiting = _ancestors(graph, later)
        here = [name for name, at in levels.items() if at == level]
        if later and not waiting.intersection(here):
            levels.update(dict.fromkeys(here, level + 2))


def _ancestors(graph: FixedGraph, names: Iterable[str]) -> set[str]:
    found, stack = set(), list(names)
    while stack:
        for name in graph.nodes[stack.pop()].inputs:
            if name not in found:
                found.add(name)
                stack.append(name)
    return found
