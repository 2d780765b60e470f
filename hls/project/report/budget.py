"""[budget] of project.toml against the figures of a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isnan
from typing import TypeVar

from hls.project.report.schema import Budget, BudgetCheck, Curve, Latency, Metric, Resources
from hls.target import Firmware
from hls.target.resources import LIMITS

_TRUST = ("vendor", "nextpnr", "rtl-simulation", "yosys", "analytic")

Row = TypeVar("Row")


def most_trusted(by_source: Mapping[str, Row]) -> Row | None:
    """The closer to silicon, the better the witness: what the first of several sources says.

    >>> most_trusted({"analytic": 900, "yosys": 1200})
    1200
    """
    return next((by_source[source] for source in _TRUST if source in by_source), None)


def check_budget(
    limits: Mapping[str, float],
    fidelity: Mapping[str, Metric | Curve],
    resources: Sequence[Resources],
    latency: Sequence[Latency],
    route: Firmware,
) -> Budget:
    """Each limit against the most trustworthy figure that there is of the firmware ``route``, and of no other.

    A resource or latency that no source gives is not checked (``passed`` null), and an estimate beyond the designs that
    it was fitted to can break a limit but not show that one is kept; a metric that does not exist fails,
    since its limit would otherwise never be looked at. What was placed on another part than the project's judges
    nothing. Of a curve the worst point decides.
    """
    counted = [row for row in resources if row.route == route and row.judges]
    timed = [row for row in latency if row.route == route]
    checks = []
    for key, limit in limits.items():
        if key.endswith(("_min", "_max")):
            checks.append(_check_metric(key, limit, fidelity))
            continue
        checks.append(_check_figure(key, limit, _figure(key, counted, timed), route))
    return Budget(passed=all(check.passed is not False for check in checks), checks=checks)


def _check_metric(key: str, limit: float, fidelity: Mapping[str, Metric | Curve]) -> BudgetCheck:
    name, _, end = key.rpartition("_")
    metric = fidelity.get(name)
    if metric is None:
        return BudgetCheck(key=key, limit=limit, value=None, source=None, passed=False)
    worst, where = _worst(metric, end)
    good = worst >= limit if end == "min" else worst <= limit
    return BudgetCheck(key=key, limit=limit, value=worst, source=where, passed=good)


def _worst(metric: Metric | Curve, end: str) -> tuple[float, str]:
    """The firmware's figure, and where it is from."""
    if isinstance(metric, Metric):
        return metric.firmware, "fidelity"
    # NaN is neither below nor above a limit: taken as the worst, it breaks both.
    point = max(metric.points, key=lambda p: (isnan(p.firmware), -p.firmware if end == "min" else p.firmware))
    return point.firmware, f"fidelity, {metric.over} = {point.at:g}"


@dataclass(frozen=True)
class _Found:
    """A figure, and whether it was extrapolated."""

    value: float
    source: str
    extrapolated: bool = False


def _check_figure(key: str, limit: float, found: _Found | None, route: Firmware) -> BudgetCheck:
    if found is None:
        return BudgetCheck(key=key, limit=limit, value=None, source=None, passed=None, route=route)
    kept = found.value <= limit
    passed = None if kept and found.extrapolated else kept
    return BudgetCheck(
        key=key,
        limit=limit,
        value=found.value,
        source=found.source,
        passed=passed,
        route=route,
        extrapolated=found.extrapolated,
    )


def _figure(key: str, resources: Sequence[Resources], latency: Sequence[Latency]) -> _Found | None:
    found: dict[str, _Found] = {}  # the first row of a source decides: rows come in the order of their worth
    if key in LIMITS:
        counted = LIMITS[key].key
        for row in resources:
            if counted in row.counts:
                of = _Found(float(row.counts[counted]), row.source, counted in row.extrapolated)
                found.setdefault(row.source, of)
    for timing in latency if key not in LIMITS else ():
        value = timing.latency_ns if key == "latency_ns" else timing.interval * timing.clock_ns
        # One event a clock is how our RTL is made, whatever its depth.
        found.setdefault(timing.source, _Found(value, timing.source, timing.extrapolated and key == "latency_ns"))
    return most_trusted(found)
