"""Estimate of RTL whose adders take a digit of each number a clock."""

from __future__ import annotations

import time

from hls.figures.estimates.adder_graph import variable_products
from hls.figures.estimates.estimate import DesignEstimate, Error, Estimate, LayerEstimate
from hls.figures.estimates.rtl_route import operations_of
from hls.graph import FixedGraph
from hls.rtl import beats_by_layer
from hls.rtl.folded import luts_by_layer
from hls.rtl.serial import serial_clocks
from hls.target import LUT
from hls.target.resources import Counts

OF_THREE = Error(0.08, 0.26)
"""LUTs that Yosys counts, each by itself, are 0.92 to 1.16 times the estimate for the MLP 16-16-16-5 of
``benchmarks.folded`` at 5, 10 and 19 clocks, registers 0.94 to 1.26 times, and clocks of latency 0.95 to 1.00 times.
The constants were chosen with these three at hand, and nothing was placed: every figure is marked so."""
_REGISTERS = 1.05
"""For a LUT."""
_BETWEEN = 4
"""Clocks from one stage's words to the next one's, beyond those of a word: adders in a row, rounding, and registers."""


def estimate_digits(graph: FixedGraph, clock_ns: float, interval: int, multipliers: str) -> DesignEstimate:
    """Resources, latency and interval of adders that take at most ``interval`` clocks for a number."""
    start = time.perf_counter()
    beats = beats_by_layer(graph, interval)
    layers = {
        name: Counts(lut=luts, ff=_REGISTERS * luts, dsp=0.0, bram=0.0)
        for name, luts in luts_by_layer(graph, beats, interval).items()
    }
    total = sum(layers.values(), Counts())
    clocks = serial_clocks(graph, interval)
    dsp = 0 if multipliers == LUT else variable_products(graph, beats)
    cycles = sum(clocks) + _BETWEEN * len(clocks) + sum(set(beats.values()))
    figures = {
        **{name: total.get(name, 0.0) for name in ("lut", "ff", "bram", "uram")},
        "dsp": float(dsp),
        "cycles": float(cycles),
        "interval": float(max([*clocks, *beats.values()])),
        "latency_ns": cycles * clock_ns,
    }
    return DesignEstimate(
        route="rtl",
        clock_ns=clock_ns,
        figures={
            name: Estimate.of(name, value, OF_THREE, "post-route", extrapolated=True) for name, value in figures.items()
        },
        layers=tuple(LayerEstimate(name, operations_of(graph, name), found) for name, found in layers.items()),
        notes=(f"adders of a digit a clock, an event each {interval} clocks at the most",),
        seconds=time.perf_counter() - start,
    )
