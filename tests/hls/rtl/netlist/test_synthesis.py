"""Netlists of real cells: their bits, counts and delays; results that are found again."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from hls.emulation import Emulator
from hls.errors import EventError, ToolError
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedType
from hls.rtl import RtlProject, write_rtl
from hls.rtl.netlist import FAMILIES, NetlistSimulation, synthesis, synthesise
from tests.hls.rtl.zoo import add_input, constant, products, random_events, zoo


def adder() -> FixedGraph:
    """y = a + b of 4 bits, 5 bits wide."""
    builder = GraphBuilder("adder")
    x = add_input(builder, "x", (2,), FixedType(False, 4, 4))
    y = builder.add(nodes.Dense("y", (x,), "y", constant([[1], [1]]), constant([0])))
    return builder.finish([x], [y], ["y"])


@pytest.fixture(scope="module")
def adder_rtl(tmp_path_factory: pytest.TempPathFactory) -> RtlProject:
    return write_rtl(adder(), "adder", tmp_path_factory.mktemp("adder"), clock_ns=5.0)


def assert_equal(graph: FixedGraph, simulation: NetlistSimulation, events: int) -> None:
    raw = random_events(graph, events)
    run = simulation.run(raw)
    for found, expected in zip(run.outputs, Emulator(graph).run(raw), strict=True):
        np.testing.assert_array_equal(found, expected)
    project = simulation.project
    assert (run.timing.latency_cycles, run.timing.interval) == (project.stages, project.interval)


@pytest.mark.slow
@pytest.mark.parametrize("family", ["xcup", "cyclonev", "ecp5", "ice40", "nexus", "asic"])
def test_every_family_adds(family: str, adder_rtl: RtlProject, cache: Path) -> None:
    """8 input and 5 output bits are registers, and 2 valid flags."""
    netlist = synthesise(adder_rtl, FAMILIES[family], cache)
    found = netlist.resources
    assert (found.family, found.source, found.ff, found.dsp, found.bram) == (family, "yosys", 15, 0, 0)
    assert found.lut_low <= found.lut_high
    assert (found.lut_high == 0) == (family == "asic") == (found.gate_equivalents is not None)
    assert (found.delay_ns is None) == (FAMILIES[family].timing is None)
    if found.delay_ns is not None:
        assert 0.3 < found.delay_ns < 10
        assert found.depth is not None
        assert 1 <= found.depth <= 8
    assert_equal(adder(), NetlistSimulation(adder_rtl, netlist), 300)


def test_a_delay_that_is_not_found_in_time_is_not_known(
    adder_rtl: RtlProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(synthesis, "_TIMING_SECONDS", 0.01)
    netlist = synthesise(adder_rtl, FAMILIES["ecp5"], tmp_path)
    assert (netlist.resources.ff, netlist.resources.delay_ns, netlist.resources.delays) == (15, None, None)
    assert_equal(adder(), NetlistSimulation(adder_rtl, netlist), 100)


@pytest.mark.slow
def test_every_node_kind_as_gates(tmp_path: Path, cache: Path) -> None:
    graph = zoo()
    project = write_rtl(graph, "zoo", tmp_path, clock_ns=5.0)
    netlist = synthesise(project, FAMILIES["xc7"], cache)
    assert_equal(graph, NetlistSimulation(project, netlist), 3000)
    assert netlist.resources.delays == "Artix-7 cells"


LIBERTY = """\
library (tiny) {
  cell (buf)  { area : 3; pin (a) { direction : input; } pin (y) { direction : output; function : "a"; } }
  cell (inv)  { area : 1; pin (a) { direction : input; } pin (y) { direction : output; function : "a'"; } }
  cell (nand) { area : 2; pin (a) { direction : input; } pin (b) { direction : input; }
                pin (y) { direction : output; function : "(a*b)'"; } }
  cell (dff)  { area : 6; ff ("IQ", "IQN") { next_state : d; clocked_on : c; }
                pin (c) { direction : input; clock : true; } pin (d) { direction : input; }
                pin (q) { direction : output; function : "IQ"; } }
}
"""


@pytest.mark.slow
def test_area_with_a_cell_library(adder_rtl: RtlProject, tmp_path: Path, cache: Path) -> None:
    liberty = tmp_path / "tiny.lib"
    liberty.write_text(LIBERTY)
    netlist = synthesise(adder_rtl, FAMILIES["asic"], cache, liberty)
    cells = netlist.resources.cells
    assert set(cells) == {"inv", "nand", "dff"}
    assert netlist.resources.area == cells["inv"] + 2 * cells["nand"] + 6 * cells["dff"]
    assert netlist.resources.ff == cells["dff"] == 15
    assert_equal(adder(), NetlistSimulation(adder_rtl, netlist), 300)


def stand_in(calls: list[str], netlist: Mapping[str, object]) -> object:
    """Yosys, as far as files go."""

    def run_yosys(script: str, folder: Path, name: str, timeout: float | None = None) -> None:
        calls.append(name)
        (folder / synthesis.NETLIST).touch()
        (folder / "stat.json").write_text(json.dumps(netlist))
        if name == "timing":
            (folder / "timing.txt").write_text(
                "Latest arrival time in 'adder_top' is 5115:\n"
                "    5115 _10_ (FDSE.S)\n           \\_1_\n    4711 _8_ (INV.I->O)\n           \\_2_\n"
                "    4584 _9_ (CARRY4.CI->O)\n           \\_3_\n     303 _7_ (FDRE.C->Q)\n"
                "       0   \\clk (<primary input>)\n"
                "\nArrival histogram:\n"
            )

    return run_yosys


CELLS = {"modules": {"\\adder_top": {"num_cells_by_type": {"LUT2": 5, "FDRE": 3, "$scopeinfo": 7}}}}


def test_an_unchanged_design_is_synthesised_once(
    adder_rtl: RtlProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    monkeypatch.setattr(synthesis, "run_yosys", stand_in(calls, CELLS))
    first, again = (synthesise(adder_rtl, FAMILIES["xcup"], tmp_path) for _ in range(2))
    assert calls == ["synthesis", "gates", "timing"]
    assert first == again
    assert dict(first.resources.cells) == {"LUT2": 5, "FDRE": 3}
    assert (first.resources.lut_low, first.resources.lut_high) == (3, 5)
    assert (first.resources.depth, first.resources.delay_ns) == (2, 5.115)
    synthesise(adder_rtl, FAMILIES["xc7"], tmp_path)
    other = write_rtl(adder(), "adder", tmp_path / "rtl", clock_ns=0.5)
    assert other.stages > adder_rtl.stages
    synthesise(other, FAMILIES["xc7"], tmp_path)
    assert len(calls) == 9
    monkeypatch.setattr(synthesis, "yosys_version", lambda: "0.71")
    synthesise(adder_rtl, FAMILIES["xc7"], tmp_path)
    assert calls[-3:] == ["synthesis", "gates", "timing"]


@pytest.mark.slow
def test_products_in_luts_of_every_sign_and_width(tmp_path: Path, cache: Path) -> None:
    graph = products()
    project = write_rtl(graph, "products", tmp_path, clock_ns=5.0, multipliers="lut")
    netlist = synthesise(project, FAMILIES["ecp5"], cache)
    assert (project.multiplications, netlist.resources.dsp) == (36, 0)
    assert_equal(graph, NetlistSimulation(project, netlist), 6000)


def test_a_result_that_was_tampered_with(
    adder_rtl: RtlProject, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(synthesis, "run_yosys", stand_in([], CELLS))
    folder = synthesise(adder_rtl, FAMILIES["xcup"], tmp_path).folder
    (folder / "stat.json").write_text("{}")
    with pytest.raises(ToolError, match=re.escape(f"remove {folder} and build again")):
        synthesise(adder_rtl, FAMILIES["xcup"], tmp_path)


@pytest.mark.slow
def test_a_wrong_gate_or_flag_is_seen(adder_rtl: RtlProject, cache: Path, tmp_path: Path) -> None:
    """Every register of the netlist in turn never changes: no such netlist passes for the right one."""
    netlist = synthesise(adder_rtl, FAMILIES["asic"], cache)
    graph, raw = adder(), random_events(adder(), 200)
    expected = Emulator(graph).run(raw)[0]
    for number in range(15):
        simulation = NetlistSimulation(adder_rtl, netlist)
        simulation.gates._next[number] = simulation.gates.registers[number]
        try:
            outputs = simulation.run(raw).outputs[0]
        except ToolError:
            continue
        assert not np.array_equal(outputs, expected)
    with pytest.raises(EventError, match="no event"):
        NetlistSimulation(adder_rtl, netlist).run([raw[0][:0]])


@pytest.mark.slow
def test_verilog_that_yosys_refuses(adder_rtl: RtlProject, tmp_path: Path) -> None:
    (tmp_path / "bad.v").write_text("module adder_top (input wire clk; endmodule\n")
    broken = RtlProject(tmp_path, "adder_top", ("bad.v",), (), (), 5.0, 1, 0)
    with pytest.raises(ToolError, match=r"(?s)Yosys \(synthesis.ys\) .*syntax error"):
        synthesise(broken, FAMILIES["xcup"], tmp_path / "cache")
