"""The shortest pipeline that meets a clock, by a ruler whose marks are known; and a real one, placed and routed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hls.errors import ProjectError, ToolError, UnsupportedError
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedType
from hls.rtl import RtlProject, write_rtl
from hls.rtl.netlist import DEVICES, FAMILIES, by_cells, check_device, close_timing, place_and_route, routing
from hls.rtl.netlist.closure import TRIES, Ruler
from tests.hls.rtl.zoo import add_input, constant


def ladder() -> FixedGraph:
    """Sums of sixteen: four levels of adders."""
    builder = GraphBuilder("ladder")
    x = add_input(builder, "x", (16,), FixedType(True, 8, 8))
    y = builder.add(nodes.Dense("y", (x,), "y", constant([[1]] * 16), constant([3])))
    return builder.finish([x], [y], ["y"])


def ruler(*path_ns: float) -> Ruler:
    """Paths of pipelines of 2, 3, 4 ... registers, the last of all that are longer."""

    def measure(project: RtlProject) -> tuple[float, float]:
        return path_ns[min(project.stages - 2, len(path_ns) - 1)], 10.0 * project.stages

    return Ruler(measure, "ecp5", "a ruler")


@pytest.mark.parametrize(
    ("clock", "paths", "chosen", "met"),
    [
        (5.0, (9.0, 6.0, 5.0, 4.0, 3.0), 4, True),  # the first cut is shorter or longer than that
        (5.0, (4.0,), 2, True),  # no register is needed between those of the ports
        (5.0, (9.0, 8.0, 7.5, 7.2, 7.0), 6, False),  # none meets it: the fastest, and it is said
    ],
)
def test_the_shortest_that_meets_the_clock(clock: float, paths: tuple[float, ...], chosen: int, met: bool) -> None:
    told: list[tuple[int, int]] = []
    closure = close_timing(ladder(), "ladder", clock, "lut", ruler(*paths), lambda done, of: told.append((done, of)))
    (found,) = [a for a in closure.attempts if a.limit_ns == closure.pipelining.limit_ns]
    assert (found.stages, closure.met, closure.measured_by) == (chosen, met, "a ruler")
    assert told == [(n + 1, TRIES) for n in range(len(closure.attempts))]
    assert [a.stages for a in closure.attempts] == sorted({a.stages for a in closure.attempts})


def test_the_measured_path_says_where_it_is_cut_next() -> None:
    """A fifth of the clock asks for the shortest; as that one misses it, what is between the two is measured last."""
    measured: list[int] = []

    def measure(project: RtlProject) -> tuple[float, float]:
        measured.append(project.stages)
        return {2: 9.0, 3: 4.9, 4: 1.0}[project.stages], 1.0

    closure = close_timing(ladder(), "ladder", 5.0, "lut", Ruler(measure, "ecp5", "a ruler"))
    assert measured == [4, 2, 3]
    assert [a.stages for a in closure.attempts if a.limit_ns == closure.pipelining.limit_ns] == [3]


def test_a_family_whose_delays_nobody_knows_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedError, match='no delays of nexus are known; state place_and_route = "ecp5-85k"'):
        by_cells(FAMILIES["nexus"], tmp_path)


def test_a_device_that_is_none() -> None:
    with pytest.raises(ProjectError, match="place_and_route = 'vu13p': must be one of ecp5-25k, ecp5-45k, ecp5-85k"):
        check_device("vu13p")


def step(kind: str, delay: float, *sources: str) -> dict[str, object]:
    return {"type": kind, "delay": delay, "from": {"cell": "core.a_TRELLIS_FF_Q_3"}, "to": {"cell": "core.b"},
            "sources": list(sources)}  # fmt: skip


REPORT = {
    "utilization": {
        name: {"used": used}
        for name, used in (("TRELLIS_COMB", 40), ("TRELLIS_FF", 9), ("MULT18X18D", 1), ("DP16KD", 0))
    },
    "critical_paths": [
        {"from": "posedge clk", "to": "posedge clk", "path": [
            step("clk-to-q", 0.5), step("routing", 1.0, "src/n_mux.v:3.1-3.4"), step("logic", 0.25),
            step("routing", 0.75, "/share/lattice/arith.v:1", "src/n_adder.v:9.1"), step("setup", 0.0)]},
        {"from": "<async>", "to": "posedge clk", "path": [step("routing", 99.0)]},
    ],
}  # fmt: skip
"""2.5 ns between two registers; the way in from a port is no path of the clock's."""

NETLIST = {
    "modules": {
        "ladder_top": {
            "cells": {
                "core.a_TRELLIS_FF_Q_3": {"connections": {"DI": [5], "Q": [7]}},
                "core.b": {"connections": {"DI": [8], "Q": [10]}},
            },
            "netnames": {
                "core.stage2_inp": {"bits": [6, 7]},
                "core._inst_logic2.op_3.in0": {"bits": [7]},
                "core._inst_logic2.v4_TRELLIS_FF_Q": {"bits": [7]},
                "top.shared_1[4].core._inst_logic3.v1": {"bits": [9, 10]},
                "valid": {"bits": [10]},
            },
        }
    }
}
"""What Yosys wrote of both registers, the second in a core that is there several times."""


@pytest.fixture
def silent_tools(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """No tool runs; nextpnr "writes" what this list holds."""
    written = [json.dumps(REPORT)]

    def run(command: list[str], folder: Path, what: str) -> str:
        (folder / "routed.json").write_text(written[0])
        (folder / "design.json").write_text(json.dumps(NETLIST))
        return ""

    monkeypatch.setattr(routing, "run_yosys", lambda script, folder, name: None)
    monkeypatch.setattr(routing, "run_tool", run)
    return written


def test_what_nextpnr_reports(silent_tools: list[str], tmp_path: Path) -> None:
    project = write_rtl(ladder(), "ladder", tmp_path / "rtl", 5.0)
    found = place_and_route(project, DEVICES["ecp5-85k"], tmp_path / "cache")
    assert (found.path_ns, found.routing_ns, found.fmax_mhz) == (2.5, 1.75, 400.0)
    assert dict(found.counts) == {"lut": 40, "ff": 9, "dsp": 1, "bram": 0}
    assert (found.begins, found.ends) == ("core.a", "core.b")
    assert [(s.module, s.delay_ns) for s in found.steps] == [("n_mux", 1.75), ("n_adder", 0.75)]
    begin, end = found.registers
    assert [(wire.name, wire.bit) for wire in begin] == [("core.stage2_inp", 1), ("core.logic2.op_3.in0", 0)]
    assert [(wire.name, wire.bit) for wire in end] == [("shared_1.logic3.v1", 1)]


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"utilization": {}}', json.dumps({**REPORT, "critical_paths": []})]
)
def test_a_report_that_is_none(silent_tools: list[str], tmp_path: Path, content: str) -> None:
    silent_tools[0] = content
    project = write_rtl(ladder(), "ladder", tmp_path / "rtl", 5.0)
    with pytest.raises(ToolError, match=r"routed.json: no report of nextpnr's; remove .* and build again"):
        place_and_route(project, DEVICES["ecp5-85k"], tmp_path / "cache")


@pytest.mark.slow
def test_a_sum_is_placed_and_routed(tmp_path: Path) -> None:
    project = write_rtl(ladder(), "ladder", tmp_path / "rtl", 5.0)
    found = place_and_route(project, DEVICES["ecp5-25k"], tmp_path / "cache")
    # 15 adders of 8 to 11 bits, and a register for each bit of the ports at least.
    assert 15 * 8 < found.counts["lut"] < 15 * 20
    assert found.counts["ff"] >= 16 * 8 + 12
    assert 1.0 < found.path_ns < 20.0
    assert 0 < found.routing_ns < found.path_ns
    assert sum(step.delay_ns for step in found.steps) == pytest.approx(found.path_ns)
    assert any("adder" in step.module for step in found.steps)
