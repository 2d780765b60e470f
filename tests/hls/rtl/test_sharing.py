"""Cores that take positions in turn: how many copies, what happens in which clock, and bits equal to the emulator's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hls.emulation import Emulator
from hls.errors import ProjectError, ToolError, UnsupportedError
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.rtl import Simulation, beats_by_layer, read_design, rtl_design, trace, write_rtl, write_vhdl
from hls.rtl.logic import Wire
from hls.rtl.netlist import FAMILIES, NetlistSimulation, synthesise
from hls.rtl.netlist.simulation import _taken
from tests.hls.random_graphs import corner_and_random_events, graphs
from tests.hls.rtl.test_partition import EACH, S4, C, X, Y, pooled, summing
from tests.hls.rtl.zoo import add_input, broadcast, constant, random_events, zoo


def equal(graph: FixedGraph, raw: list[np.ndarray], found: list[np.ndarray]) -> None:
    for one, expected in zip(found, Emulator(graph).run(raw), strict=True):
        np.testing.assert_array_equal(one, expected)


def test_copies_by_hand() -> None:
    """16 positions in 5 clocks take 4 copies, and those are done in 4; in 3 clocks it takes 6, of which 2 idle once."""
    for interval, copies, beats in ((1, 16, 1), (2, 8, 2), (3, 6, 3), (5, 4, 4), (15, 2, 8), (16, 1, 16), (99, 1, 16)):
        logic = trace(pooled(16), interval=interval)
        core = logic.cores[0]
        assert (core.copies, core.beats, logic.interval) == (copies, beats, beats)
        taken = sorted(position for copy in range(copies) for position in core.positions(copy))
        assert taken == list(range(16))
    assert [len(trace(pooled(16), interval=3).cores[0].positions(copy)) for copy in range(6)] == [3, 3, 3, 3, 2, 2]


def test_the_sum_is_gathered_by_each_copy() -> None:
    """h <= 15 at three positions: copy 0 gathers two of them, copy 1 one, and the last core adds 30 and 15."""
    shared, last = trace(summing(), interval=2).cores
    (total,) = shared.totals
    assert (total.maximum, total.wires) == (False, (Wire(False, 5, 0), Wire(False, 4, 0)))
    # c, two totals, and q of three positions, which is an output too.
    assert sorted(wire.width for wire in last.reads) == [4, 4, 4, 4, 4, 5]
    y, each = trace(summing(), interval=2).interpret([np.array(X), np.array(C)])
    assert (y.tolist(), each.tolist()) == (Y, EACH)


def test_the_largest_is_gathered_too() -> None:
    shared, last = trace(pooled(12), interval=4).cores
    assert [total.maximum for total in shared.totals] == [True]
    assert shared.totals[0].wires == shared.writes * 3
    assert len(last.reads) == 3


def test_what_is_not_shared_in_time() -> None:
    """Without positions there is nothing to share, and a core smaller than the choice of its inputs is not worth it."""
    assert trace(zoo(), interval=8).interval == 1
    b = GraphBuilder("small")
    x = add_input(b, "x", (4, 2), S4)
    y = b.add(nodes.Dense("y", (x,), "y", constant([[1], [1]]), constant([0])))
    assert trace(b.finish([x], [y], ["y"]), interval=4).interval == 1
    assert (beats_by_layer(zoo(), 8), beats_by_layer(summing(), 2)) == ({}, {"h": 2, "q": 2})


def pooled_beside_constants() -> FixedGraph:
    """A channel that is constant, one that is not, and another order of positions before the sum."""
    b = GraphBuilder("constants")
    x = add_input(b, "x", (2, 3, 2), S4)
    y = b.add(nodes.Dense("y", (x,), "y", constant([[0, 3], [0, 5]]), constant([2, -1])))
    turned = b.add(nodes.Transpose("t", (y,), "t", (1, 0, 2)))
    sums = b.add(nodes.Pool("s", (turned,), "s", (3, 2), (3, 2), ((0, 0), (0, 0)), False))
    most = b.add(nodes.Pool("m", (y,), "m", (2, 3), (1, 1), ((0, 0), (0, 0)), True))
    halves = b.add(nodes.Pool("p", (y,), "p", (2, 1), (1, 1), ((0, 0), (0, 0)), False))
    return b.finish([x], [sums, most, halves], ["sums", "most", "halves"])


@pytest.mark.parametrize("interval", [2, 3, 6])
@pytest.mark.parametrize(
    "graph", [summing(), broadcast(), pooled(7), pooled_beside_constants()], ids=lambda graph: graph.name
)
def test_logic_equals_the_emulator(graph: FixedGraph, interval: int) -> None:
    logic = trace(graph, interval=interval)
    assert logic.interval > 1
    raw = random_events(graph, 200)
    equal(graph, raw, logic.interpret(raw))


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(graphs(), st.integers(2, 9))
def test_any_logic_equals_the_emulator(graph: FixedGraph, interval: int) -> None:
    raw = [corner_and_random_events(graph, seed=1, random=20)]
    try:
        logic = trace(graph, interval=interval)
    except UnsupportedError:
        return
    equal(graph, raw, logic.interpret(raw))


def test_the_door_and_the_clocks_are_written(tmp_path: Path) -> None:
    """Three positions in two beats: read at clock 0, given at 1 and 2, their sums ready two clocks later."""
    project = write_rtl(summing(), "net", tmp_path, 5.0, interval=2)
    text = project.sources[0].read_text()
    assert project.interval == 2
    assert "net_accumulator" in {path.stem for path in project.sources}
    assert "output wire ready_in" in text
    assert "shared_0_beats <= at[0] ? shared_0_event" in text
    assert ".first(at[2]),\n        .taken(|at[3:2]), .value(shared_0_out[3:0])" in text
    assert ".first(at[2]),\n        .taken(|at[2:2]), .value(shared_0_out[7:4])" in text
    # c is held from clock 0 to clock 4, where the sums are: two steps of two clocks.
    assert "if (at[0]) held_in_c[3:0] <= in_c[3:0];\n        if (at[2]) held_in_c[7:4] <= held_in_c[3:0];" in text
    found = read_design(summing(), "net", tmp_path, 5.0)
    assert found is not None
    assert found.interval == 2


def test_an_event_a_clock_stays_as_it_was(tmp_path: Path) -> None:
    unstated, stated = (
        write_rtl(summing(), "net", tmp_path / "a", 5.0),
        write_rtl(zoo(), "net", tmp_path / "b", 5.0, interval=9),
    )
    assert (unstated.interval, stated.interval) == (1, 1)
    for project in (unstated, stated):
        assert "ready_in" not in project.sources[0].read_text()


def test_refusals(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match=r"interval = 0: 1 clock is the shortest"):
        write_rtl(summing(), "net", tmp_path, 5.0, interval=0)
    with pytest.raises(UnsupportedError, match=r"vhdl: .* an event each 3 clocks, .* leave out interval_ns"):
        write_vhdl(summing(), "net", tmp_path, 5.0, interval=3)
    assert write_vhdl(zoo(), "net", tmp_path, 5.0, interval=3).interval == 1


def test_which_of_the_offered_events_are_taken() -> None:
    """Each three clocks, and at once after a reset, with which nothing is taken."""
    valid = np.array([1, 1, 1, 1, 0, 1, 1, 1, 1, 1], bool)
    reset = np.array([0, 0, 0, 0, 0, 0, 0, 1, 0, 0], bool)
    taken = _taken(valid[:, None], reset[:, None], 3)[:, 0]
    assert taken.astype(int).tolist() == [1, 0, 0, 1, 0, 0, 1, 0, 1, 0]


@pytest.mark.slow
def test_verilog_of_shared_cores(tmp_path: Path, cache: Path) -> None:
    """An input that bypasses them, a last beat that is not full; a door that opens too soon is told."""
    graph = summing()
    raw = random_events(graph, 500)
    project = write_rtl(graph, "net", tmp_path, 5.0, interval=2)
    simulation = Simulation(rtl_design(project), cache)
    simulation.compile()
    run = simulation.run(raw)
    equal(graph, raw, run.outputs)
    assert (run.timing.latency_cycles, run.timing.interval) == (project.stages, project.interval) == (5, 2)
    top = project.sources[0]
    top.write_text(top.read_text().replace("assign ready_in = ~|valid[INTERVAL-2:0];", "assign ready_in = 1'b1;"))
    simulation.compile()
    with pytest.raises(ToolError, match=r"ready again after 1 clocks, not 2|valid_in held high"):
        simulation.run(raw)


@pytest.mark.slow
def test_a_netlist_of_shared_cores(tmp_path: Path, cache: Path) -> None:
    graph = summing()
    raw = random_events(graph, 300)
    project = write_rtl(graph, "sum", tmp_path, 5.0, interval=2)
    run = NetlistSimulation(project, synthesise(project, FAMILIES["xc7"], cache)).run(raw)
    equal(graph, raw, run.outputs)
    assert (run.timing.latency_cycles, run.timing.interval) == (project.stages, 2)
