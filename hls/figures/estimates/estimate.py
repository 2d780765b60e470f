"""A figure that was calculated, and how wrong it may be."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Literal

from hls.target.resources import RESOURCES, Counts, Needs, resource

Basis = Literal["csynth", "post-route"]

CYCLES = ("cycles", "interval")
TIMES = ("latency_ns", "period_ns")
FIGURES = (*(kind.key for kind in RESOURCES), *CYCLES, *TIMES)

WIDENED = 2.0
LEAST = 0.1, 0.4
"""Where a design goes beyond those the errors were measured on, they are multiplied by ``WIDENED`` and taken as no less
than ``LEAST`` (median, 90 %). Both are assumptions, not measurements."""


@dataclass(frozen=True)
class Error:
    """Relative errors on designs that the fit had not seen: the median, and what 90 % stay below."""

    median: float
    p90: float

    def widened(self) -> Error:
        """The error assumed for designs unlike those it was measured on."""
        return Error(max(self.median * WIDENED, LEAST[0]), max(self.p90 * WIDENED, LEAST[1]))


@dataclass(frozen=True)
class Estimate:
    """One analytic figure of a design.

    ``resource`` is one of ``FIGURES``; memory blocks are tiles of 36 kbit. ``low`` and ``high`` hold nine designs in
    ten. ``basis`` names the reports that it predicts: C synthesis and post-route figures of one
    design differ by more than either error, so never compare one with the other. ``extrapolated``: the errors were not
    measured on such a design and are assumed (``Error.widened``). A value of zero has no range.
    """

    resource: str
    value: float
    low: float
    high: float
    relative_error_median: float
    relative_error_90: float
    basis: Basis
    extrapolated: bool = False
    source: Literal["analytic"] = "analytic"

    @staticmethod
    def of(figure: str, value: float, error: Error, basis: Basis, *, extrapolated: bool = False) -> Estimate:
        """An estimate with the range that its error spans; counts are whole numbers of their smallest step.

        >>> found = Estimate.of("lut", 100.4, Error(median=0.05, p90=0.25), "csynth")
        >>> found.value, found.low, found.high
        (100.0, 80.0, 126.0)
        """
        if extrapolated:
            error = error.widened()
        low, high = value / (1 + error.p90), value * (1 + error.p90)
        if figure == "interval":
            low = max(low, 1.0)
        step = _step(figure)
        return Estimate(
            resource=figure,
            value=round(value / step) * step if step else value,
            low=math.floor(low / step) * step if step else low,
            high=math.ceil(high / step) * step if step else high,
            relative_error_median=error.median,
            relative_error_90=error.p90,
            basis=basis,
            extrapolated=extrapolated,
        )


def _step(figure: str) -> float | None:
    """What a figure comes in whole numbers of; None for a time."""
    if figure in TIMES:
        return None
    return 1.0 if figure in CYCLES else resource(figure).step


@dataclass(frozen=True)
class LayerEstimate:
    """Share of one Keras layer in the design's resources; no error is known for a share. Memory in 36 kbit tiles."""

    name: str
    operations: tuple[str, ...]
    counts: Counts


@dataclass(frozen=True)
class DesignEstimate:
    """All figures of one design. ``route`` is "hls4ml" or "rtl"; ``seconds`` is what calculating them took."""

    route: Literal["hls4ml", "rtl"]
    clock_ns: float
    figures: Mapping[str, Estimate]
    layers: tuple[LayerEstimate, ...]
    notes: tuple[str, ...]
    seconds: float

    def __getitem__(self, resource: str) -> Estimate:
        return self.figures[resource]

    @property
    def basis(self) -> Basis:
        """Of which reports the figures are a prediction."""
        return next(iter(self.figures.values())).basis

    @property
    def resources(self) -> dict[str, Estimate]:
        """Those of the figures that a part has a limited number of."""
        return {kind.key: self[kind.key] for kind in RESOURCES if kind.key in self.figures}

    def needed(self) -> Needs:
        """What the design takes of a part: (value, low, high) by resource, memory in tiles of ``TILE_KBIT``."""
        return {name: (figure.value, figure.low, figure.high) for name, figure in self.resources.items()}


@cache
def coefficients() -> dict[str, Any]:
    """The committed fit: per model its source, rows, coefficients and the errors on rows left out."""
    text = files("hls.figures.estimates").joinpath("coefficients.json").read_text(encoding="utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def measured_error(model: str, regime: str, resource: str) -> Error:
    """Error of ``resource`` in ``regime`` of ``model`` on rows left out of the fit."""
    found = coefficients()[model]["errors"][regime][resource]
    return Error(found["median"], found["p90"])
