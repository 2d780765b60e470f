"""Geometry of the chart that sets each layer's type against the interval proved and the magnitude seen, in bits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from hls.project.report.schema import Layer

_LEFT, _WIDTH, _ROW, _TOP = 190, 560, 26, 34


@dataclass(frozen=True)
class Bar:
    """One layer: pixel positions of its type, of the reach of its interval, and of what was seen."""

    layer: Layer
    y: int
    type_x: float
    type_width: float
    reach_width: float
    observed_x: float | None


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
        bars.append(
            Bar(
                layer,
                _TOP + index * _ROW,
                start,
                round(end - start, 1),
                round(max(reach - start, 0), 1),
                seen,
            )
        )
    step = max(1, math.ceil((high - low) / 12))
    ticks = [(x(exponent), exponent) for exponent in range(low, high + 1) if exponent % step == 0]
    return Chart(_LEFT + _WIDTH + 130, _TOP + _ROW * len(layers) + 8, _TOP, _LEFT, bars, ticks)


def _lsb(layer: Layer) -> int:
    return layer.integer - layer.width


def _msb(layer: Layer) -> int:
    """Exponent of the largest magnitude: the sign bit holds none."""
    return layer.integer - (0 if layer.type.startswith("ap_u") else 1)


def _log2(magnitude: float, floor: int) -> float:
    return math.log2(magnitude) if magnitude > 0 else floor
