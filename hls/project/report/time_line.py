"""Events on their way through the firmware against the time that the budget allows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count, takewhile

from hls.project.report.judged import told_figures
from hls.project.report.schema import Report

_EVENTS, _TICKS = 4, 8
_STEPS = (1.0, 2.0, 5.0, 10.0, 25.0, 50.0)
"""Of the axis, in powers of a hundred: 25 ns is what lies between two bunch crossings."""


@dataclass(frozen=True)
class Passage:
    """One event: where it enters and how long it takes, in per cent of the axis."""

    start: float
    length: float


@dataclass(frozen=True)
class Limit:
    """The latency that the budget allows: ``at`` per cent of the axis."""

    at: float
    limit_ns: float
    kept: bool


@dataclass(frozen=True)
class TimeLine:
    """``source`` gave the latency; ``ticks`` are (per cent, nanoseconds); ``limit`` is None where there is none."""

    latency_ns: float
    interval_ns: float
    source: str
    passages: list[Passage]
    ticks: list[tuple[float, float]]
    limit: Limit | None


def time_line(report: Report) -> TimeLine | None:
    """Of the firmware that is judged; None where no source gives its latency and interval."""
    told, clock = told_figures(report), report.project.clock_ns
    cycles, interval = told.get("latency_cycles"), told.get("interval")
    if cycles is None or interval is None:
        return None
    latency, apart = cycles.value * clock, interval.value * clock
    allowed = next((check.limit for check in report.budget.checks if check.key == "latency_ns"), None)
    end = 1.05 * max(latency + (_EVENTS - 1) * apart, allowed or 0.0)
    return TimeLine(
        latency,
        apart,
        "an estimate beyond the designs that it was fitted to" if cycles.extrapolated else cycles.source,
        [Passage(100 * n * apart / end, 100 * latency / end) for n in range(_EVENTS)],
        [(100 * at / end, at) for at in _ticks(end)],
        None if allowed is None else Limit(100 * allowed / end, allowed, latency <= allowed),
    )


def _ticks(end: float) -> list[float]:
    """Round times from zero to ``end``, eight at most.

    >>> _ticks(105.0), _ticks(22.0)
    ([0.0, 25.0, 50.0, 75.0, 100.0], [0.0, 5.0, 10.0, 15.0, 20.0])
    """
    step = next(step for step in _steps() if end / step < _TICKS)
    return list(takewhile(lambda at: at <= end, (step * n for n in count())))


def _steps() -> Iterator[float]:
    return (step * scale for scale in (100.0**n for n in count()) for step in _STEPS)
