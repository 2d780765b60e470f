"""Estimate of our RTL at an interval: of engines where they are the cheapest, else of unrolled RTL and shared cores."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from math import ceil, prod

from hls.figures.estimates.digits_route import estimate_digits
from hls.figures.estimates.estimate import DesignEstimate, Error, Estimate, LayerEstimate
from hls.figures.estimates.rtl_route import estimate_rtl
from hls.graph import FixedGraph
from hls.rtl import beats_by_layer
from hls.rtl.folded import Engine, choose, luts_of, schedule
from hls.rtl.folded.contents import weight_bits
from hls.target import LUT, Target
from hls.target.resources import Counts

OF_SEVEN = Error(0.25, 1.0)
"""LUTs that Yosys counts for seven designs, each by itself, are 0.73 to 1.97 times the estimate, 23 % from it in the
median: of the MLP of ``benchmarks.folded`` at 16, 64 (also with DSPs) and 256 clocks, of its CNN, of its Deep Sets at
128 clocks, and of ``mnist-cnn``. Registers are within 17 %. Nothing was fitted or placed: every figure is marked so."""

_TAIL = 3
"""Registers on the way out of a lane, about."""
_BLOCK_ROWS, _BLOCK_BITS, _LEAST_ROWS = 512, 72, 65
"""Of a tile of 36 kbit as it serves as a ROM, and rows from which on one is taken rather than LUTs."""


def estimate_own_rtl(graph: FixedGraph, target: Target, *, folded: bool = True) -> DesignEstimate:
    """Of the RTL that ``write_rtl`` makes for ``target``, and why so; without ``folded`` engines are not tried."""
    interval = target.interval_clocks
    choice = choose(graph, interval, target.ports, target.adders) if folded and interval > 1 else None
    if choice is not None and choice.engines:
        found = estimate_folded(graph, target.clock_ns, choice.engines, choice.interval, target.multipliers)
    elif choice is not None and choice.digits:
        found = estimate_digits(graph, target.clock_ns, interval, target.multipliers)
    else:
        beats = beats_by_layer(graph, interval)
        found = estimate_rtl(graph, target.clock_ns, multipliers=target.multipliers, beats=beats)
    return found if choice is None else replace(found, notes=(choice.why, *found.notes))


def estimate_folded(
    graph: FixedGraph, clock_ns: float, engines: Sequence[Engine], interval: int, multipliers: str
) -> DesignEstimate:
    """Resources, latency and interval of engines. The latency is that of their schedule, but for the lanes' tails."""
    start = time.perf_counter()
    timed = schedule(graph, engines, interval, [_TAIL] * len(engines))
    layers: dict[str, Counts] = {}
    for engine in engines:
        layer = engine.unit.head.layer
        layers[layer] = layers.get(layer, Counts()) + _counts(graph, engine, multipliers)
    # A port that takes an event at once is held for an interval in registers, of which a word is chosen.
    whole = set(graph.inputs) - set(timed.beats)
    held = sum(prod(graph.edges[name].shape) * graph.edges[name].type.width for name in whole)
    ports = Counts(lut=held / 2, ff=held)
    total = sum(layers.values(), ports)
    figures = {
        **{name: total.get(name, 0.0) for name in ("lut", "ff", "dsp", "bram", "uram")},
        "cycles": timed.latency,
        "interval": interval,
        "latency_ns": timed.latency * clock_ns,
    }
    return DesignEstimate(
        route="rtl",
        clock_ns=clock_ns,
        figures={
            name: Estimate.of(
                name, value, Error(0.0, 0.0) if name == "interval" else OF_SEVEN, "post-route",
                extrapolated=name != "interval",
            )
            for name, value in figures.items()
        },
        layers=tuple(LayerEstimate(name, _operations(engines, name), found) for name, found in layers.items()),
        notes=(f"{len(engines)} engines, an event each {interval} clocks, {sum(e.multipliers for e in engines)} "
               "multipliers; its errors are those of seven designs before placement",),
        seconds=time.perf_counter() - start,
    )  # fmt: skip


def _operations(engines: Sequence[Engine], layer: str) -> tuple[str, ...]:
    return tuple(type(engine.unit.head).__name__ for engine in engines if engine.unit.head.layer == layer)


def _counts(graph: FixedGraph, engine: Engine, multipliers: str) -> Counts:
    width = graph.edges[engine.unit.head.name].type.width
    x = graph.edges[engine.operands[0].tensor].type.width
    in_luts = multipliers == LUT
    rows, bits = weight_bits(engine)
    in_blocks = rows >= _LEAST_ROWS
    each = bits / max(engine.multipliers, 1)
    registers = engine.multipliers * (2 * x + 4 * each) + engine.lanes * 4 * width + 2 * engine.simd * x
    return Counts(
        lut=luts_of(graph, engine, in_dsps=not in_luts),
        ff=registers,
        dsp=0 if in_luts else engine.multipliers,
        bram=ceil(rows / _BLOCK_ROWS) * ceil(bits / _BLOCK_BITS) if in_blocks else 0,
    )
