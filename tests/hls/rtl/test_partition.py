"""One core for what every position does alike: which nodes share it, what it computes, when its outputs are read."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from hls.emulation import Emulator
from hls.errors import UnsupportedError
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedType
from hls.rtl import Simulation, find_verilator, rtl_design, trace, write_rtl, write_vhdl
from hls.rtl.netlist import FAMILIES, NetlistSimulation, synthesise
from hls.rtl.partition import Stage, partition, whole
from tests.hls.random_graphs import corner_and_random_events, graphs
from tests.hls.rtl.zoo import add_input, broadcast, constant, random_events, zoo

S4, U4 = FixedType(True, 4, 4), FixedType(False, 4, 4)


def summing() -> FixedGraph:
    """Three positions (a, b): h = min(max(a + 2 b, 0), 15) of each, their sum s, and y = (s - c, 3 c + 1)."""
    b = GraphBuilder("summing")
    x, c = add_input(b, "x", (3, 2), S4), add_input(b, "c", (1,), S4)
    h = b.add(nodes.Dense("h", (x,), "h", constant([[1], [2]]), constant([0])))
    q = b.add(nodes.Quantize("q", (h,), "q", U4, 0, 15))
    s = b.add(nodes.Pool("s", (q,), "s", (3,), (3,), ((0, 0),), False))
    flat = b.add(nodes.Reshape("flat", (s,), "flat", (1,)))
    joined = b.add(nodes.Concatenate("joined", (flat, c), "joined", 0))
    y = b.add(nodes.Dense("y", (joined,), "y", constant([[1, 0], [-1, 3]]), constant([0, 1])))
    return b.finish([x, c], [y, q], ["y", "each"])


def beside() -> FixedGraph:
    """What is done at each of two positions, and a longer way of another port that waits for none of it."""
    b = GraphBuilder("beside")
    x, c = add_input(b, "x", (2, 2), S4), add_input(b, "c", (2,), S4)
    h = b.add(nodes.Dense("h", (x,), "h", constant([[3], [-5]]), constant([1])))
    first = b.add(nodes.Dense("first", (c,), "first", constant([[3, 5], [-7, 1]]), constant([1, 0])))
    second = b.add(nodes.Dense("second", (first,), "second", constant([[7, -3], [5, 9]]), constant([0, 2])))
    flat = b.add(nodes.Reshape("flat", (h,), "flat", (2,)))
    y = b.add(nodes.Add("y", (flat, second), "y"))
    return b.finish([x, c], [y], ["y"])


X = [[[1, 2], [-8, -8], [7, 7]], [[0, 0], [7, 4], [-3, 2]]]
C = [[-8], [7]]
EACH = [[[5], [0], [15]], [[0], [15], [1]]]  # 1 + 4, -24, 21; 0, 15, 1
Y = [[28, -23], [9, 22]]  # 20 + 8, -24 + 1; 16 - 7, 21 + 1


def pointwise() -> FixedGraph:
    """A convolution of window 1 along two axes as the last layer, its output turned: no core comes after it."""
    b = GraphBuilder("pointwise")
    x = add_input(b, "x", (2, 3, 2), S4)
    kernel = constant(np.arange(-2, 2).reshape(1, 1, 2, 2))
    y = b.add(nodes.Conv("y", (x,), "y", kernel, constant([1, 0]), (1, 1), (1, 1), ((0, 0), (0, 0)), 1))
    z = b.add(nodes.Transpose("z", (y,), "z", (2, 0, 1)))
    return b.finish([x], [z, x], ["z", "x"])


def test_what_is_shared() -> None:
    assert partition(summing()) == (Stage(("h", "q"), (3,)), Stage(("s", "y")))
    assert partition(pointwise()) == (Stage(("y",), (2, 3)),)
    assert partition(broadcast()) == (
        Stage(("first", "first q"), (4,)),
        Stage(("total", "scaled")),
        Stage(("back", "second", "second q"), (4,)),
        Stage(("top", "last", "last q")),
    )


def test_what_is_not_shared() -> None:
    """Quantizers alone are not worth a core, and one position shares with nobody."""
    assert partition(zoo()) == whole(zoo())
    b = GraphBuilder("one")
    x = add_input(b, "x", (1, 2), S4)
    y = b.add(nodes.Dense("y", (x,), "y", constant([[1], [2]]), constant([0])))
    graph = b.finish([x], [y], ["y"])
    assert partition(graph) == (Stage(("y",)),)


def test_by_hand() -> None:
    logic = trace(summing())
    assert [core.copies for core in logic.cores] == [3, 1]
    y, each = logic.interpret([np.array(X), np.array(C)])
    assert (y.tolist(), each.tolist()) == (Y, EACH)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(graphs())
def test_shared_and_whole_logic_are_equal(graph: FixedGraph) -> None:
    raw = [corner_and_random_events(graph, seed=1, random=20)]
    try:
        found, expected = (trace(graph, stages=stages(graph)).interpret(raw) for stages in (partition, whole))
    except UnsupportedError:
        return
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize("graph", [summing(), broadcast(), pointwise()], ids=lambda graph: graph.name)
def test_cores_equal_the_emulator(graph: FixedGraph) -> None:
    raw = random_events(graph, 300)
    for found, expected in zip(trace(graph).interpret(raw), Emulator(graph).run(raw), strict=True):
        np.testing.assert_array_equal(found, expected)


def test_counts_are_of_all_copies() -> None:
    logic, flat = trace(broadcast()), trace(broadcast(), stages=whole(broadcast()))
    assert logic.multiplications == flat.multiplications == 2
    assert logic.cost == sum(core.copies * core.comb.cost for core in logic.cores) > 0
    assert logic.adders == sum(core.copies * sum(op.opcode in (0, 1) for op in core.comb.ops) for core in logic.cores)


def registers(path: Path) -> list[str]:
    """Names of the registers of a core, one for each clock from its input to its output."""
    return re.findall(r"\breg \[\d+:0\] (\w+)", path.read_text())


@pytest.mark.parametrize("clock_ns", [1.5, 5.0])
def test_what_bypasses_a_core_waits_as_long(clock_ns: float, tmp_path: Path) -> None:
    """``c`` of 4 bits stands beside the cores of the positions; only the first core has registers at its input."""
    project = write_rtl(summing(), "sum", tmp_path, clock_ns)
    first, last = (registers(tmp_path / "src" / f"sum_{core}.v") for core in ("shared_0", "core_1"))
    assert project.shared == ("sum_shared_0",)
    assert "model_inp_reg" in first
    assert "model_inp_reg" not in last
    assert project.stages == len(first) + len(last)
    text = (tmp_path / project.files[0]).read_text()
    assert f"reg [{4 * len(first) - 1}:0] held_in_c;" in text
    assert "for (shared_0_place = 0; shared_0_place < 3; shared_0_place = shared_0_place + 1) begin" in text


def test_the_core_of_all_positions_is_written_once(tmp_path: Path) -> None:
    few, many = (write_rtl(pooled(positions), "net", tmp_path / str(positions), clock_ns=5.0) for positions in (2, 40))
    names = [{path.name: path.read_text() for path in project.sources} for project in (few, many)]
    shared = [{name: text for name, text in found.items() if "shared_0" in name} for found in names]
    assert shared[0] == shared[1] != {}


def pooled(positions: int) -> FixedGraph:
    """The largest of what a product makes of each position."""
    b = GraphBuilder("pooled")
    x = add_input(b, "x", (positions, 2), S4)
    y = b.add(nodes.Dense("y", (x,), "y", constant([[3], [-5]]), constant([1])))
    z = b.add(nodes.Pool("z", (y,), "z", (positions,), (positions,), ((0, 0),), True))
    return b.finish([x], [z], ["z"])


def test_vhdl_has_the_same_cores_and_registers(tmp_path: Path) -> None:
    graph = broadcast()
    verilog, vhdl = write_rtl(graph, "net", tmp_path, 5.0), write_vhdl(graph, "net", tmp_path, 5.0)
    assert (vhdl.stages, vhdl.shared) == (verilog.stages, verilog.shared) == (verilog.stages, SHARED)
    text = vhdl.sources[-1].read_text()
    before = verilog.sources[0].read_text()
    held = re.findall(r"reg \[(\d+):0\] (held_\w+);", before)
    assert sorted(re.findall(r"signal (held_\w+): std_logic_vector\((\d+) downto 0\)", text)) == sorted(
        (name, high) for high, name in held
    )
    assert re.findall(r"(\w+): for i in 0 to 3 generate", text) == ["shared_0", "shared_2"]


SHARED = ("net_shared_0", "net_shared_2")


@pytest.mark.slow
def test_all_instances_run_the_same_compiled_code(tmp_path: Path, cache: Path) -> None:
    """Verilator writes a function for each instance, and drops all but one of those that are equal."""
    project = write_rtl(pooled(12), "net", tmp_path, clock_ns=1.5)
    place = tmp_path / "code"
    place.mkdir()
    Simulation(rtl_design(project), cache)._verilate(find_verilator(), place)
    text = "".join(path.read_text() for path in place.glob("Vdut_net_shared_0*.cpp"))
    assert len(re.findall(r"(?m)^void Vdut_net_shared_0___nba\w+\(.*\{$", text)) == 1


@pytest.mark.slow
def test_verilog_by_hand(tmp_path: Path, cache: Path) -> None:
    """Back to back, with gaps, and with a reset in mid-stream: ``Simulation`` makes all three passes."""
    project = write_rtl(summing(), "sum", tmp_path, clock_ns=1.5)
    simulation = Simulation(rtl_design(project), cache)
    simulation.compile()
    run = simulation.run([np.array(X), np.array(C)])
    assert [found.tolist() for found in run.outputs] == [Y, EACH]
    assert (run.timing.latency_cycles, run.timing.interval) == (project.stages, 1)


@pytest.mark.parametrize("clock_ns", [1.5, 5.0])
def test_products_that_wait_for_no_position_are_computed_beside_them(clock_ns: float, tmp_path: Path) -> None:
    """The slower of the two decides when the last core begins, and both have registers at their inputs."""
    assert partition(beside()) == (Stage(("first", "second")), Stage(("h",), (2,)), Stage(("y",)))
    project = write_rtl(beside(), "net", tmp_path, clock_ns)
    branch, each, last = (registers(tmp_path / "src" / f"net_{core}.v") for core in ("core_0", "shared_1", "core_2"))
    assert project.stages == max(len(branch), len(each)) + len(last)
    assert "model_inp_reg" in branch
    assert "model_inp_reg" in each


@pytest.mark.slow
@pytest.mark.parametrize("graph", [broadcast(), beside()], ids=lambda graph: graph.name)
def test_verilog_of_several_shared_cores(graph: FixedGraph, tmp_path: Path, cache: Path) -> None:
    raw = random_events(graph, 1000)
    project = write_rtl(graph, "net", tmp_path, clock_ns=5.0)
    simulation = Simulation(rtl_design(project), cache)
    simulation.compile()
    run = simulation.run(raw)
    for found, expected in zip(run.outputs, Emulator(graph).run(raw), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert (run.timing.latency_cycles, run.timing.interval) == (project.stages, 1)


@pytest.mark.slow
def test_a_netlist_counts_and_simulates_all_copies(tmp_path: Path, cache: Path) -> None:
    """The flat netlist of one clock's worth of registers for each copy; the shared module is synthesised once."""
    graph = summing()
    raw = random_events(graph, 300)
    project = write_rtl(graph, "sum", tmp_path, clock_ns=5.0)
    netlist = synthesise(project, FAMILIES["xc7"], cache)
    text = (netlist.folder / "netlist.v").read_text()
    module = text[text.index("module sum_shared_0") :].split("endmodule")[0]
    outside = text.replace(module, "")
    counted = netlist.resources.cells
    for cell in ("FDRE", "LUT6", "LUT5", "LUT4", "LUT3", "LUT2", "CARRY4"):
        inside, around = (len(re.findall(rf"(?m)^  {cell} ", part)) for part in (module, outside))
        assert counted.get(cell, 0) == 3 * inside + around
    assert counted["FDRE"] > 0
    assert "sum_shared_0" not in counted
    run = NetlistSimulation(project, netlist).run(raw)
    for found, expected in zip(run.outputs, Emulator(graph).run(raw), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert run.timing.latency_cycles == project.stages
    assert netlist.resources.delay_ns is not None
