"""The figures that stand on top of the page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hls.project.report.judged import Figure, told_figures
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
            yield Card(count(gates.gate_equivalents), f"gate equivalents (NAND2), {_SOURCES[gates.source]}")
        if gates.area is not None:
            yield Card(f"{gates.area:,.6g}", f"area in the unit of the liberty file, {_SOURCES[gates.source]}")
        return
    told = told_figures(report)
    luts, dsps = told.get(LUTS.key), told.get(DSPS.key)
    yield Card(_UNKNOWN, "LUTs: no source gives them") if luts is None else _counted(luts, "LUTs")
    if dsps is not None and dsps.value:
        yield _counted(dsps, "DSPs")


def _counted(figure: Figure, what: str) -> Card:
    return Card(f"{_about(figure)}{count(figure.value)}", f"{what}, {_by(figure)}")


def _clocks(report: Report) -> Iterator[Card]:
    told = told_figures(report)
    for name, meaning in (("latency_cycles", "latency"), ("interval", "from one event to the next")):
        figure = told.get(name)
        yield Card(_UNKNOWN, f"{meaning}: no source gives it") if figure is None else _time(report, figure, meaning)


def _time(report: Report, figure: Figure, meaning: str) -> Card:
    clocks = f"{figure.value:g} clock{'' if figure.value == 1 else 's'}"
    took = f"{_about(figure)}{figure.value * report.project.clock_ns:.4g} ns"
    return Card(took, f"{meaning}, {clocks}, {_by(figure)}")


def _about(figure: Figure) -> str:
    return "~ " if figure.extrapolated else ""


def _by(figure: Figure) -> str:
    if figure.extrapolated:
        return "by an estimate beyond the designs that it was fitted to"
    return _SOURCES.get(figure.source, f"by {figure.source}")


def _fidelity(report: Report) -> Card:
    """The metric that the budget limits, or the first with a float reference, which a system names first for a reason;
    of a curve the point that moved most."""
    limited = [check.key.rpartition("_")[0] for check in report.budget.checks]
    plain = [name for name, metric in report.fidelity.items() if isinstance(metric, Metric)]
    name = next((name for name in (*limited, *plain, *report.fidelity) if name in report.fidelity), None)
    if name is None:
        return Card(_UNKNOWN, "fidelity: not measured, there is no float reference to compare with")
    metric = report.fidelity[name]
    point, where = (metric, "") if isinstance(metric, Metric) else _farthest(metric)
    unit = "" if metric.unit == "1" else f" {metric.unit}"
    reference = "" if point.reference is None else f", {point.reference:.4g} of the float reference"
    return Card(f"{point.firmware:.4g}{unit}", f"{name.replace('_', ' ')}{where}{reference}")


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
