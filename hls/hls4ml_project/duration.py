"""About how long a C simulation takes, so that whoever starts a long one knows."""

from __future__ import annotations

import os

from hls.graph import FixedGraph
from hls.graph.costs import all_products

# `python benchmarks/csim.py --durations`: seconds of one core, g++ 12.
_COMPILER, _NODE, _PRODUCT, _ELEMENT = 2.0, 0.2, 1.5e-9, 6e-9
_SHORT = 1.0


def sizes(graph: FixedGraph) -> tuple[int, int, int]:
    """What a simulation's time goes by: nodes, and of one event products and values between layers."""
    products = sum(all_products(node, graph.edges[node.name]) for node in graph)
    return len(graph.nodes), products, sum(edge.low.size for edge in graph.edges.values())


def expected_seconds(graph: FixedGraph, events: int) -> float:
    """To compile the simulation of ``graph``, and to run ``events`` events of it on all cores."""
    return _COMPILER + _NODE * len(graph.nodes) + _running_seconds(graph, events) / (os.cpu_count() or 1)


def level_for(graph: FixedGraph, events: int) -> str:
    """How far g++ is to optimise the simulation of ``graph`` that runs ``events`` events: -O1 or -O3.

    At level 1 g++ takes up to a third less of its time, and the events up to twice theirs.
    """
    return "-O1" if _running_seconds(graph, events) < _SHORT else "-O3"


def _running_seconds(graph: FixedGraph, events: int) -> float:
    """Of one core, at level 3."""
    _, products, elements = sizes(graph)
    return events * (_PRODUCT * products + _ELEMENT * elements)
