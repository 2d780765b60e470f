"""A netlist of gates as Yosys writes it, with all instances of its modules, as arrays of net numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypedDict

import numpy as np
import numpy.typing as npt

from hls.errors import ToolError

Nets = npt.NDArray[np.int64]
Bit = int | str
"""A bit as JSON has it: a number, or the name of a constant."""

FLIP_FLOP = "$_DFF_P_"
KINDS = ("$_BUF_", "$_NOT_", "$_MUX_", "$_AND_", "$_NAND_", "$_OR_", "$_NOR_", "$_XOR_", "$_XNOR_", "$_ANDNOT_",
         "$_ORNOT_")  # fmt: skip
PINS: Mapping[str, str] = dict.fromkeys(KINDS, "AB") | {"$_BUF_": "A", "$_NOT_": "A", "$_MUX_": "ABS"}
# Yosys numbers bits from 2 on. An "x" is a bit on which nothing depends; as a 0 it would hide one on which
# something does.
CONSTANTS = ("0", "1", "x", "z")
_NOTE = "$scopeinfo"  # a cell that says where others came from


@dataclass(frozen=True)
class Circuit:
    """Gates and registers; nets 0 to 3 are ``CONSTANTS``.

    Gate ``g`` is of kind ``KINDS[kind[g]]``, drives net ``output[g]`` and reads ``operands[g]``, three columns of which
    it needs those of its ``PINS``; the others are net 0. At the clock's edge ``registers`` take ``following``.
    """

    nets: int
    kind: npt.NDArray[np.int8]
    output: Nets
    operands: Nets
    registers: Nets
    following: Nets


class Port(TypedDict):
    """A port of a module as JSON has it."""

    direction: str
    bits: list[Bit]


class Cell(TypedDict):
    """A cell: a gate, a register or an instance of a module, and what its pins are connected to."""

    type: str
    connections: dict[str, list[Bit]]


class Module(TypedDict):
    """A module of the file."""

    ports: dict[str, Port]
    cells: dict[str, Cell]


def numbered(bits: Sequence[Bit]) -> Nets:
    """Nets of bits of the top module.

    >>> numbered(["0", "x", 2, 5]).tolist()
    [0, 2, 6, 9]
    """
    return np.array([_net(bit) for bit in bits], np.int64)


def _net(bit: Bit) -> int:
    return CONSTANTS.index(bit) if isinstance(bit, str) else bit + len(CONSTANTS)


def read_circuit(path: Path, top: str) -> tuple[Circuit, Mapping[str, Port]]:
    """The circuit of module ``top`` in what Yosys wrote with ``write_json``, and the ports of ``top``.

    Raises:
        ToolError: other cells than gates are in it, or a register has another clock than ``clk``; it is cut short.
    """
    try:
        modules = json.loads(path.read_text(encoding="utf-8"))["modules"]
    except (ValueError, KeyError, TypeError) as error:
        raise ToolError(f"{path}: not what Yosys writes; remove {path.parent} and run it again") from error
    if top not in modules:
        raise ToolError(f"{path}: no module {top}; remove {path.parent} and run it again")
    return _Reader(path, modules).circuit(top), modules[top]["ports"]


@dataclass(frozen=True)
class _Cells:
    """Cells of one module by what they are."""

    gates: list[Cell]
    registers: list[Cell]
    instances: list[Cell]


@dataclass(frozen=True)
class _Reader:
    """Reads the modules of ``path``, each once, however often it is instanced."""

    path: Path
    modules: Mapping[str, Module]
    known: dict[str, Circuit] = field(default_factory=dict)

    def circuit(self, name: str) -> Circuit:
        """A module with all that it instances: first its own cells, then one instance after the other."""
        if name not in self.known:
            ports, cells = self.modules[name]["ports"], self._cells(name)
            self._check_clocks(ports, cells)
            pieces = [_own(_named(ports, cells.instances), cells.gates, cells.registers)]
            for cell in cells.instances:
                inside, around = self.circuit(cell["type"]), self.modules[cell["type"]]["ports"]
                pieces += _instance(inside, around, cell["connections"], offset=pieces[-1].nets)
            self.known[name] = _together(pieces)
        return self.known[name]

    def _cells(self, name: str) -> _Cells:
        cells = [cell for cell in self.modules[name]["cells"].values() if cell["type"] != _NOTE]
        unknown = {cell["type"] for cell in cells} - set(PINS) - {FLIP_FLOP} - set(self.modules)
        if unknown:
            raise ToolError(f"{self.path}: cannot simulate cells of type {', '.join(sorted(unknown))}")
        return _Cells(
            [cell for cell in cells if cell["type"] in PINS],
            [cell for cell in cells if cell["type"] == FLIP_FLOP],
            [cell for cell in cells if cell["type"] in self.modules],
        )

    def _check_clocks(self, ports: Mapping[str, Port], cells: _Cells) -> None:
        clocks = [cell["connections"]["C"] for cell in cells.registers]
        clocks += [cell["connections"]["clk"] for cell in cells.instances]
        if any(clock != ports["clk"]["bits"] for clock in clocks):
            raise ToolError(f"{self.path}: the registers have other clocks than clk")


def _named(ports: Mapping[str, Port], instances: Sequence[Cell]) -> list[Bit]:
    """Bits of a module's ports and of those of its instances: nets that may be in none of its own cells."""
    wired = [*(port["bits"] for port in ports.values()), *(b for c in instances for b in c["connections"].values())]
    return [bit for bits in wired for bit in bits]


def _together(pieces: Sequence[Circuit]) -> Circuit:
    """All gates and registers of ``pieces``, of which the last has the highest net."""
    return Circuit(
        nets=pieces[-1].nets,
        kind=np.concatenate([piece.kind for piece in pieces]),
        output=np.concatenate([piece.output for piece in pieces]),
        operands=np.concatenate([piece.operands for piece in pieces]),
        registers=np.concatenate([piece.registers for piece in pieces]),
        following=np.concatenate([piece.following for piece in pieces]),
    )


def _own(named: Sequence[Bit], gates: Sequence[Cell], flops: Sequence[Cell]) -> Circuit:
    """Gates and registers of one module, without its instances; ``named`` are the bits of its ports and of theirs."""
    kind = np.array([KINDS.index(gate["type"]) for gate in gates], np.int8)
    pins = [gate["connections"] for gate in gates]
    output = numbered([found["Y"][0] for found in pins])
    rows = [
        [_net(found[pin][0]) if pin in PINS[gate["type"]] else 0 for pin in "ABS"]
        for gate, found in zip(gates, pins, strict=True)
    ]
    operands = np.array(rows, np.int64).reshape(-1, 3)
    registers, following = (numbered([flop["connections"][pin][0] for flop in flops]) for pin in "QD")
    every = (output, operands, registers, following, numbered(named))
    highest = max((int(nets.max()) for nets in every if nets.size), default=0)
    return Circuit(max(highest + 1, len(CONSTANTS)), kind, output, operands, registers, following)


def _instance(
    inside: Circuit, ports: Mapping[str, Port], connections: Mapping[str, Sequence[Bit]], offset: int
) -> list[Circuit]:
    """A copy of a module whose nets start at ``offset``, and buffers between its ports and what is around it."""

    def moved(nets: Nets) -> Nets:
        return np.where(nets < len(CONSTANTS), nets, nets + offset)

    drives, reads = [], []
    for name, port in ports.items():
        within, around = moved(numbered(port["bits"])), numbered(connections.get(name, []))
        if len(around):
            into = port["direction"] == "input"
            drives.append(within if into else around)
            reads.append(around if into else within)
    driven = np.concatenate(drives)
    operands = np.zeros((len(driven), 3), np.int64)
    operands[:, 0] = np.concatenate(reads)
    none = np.zeros(0, np.int64)
    nets = offset + inside.nets
    buffers = np.full(len(driven), KINDS.index("$_BUF_"), np.int8)
    return [
        Circuit(nets, buffers, driven, operands, none, none),
        Circuit(nets, inside.kind, moved(inside.output), moved(inside.operands), moved(inside.registers),
                moved(inside.following)),
    ]  # fmt: skip
