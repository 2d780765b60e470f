"""What the network would need if events came closer to each other or further apart: estimates, unrolled to serial."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log2, log10

from hls.errors import ProjectError, UnsupportedError
from hls.figures.estimates import DesignEstimate, estimate_hls4ml, estimate_own_rtl
from hls.graph import FixedGraph
from hls.project.report.schema import IntervalNeeds
from hls.rtl.folded import least_interval, serial_interval
from hls.target import Target
from hls.target.resources import BLOCK_RAM, DSPS, LUTS

_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 300, 190, 46, 12, 26, 30
_KINDS = (LUTS, DSPS, BLOCK_RAM)


def needs_by_interval(graph: FixedGraph, target: Target) -> list[IntervalNeeds]:
    """Of our RTL at powers of two of clocks, at the shortest interval of engines and at the project's own, where they
    differ; and of hls4ml's firmware with the same reuse."""
    found: dict[int, DesignEstimate] = {}
    for clocks in _asked(graph, target):
        rtl = estimate_own_rtl(graph, _paced(target, clocks))
        found.setdefault(int(rtl["interval"].value), rtl)
    rows = []
    for interval, rtl in sorted(found.items()):
        rows.append(_needs(rtl, interval))
        rows += [_needs(estimate, interval) for estimate in _of_hls4ml(graph, target, interval)]
    return rows


def _asked(graph: FixedGraph, target: Target) -> list[int]:
    try:
        last, least = serial_interval(graph), least_interval(graph)
    except UnsupportedError:  # an axis that engines do not know: what can be shared is by then
        last = least = max(target.interval_clocks, 1)
    powers = (1 << power for power in range(last.bit_length()))
    return sorted({*powers, least, last, target.interval_clocks})


def _paced(target: Target, clocks: int) -> Target:
    return Target(
        target.part,
        target.backend,
        target.clock_ns,
        multipliers=target.multipliers,
        interval=clocks,
        ports=target.ports,
    )


def _of_hls4ml(graph: FixedGraph, target: Target, clocks: int) -> Iterator[DesignEstimate]:
    """None where the backend cannot fold, or knows no such network."""
    strategy = "latency" if clocks == 1 else "resource"
    try:
        folded = Target(
            target.part, target.backend, target.clock_ns, target.io_type, strategy=strategy, reuse_factor=clocks
        )
        yield estimate_hls4ml(graph, folded)
    except (ProjectError, UnsupportedError):
        return


def _needs(estimate: DesignEstimate, interval: int) -> IntervalNeeds:
    counts = {kind.key: kind.stated(estimate[kind.key].value) for kind in _KINDS}
    return IntervalNeeds(route=estimate.route, interval=interval, latency_ns=estimate["latency_ns"].value, **counts)


@dataclass(frozen=True)
class Panel:
    """One kind of resource against the interval: pixel positions of ``ours``, joined by a ``line``, and of ``theirs``,
    hls4ml's; ticks as (place, text)."""

    label: str
    line: str
    ours: list[tuple[float, float, IntervalNeeds]]
    theirs: list[tuple[float, float, IntervalNeeds]]
    across: list[tuple[float, str]]
    up: list[tuple[float, str]]
    width: int = _WIDTH
    height: int = _HEIGHT
    left: int = _LEFT
    ground: int = _HEIGHT - _BOTTOM


def interval_panels(rows: Sequence[IntervalNeeds]) -> list[Panel]:
    """A panel for each kind that any of them needs, both axes logarithmic; none where the interval changes nothing."""
    if len({row.interval for row in rows}) < 2:
        return []
    return [_panel(rows, kind.key, kind.label) for kind in _KINDS if any(getattr(row, kind.key) for row in rows)]


def _panel(rows: Sequence[IntervalNeeds], key: str, label: str) -> Panel:
    last = max(row.interval for row in rows)
    decades = max(log10(1 + max(getattr(row, key) for row in rows)), 1.0)
    ground, width = _HEIGHT - _BOTTOM, _WIDTH - _LEFT - _RIGHT

    def x(interval: int) -> float:
        return round(_LEFT + width * log2(interval) / log2(last), 1)

    def y(count: float) -> float:
        return round(ground - (ground - _TOP) * log10(1 + count) / decades, 1)

    placed = [(x(row.interval), y(getattr(row, key)), row) for row in rows]
    ours = [point for point in placed if point[2].route == "rtl"]
    step = max(1, last.bit_length() // 6)
    return Panel(
        label,
        " ".join(f"{across},{up}" for across, up, _ in ours),
        ours,
        [point for point in placed if point[2].route != "rtl"],
        [(x(1 << power), f"{1 << power:,}") for power in range(0, last.bit_length(), step)],
        [(y(10**power), f"{10**power:,}") for power in range(int(decades) + 1)],
    )
