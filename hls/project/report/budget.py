"""[budget] of project.toml against the figures of a report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import isnan

from hls.project.report.schema import Budget, BudgetCheck, Curve, Latency, Metric, Resources
from hls.target import Firmware
from hls.target.resources import LIMITS

# The closer to silicon, the better the witness: of several sources the first of these decides.
_TRUST = ("vendor", "rtl-simulation", "yosys", "analytic")


def check_budget(
    limits: Mapping[str, float],
    fidelity: Mapping[str, Metric | Curve],
    resources: Sequence[Resources],
    latency: Sequence[Latency],
    route: Firmware,
) -> Budget:
    """Each limit against the most trustworthy figure that there is of the firmware ``route``, and of no other.

    A resource or latency that no source gives is not checked (``passed`` null); a metric that does not exist fails,
    since its limit would otherwise never be looked at. Of a curve the worst point decides.
    """
    counted = [row for row in resources if row.route == route]
    timed = [row for row in latency if row.route == route]
    checks = []
    for key, limit in limits.items():
        if key.endswith(("_min", "_max")):
            checks.append(_check_metric(key, limit, fidelity))
            continue
        value, source = _figure(key, counted, timed)
        passed = None if value is None else value <= limit
        checks.append(BudgetCheck(key=key, limit=limit, value=value, source=source, passed=passed, route=route))
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


def _figure(key: str, resources: Sequence[Resources], latency: Sequence[Latency]) -> tuple[float | None, str | None]:
    found: dict[str, float] = {}  # the first row of a source decides: rows come in the order of their worth
    if key in LIMITS:
        counted = LIMITS[key].key
        for row in resources:
            if counted in row.counts:
                found.setdefault(row.source, float(row.counts[counted]))
    for timing in latency if key not in LIMITS else ():
        value = timing.latency_ns if key == "latency_ns" else timing.interval * timing.clock_ns
        found.setdefault(timing.source, value)
    best = next((source for source in _TRUST if source in found), None)
    return (None, None) if best is None else (found[best], best)
