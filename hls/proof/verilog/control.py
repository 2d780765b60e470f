"""What happens at which clock whatever the data are: the cells and registers that read no data, run clock by clock.

Data are the ports but for the clock, the reset and the handshake, all that memories give, and whatever depends on
these. The rest is a small machine without inputs but ``valid_in``: its run tells of each multiplexer what it chooses,
of each memory what it reads and writes, and when an event is taken.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from hls.proof.subject import NotClosedError
from hls.proof.verilog.control_run import NO_VALUE, Run
from hls.proof.verilog.design import MEMORY, REGISTER, Bit, Bits, Cell, FlatDesign, number_of, register_bits
from hls.proof.verilog.evaluation import evaluated

CONTROL_PORTS = ("clk", "rst", "valid_in")

Word = list[tuple[int, int]]
"""Columns of the record of a run, and their places in a word."""


@dataclass(frozen=True)
class _Step:
    """A cell ready to run: constants and bits that it reads, by pin, and bits that it drives."""

    cell: Cell
    reads: tuple[tuple[str, int, Word], ...]
    drives: Word


class Control:
    """Cells and registers of a design that read no data; ``cells`` stand in the order in which they are computed."""

    def __init__(self, design: FlatDesign, registers: dict[Bit, Bit], cells: Sequence[Cell]) -> None:
        self.design = design
        self._registers = registers
        self._makers = {bit: cell for cell in cells for bits in cell.drives.values() for bit in bits}
        ports = (bit for port in CONTROL_PORTS for bit in design.ports[port])
        nets = {bit for bit in (*registers, *self._makers, *ports) if isinstance(bit, int)}
        self.nets: Mapping[Bit, int] = {net: column for column, net in enumerate(sorted(nets))}
        """Columns of the record of a run."""
        self._steps = [self._step(cell) for cell in cells]

    def _step(self, cell: Cell) -> _Step:
        reads = []
        for pin, bits in cell.reads.items():
            reads.append((pin, number_of(bits), self._word(bits)))
        (driven,) = cell.drives.values()
        return _Step(cell, tuple(reads), self._word(driven))

    def _word(self, bits: Bits) -> Word:
        return [(self.nets[bit], place) for place, bit in enumerate(bits) if isinstance(bit, int)]

    def _deciding(self, bits: Iterable[Bit]) -> set[Bit]:
        """All that decides what ``bits`` are, now and ever after."""
        stack = [bit for bit in bits if bit in self.nets]
        met = set(stack)
        while stack:
            bit = stack.pop()
            before = (self._registers[bit],) if bit in self._registers else _read(self._makers.get(bit))
            fresh = {other for other in before if other in self.nets} - met
            met |= fresh
            stack += fresh
        return met

    def only(self, bits: Iterable[Bit]) -> Control:
        """No more of it than decides what ``bits`` are."""
        met = self._deciding(bits)
        registers = {q: d for q, d in self._registers.items() if q in met}
        names = {self._makers[bit].name for bit in met if bit in self._makers}
        return Control(self.design, registers, [step.cell for step in self._steps if step.cell.name in names])

    def state(self, bits: Iterable[Bit]) -> list[int]:
        """Columns of the registers that decide what ``bits`` are, now and ever after."""
        return sorted(self.nets[bit] for bit in self._deciding(bits) if bit in self._registers)

    def run(self, sent: Iterable[bool]) -> Run:
        """A clock of reset, and then one for each of ``sent``, at which ``valid_in`` is that."""
        rst, valid = (self.nets[bit] for name in ("rst", "valid_in") for bit in self.design.ports[name])
        machine = _Machine(
            self._steps, [(self.nets[q], self._source(d)) for q, d in self._registers.items()], len(self.nets)
        )
        record: list[bytes] = []
        for reset, given in ((1, 0), *((0, int(flag)) for flag in sent)):
            machine.put(rst, reset)
            machine.put(valid, given)
            machine.settle()
            record.append(bytes(machine.values))
            machine.clock()
        table = np.frombuffer(b"".join(record), np.uint8).reshape(len(record), len(self.nets))
        return Run(self.design, self.nets, np.asfortranarray(table))

    def _source(self, bit: Bit) -> int | str:
        return self.nets[bit] if isinstance(bit, int) else bit


class _Machine:
    """The bits of control by column. What reads a bit that changed is computed again, in the order of the steps."""

    def __init__(self, steps: Sequence[_Step], registers: Sequence[tuple[int, int | str]], nets: int) -> None:
        self.values = bytearray([NO_VALUE]) * nets
        self._steps = steps
        self._readers: list[list[int]] = [[] for _ in self.values]
        for number, step in enumerate(steps):
            for column in {column for _, _, word in step.reads for column, _ in word}:
                self._readers[column].append(number)
        self._stale = bytearray([1]) * len(steps)
        self._followers: list[list[int]] = [[] for _ in self.values]
        self._constants = [(q, int(d)) for q, d in registers if d in ("0", "1")]
        for q, d in registers:
            if isinstance(d, int):
                self._followers[d].append(q)
        self._changed: set[int] = set()

    def put(self, column: int, value: int) -> None:
        """A bit has this value from now on."""
        if self.values[column] != value:
            self.values[column] = value
            self._changed.add(column)
            for number in self._readers[column]:
                self._stale[number] = 1

    def settle(self) -> None:
        """Compute what has become stale; a step reads only what stands before it."""
        number = self._stale.find(1)
        while number >= 0:
            self._stale[number] = 0
            step = self._steps[number]
            made = evaluated(step.cell, {pin: self._read(constant, word) for pin, constant, word in step.reads})
            for column, place in step.drives:
                self.put(column, NO_VALUE if made is None else made >> place & 1)
            number = self._stale.find(1, number + 1)

    def clock(self) -> None:
        """Registers take what they read; those whose source did not change hold it already."""
        taken = [(q, self.values[d]) for d in self._changed for q in self._followers[d]]
        self._changed.clear()
        for q, value in (*taken, *self._constants):
            self.put(q, value)
        self._constants.clear()

    def _read(self, constant: int, word: Word) -> int | None:
        for column, place in word:
            bit = self.values[column]
            if bit == NO_VALUE:
                return None
            constant |= bit << place
        return constant


def control_of(design: FlatDesign) -> Control:
    """The part of ``design`` that reads no data.

    Raises:
        NotClosedError: a register has another clock than the design, or logic reads what it computes.
    """
    registers = register_bits(design)
    data = _reached(design, registers)
    kept: dict[Bit, Bit] = {q: d for q, d in registers.items() if isinstance(q, int) and q not in data}
    return Control(design, kept, _in_order(design, data))


def _read(cell: Cell | None) -> Bits:
    return () if cell is None else tuple(bit for bits in cell.reads.values() for bit in bits)


def _reached(design: FlatDesign, registers: Mapping[Bit, Bit]) -> set[Bit]:
    """Bits that depend on data."""
    after: dict[Bit, set[Bit]] = defaultdict(set)
    driven = set(registers)
    for cell in design.cells:
        if cell.kind != REGISTER:
            made = {bit for bits in cell.drives.values() for bit in bits}
            driven |= made
            for bit in {bit for bits in cell.reads.values() for bit in bits if isinstance(bit, int)}:
                after[bit] |= made
    for q, d in registers.items():
        after[d].add(q)
    ports = [bit for name, bits in design.ports.items() if name not in CONTROL_PORTS for bit in bits]
    stack = [bit for bit in ports if bit not in driven]
    stack += [bit for cell in design.cells if cell.kind == MEMORY for bit in cell.drives["RD_DATA"]]
    found = set(stack)
    while stack:
        fresh = after[stack.pop()] - found
        found |= fresh
        stack += fresh
    return found


def _in_order(design: FlatDesign, data: set[Bit]) -> list[Cell]:
    """Cells of logic that read no data, each after those that it reads."""
    makers: dict[Bit, Cell] = {}
    for cell in design.cells:
        driven = [bit for bits in cell.drives.values() for bit in bits]
        if cell.kind not in (REGISTER, MEMORY) and driven and not data.intersection(driven):
            makers.update(dict.fromkeys(driven, cell))
    order: dict[str, Cell] = {}
    begun: set[str] = set()
    stack = list(makers.values())
    while stack:
        cell = stack[-1]
        if cell.name in order:
            stack.pop()
            continue
        read = {makers[bit].name: makers[bit] for bits in cell.reads.values() for bit in bits if bit in makers}
        left = [other for name, other in read.items() if name not in order]
        if not left:
            order[cell.name] = stack.pop()
            continue
        if any(other.name in begun for other in left):
            raise NotClosedError(f"{cell.name} reads what it computes, in the same clock")
        begun.add(cell.name)
        stack += left
    return list(order.values())


def paced(events: int, interval: int, after: int) -> list[bool]:
    """``valid_in`` for ``events`` as close as they may come, and ``after`` clocks more."""
    return [*([True, *([False] * (interval - 1))] * events), *([False] * after)]
