"""The numbers of a pipelined design: each cell's by those that it reads, with the clocks counted.

A register is a wire that is one clock late. Where all that a cell reads is equally late, so is what it computes; a
design of which this is true of every cell is its combinational logic, delayed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from hls.proof.forms import Form
from hls.proof.subject import NotClosedError
from hls.proof.verilog.cells import Cells
from hls.proof.verilog.design import REGISTER, Bit, Bits, Cell, FlatDesign, register_bits
from hls.proof.verilog.sums import Number
from hls.proof.verilog.ways import Input
from hls.proof.verilog.wires import Part, Source, Word, joined


class UnbalancedError(NotClosedError):
    """What meets in a cell is not of the same event."""


@dataclass
class Reading:
    """Reads a design. Give the ports their numbers with ``drive``, then ask for ``word``."""

    design: FlatDesign
    cells: Cells
    visit: Callable[[Cell], None] = lambda cell: None
    _drivers: dict[Bit, Cell] = field(default_factory=dict)
    _registers: dict[Bit, Bit] = field(default_factory=dict)
    _sources: dict[Bit, Source] = field(default_factory=dict)
    _ages: dict[Bit, int | None] = field(default_factory=dict)
    """Clocks after the event came; None of what never changes, which is of every event."""

    def __post_init__(self) -> None:
        self._registers = register_bits(self.design)
        for cell in self.design.cells:
            if cell.kind != REGISTER:
                for bits in cell.drives.values():
                    self._drivers.update((bit, cell) for bit in bits)

    def drive(self, bits: Bits, value: Number, age: int) -> None:
        """``bits`` are the lowest of ``value``, ``age`` clocks after the event came."""
        never_changes = isinstance(value, Form) and value.is_constant
        for place, bit in enumerate(bits):
            self._sources[bit] = Source(value, place, 1)
            self._ages[bit] = None if never_changes else age

    def computed(self, bits: Bits) -> None:
        """Read all cells that ``bits`` depend on."""
        for cell in self._in_order(bits):
            self.visit(cell)
            try:
                self._read(cell)
            except NotClosedError as error:
                raise type(error)(f"{error.reason} (at {cell.name} in the Verilog)", error.layer) from error

    def age(self, bits: Iterable[Bit]) -> int | None:
        """How many clocks late ``bits`` are; None where all are constant. Raises ``UnbalancedError`` if they differ."""
        ages = set()
        for bit in bits:
            origin, late = self._origin(bit)
            age = None if isinstance(origin, str) else self._ages[origin]
            if age is not None:
                ages.add(age + late)
        if len(ages) > 1:
            raise UnbalancedError(f"numbers of different clocks meet: {sorted(ages)} after the event came")
        return ages.pop() if ages else None

    def word(self, bits: Bits) -> Word:
        """What stands on ``bits``, whose cells have been ``computed``."""
        return joined(self._part(self._origin(bit)[0]) for bit in bits)

    # -- wires

    def _origin(self, bit: Bit) -> tuple[Bit, int]:
        """What a bit is behind the registers, and how many there are."""
        late = 0
        while bit in self._registers:
            bit = self._registers[bit]
            late += 1
            if late > len(self._registers):
                raise NotClosedError("a register reads itself")
        return bit, late

    def _part(self, bit: Bit) -> Part:
        if isinstance(bit, str):
            return bit
        if bit not in self._sources:
            raise NotClosedError(f"net {bit} is read and nothing drives it")
        return self._sources[bit]

    def _in_order(self, bits: Bits) -> list[Cell]:
        """Cells that ``bits`` depend on and that were not read, each after those that it reads."""
        order: list[Cell] = []
        state: dict[str, bool] = {}  # whether all that the cell reads stands in the order
        stack: list[tuple[Cell, bool]] = [(cell, False) for cell in self._readers_of(bits)]
        while stack:
            cell, ready = stack.pop()
            if ready:
                state[cell.name] = True
                order.append(cell)
            elif cell.name not in state:
                state[cell.name] = False
                stack.append((cell, True))
                for needed in self._readers_of(bit for pin in cell.reads.values() for bit in pin):
                    if state.get(needed.name) is False:
                        raise NotClosedError(f"{needed.name} reads what it computes, in the same clock")
                    stack.append((needed, False))
        return order

    def _readers_of(self, bits: Iterable[Bit]) -> list[Cell]:
        """Cells that drive ``bits`` and were not read yet."""
        found: dict[str, Cell] = {}
        for bit in bits:
            origin, _ = self._origin(bit)
            if origin not in self._sources and origin in self._drivers:
                cell = self._drivers[origin]
                found[cell.name] = cell
        return list(found.values())

    # -- cells

    def _read(self, cell: Cell) -> None:
        age = self.age(bit for bits in cell.reads.values() for bit in bits) or 0
        (driven,) = cell.drives.values()
        self.drive(driven, self.cells.made(cell, {pin: self.word(bits) for pin, bits in cell.reads.items()}), age)


def ports_read(reading: Reading, inputs: Mapping[str, Input]) -> None:
    """Drive each of the input ports with its numbers, element by element."""
    for name, found in inputs.items():
        bits, width = reading.design.ports[name], found.port.type.width
        for place, value in enumerate(found.numbers):
            reading.drive(bits[place * width : (place + 1) * width], value, 0)
