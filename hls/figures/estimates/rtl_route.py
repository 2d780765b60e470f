"""Estimate of the unrolled RTL (distributed arithmetic): what Vivado would report after place and route.

Two steps: ``adder_graph`` predicts the cost that alkaid would find, and that cost becomes LUTs, flip-flops, pipeline
depth and period by a fit to ten published designs (JEDI-linear, arXiv:2508.15468). With alkaid's own cost at hand the
first step, and its error, drop out.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from types import MappingProxyType

from hls.figures.estimates.adder_graph import cost_by_layer, variable_products
from hls.figures.estimates.estimate import DesignEstimate, Error, Estimate, LayerEstimate, coefficients, measured_error
from hls.graph import FixedGraph
from hls.target import AUTO, LUT
from hls.target.resources import Counts

MODEL = "rtl"
COST_MODEL = "adder_graph"
TARGET_CLOCK_NS = 2.0
"""Clock that the fitted designs were pipelined for (and did not meet)."""


def estimate_rtl(
    graph: FixedGraph,
    clock_ns: float,
    cost: float | None = None,
    multipliers: str = AUTO,
    beats: Mapping[str, int] = MappingProxyType({}),
) -> DesignEstimate:
    """Resources, cycles, latency and attainable period of ``graph`` as pipelined RTL, after place and route.

    ``clock_ns`` sets the pipeline depth; ``cost`` is alkaid's ``CombLogic.cost`` where it is known. Products of two
    variables are counted as DSPs, or if ``multipliers`` is "lut" as LUTs, 3/4 of one for each pair of bits (alkaid's
    rule). ``beats`` are the clocks in which the positions of a layer share one copy of it. Takes milliseconds.
    """
    start = time.perf_counter()
    fitted = coefficients()[COST_MODEL]["coefficients"]
    by_layer = _shared(cost_by_layer(graph, fitted), beats)
    in_luts = _shared(cost_by_layer(graph, fitted, products=multipliers == LUT), beats)
    predicted = max(sum(by_layer.values()), 1.0)
    known = predicted if cost is None else max(float(cost), 1.0)
    # The last of the positions that share a copy is so many clocks later than the first.
    turns = max(beats.values(), default=1) - 1
    figures = rtl_figures(known, clock_ns, cost is not None, turns)
    in_dsps = sum(by_layer.values()) - sum(in_luts.values())
    if in_dsps:  # they have registers and stages all the same
        figures["lut"] = rtl_figures(max(known - in_dsps, 1.0), clock_ns, cost is not None)["lut"]
    products = variable_products(graph, beats)
    interval = max(beats.values(), default=1)
    counted = Counts(dsp=0 if multipliers == LUT else products, bram=0.0, uram=0.0)
    figures |= {
        name: Estimate.of(name, value, Error(0.0, 0.0), "post-route", extrapolated=products > 0)
        for name, value in {**counted, "interval": float(interval)}.items()
    }
    share = figures["lut"].value / max(sum(in_luts.values()), 1.0)
    registers = figures["ff"].value / predicted
    per_layer = {
        name: Counts(lut=in_luts[name] * share, ff=spent * registers, dsp=0.0, bram=0.0)
        for name, spent in by_layer.items()
    }
    return DesignEstimate(
        route="rtl",
        clock_ns=clock_ns,
        figures=figures,
        layers=tuple(LayerEstimate(name, operations_of(graph, name), found) for name, found in per_layer.items()),
        notes=(*_notes(known, clock_ns, products, multipliers), *_sharing(beats)),
        seconds=time.perf_counter() - start,
    )


def _shared(costs: Mapping[str, float], beats: Mapping[str, int]) -> dict[str, float]:
    return {layer: cost / beats.get(layer, 1) for layer, cost in costs.items()}


def _sharing(beats: Mapping[str, int]) -> list[str]:
    if not beats:
        return []
    layers = ", ".join(beats)
    return [
        f"{layers}: a copy takes up to {max(beats.values())} positions, one a clock; counted without what chooses them"
    ]


def operations_of(graph: FixedGraph, layer: str) -> tuple[str, ...]:
    """Kinds of the nodes of a layer."""
    return tuple(type(node).__name__ for node in graph if node.layer == layer)


def rtl_figures(cost: float, clock_ns: float, cost_is_known: bool, turns: int = 0) -> dict[str, Estimate]:
    """LUT, FF, cycles, latency and period for an adder graph of ``cost`` LUTs (alkaid's unit).

    ``turns`` are clocks that pass while positions go through a copy in turn.
    """
    fitted = coefficients()[MODEL]["coefficients"]
    lut, ff, depth, period = fit_values(fitted, cost)
    cycles = max(math.ceil(depth * period / clock_ns), 1) + turns
    lowest, highest = coefficients()[MODEL]["range"]
    beyond = not lowest <= cost <= highest
    values: Mapping[str, float] = {
        "lut": lut,
        "ff": ff,
        "cycles": cycles,
        "latency_ns": cycles * clock_ns,
        "period_ns": period,
    }
    figures = {}
    for name, value in values.items():
        error = measured_error(MODEL, "post-route", "cycles" if name == "latency_ns" else name)
        if not cost_is_known and name in ("lut", "ff"):
            error = _both(error, measured_error(COST_MODEL, "cost", "lut"))
        # Depth was fitted at one clock only.
        far = beyond or (name in ("cycles", "latency_ns") and clock_ns != TARGET_CLOCK_NS)
        figures[name] = Estimate.of(name, value, error, "post-route", extrapolated=far)
    return figures


def fit_values(fitted: Mapping[str, float], cost: float) -> tuple[float, float, float, float]:
    """LUTs, flip-flops, pipeline stages at ``TARGET_CLOCK_NS`` and period in ns of an adder graph of ``cost``."""
    doublings = math.log2(cost / fitted["reference_cost"])
    depth = max(fitted["cycles"] + fitted["cycles_per_doubling"] * doublings, 1.0)
    period = max(fitted["period_ns"] * 2 ** (fitted["period_exponent"] * doublings), TARGET_CLOCK_NS / 2)
    return fitted["lut"] * cost, fitted["ff"] * cost, depth, period


def _both(first: Error, second: Error) -> Error:
    """Error of two independent steps."""
    return Error(math.hypot(first.median, second.median), math.hypot(first.p90, second.p90))


def _notes(cost: float, clock_ns: float, products: int, multipliers: str) -> list[str]:
    lowest, highest = coefficients()[MODEL]["range"]
    notes = []
    if not lowest <= cost <= highest:
        notes.append(f"cost {cost:,.0f} is outside the fitted {lowest:,.0f} to {highest:,.0f}")
    if clock_ns != TARGET_CLOCK_NS:
        notes.append(f"pipeline depth was fitted at {TARGET_CLOCK_NS:g} ns, not at {clock_ns:g} ns")
    if products and multipliers == LUT:
        notes.append("products of two variables: counted as LUTs, 3/4 of one for a pair of bits, which no fit supports")
    elif products:
        notes.append("products of two variables: counted as DSPs; synthesis may put small ones in LUTs instead")
    return notes
