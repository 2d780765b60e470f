"""Points of both sides: which of them none beats, and how many LUTs the peer's would take to be as good as ours."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.hgq2.questions import OURS, PEER, Question


@dataclass(frozen=True)
class Point:
    """A trained network: its charge and rate, fidelity, LUTs by alkaid, latency and LUTs of the netlist."""

    name: str
    fidelity: float
    luts: float
    latency_ns: float
    netlist: tuple[int, int] | None


def read(folder: Path) -> Point:
    """What the training of one folder gave."""
    told = json.loads((folder / "point.json").read_text(encoding="utf-8"))
    netlist = tuple(told["netlist"]) if "netlist" in told else None
    return Point(folder.name, told["fidelity"], told["luts"], told["latency_ns"], netlist)


def frontier(points: Sequence[Point], sign: int) -> list[Point]:
    """Points that none beats in both fidelity and LUTs, the smallest first."""
    best: list[Point] = []
    for point in sorted(points, key=lambda point: (point.luts, -sign * point.fidelity)):
        if not best or sign * point.fidelity > sign * best[-1].fidelity:
            best.append(point)
    return best


def luts_at(fidelity: float, points: Sequence[Point], sign: int) -> float | None:
    """LUTs at which ``points``, a frontier, are as good; None beyond its ends."""
    quality = np.array([sign * point.fidelity for point in points])
    wanted = sign * fidelity
    if len(points) < 2 or not quality[0] <= wanted <= quality[-1]:
        return None
    return float(np.exp(np.interp(wanted, quality, np.log([max(point.luts, 1.0) for point in points]))))


def table(question: Question, points: dict[str, list[Point]]) -> str:
    """A line for each point, of both sides."""
    fronts = {side: frontier(some, question.sign) for side, some in points.items()}
    lines = [f"{'':30} {question.name:>16} {'LUT (alkaid)':>14} {'LUT (Yosys)':>16} {'latency':>9} {'to HGQ2':>9}"]
    for side, some in points.items():
        for point in sorted(some, key=lambda point: -question.sign * point.fidelity):
            mark = "*" if point in fronts[side] else " "
            peer = luts_at(point.fidelity, fronts[PEER], question.sign) if side == OURS else None
            ratio = f"{point.luts / peer:.2f}" if peer else ""
            netlist = "-".join(f"{luts:,}" for luts in point.netlist) if point.netlist else ""
            lines.append(
                f"{mark} {point.name:28} {point.fidelity:16.4f} {point.luts:14,.0f} {netlist:>16} "
                f"{point.latency_ns:6.0f} ns {ratio:>9}"
            )
    lines.append("names: who_charge_rate; *: on the frontier of its side; to HGQ2: LUTs over HGQ2's, as good")
    return "\n".join(line.rstrip() for line in [*lines, ""])
