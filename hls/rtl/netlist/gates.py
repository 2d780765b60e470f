"""A netlist as gates of one bit, sorted by depth, evaluated for 64 streams of events in every machine word.

Verilator would be the obvious simulator. For a netlist of 31,000 Xilinx cells it wrote 100 MB of C++, which took g++
nine minutes of processor time; this takes seconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hls.errors import ToolError
from hls.rtl.netlist.circuit import CONSTANTS, KINDS, PINS, Bit, Circuit, numbered, read_circuit

Words = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int64]

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


@dataclass(frozen=True)
class _Group:
    """Gates of one kind and depth: they read ``operands`` (pin by pin) and write the rows from ``first``."""

    kind: str
    first: int
    operands: tuple[Rows, ...]


class Gates:
    """Gates of a design. Every bit has a row of the state, an array (rows, words) of 64 streams a word.

    ``circuit`` are the gates as they were read; ``registers`` are the rows of its registers.
    """

    def __init__(self, path: Path, top: str) -> None:
        """Read what Yosys wrote with ``write_json``; raises ``ToolError`` if other cells than gates are in it."""
        circuit, ports = read_circuit(path, top)
        self.circuit = circuit
        self.ports: Mapping[str, list[Bit]] = {name: port["bits"] for name, port in ports.items()}
        inputs, outputs = (
            numbered([bit for port in ports.values() if port["direction"] == way for bit in port["bits"]])
            for way in ("input", "output")
        )
        read = np.concatenate([circuit.operands.ravel(), circuit.following, outputs])
        sources = np.concatenate([np.arange(len(CONSTANTS)), inputs, circuit.registers])
        # Bits that are read and that nobody drives: pins left open, which a model masks.
        floating = np.setdiff1d(read, np.concatenate([sources, circuit.output]))
        levels = _levels(circuit, np.concatenate([sources, floating]), path)
        # Gates of one level and kind become neighbours.
        order = np.lexsort((circuit.kind, levels))
        rows = np.concatenate([sources, floating, circuit.output[order]])
        self._row = np.full(circuit.nets, -1, np.int64)
        self._row[rows] = np.arange(len(rows))
        self.size = len(rows)
        self.registers = self._row[circuit.registers]
        self._floating = self._row[floating]
        self.undriven = np.array([2, 3, *self._floating], np.int64)
        self._next = self._row[circuit.following]
        first = len(rows) - len(order)
        self._groups = list(self._grouped(circuit, levels[order], order, first))

    def _grouped(self, circuit: Circuit, levels: Rows, order: Rows, first: int) -> Iterator[_Group]:
        kinds, operands = circuit.kind[order], self._row[circuit.operands[order]]
        changes = np.flatnonzero((np.diff(levels) != 0) | (np.diff(kinds) != 0)) + 1
        ends = [0, *changes.tolist(), len(order)] if len(order) else []
        for start, end in pairwise(ends):
            kind = KINDS[kinds[start]]
            chosen = operands[start:end, : len(PINS[kind])]
            yield _Group(kind, first + start, tuple(np.ascontiguousarray(column) for column in chosen.T))

    def rows(self, bits: list[Bit]) -> Rows:
        """Rows of bits, as ``ports`` lists them."""
        return self.rows_of(numbered(bits))

    def rows_of(self, nets: Rows) -> Rows:
        """Rows of nets of the ``circuit``; a net that is driven stands after all that it depends on."""
        return self._row[nets]

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

    def mark(self, marks: Words) -> None:
        """Let the marks of inputs and registers reach every gate that reads what is marked, whatever it computes."""
        for group in self._groups:
            operands = [marks[rows] for rows in group.operands]
            marks[group.first : group.first + len(operands[0])] = np.bitwise_or.reduce(operands)

    def evaluate_open(self, zero: Words, one: Words) -> None:
        """As ``evaluate``, of two states: whether a bit can be 0, and whether it can be 1; an open one can be both.

        What a gate gives is open only if some values of its operands, each by itself, make it 0, and others 1.
        """
        for group in self._groups:
            operands = [(zero[rows], one[rows]) for rows in group.operands]
            end = group.first + len(group.operands[0])
            zero[group.first : end], one[group.first : end] = _compute_open(group.kind, operands)

    def clock(self, state: Words) -> None:
        """A rising edge: the registers take what is before them."""
        state[self.registers] = state[self._next]


def _levels(circuit: Circuit, known: Rows, path: Path) -> Rows:
    """Depth of each gate: one more than that of the deepest gate that it reads."""
    ready = np.zeros(circuit.nets, np.bool_)
    ready[known] = True
    levels = np.zeros(len(circuit.output), np.int64)
    left = np.arange(len(circuit.output))
    level = 0
    while len(left):
        level += 1
        now = ready[circuit.operands[left]].all(axis=1)
        if not now.any():
            bit = int(circuit.output[left[0]]) - len(CONSTANTS)
            raise ToolError(f"{path}: {len(left)} gates wait for each other, and bit {bit} drives itself")
        levels[left[now]] = level
        ready[circuit.output[left[now]]] = True
        left = left[~now]
    return levels


def _compute(kind: str, operands: list[Words]) -> Words:
    if kind == "$_MUX_":
        a, b, chosen = operands
        return a ^ ((a ^ b) & chosen)
    if len(operands) == 1:
        return operands[0] if kind == "$_BUF_" else ~operands[0]
    return _BINARY[kind](*operands)


Open = tuple[Words, Words]
"""Whether bits can be 0, and whether they can be 1."""


def _compute_open(kind: str, operands: list[Open]) -> Open:
    a = operands[0]
    if kind == "$_MUX_":
        b, (first, second) = operands[1], operands[2]
        return a[0] & first | b[0] & second, a[1] & first | b[1] & second
    if kind in ("$_BUF_", "$_NOT_"):
        return a if kind == "$_BUF_" else (a[1], a[0])
    b = operands[1]
    if kind in ("$_ANDNOT_", "$_ORNOT_"):
        b = b[1], b[0]
    if kind in ("$_XOR_", "$_XNOR_"):
        zero, one = a[0] & b[0] | a[1] & b[1], a[0] & b[1] | a[1] & b[0]
    elif kind in ("$_AND_", "$_NAND_", "$_ANDNOT_"):
        zero, one = a[0] | b[0], a[1] & b[1]
    else:
        zero, one = a[0] & b[0], a[1] | b[1]
    return (one, zero) if kind in ("$_NAND_", "$_NOR_", "$_XNOR_") else (zero, one)
