"""A Verilog project as Yosys reads it: one flat module of cells, in which primitives of arithmetic stay modules."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hls.errors import ToolError
from hls.proof.subject import Deadline, NotClosedError
from hls.rtl import Design
from hls.rtl.netlist.yosys import run_yosys

Bit = int | str
"""A net's number, or a constant: "0", "1", "x"."""
Bits = tuple[Bit, ...]

PRIMITIVES = ("shift_adder", "ternary_adder", "negative", "multiplier", "mux", "binop")
_PRIMITIVE = re.compile(rf"\w+_({'|'.join(PRIMITIVES)})")
_FLAT = "design.json"
REGISTER, MEMORY = "$dff", "$mem_v2"


@dataclass(frozen=True)
class Cell:
    """A cell of Yosys, or an instance of a primitive: what its pins read and drive."""

    name: str
    kind: str
    parameters: Mapping[str, str]
    reads: Mapping[str, Bits]
    drives: Mapping[str, Bits]

    def number(self, parameter: str) -> int:
        """A parameter as an integer, of 32 bits with a sign as Verilog's."""
        return _integer(self.parameters[parameter])


@dataclass(frozen=True)
class Primitive:
    """A module of arithmetic with its parameters: ``kind`` is one of ``PRIMITIVES``, ``cells`` are what it is made of.

    ``nets`` are its named vectors.
    """

    kind: str
    parameters: Mapping[str, int]
    ports: Mapping[str, Bits]
    cells: tuple[Cell, ...]
    nets: Mapping[str, Bits]


@dataclass(frozen=True)
class FlatDesign:
    """A project: ports by name, cells in any order, and the primitives that they may be instances of."""

    ports: Mapping[str, Bits]
    cells: tuple[Cell, ...]
    primitives: Mapping[str, Primitive]


def number_of(bits: Bits) -> int:
    """The word whose ones are those of ``bits``, the lowest first; whatever else stands there counts as 0."""
    return sum(1 << place for place, bit in enumerate(bits) if bit == "1")


def register_bits(design: FlatDesign) -> dict[Bit, Bit]:
    """What each bit of a register becomes at a clock; raises ``NotClosedError`` for one with a clock of its own."""
    found: dict[Bit, Bit] = {}
    for cell in design.cells:
        if cell.kind == REGISTER:
            if cell.reads["CLK"] != design.ports.get("clk") or cell.number("CLK_POLARITY") != 1:
                raise NotClosedError(f"the register {cell.name} has another clock than the design")
            found.update(zip(cell.drives["Q"], cell.reads["D"], strict=True))
    return found


def read_verilog(verilog: Design, deadline: Deadline) -> FlatDesign:
    """Let Yosys read the files of ``verilog``; raises ``ToolError`` if it does not, or not in time."""
    return design_of(modules_but(verilog, [f"*_{kind}" for kind in PRIMITIVES], deadline), verilog.top)


def read_around(verilog: Design, inner: str, deadline: Deadline) -> tuple[FlatDesign, dict[str, Bits]]:
    """The same without what is in the module ``inner``, and the names of nets."""
    modules = _modules(verilog, [f"blackbox {inner}", f"hierarchy -top {verilog.top}"], [], deadline)
    names = {name: tuple(net["bits"]) for name, net in modules[verilog.top]["netnames"].items()}
    return design_of(modules, verilog.top), names


def modules_but(verilog: Design, kept: Sequence[str], deadline: Deadline) -> dict[str, Any]:
    """The modules of ``verilog`` in the JSON of Yosys, one flat module but for those called as ``kept`` says."""
    whole = [f"setattr -mod -set keep_hierarchy 1 {' '.join(kept)}"] if kept else []
    return _modules(verilog, [], whole, deadline)


def _modules(verilog: Design, before: Sequence[str], after: Sequence[str], deadline: Deadline) -> dict[str, Any]:
    """Modules of the JSON of Yosys, made with more steps ``before`` and ``after`` processes become cells."""
    with tempfile.TemporaryDirectory(prefix="proof-") as place:
        folder = Path(place)
        for file in (*verilog.sources, *verilog.memories):
            shutil.copy(file, folder / file.name)
        lines = [f"read_verilog {source.name}" for source in verilog.sources]
        lines += [f"hierarchy -check -top {verilog.top}", *before, "proc", "memory_collect", *after]
        lines += ["flatten -noscopeinfo", f"write_json {_FLAT}", ""]
        run_yosys("\n".join(lines), folder, "read", timeout=deadline.left)
        modules: dict[str, Any] = json.loads((folder / _FLAT).read_text(encoding="utf-8"))["modules"]
    return modules


def _parametrised(name: str, module: Mapping[str, Any]) -> tuple[str, dict[str, int]] | None:
    """Which primitive a module is and its parameters, as Yosys states them; None if it is none."""
    found = _PRIMITIVE.fullmatch(str(module["attributes"].get("hdlname", name)))
    if found is None:
        return None
    return found[1], {key: _integer(value) for key, value in module.get("parameter_default_values", {}).items()}


def design_of(
    modules: Mapping[str, Any],
    top: str,
    told: Mapping[str, tuple[str, dict[str, int]]] | None = None,
) -> FlatDesign:
    """The design in the JSON of Yosys.

    ``told`` says which modules are primitives, with their parameters; without it, what Yosys states of each does.
    """
    primitives = {}
    for name, module in modules.items():
        found = _parametrised(name, module) if told is None else told.get(name)
        if found is not None and name != top:
            nets = {net: tuple(stated["bits"]) for net, stated in module["netnames"].items()}
            primitives[name] = Primitive(*found, _ports(module), _cells(module), nets)
    return FlatDesign(_ports(modules[top]), _cells(modules[top]), primitives)


def _integer(text: str) -> int:
    if not re.fullmatch("[01]+", text):
        raise ToolError(f"Yosys states a parameter as {text!r}, which is no number; report this")
    value = int(text, 2)
    return value - (1 << 32) if len(text) == 32 and text[0] == "1" else value


def _ports(module: Mapping[str, Any]) -> dict[str, Bits]:
    return {name: tuple(port["bits"]) for name, port in module["ports"].items()}


def _cells(module: Mapping[str, Any]) -> tuple[Cell, ...]:
    made = []
    for name, cell in module["cells"].items():
        directions = cell["port_directions"]
        pins = {pin: tuple(bits) for pin, bits in cell["connections"].items()}
        reads = {pin: bits for pin, bits in pins.items() if directions[pin] == "input"}
        drives = {pin: bits for pin, bits in pins.items() if directions[pin] != "input"}
        made.append(Cell(name, cell["type"], cell["parameters"], reads, drives))
    return tuple(made)
