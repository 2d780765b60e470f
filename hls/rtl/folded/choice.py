"""Whether engines are the cheapest RTL of a network at an interval, by estimates of both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hls.errors import UnsupportedError
from hls.graph import FixedGraph
from hls.graph.costs import ebops
from hls.rtl.folded.engine import Engine
from hls.rtl.folded.plan import luts_of, plan, serial_interval
from hls.rtl.sharing import beats_by_layer
from hls.target import BEATS

SHORTEST_INTERVAL = 8
"""Below so many clocks engines are not tried: what surrounds their products costs what the folding saves."""

LUTS_OF_EBOP = 0.6
"""LUTs of unrolled RTL for each bit of a constant times each of its input, about what ``estimate_rtl`` says of MLPs."""


@dataclass(frozen=True, eq=False)
class Choice:
    """The engines that compute a network, or none, in a sentence why, and the clocks an event that they are given."""

    engines: tuple[Engine, ...]
    why: str
    interval: int


def choose(graph: FixedGraph, interval: int, ports: str = BEATS) -> Choice:
    """Engines, or none where unrolled RTL or cores shared in time are cheaper, or alone can."""
    beats = beats_by_layer(graph, interval)
    other = f"cores that {', '.join(beats)} share in time" if beats else "unrolled, an event a clock"
    if interval < SHORTEST_INTERVAL:
        why = f"{other}; engines are tried from {SHORTEST_INTERVAL} clocks on, and {interval} are asked for"
        return Choice((), why, interval)
    try:
        # With more clocks than that nothing would be smaller, and a simulation would wait for ever.
        given = min(interval, max(serial_interval(graph), SHORTEST_INTERVAL))
        engines = plan(graph, given, ports)
    except UnsupportedError as error:
        return Choice((), f"{other}, as engines cannot be had at {interval} clocks: {error}", interval)
    folded, unfolded = engine_luts(graph, engines), shared_luts(graph, interval)
    compared = f"with all products in LUTs engines take about {folded:,.0f}, the other way about {unfolded:,.0f}"
    if folded >= unfolded:
        return Choice((), f"{other}: {compared}", interval)
    most = f"; with more than {given} clocks they would take no fewer" if given < interval else ""
    return Choice(engines, f"engines: {compared}{most}", given)


def chosen_engines(graph: FixedGraph, interval: int, ports: str = BEATS) -> tuple[Engine, ...]:
    """The engines that compute ``graph``, see ``choose``."""
    return choose(graph, interval, ports).engines


def engine_luts(graph: FixedGraph, engines: Sequence[Engine]) -> float:
    """About the LUTs of engines if all products are in LUTs; without the registers that hold an event at the ports."""
    return sum(luts_of(graph, engine) for engine in engines)


def shared_luts(graph: FixedGraph, interval: int) -> float:
    """About the LUTs of RTL that is unrolled but for what takes positions in turn."""
    beats = beats_by_layer(graph, interval)
    return LUTS_OF_EBOP * sum(
        ebops(node, graph.edges_of(node), graph.edges[node.name]) / beats.get(node.layer, 1) for node in graph
    )
