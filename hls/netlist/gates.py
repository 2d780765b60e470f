"""A netlist as gates of one bit, sorted by depth, evaluated for 64 streams of events in every machine word.

Verilator would be the obvious simulator. For a netlist of 31,000 Xilinx cells it wrote 100 MB of C++, which took g++
nine minutes of processor time; this takes seconds.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.errors import ToolError

Words = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int64]

_FLIP_FLOP = "$_DFF_P_"
_BINARY: Mapping[str, Callable[[Words, Words], Words]] = {
    "$_AND_": lambda a, b: a & b,
    "$_NAND_": lambda a, b: ~(a & b),
    "$_OR_": lambda a, b: a | b,
    "$_NOR_": lambda a, b: ~(a | b),
    "$_XOR_": lambda a, b: a ^ b,
    "$_XNOR_": lambda a, b: ~(a ^ b),
    "$_ANDNOT_": lambda a, b: a & ~b,
    "$_ORNOT_": lambda a, b: a | ~b,
}
_PINS = {"$_BUF_": "A", "$_NOT_": "A", "$_MUX_": "ABS", **dict.fromkeys(_BINARY, "AB")}
# An "x" is a bit on which nothing depends; as a 0 it would hide one on which something does.
_CONSTANTS: tuple[Any, ...] = ("0", "1", "x", "z")


@dataclass(frozen=True)
class _Group:
    """Gates of one kind and depth: they read ``operands`` (pin by pin) and write the rows from ``first``."""

    kind: str
    first: int
    operands: tuple[Rows, ...]


class Gates:
    """Gates of a design. Every bit has a row of the state, an array (rows, words) of 64 streams a word."""

    def __init__(self, path: Path, top: str) -> None:
        """Read what Yosys wrote with ``write_json``; raises ``ToolError`` if other cells than gates are in it."""
        module = json.loads(path.read_text(encoding="utf-8"))["modules"][top]
        self.ports: Mapping[str, list[Any]] = {name: port["bits"] for name, port in module["ports"].items()}
        self._directions = {name: port["direction"] for name, port in module["ports"].items()}
        cells = [c for c in module["cells"].values() if c["type"] != "$scopeinfo"]
        unknown = {cell["type"] for cell in cells} - set(_PINS) - {_FLIP_FLOP}
        if unknown:
            raise ToolError(f"{path}: cannot simulate cells of type {', '.join(sorted(unknown))}")
        flops = [cell["connections"] for cell in cells if cell["type"] == _FLIP_FLOP]
        if {flop["C"][0] for flop in flops} != set(self.ports["clk"]):
            raise ToolError(f"{path}: the registers have other clocks than clk")
        self._row: dict[Any, int] = {bit: row for row, bit in enumerate(_CONSTANTS)}
        for name, bits in self.ports.items():
            if self._directions[name] == "input":
                self._number(bits)
        self.registers = np.array(self._number([flop["Q"][0] for flop in flops]), np.int64)
        gates = [cell for cell in cells if cell["type"] != _FLIP_FLOP]
        self._floating = self._number_floating(gates, flops)
        self._groups = self._sort(gates, path)
        self._next = self.rows([flop["D"][0] for flop in flops])
        self.size = len(self._row)

    def _number(self, bits: list[Any]) -> list[int]:
        return [self._row.setdefault(bit, len(self._row)) for bit in bits]

    def _number_floating(self, gates: list[dict[str, Any]], flops: list[dict[str, Any]]) -> list[int]:
        """Bits that are read and that nobody drives: pins left open, which a model masks."""
        driven = {cell["connections"]["Y"][0] for cell in gates} | set(self._row)
        read = [cell["connections"][pin][0] for cell in gates for pin in _PINS[cell["type"]]]
        read += [flop["D"][0] for flop in flops]
        return self._number(sorted({bit for bit in read if bit not in driven}))

    def rows(self, bits: list[Any]) -> Rows:
        """Rows of bits, as ``ports`` lists them."""
        return np.array([self._row[bit] for bit in bits], np.int64)

    def _sort(self, cells: list[dict[str, Any]], path: Path) -> list[_Group]:
        depth: dict[Any, int] = dict.fromkeys(self._row, 0)
        driver = {cell["connections"]["Y"][0]: cell for cell in cells}
        levels: dict[tuple[int, str], list[dict[str, list[Any]]]] = {}
        for start in driver:
            stack = [start]
            while stack:
                bit = stack[-1]
                if bit in depth:
                    stack.pop()
                    continue
                if len(stack) > 4 * len(driver):
                    raise ToolError(f"{path}: bit {bit} drives itself")
                pins = driver[bit]["connections"]
                read = [pins[pin][0] for pin in _PINS[driver[bit]["type"]]]
                missing = [other for other in read if other not in depth]
                if missing:
                    stack.extend(missing)
                    continue
                depth[stack.pop()] = level = 1 + max(depth[other] for other in read)
                levels.setdefault((level, driver[bit]["type"]), []).append(pins)
        groups = []
        for (_, kind), found in sorted(levels.items(), key=lambda item: item[0]):
            first = len(self._row)
            self._number([pins["Y"][0] for pins in found])
            operands = tuple(self.rows([pins[pin][0] for pins in found]) for pin in _PINS[kind])
            groups.append(_Group(kind, first, operands))
        return groups

    def wake_up(self, words: int, random: np.random.Generator) -> Words:
        """A state with anything in the registers, and in bits that nobody drives."""
        state = np.zeros((self.size, words), np.uint64)
        state[1] = ~np.uint64(0)
        for row in (2, 3, *self._floating, *self.registers):
            state[row] = random.integers(0, 1 << 64, words, np.uint64)
        return state

    def evaluate(self, state: Words) -> None:
        """Let inputs and registers reach every gate."""
        for group in self._groups:
            operands = [state[rows] for rows in group.operands]
            state[group.first : group.first + len(group.operands[0])] = _compute(group.kind, operands)

    def clock(self, state: Words) -> None:
        """A rising edge: the registers take what is before them."""
        state[self.registers] = state[self._next]


def _compute(kind: str, operands: list[Words]) -> Words:
    if kind == "$_MUX_":
        a, b, chosen = operands
        return a ^ ((a ^ b) & chosen)
    if len(operands) == 1:
        return operands[0] if kind == "$_BUF_" else ~operands[0]
    return _BINARY[kind](*operands)
