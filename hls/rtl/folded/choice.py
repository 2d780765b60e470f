"""Which RTL of a network is the cheapest at an interval, by estimates of all that there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from hls.errors import UnsupportedError
from hls.graph import FixedGraph
from hls.graph.costs import ebops
from hls.rtl.folded.engine import Engine
from hls.rtl.folded.plan import luts_of, plan, serial_interval
from hls.rtl.serial import share_in_digits
from hls.rtl.sharing import beats_by_layer
from hls.target import BEATS, DIGITS, WHOLE

SHORTEST_INTERVAL = 8
"""Below so many clocks engines are not tried: what surrounds their products costs what the folding saves."""

LUTS_OF_EBOP = 0.6
"""LUTs of unrolled RTL for each bit of a constant times each of its input, about what ``estimate_rtl`` says of MLPs."""


@dataclass(frozen=True, eq=False)
class Choice:
    """The engines that compute a network, or none, in a sentence why, and the clocks an event that they are given.

    Without engines numbers may be added in ``digits``. ``luts`` are estimated, with all products in LUTs.
    """

    engines: tuple[Engine, ...]
    why: str
    interval: int
    luts: float
    digits: bool = False


def choose(graph: FixedGraph, interval: int, ports: str = BEATS, adders: str = WHOLE) -> Choice:
    """Engines, or none where unrolled RTL, cores shared in time or adders in digits are cheaper, or alone can."""
    other = _without_engines(graph, interval, adders)
    if interval < SHORTEST_INTERVAL:
        tried = f"engines are tried from {SHORTEST_INTERVAL} clocks on, and {interval} are asked for"
        return replace(other, why=f"{other.why}; {tried}")
    try:
        # With more clocks than that nothing would be smaller, and a simulation would wait for ever.
        given = min(interval, max(serial_interval(graph), SHORTEST_INTERVAL))
        engines = plan(graph, given, ports)
    except UnsupportedError as error:
        return replace(other, why=f"{other.why}, as engines cannot be had at {interval} clocks: {error}")
    luts = engine_luts(graph, engines)
    compared = f"with all products in LUTs engines take about {luts:,.0f}, the other way about {other.luts:,.0f}"
    if luts >= other.luts:
        return replace(other, why=f"{other.why}: {compared}")
    most = f"; with more than {given} clocks they would take no fewer" if given < interval else ""
    return Choice(engines, f"engines: {compared}{most}", given, luts)


def _without_engines(graph: FixedGraph, interval: int, adders: str) -> Choice:
    beats = beats_by_layer(graph, interval)
    turns = f"cores that {', '.join(beats)} share in time" if beats else ""
    whole = Choice((), turns or "unrolled, an event a clock", interval, _luts(graph, beats, 1))
    if adders != DIGITS or interval == 1:
        return whole
    luts = _luts(graph, beats, interval)
    compared = f"about {luts:,.0f} LUTs, and {whole.luts:,.0f} with whole ones"
    if luts >= whole.luts:
        return replace(whole, why=f"{whole.why}, as adders of digits take {compared}")
    beside = f" beside {turns}" if turns else ""
    return Choice(
        (), f"adders that take a digit of each number a clock{beside}, {compared}", interval, luts, digits=True
    )


def chosen_engines(graph: FixedGraph, interval: int, ports: str = BEATS) -> tuple[Engine, ...]:
    """The engines that compute ``graph``, see ``choose``."""
    return choose(graph, interval, ports).engines


def engine_luts(graph: FixedGraph, engines: Sequence[Engine]) -> float:
    """About the LUTs of engines if all products are in LUTs; without the registers that hold an event at the ports."""
    return sum(luts_of(graph, engine) for engine in engines)


def luts_by_layer(graph: FixedGraph, beats: Mapping[str, int], interval: int) -> dict[str, float]:
    """About the LUTs of RTL without engines: what takes positions in turn, in ``beats`` of its layer, is there less
    often, and of the rest what only adds takes ``interval`` clocks for a number."""
    found: dict[str, float] = {}
    for node in graph:
        turns, output = beats.get(node.layer, 1), graph.edges[node.name]
        share = share_in_digits(node, output, interval) if turns == 1 else 1 / turns
        luts = LUTS_OF_EBOP * share * ebops(node, graph.edges_of(node), output)
        found[node.layer] = found.get(node.layer, 0.0) + luts
    return found


def _luts(graph: FixedGraph, beats: Mapping[str, int], interval: int) -> float:
    return sum(luts_by_layer(graph, beats, interval).values())
