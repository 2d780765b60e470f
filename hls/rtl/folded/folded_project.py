"""The project of folded RTL: engines, their memories, what they share, and the top module."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from importlib import resources
from pathlib import Path

from hls.graph import FixedGraph
from hls.rtl.folded.contents import Memory, biases, weights
from hls.rtl.folded.engine import Engine
from hls.rtl.folded.grouping import Kind
from hls.rtl.folded.plan import plan
from hls.rtl.folded.schedule import schedule
from hls.rtl.folded.tails import write_tail
from hls.rtl.folded.top_source import Design, top_source
from hls.rtl.folded.unit_source import UnitParts, unit_source
from hls.rtl.ports import input_ports, output_ports
from hls.rtl.rtl_project import CONTENTS, RtlProject, check_name, empty_source, source_files, write_constraints
from hls.target import AUTO, LUT

INLINE_BITS = 1 << 18
"""Contents of a memory of more bits stand in a file of their own."""

_MULTIPLIER = "multiplier"

MOST_DISSOLVED = 400
"""With more multipliers lanes are synthesised once and not dissolved: minutes less for a few LUTs more."""


def write_folded(
    graph: FixedGraph,
    name: str,
    folder: Path,
    clock_ns: float,
    interval: int,
    multipliers: str = AUTO,
    engines: Sequence[Engine] = (),
) -> RtlProject:
    """Write ``graph`` as Verilog whose engines take an event each ``interval`` clocks, see ``write_rtl``.

    ``engines`` are those of ``plan``, where they are known already.

    Raises:
        UnsupportedError: the interval is too short for engines, or a tensor is read in an order that they do not know.
    """
    engines = tuple(engines) or plan(graph, interval)
    check_name(name)
    source = empty_source(folder)
    tails = [
        write_tail(graph, engine.unit, f"{name}_{engine.unit.name}_tail", source, clock_ns, multipliers)
        for engine in engines
    ]
    timed = schedule(graph, engines, interval, [tail.clocks if tail else 0 for tail in tails])
    inputs = input_ports(graph, timed.beats)
    design = Design(graph, name, f"{name}_top", engines, timed, inputs, output_ports(graph))
    for engine, timing, tail in zip(engines, timed.engines, tails, strict=True):
        module = design.module(engine)
        memories = _write_memories(engine, graph, module, source)
        parts = UnitParts(graph, module, engine, timing, tail, memories, multipliers == LUT)
        _write(source, module, _named(unit_source(parts), name))
    _write_library(name, source, multipliers)
    _write(source, design.top, _named(top_source(design), name))
    if sum(engine.multipliers for engine in engines) > MOST_DISSOLVED:
        _keep_whole(source, [f"{name}_mac_lane", *(tail.top for tail in tails if tail)])
    write_constraints(folder, design.top, clock_ns)
    return RtlProject(
        folder,
        design.top,
        source_files(source, f"{design.top}.v"),
        design.inputs,
        design.outputs,
        clock_ns,
        timed.latency,
        sum(engine.multipliers for engine in engines),
        interval=interval,
        folded=True,
        contents=source_files(source, suffix=CONTENTS),
    )


def _write_memories(engine: Engine, graph: FixedGraph, module: str, source: Path) -> tuple[Memory, ...]:
    if engine.unit.kind not in (Kind.DENSE, Kind.DEPTHWISE):
        return ()
    held, begun = weights(engine), biases(engine, graph)
    rows = list(held.hexadecimal())
    file = None
    if held.bits * held.depth > INLINE_BITS:
        file = f"{module}_weights.{CONTENTS}"
        (source / file).write_text("\n".join([*rows, ""]), encoding="utf-8")
    _write(source, f"{module}_weights", _rom(f"{module}_weights", held, rows, file))
    _write(source, f"{module}_biases", _table(f"{module}_biases", begun))
    return held, begun


def _rom(name: str, memory: Memory, rows: list[str], file: str | None) -> str:
    """Two clocks from address to row, as memory blocks have them with a register at their output."""
    if file is not None:
        filled = [f'initial $readmemh("{file}", rows);']
    else:
        filled = ["initial begin", *(f"  rows[{i}] = {memory.bits}'h{row};" for i, row in enumerate(rows)), "end"]
    address = max((memory.depth - 1).bit_length(), 1)
    body = [
        f"reg [{memory.bits - 1}:0] rows[0:{memory.depth - 1}];",
        f"reg [{memory.bits - 1}:0] read;",
        *filled,
        "always @(posedge clk) begin",
        f"  read <= rows[address[{address - 1}:0]];" if memory.depth > 1 else "  read <= rows[0];",
        "  row <= read;",
        "end",
    ]
    ports = ["input clk", "input [31:0] address", f"output reg [{memory.bits - 1}:0] row"]
    return _module(name, ports, body)


def _table(name: str, memory: Memory) -> str:
    ports = ["input [31:0] address", f"output reg [{memory.bits - 1}:0] row"]
    rows = list(memory.hexadecimal())
    cases = [f"  {number}: row = {memory.bits}'h{row};" for number, row in enumerate(rows[:-1])]
    body = ["always @*", "case (address)", *cases, f"  default: row = {memory.bits}'h{rows[-1]};", "endcase"]
    return _module(name, ports, body)


def _module(name: str, ports: list[str], body: list[str]) -> str:
    head = ",\n".join(f"    {port}" for port in ports)
    inside = "\n".join(f"  {line}" for line in body)
    return f"`timescale 1ns / 1ps\n\nmodule {name} (\n{head}\n);\n{inside}\nendmodule\n"


def _write_library(name: str, source: Path, multipliers: str) -> None:
    """The modules that all engines share, under names of this firmware."""
    for module, text in _library().items():
        _write(source, f"{name}_{module}", _named(text, name))
    if multipliers == LUT:
        text = resources.files("hls.rtl").joinpath("lut_multiplier.v").read_text(encoding="utf-8")
        _write(source, f"{name}_{_MULTIPLIER}", re.sub(rf"\b{_MULTIPLIER}\b", f"{name}_{_MULTIPLIER}", text))


@cache
def _library() -> dict[str, str]:
    folder = resources.files("hls.rtl") / "folded" / "library"
    return {
        entry.name[:-2]: entry.read_text(encoding="utf-8") for entry in folder.iterdir() if entry.name.endswith(".v")
    }


def _keep_whole(source: Path, modules: Sequence[str]) -> None:
    for module in modules:
        path = source / f"{module}.v"
        text = path.read_text(encoding="utf-8")
        path.write_text(
            re.sub(r"^module ", "(* keep_hierarchy *)\nmodule ", text, flags=re.MULTILINE), encoding="utf-8"
        )


def _named(text: str, name: str) -> str:
    """Modules of the library under this firmware's names, which begin with no more than its own."""
    modules = "|".join([*_library(), _MULTIPLIER])
    return re.sub(rf"\bfolded_({modules})\b", rf"{name}_\1", text)


def _write(folder: Path, module: str, text: str) -> None:
    (folder / f"{module}.v").write_text(text, encoding="utf-8")
