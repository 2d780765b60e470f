"""The figures that stand on top of the page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hls.project.report.judged import Figure, judged_figures
from hls.project.report.schema import Curve, CurvePoint, Metric, Report
from hls.target.resources import DSPS, LUTS

_MEASURED = "rtl-simulation"
_SOURCES = {_MEASURED: "measured in simulation", "yosys": "by Yosys, before placement", "analytic": "estimated"}
_UNKNOWN = "\N{EN DASH}"


@dataclass(frozen=True)
class Card:
    """A figure as it is read, and what it is of."""

    value: str
    meaning: str


def cards(report: Report) -> list[Card]:
    """Resources, latency, interval and fidelity of the firmware that is judged, then what the network is."""
    return [*_resources(report), *_clocks(report), _fidelity(report), *_network(report)]


def count(number: float) -> str:
    """A whole number with its thousands apart.

    >>> count(12345) == "12\N{NARROW NO-BREAK SPACE}345"
    True
    """
    return f"{number:,.0f}".replace(",", "\N{NARROW NO-BREAK SPACE}")


def _resources(report: Report) -> Iterator[Card]:
    """LUTs, and what else a part is short of where any is used; gates and area of an ASIC, which has no LUTs."""
    rows = [row for row in report.resources if row.route == report.project.firmware]
    gates = next((row for row in rows if row.gate_equivalents is not None or row.area is not None), None)
    if gates is not None:
        if gates.gate_equivalents is not None:
            yield Card(count(gates.gate_equivalents), f"gate equivalents (NAND2), {_by(gates.source)}")
        if gates.area is not None:
            yield Card(f"{gates.area:,.6g}", f"area in the unit of the liberty file, {_by(gates.source)}")
        return
    judged = judged_figures(report)
    luts, dsps = judged.get(LUTS.key), judged.get(DSPS.key)
    guess = next((row.counts[LUTS.key] for row in rows if LUTS.key in row.extrapolated), None)
    if luts is not None:
        yield Card(count(luts.value), f"LUTs, {_by(luts.source)}")
    elif guess is not None:
        yield Card(f"~ {count(guess)}", "LUTs, by an estimate beyond the designs that it was fitted to")
    else:
        yield Card(_UNKNOWN, "LUTs: no source gives them")
    if dsps is not None and dsps.value:
        yield Card(count(dsps.value), f"DSPs, {_by(dsps.source)}")


def _clocks(report: Report) -> Iterator[Card]:
    judged = judged_figures(report)
    for name, meaning in (("latency_cycles", "latency"), ("interval", "from one event to the next")):
        figure = judged.get(name)
        yield Card(_UNKNOWN, f"{meaning}: no source gives it") if figure is None else _time(report, figure, meaning)


def _time(report: Report, figure: Figure, meaning: str) -> Card:
    clocks = f"{figure.value:g} clock{'' if figure.value == 1 else 's'}"
    return Card(f"{figure.value * report.project.clock_ns:.4g} ns", f"{meaning}, {clocks}, {_by(figure.source)}")


def _by(source: str) -> str:
    return _SOURCES.get(source, f"by {source}")


def _fidelity(report: Report) -> Card:
    """The first metric, which a system names first for a reason; of a curve the point that moved most."""
    for name, metric in report.fidelity.items():
        point, where = (metric, "") if isinstance(metric, Metric) else _farthest(metric)
        unit = "" if metric.unit == "1" else f" {metric.unit}"
        reference = "" if point.reference is None else f", {point.reference:.4g} of the float reference"
        return Card(f"{point.firmware:.4g}{unit}", f"{name.replace('_', ' ')}{where}{reference}")
    return Card(_UNKNOWN, "fidelity: not measured, there is no float reference to compare with")


def _farthest(curve: Curve) -> tuple[CurvePoint, str]:
    moved = max(curve.points, key=lambda p: 0.0 if p.reference is None else abs(p.firmware - p.reference))
    return moved, f" at {curve.over.replace('_', ' ')} {moved.at:g}"


def _network(report: Report) -> Iterator[Card]:
    graph = report.graph
    yield Card(count(graph.multiplications), f"multiplications of {count(graph.parameters)} parameters")
    yield Card(count(graph.ebops), "effective bit operations")
    proved = ", proved never to overflow" if graph.overflow_proved else ""
    yield Card(f"{graph.widest_accumulator_bits} bits", f"widest accumulator{proved}")
    if report.reference_latency is not None:
        took = report.reference_latency.batch1_microseconds
        yield Card(f"{took:.3g} µs", "float reference, one event on one CPU core")
