"""Whether a part can hold the RTL of a network at an interval, and if not the nearest interval or part that can."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from hls.errors import ProjectError, UnsupportedError
from hls.graph import FixedGraph
from hls.rtl.folded.choice import SHORTEST_INTERVAL, choose
from hls.rtl.folded.contents import weight_bits
from hls.rtl.folded.engine import Engine
from hls.rtl.folded.plan import least_interval, luts_of, serial_interval
from hls.target import LUT, Target
from hls.target.parts import all_parts, find_part
from hls.target.parts.catalog import Part

_MARGIN = 2.0
"""Estimates are right within a factor of two, so that less than half of one is needed by no design."""
_LUT_BITS = 64
"""Constants that a LUT holds at the most."""


@dataclass(frozen=True)
class Need:
    """What RTL is estimated to take: ``luts``, and if it is of ``engines`` ``product_luts`` more for their ``products``
    if no DSP holds them, and bits of weights in memories, most of them those of the layer ``largest``."""

    luts: float
    product_luts: float = 0.0
    products: int = 0
    weight_bits: int = 0
    largest: str = ""
    engines: int = 0

    def luts_in(self, part: Part, multipliers: str) -> float:
        """LUTs in ``part``, with products in its DSPs as far as there are and ``multipliers`` allows."""
        dsps = 0 if multipliers == LUT else part.capacity("dsp")
        return self.luts + self.product_luts * max(1 - dsps / max(self.products, 1), 0.0)

    def shortage(self, part: Part, multipliers: str) -> str | None:
        """What there is too little of in ``part``, or None."""
        luts, there = self.luts_in(part, multipliers), part.capacity("lut")
        if luts > _MARGIN * there:
            return f"would take about {luts:,.0f} LUTs, of which {part.name} has {there:,}"
        blocks = part.capacity("bram") * part.block_kbit * 1024
        if self.weight_bits > blocks + _LUT_BITS * (there - luts / _MARGIN):
            return (
                f"would hold {self.weight_bits:,} bits of weights, most of them those of layer {self.largest!r}, and "
                f"memory blocks of {part.name} hold {blocks:,}"
            )
        return None


def check_fits(graph: FixedGraph, target: Target) -> None:
    """Nothing, if RTL of ``graph`` can fit the part of ``target``, or if nothing is known of that part.

    Raises:
        UnsupportedError: it cannot at the interval that is asked for. Names what is too little, and the shortest
            interval at which it can, or else the smallest part.
    """
    try:
        part = find_part(target.part)
    except ProjectError:
        return
    need = need_at(graph, target, target.interval_clocks)
    why = need.shortage(part, target.multipliers)
    if why is not None:
        built = f"{need.engines} engines" if need.engines else "RTL without engines"
        raise UnsupportedError(f"{_asked(target)}: {built} {why}; {_cure(graph, target, part)}")


def need_at(graph: FixedGraph, target: Target, interval: int) -> Need:
    """What the RTL that is chosen at an interval takes."""
    choice = choose(graph, interval, target.ports, target.adders)
    return _of_engines(graph, choice.engines) if choice.engines else Need(choice.luts)


def _asked(target: Target) -> str:
    if target.interval_ns is not None:
        return f"interval_ns = {target.interval_ns:g}"
    return "an event a clock" if target.interval is None else f"interval = {target.interval}"


def _of_engines(graph: FixedGraph, engines: Sequence[Engine]) -> Need:
    bits: dict[str, int] = {}
    for engine in engines:
        layer, (rows, width) = engine.unit.head.layer, weight_bits(engine)
        bits[layer] = bits.get(layer, 0) + rows * width
    beside = sum(luts_of(graph, engine, in_dsps=True) for engine in engines)
    return Need(
        beside,
        sum(luts_of(graph, engine) for engine in engines) - beside,
        sum(engine.multipliers for engine in engines),
        sum(bits.values()),
        max(bits, key=lambda layer: bits[layer]),
        len(engines),
    )


def _cure(graph: FixedGraph, target: Target, part: Part) -> str:
    asked = target.interval_clocks
    try:
        least = max(least_interval(graph), SHORTEST_INTERVAL, asked)
        most = max(serial_interval(graph), least)
    except UnsupportedError:  # no engines, and without them an interval changes little
        least = most = asked
    others = sorted(all_parts(), key=lambda other: (other.vendor != part.vendor, other.capacity("lut")))
    smallest = need_at(graph, target, most)
    for candidate in (part, *others):
        if smallest.shortage(candidate, target.multipliers) is None:
            clocks = _shortest_interval(graph, target, candidate, least, most)
            stated = [] if candidate is part else [f'part = "{candidate.name}"']
            stated += [] if clocks == asked else [f"{_interval_key(target, clocks)}, the shortest that works"]
            return f"state {' and '.join(stated)}"
    return "no part that is known holds it: take fewer weights, or weights of fewer bits"


def _interval_key(target: Target, clocks: int) -> str:
    if target.interval_ns is None:
        return f"interval = {clocks}"
    return f"interval_ns = {clocks * Decimal(str(target.clock_ns)):f}"


def _shortest_interval(graph: FixedGraph, target: Target, part: Part, least: int, most: int) -> int:
    """The fewest clocks an event from ``least`` on at which the network fits ``part``, as it does at ``most``."""

    def fits(interval: int) -> bool:
        return need_at(graph, target, interval).shortage(part, target.multipliers) is None

    low, high = least - 1, least
    while not fits(high):
        low, high = high, min(2 * high, most)
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if fits(middle) else (middle, high)
    return high
