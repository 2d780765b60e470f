"""What the faults are put into: two of the projects, and a network made here that saturates at its corners only."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from hls.events import gather
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.graph.raw import RawArrays
from hls.importing import import_model
from hls.project import read_project
from hls.project.systems.finding import find_system
from hls.rtl import RtlProject, write_rtl
from hls.rtl.netlist import family_of, synthesise
from hls.target import Target

ROOT = Path(__file__).resolve().parents[2] / "firmware_projects"
SMALL = "corners"
EVENTS = 1_000_000


@dataclass(frozen=True)
class Firmware:
    """A network, the events of its verification, and what is written of it; ``netlist`` is a folder.

    The first ``corners`` events are corner events; the others are those of the system, or drawn at random."""

    name: str
    graph: FixedGraph
    target: Target
    events: RawArrays
    corners: int
    rtl: RtlProject
    netlist: Path


def firmware(name: str, folder: Path) -> Firmware:
    """The firmware ``name``, written and synthesised in ``folder``."""
    if name == SMALL:
        graph, target, system = corners(), Target("lfe5um-85f", "vitis", 5.0, multipliers="lut"), None
    else:
        project = read_project(ROOT / name)
        graph, target = import_model(project.model_file(), project.file.model.statements()), project.target
        system = find_system(str(project.file.model.system), project.file.model.variant)
    sample = gather(graph, system, events=EVENTS, seed=1, inputs=None, default=EVENTS)
    rtl = write_rtl(graph, name.replace("-", "_"), folder / name, target.clock_ns, multipliers=target.multipliers)
    netlist = synthesise(rtl, family_of(target.part), folder / "cache")
    return Firmware(name, graph, target, sample.raw, sample.corners, rtl, netlist.folder)


def corners() -> FixedGraph:
    """Two layers on four inputs of 8 bits. The ends of the quantizer are met where all inputs are nearly at theirs."""
    draw = np.random.default_rng(5)
    b = GraphBuilder(SMALL)
    eight = FixedType(True, 8, 4)
    x = b.add(nodes.Input("x", (), "x", (4,), eight, eight.raw_min, eight.raw_max))
    kernel = FixedArray(draw.integers(1, 8, (4, 3)) * draw.choice([-1, 1], (4, 3)), 2)
    hidden = b.add(nodes.Dense("hidden", (x,), "hidden", kernel, FixedArray(draw.integers(-9, 9, 3), 4)))
    high = int(b.edges[hidden].high.max()) >> 3
    # A sum of four inputs is within two units of its end for one event of some hundred millions.
    type_ = FixedType.covering(-high, high - 2, b.edges[hidden].fraction - 3)
    small = b.add(nodes.Quantize("small", (hidden,), "small", type_, -high + 2, high - 2))
    relu = b.add(nodes.Relu("relu", (small,), "relu"))
    second = FixedArray(draw.integers(-7, 8, (3, 2)), 2)
    y = b.add(nodes.Dense("y", (relu,), "y", second, FixedArray(draw.integers(-5, 5, 2), 2)))
    return b.finish([x], [y], ["y"])
