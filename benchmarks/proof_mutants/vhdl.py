"""Faults of VHDL: in what its operators do, in its registers, and in its wires, as GHDL reads them."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks.proof_mutants.engines import TARGET, Tried, random_events, simulated, written
from benchmarks.proof_mutants.faults import TextFault, drawn
from benchmarks.proof_mutants.firmwares import corners
from benchmarks.proof_mutants.verdicts import SECONDS
from hls.errors import ToolError
from hls.proof import Subject
from hls.proof.graph_vhdl import prove_vhdl
from hls.rtl import as_verilog, rtl_design, write_rtl, write_vhdl

VHDL = "corners-vhdl"
# Of a generic of an operator: what else it may be.
_GENERICS: tuple[tuple[str, str, tuple[Callable[[int], int], ...]], ...] = (
    ("shift", r"\b(SHIFT1|PAD\d)=>(-?\d+)", (lambda value: value - 1, lambda value: value + 1)),
    ("subtraction", r"\b(IS_SUB|NEGATE\d)=>(\d)", (lambda value: 1 - value,)),
    ("sign extension", r"\b(SIGNED\d)=>(\d)", (lambda value: 1 - value,)),
)
_CONSTANT = re.compile(r"in\d=>\"([01]+)\"")
_OUTPUT = re.compile(r"model_out\((\d+) downto (\d+)\) <= (v\d+)\((\d+) downto 0\);")
_REGISTER = re.compile(r"\n *((?:stage\d+_inp|model_inp_reg)\([^;]*;)(?=.*end process)", re.DOTALL)


def vhdl_faults(files: dict[str, str], count: int, draw: random.Random) -> list[TextFault]:
    """``count`` faults, of every kind alike as far as there are places for it."""
    by_kind: dict[str, list[tuple[str, dict[str, str]]]] = {}
    for file, text in files.items():
        for kind, name, changed in (*_operators(text), *_wires(text), *_registers(text)):
            by_kind.setdefault(kind, []).append((f"{file}: {name}", files | {file: changed}))
    return [TextFault(kind, name, changed) for kind, (name, changed) in drawn(by_kind, count, draw)]


def _operators(text: str) -> Iterator[tuple[str, str, str]]:
    for kind, pattern, others in _GENERICS:
        for found in re.finditer(pattern, text):
            for other in others:
                value = other(int(found[2]))
                operator = text.rfind("op_", 0, found.start())
                name = f"{text[operator : text.index(':', operator)]} {found[1]} {found[2]} is {value}"
                yield kind, name, text[: found.start(2)] + str(value) + text[found.end(2) :]
    for found in _CONSTANT.finditer(text):
        flipped = found[1][:-1] + str(1 - int(found[1][-1]))
        yield "constant LSB", f"{found[1]} is {flipped}", text[: found.start(1)] + flipped + text[found.end(1) :]


def _wires(text: str) -> Iterator[tuple[str, str, str]]:
    for found in _OUTPUT.finditer(text):
        high, low, name, top = int(found[1]), int(found[2]), found[3], int(found[4])
        if top > 1:
            swapped = f"model_out({high} downto {low}) <= {name}({top} downto 2) & {name}(0) & {name}(1);"
            yield "swapped wire", f"{name} bits 0 and 1", text.replace(found[0], swapped, 1)


def _registers(text: str) -> Iterator[tuple[str, str, str]]:
    for found in _REGISTER.finditer(text):
        without = text[: found.start()] + text[found.end() :]
        name = found[1].partition("(")[0]
        yield "dropped register", name, without.replace("    process(clk)", f"    {found[1]}\n    process(clk)", 1)


def tried(count: int, folder: Path) -> Iterator[Tried]:
    """Faults of the VHDL of the small network that GHDL takes, simulated as it reads them, and proved."""
    graph, draw = corners(), random.Random(1)  # noqa: S311
    right = rtl_design(write_vhdl(graph, "net", folder / "rtl", 5.0, multipliers="lut"))
    verilog = rtl_design(write_rtl(graph, "net", folder / "verilog", 5.0, multipliers="lut"))
    raw = random_events(graph)
    texts = {path.name: path.read_text(encoding="utf-8") for path in right.sources}
    for number, fault in enumerate(vhdl_faults(texts, count, draw)):
        design = written(right, fault, folder / f"m{number}")
        try:
            made = as_verilog(design, folder / f"m{number}")
        except ToolError:  # a width that does not fit: no fault that could be overlooked
            continue
        shown, refused = simulated(graph, made, raw, folder / "cache")
        subject = Subject("net", graph, TARGET, folder / "cache", verilog, design, time_limit=SECONDS)
        yield Tried(fault, shown, refused, prove_vhdl(subject))
