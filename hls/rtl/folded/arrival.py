"""Ports whose events come in beats, a position each, in the order in which engines read them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import prod

from hls.graph import FixedGraph
from hls.rtl.folded.engine import Engine
from hls.rtl.folded.grouping import Unit, elements_of, port_of, source_of
from hls.rtl.folded.layout import Layout, in_order
from hls.rtl.ports import Beats


def arriving(graph: FixedGraph, units: Sequence[Unit], interval: int) -> dict[str, Layout]:
    """Of each port that can come in beats the words in which it does.

    It cannot where it has a single position or more than there are clocks, where it is joined with another port or
    leaves the design as it came, and where it is read in another order.
    """
    found = {name: _words(graph, units, name) for name in graph.inputs}
    return {name: words for name, words in found.items() if words is not None and 1 < words.words <= interval}


def beats_of(graph: FixedGraph, engines: Sequence[Engine], interval: int) -> dict[str, Beats]:
    """The beats of the ports that ``engines`` read so, as far apart as an interval lets them."""
    numbers = {
        operand.source: operand.layout.numbers.shape[0] * operand.beats_of_position
        for engine in engines
        for operand in engine.operands
        if operand.source in graph.inputs
    }
    return {name: Beats(number, interval // number) for name, number in numbers.items()}


def _words(graph: FixedGraph, units: Sequence[Unit], port: str) -> Layout | None:
    reads = [name for unit in units for name in unit.operands if _from(graph, name, port)]
    if not reads or any(_from(graph, name, port) for name in graph.outputs):
        return None
    # A concatenation of ports alone is wires, behind which beats of several would have to meet.
    if any(port_of(graph, name) is None for name in reads):
        return None
    size = prod(graph.edges[port].shape)
    channels = min(graph.edges[name].shape[-1] for name in reads)
    words = in_order((size // channels, channels), channels)
    orders = [words.seen_as(elements_of(graph, name, port)) for name in reads]
    return None if any(order is None for order in orders) else words


def _from(graph: FixedGraph, name: str, port: str) -> bool:
    """Whether a tensor is wires of ports, ``port`` among them."""
    return source_of(graph, name) is None and port in _ports(graph, name)


def _ports(graph: FixedGraph, name: str) -> Iterator[str]:
    node = graph.nodes[name]
    if not node.inputs:
        yield name
    for source in node.inputs:
        yield from _ports(graph, source)
