"""A VHDL project as GHDL reads it: what GHDL writes of it, Yosys reads as it reads Verilog.

GHDL makes of an entity and the values of its generics a module without parameters, which is called by both. Nothing
that the name says is believed: what a primitive of these parameters means is proved of its cells, as in Verilog.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from hls.proof.subject import Deadline
from hls.proof.verilog.design import PRIMITIVES, Bits, Cell, FlatDesign, Primitive, design_of, modules_but
from hls.rtl import Design

_ENTITY = re.compile(rf"\bentity (\w+_({'|'.join(PRIMITIVES)})) is\s+generic \((.*?)\);\s+port", re.DOTALL)
_GENERIC = re.compile(r"(\w+)\s*:\s*integer")
_MODULE = re.compile(r"^module (\w+)", re.MULTILINE)
_AS_IN_VERILOG = {"result": "out", "neg_in": "in", "neg_out": "out", "SUBOP": "OP"}
"""Pins and parameters that are called otherwise in VHDL, where some names are reserved words."""
_WRAP = 1 << 64


@dataclass(frozen=True)
class _Entity:
    """A primitive as the VHDL declares it, with its generics in their order."""

    kind: str
    generics: tuple[str, ...]


def read_synthesised(verilog: Design, vhdl: Sequence[Path], deadline: Deadline) -> FlatDesign:
    """Let Yosys read what GHDL made of the sources ``vhdl``; raises ``ToolError`` if it does not, or not in time."""
    entities = _entities(vhdl)
    names = [name for path in verilog.sources for name in _MODULE.findall(path.read_text(encoding="utf-8"))]
    told = {name: found for name in names if (found := _named(name, entities)) is not None}
    design = design_of(modules_but(verilog, list(told), deadline), verilog.top, told)
    cells = tuple(_as_in_verilog(cell) if cell.kind in told else cell for cell in design.cells)
    return replace(design, cells=cells, primitives={name: _renamed(p) for name, p in design.primitives.items()})


def _entities(vhdl: Sequence[Path]) -> dict[str, _Entity]:
    found = {}
    for path in vhdl:
        for name, kind, generics in _ENTITY.findall(path.read_text(encoding="utf-8")):
            names = (_AS_IN_VERILOG.get(generic, generic) for generic in _GENERIC.findall(generics))
            found[name] = _Entity(kind, tuple(names))
    return found


def _named(module: str, entities: Mapping[str, _Entity]) -> tuple[str, dict[str, int]] | None:
    """The primitive and the parameters by which GHDL calls a module: negative ones as words of 64 bits."""
    for name, entity in entities.items():
        values = re.fullmatch(rf"{name}((?:_\d+)+)", module)
        numbers = [int(value) for value in values[1].split("_")[1:]] if values is not None else []
        if numbers and len(numbers) == len(entity.generics):
            signed = (number - _WRAP if number >> 63 else number for number in numbers)
            return entity.kind, dict(zip(entity.generics, signed, strict=True))
    return None


def _as_in_verilog(cell: Cell) -> Cell:
    return replace(cell, reads=_pins(cell.reads), drives=_pins(cell.drives))


def _pins(bits: Mapping[str, Bits]) -> dict[str, Bits]:
    return {_AS_IN_VERILOG.get(pin, pin): found for pin, found in bits.items()}


def _renamed(primitive: Primitive) -> Primitive:
    """With pins called as in Verilog, and the rows of a multiplier too."""
    nets = dict(primitive.nets)
    if primitive.kind == "multiplier" and "factor" in nets:
        nets |= _rows(nets)
    return replace(primitive, ports=_pins(primitive.ports), nets=nets)


def _rows(nets: Mapping[str, Bits]) -> dict[str, Bits]:
    """The nets of a multiplier's rows. GHDL numbers rows from 1, and has the first word of an array highest."""
    wide = nets["factor"]
    sums = nets["sums"]
    words = [sums[low : low + len(wide)] for low in range(0, len(sums), len(wide))][::-1]
    found = {"wide": wide} | {f"sums[{number}]": word for number, word in enumerate(words)}
    return found | {f"row[{number}].sum": nets[f"row_n{number + 1}_sum"] for number in range(len(words) - 1)}
