"""The figures of the firmware that the budget judges, each by the source that is closest to silicon."""

from __future__ import annotations

from dataclasses import dataclass

from hls.project.report.budget import most_trusted
from hls.project.report.schema import Report
from hls.target.resources import LIMITS, Resource

CLOCKS = {"latency_cycles": "cycles", "interval": "interval"}
"""Figures in clocks, by the field of a row of ``latency``."""


@dataclass(frozen=True)
class Figure:
    """A number, and who gave it; ``extrapolated`` by an estimate beyond the designs that it was fitted to."""

    value: float
    source: str
    extrapolated: bool = False


def judged_figures(report: Report) -> dict[str, Figure]:
    """Of the judged firmware, by the most trustworthy source of each; what an estimate extrapolates is left out."""
    found: dict[str, dict[str, Figure]] = {}
    for row in report.resources:
        if row.route == report.project.firmware and row.judges:
            for kind, count in row.counts.items():
                if kind not in row.extrapolated:
                    found.setdefault(kind, {}).setdefault(row.source, Figure(float(count), row.source))
    for timing in report.latency:
        if timing.route == report.project.firmware and not timing.extrapolated:
            for name, field in CLOCKS.items():
                figure = Figure(float(getattr(timing, field)), timing.source)
                found.setdefault(name, {}).setdefault(timing.source, figure)
    return {name: best for name, by_source in found.items() if (best := most_trusted(by_source)) is not None}


def told_figures(report: Report) -> dict[str, Figure]:
    """What a reader is told: the judged figures, and extrapolated ones in the place of those that nobody else gives."""
    found: dict[str, Figure] = {}
    for row in report.resources:
        if row.route == report.project.firmware:
            found |= {kind: Figure(float(row.counts[kind]), row.source, True) for kind in row.extrapolated}
    for timing in report.latency:
        if timing.route == report.project.firmware and timing.extrapolated:
            found["latency_cycles"] = Figure(float(timing.cycles), timing.source, True)
            # How often an event can come is how the RTL is made, whatever its depth.
            found["interval"] = Figure(float(timing.interval), timing.source)
    return found | judged_figures(report)


def counted_kinds(report: Report) -> tuple[Resource, ...]:
    """The resources that any row counts: an ASIC has no LUTs, so that no table is to have a column of them."""
    return tuple(kind for kind in LIMITS.values() if any(kind.key in row.counts for row in report.resources))
