"""Which nodes only add, and become cores of their own between those of all others."""

from __future__ import annotations

from collections.abc import Iterator

from hls.graph import Edge, FixedGraph, nodes
from hls.rtl.partition import Stage, origins, partition

_BESIDE = 3.0
"""Bits of an adder that stand for carries, zeros, words that become digits, and for rounding between two layers."""


def serial_stages(graph: FixedGraph) -> tuple[Stage, ...]:
    """The stages of ``partition``, those that are there once divided into such as only add and others in turn."""
    return tuple(part for stage in partition(graph) for part in ([stage] if stage.positions else _parts(graph, stage)))


def _parts(graph: FixedGraph, stage: Stage) -> Iterator[Stage]:
    turns: dict[str, int] = {}
    for name in stage.nodes:
        before = origins(graph, graph.nodes[name].inputs)
        turn = max((turns[source] for source in before if source in turns), default=0)
        # What adds has the even turns.
        turns[name] = turn + (turn % 2 == adds(graph.nodes[name]))
    for turn in sorted(set(turns.values())):
        yield Stage(tuple(name for name in stage.nodes if turns[name] == turn))


def adds(node: nodes.Node) -> bool:
    """Whether a node is sums of its inputs times constants."""
    return isinstance(node, nodes.Dense | nodes.Conv | nodes.Scale | nodes.Add) or (
        isinstance(node, nodes.Pool) and not node.maximum
    )


def share_in_digits(node: nodes.Node, output: Edge, interval: int) -> float:
    """The part of its LUTs that a node needs if its adders take ``interval`` clocks for a word of ``output``, about."""
    if interval == 1 or not adds(node):
        return 1.0
    width = output.type.width
    return min((-(-width // interval) + _BESIDE) / width, 1.0)


def serial_clocks(graph: FixedGraph, interval: int) -> list[int]:
    """The clocks in which each stage that only adds takes a word of its widest tensor, about."""
    clocks = []
    for stage in serial_stages(graph):
        if not stage.positions and all(adds(graph.nodes[name]) for name in stage.nodes):
            widest = max(graph.edges[name].type.width for name in stage.nodes)
            clocks.append(-(-widest // -(-widest // interval)))
    return clocks
