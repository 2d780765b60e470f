"""Valid and ready on both sides: the bits of the emulator, whoever waits for whom."""

from __future__ import annotations

from pathlib import Path

import pytest

from hls.emulation import Emulator
from hls.errors import ToolError, UnsupportedError
from hls.graph import FixedGraph
from hls.rtl import RtlProject, RtlTiming, Simulation, read_design, rtl_design, write_rtl
from hls.rtl.folded import write_folded
from hls.rtl.streamed import with_handshakes
from tests.hls.rtl.folded.networks import pixels, two_layers
from tests.hls.rtl.zoo import random_events


def _simulated(graph: FixedGraph, project: RtlProject, cache: Path) -> tuple[RtlTiming, int]:
    """What was measured of 150 events, and how many numbers differ from the emulator's."""
    raw = random_events(graph, 150)
    simulation = Simulation(rtl_design(project), cache)
    simulation.compile()
    run = simulation.run(raw)
    pairs = zip(run.outputs, Emulator(graph).run(raw), strict=True)
    return run.timing, sum(int((found != expected).sum()) for found, expected in pairs)


def test_a_project_says_what_its_door_is(tmp_path: Path) -> None:
    project = with_handshakes(write_folded(pixels(), "net", tmp_path, 5.0, 16))
    assert project.streamed
    assert project.top == "net_top"
    top = (tmp_path / "src" / "net_top.v").read_text()
    assert "input wire ready_out" in top
    assert "net_paced paced (.valid_in(begun)" in top
    assert all(path.is_file() for path in project.sources)
    found = read_design(pixels(), "net", tmp_path, 5.0)
    assert found is not None
    assert (found.streamed, found.interval, found.inputs) == (True, 16, project.inputs)
    assert sorted(found.sources) == sorted(project.sources)


def test_gates_are_not_simulated_with_handshakes(tmp_path: Path) -> None:
    from hls.rtl.netlist import NetlistSimulation
    from hls.rtl.netlist.synthesis import Netlist, NetlistResources

    project = with_handshakes(write_folded(pixels(), "net", tmp_path, 5.0, 16))
    netlist = Netlist(tmp_path, NetlistResources("xcup", {}, 0, 0, 0, 0, 0, 0))
    with pytest.raises(UnsupportedError, match='leave out io = "stream"'):
        NetlistSimulation(project, netlist)


@pytest.mark.slow
def test_an_event_a_clock_and_a_design_of_engines(tmp_path: Path, cache: Path) -> None:
    unrolled = write_rtl(two_layers(), "one", tmp_path / "one", 5.0, io="stream")
    timing, differing = _simulated(two_layers(), unrolled, cache)
    assert (timing.interval, timing.latency_cycles, differing) == (1, unrolled.stages, 0)
    folded = with_handshakes(write_folded(pixels(), "net", tmp_path / "net", 5.0, 16))
    timing, differing = _simulated(pixels(), folded, cache)
    assert (timing.interval, timing.latency_cycles, differing) == (16, folded.stages, 0)


@pytest.mark.slow
def test_a_door_that_never_waits_is_found(tmp_path: Path, cache: Path) -> None:
    """Results that nobody takes are then written over."""
    project = with_handshakes(write_folded(pixels(), "net", tmp_path, 5.0, 16))
    path = tmp_path / "src" / "net_stream_door.v"
    text = path.read_text()
    assert text.count("&& free != 0 ") == 1
    path.write_text(text.replace("&& free != 0 ", ""))
    with pytest.raises(ToolError):
        _simulated(pixels(), project, cache)
