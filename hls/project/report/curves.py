"""Fidelity metrics over a parameter, side by side: one table a parameter, one row a value of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from hls.project.report.schema import Curve, CurvePoint, Metric


@dataclass(frozen=True)
class CurveRow:
    """The points of every curve ``at`` one value; None for a curve that has none there."""

    at: float
    points: tuple[CurvePoint | None, ...]


@dataclass(frozen=True)
class CurveTable:
    """Curves over one parameter; ``columns`` are their names with units, ``rows`` ascend."""

    columns: tuple[str, ...]
    rows: tuple[CurveRow, ...]


def curve_tables(fidelity: Mapping[str, Metric | Curve]) -> Iterator[tuple[str, CurveTable]]:
    """(parameter, table) of all curves in ``fidelity``."""
    curves = {name: metric for name, metric in fidelity.items() if isinstance(metric, Curve)}
    for over in dict.fromkeys(curve.over for curve in curves.values()):
        chosen = {name: curve for name, curve in curves.items() if curve.over == over}
        columns = tuple(name if curve.unit == "1" else f"{name} [{curve.unit}]" for name, curve in chosen.items())
        found = [{point.at: point for point in curve.points} for curve in chosen.values()]
        values = sorted({at for points in found for at in points})
        yield over, CurveTable(columns, tuple(CurveRow(at, tuple(p.get(at) for p in found)) for at in values))
