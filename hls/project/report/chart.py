"""Geometry of the page's charts: each layer's bits against the interval proved, and clock against pipeline depth."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from hls.project.report.network_schema import Layer
from hls.project.report.schema import PipelineTrial, Timing

_LEFT, _WIDTH, _ROW, _TOP = 190, 560, 46, 34
_TALLEST = 22


@dataclass(frozen=True)
class Column:
    """Values with their highest bit at one place, as tall as their share."""

    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Bar:
    """One layer: pixel positions of its type, of the reach of its interval, of what was seen, and of its values, of
    which a share is ``zeros``."""

    layer: Layer
    y: int
    type_x: float
    type_width: float
    reach_width: float
    observed_x: float | None
    columns: list[Column]
    zeros: float


@dataclass(frozen=True)
class Chart:
    """The whole: size in pixels, ticks as (x, exponent)."""

    width: int
    height: int
    top: int
    left: int
    bars: list[Bar]
    ticks: list[tuple[float, int]]


def bit_chart(layers: Sequence[Layer]) -> Chart:
    """Rows in the order of the network on an axis of powers of two, from the finest LSB to the highest MSB."""
    low = min((_lsb(layer) for layer in layers), default=0)
    high = max((_msb(layer) for layer in layers), default=1)
    unit = _WIDTH / max(high - low, 1)

    def x(exponent: float) -> float:
        return round(_LEFT + (min(max(exponent, low), high) - low) * unit, 1)

    bars = []
    for index, layer in enumerate(layers):
        start, end = x(_lsb(layer)), x(_msb(layer))
        reach = x(_log2(max(abs(layer.low), abs(layer.high)), low))
        seen = None if layer.observed is None else x(_log2(layer.observed, low))
        y, width = _TOP + index * _ROW, round(end - start, 1)
        zeros = layer.values.zero_share if layer.values else 0.0
        columns = _columns(layer, start, unit, y + _TALLEST)
        bars.append(Bar(layer, y, start, width, round(max(reach - start, 0), 1), seen, columns, zeros))
    step = max(1, math.ceil((high - low) / 12))
    ticks = [(x(exponent), exponent) for exponent in range(low, high + 1) if exponent % step == 0]
    return Chart(_LEFT + _WIDTH + 130, _TOP + _ROW * len(layers) + 8, _TOP, _LEFT, bars, ticks)


def _columns(layer: Layer, start: float, unit: float, ground: float) -> list[Column]:
    """The histogram over the bits of the type, whose lowest begins at ``start``; it stands on ``ground``."""
    counts = [] if layer.values is None else layer.values.magnitudes
    most = max(counts, default=0)
    tall = {bit: round(_TALLEST * amount / most, 1) for bit, amount in enumerate(counts) if amount}
    width = round(unit - 1, 1)
    return [
        Column(round(start + bit * unit, 1), round(ground - height, 1), width, height) for bit, height in tall.items()
    ]


def _lsb(layer: Layer) -> int:
    return layer.integer - layer.width


def _msb(layer: Layer) -> int:
    """Exponent of the largest magnitude: the sign bit holds none."""
    return layer.integer - (0 if layer.type.startswith("ap_u") else 1)


def _log2(magnitude: float, floor: int) -> float:
    return math.log2(magnitude) if magnitude > 0 else floor


@dataclass(frozen=True)
class Trade:
    """Clock against depth: pixel positions of the trials, of the clock asked for, and the line through the trials."""

    width: int
    height: int
    points: list[tuple[float, float, PipelineTrial]]
    line: str
    clock_y: float


_TRADE_WIDTH, _TRADE_HEIGHT, _MARGIN = 420, 200, 40


def trade_chart(timing: Timing) -> Trade | None:
    """Clock frequency over registers of the pipelines that were measured; None where fewer than two were."""
    if len(timing.trials) < 2:
        return None
    stages = [trial.stages for trial in timing.trials]
    highest = 1.15 * max(1e3 / timing.clock_ns, *(1e3 / trial.path_ns for trial in timing.trials))
    across, up = (_TRADE_WIDTH - 2 * _MARGIN) / max(max(stages) - min(stages), 1), _TRADE_HEIGHT - 2 * _MARGIN

    def y(period_ns: float) -> float:
        return round(_TRADE_HEIGHT - _MARGIN - up * (1e3 / period_ns) / highest, 1)

    points = [(round(_MARGIN + (t.stages - min(stages)) * across, 1), y(t.path_ns), t) for t in timing.trials]
    line = " ".join(f"{x},{height}" for x, height, _ in points)
    return Trade(_TRADE_WIDTH, _TRADE_HEIGHT, points, line, y(timing.clock_ns))
