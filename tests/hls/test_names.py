"""Ports and layers of any name, in every witness that writes identifiers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hls.emulation import Emulator
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedType
from hls.hls4ml_project import CSimulation, write_project
from hls.rtl import write_rtl
from hls.rtl.netlist import NetlistSimulation, family_of, synthesise
from hls.rtl.ports import input_ports, output_ports
from hls.rtl.simulation import Simulation, rtl_design
from hls.target import Target, project_identifier
from tests.hls.rtl.zoo import add_input, constant, random_events

PART = "xcvu13p-flga2577-2-e"
LONG = "x" * 300
NAMES = (
    LONG, LONG + "y", "η", "φ", "日本", "module", "class", "signal", "1st", "a__b", "a_b", "A/B", "in", "out", "clk",
    "valid", "_", "x_2", "x", "x ", 'q"uote', "new\nline", "$(x)", "\\esc", "x;y",
)  # fmt: skip
PROJECT = "p-" * 60 + "q"


def named(names: tuple[str, ...] = NAMES) -> FixedGraph:
    """A port, a layer and an output of each name."""
    builder = GraphBuilder("named")
    for name in names:
        x = add_input(builder, name, (2,), FixedType(True, 4, 4))
        builder.add(nodes.Dense(f"{name} y", (x,), name, constant([[1, 3], [2, 5]], 1), constant([1, 1])))
    return builder.finish(list(names), [f"{name} y" for name in names], list(names))


def test_signals_are_short_and_distinct() -> None:
    graph = named()
    for ports in (input_ports(graph), output_ports(graph)):
        signals = [port.signal for port in ports]
        assert len({signal.lower() for signal in signals}) == len(NAMES)
        assert max(map(len, signals)) < 110
        assert all(signal.isascii() and signal.isidentifier() and "__" not in signal for signal in signals)


@pytest.mark.slow
def test_every_name_builds_in_every_witness(tmp_path: Path) -> None:
    graph = named((LONG, LONG + "y", "η", "module", "in"))
    raw = random_events(graph, 20)
    wanted = Emulator(graph).run(raw)
    simulation = CSimulation(2)
    simulation.compile(write_project(graph, Target(PART, "vitis", 5.0), PROJECT, tmp_path / "hls"))
    np.testing.assert_equal(simulation.run(raw), wanted)
    project = write_rtl(graph, project_identifier(PROJECT), tmp_path / "rtl", 5.0)
    bench = Simulation(rtl_design(project), tmp_path / "cache")
    bench.compile()
    np.testing.assert_equal(bench.run(raw).outputs, wanted)
    netlist = synthesise(project, family_of(PART), tmp_path / "cache")
    np.testing.assert_equal(list(NetlistSimulation(project, netlist).run(raw).outputs), wanted)
