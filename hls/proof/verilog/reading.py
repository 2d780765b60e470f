"""The numbers of a pipelined design: each cell's by those that it reads, with the clocks counted.

A register is a wire that is one clock late. Where all that a cell reads is equally late, so is what it computes; a
design of which this is true of every cell is its combinational logic, delayed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeGuard

import numpy as np

from hls.proof import runs as functions
from hls.proof.forms import Form, Value
from hls.proof.runs import Ints, Runs
from hls.proof.subject import NotClosedError
from hls.proof.verilog.design import MEMORY, REGISTER, Bit, Bits, Cell, FlatDesign, register_bits
from hls.proof.verilog.evaluation import is_signed
from hls.proof.verilog.primitives import AND, OR, XOR, inputs_of, meaning_of, output_width
from hls.proof.words import Space
from hls.rtl.ports import RtlPort

_CONSTANTS = ("0", "1")


class UnbalancedError(NotClosedError):
    """What meets in a cell is not of the same event."""


@dataclass(frozen=True)
class Source:
    """A bit of a number."""

    value: Value
    place: int

    def same(self, other: Source | str, ahead: int = 0) -> bool:
        """Whether ``other`` is the bit of the same number that lies ``ahead`` places above."""
        return isinstance(other, Source) and other.value is self.value and other.place == self.place + ahead


@dataclass
class Reading:
    """Reads a design. Give the ports their numbers with ``drive``, then ask for ``word``."""

    design: FlatDesign
    space: Space
    visit: Callable[[Cell], None] = lambda cell: None
    used: set[str] = field(default_factory=set)
    """Names of the primitives that were met."""
    _drivers: dict[Bit, Cell] = field(default_factory=dict)
    _registers: dict[Bit, Bit] = field(default_factory=dict)
    _sources: dict[Bit, Source] = field(default_factory=dict)
    _ages: dict[Bit, int | None] = field(default_factory=dict)
    """Clocks after the event came; None of what never changes, which is of every event."""
    _words: dict[tuple[Bits, bool], Value] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._registers = register_bits(self.design)
        for cell in self.design.cells:
            if cell.kind != REGISTER:
                for bits in cell.drives.values():
                    self._drivers.update((bit, cell) for bit in bits)

    def drive(self, bits: Bits, value: Value, age: int) -> None:
        """``bits`` are the lowest of ``value``, ``age`` clocks after the event came."""
        never_changes = isinstance(value, Form) and value.is_constant
        for place, bit in enumerate(bits):
            self._sources[bit] = Source(value, place)
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

    def values(self) -> list[Value]:
        """All numbers that came up."""
        return [source.value for source in self._sources.values()]

    def word(self, bits: Bits, signed: bool) -> Value:
        """The integer that ``bits`` mean, whose cells have been ``computed``."""
        plain = tuple(self._origin(bit)[0] for bit in bits)
        key = plain, signed
        if key not in self._words:
            self._words[key] = self._integer([self._source(bit) for bit in plain], signed)
        return self._words[key]

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

    def _source(self, bit: Bit) -> Source | str:
        if isinstance(bit, str):
            if bit not in _CONSTANTS:
                raise NotClosedError(f"a bit is read that is {bit!r} in the Verilog: it has no value")
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

    # -- words

    def _integer(self, bits: list[Source | str], signed: bool) -> Value:
        """The integer of a word: the sum of its parts, of which the last may carry the sign."""
        bits, signed = _without_extension(bits, signed)
        terms: list[tuple[int, Value]] = []
        constant = place = 0
        while place < len(bits):
            first = bits[place]
            if isinstance(first, str):
                sign = -1 if signed and place == len(bits) - 1 else 1
                constant += sign * int(first) << place
                place += 1
                continue
            end = place + 1
            while end < len(bits) and first.same(bits[end], end - place):
                end += 1
            part = self._slice(first, end - place, signed and end == len(bits))
            terms.append((1 << place, part))
            place = end
        return self.space.affine(terms, constant)

    def _slice(self, first: Source, bits: int, signed: bool) -> Value:
        shifted = self.space.shift(first.value, first.place)
        return self.space.modulo(shifted, bits, -(1 << (bits - 1)) if signed else 0)

    # -- cells

    def _read(self, cell: Cell) -> None:
        age = self.age(bit for bits in cell.reads.values() for bit in bits) or 0
        if cell.kind in self.design.primitives:
            self.used.add(cell.kind)
            self.drive(cell.drives["out"], self._primitive(cell), age)
            return
        (driven,) = cell.drives.values()
        self.drive(driven, self._cell(cell, len(driven)), age)

    def _primitive(self, cell: Cell) -> Value:
        found = self.design.primitives[cell.kind]
        pins = inputs_of(found.kind, found.parameters)
        if len(cell.drives["out"]) != output_width(found.parameters):
            raise NotClosedError("an output of another width than its parameter says")
        inputs = {pin: self.word(cell.reads[pin][:width], signed) for pin, (width, signed) in pins.items()}
        return meaning_of(found.kind, found.parameters, inputs, _Numbers(self.space))

    def _cell(self, cell: Cell, width: int) -> Value:
        if cell.kind == MEMORY:
            return self._memory(cell)
        if cell.kind == "$pmux":
            return self._one_of_many(cell, width)
        if cell.kind == "$mux":
            signed = any(self._may_be_negative(cell.reads[pin][-1]) for pin in "AB")
            return self.space.select(
                self._operand(cell, "S", None), *(self.word(cell.reads[pin], signed) for pin in "BA")
            )
        if cell.kind in ("$add", "$sub"):
            a, b = (self._held(self._extended(cell, pin, width)) for pin in "AB")
            return self.space.affine([(1, a), (1 if cell.kind == "$add" else -1, b)])
        if cell.kind == "$mul":
            return self.space.product(*(self.word(cell.reads[pin], is_signed(cell)) for pin in "AB"))
        if cell.kind in ("$gt", "$lt", "$ge", "$le"):
            return self._compared(cell)
        if cell.kind in ("$reduce_or", "$reduce_bool", "$logic_not"):
            found = self.space.apply("nonzero", [self._operand(cell, "A", None)], functions.differs_from_zero)
            return self.space.affine([(-1, found)], 1) if cell.kind == "$logic_not" else found
        if cell.kind == "$reduce_and":
            full = (1 << len(cell.reads["A"])) - 1
            return self._equal(self._operand(cell, "A", None), self.space.constant(full))
        if cell.kind == "$not":
            return self.space.affine([(-1, self._operand(cell, "A", width))], (1 << width) - 1)
        if cell.kind in ("$eq", "$ne"):
            widest = max(len(cell.reads["A"]), len(cell.reads["B"]))
            found = self._equal(self._operand(cell, "A", widest), self._operand(cell, "B", widest))
            return found if cell.kind == "$eq" else self.space.affine([(-1, found)], 1)
        if cell.kind in ("$and", "$or", "$xor"):
            a, b = (self._operand(cell, pin, width) for pin in "AB")
            return _Numbers(self.space).unsigned_bitwise(cell.kind[1:], a, b, width)
        raise NotClosedError(f"nobody has told what a cell {cell.kind} means")

    def _operand(self, cell: Cell, pin: str, width: int | None) -> Value:
        """An input as an unsigned integer, extended to ``width`` or cut to it, as its sign wants it."""
        return self.word(cell.reads[pin] if width is None else self._extended(cell, pin, width), signed=False)

    def _extended(self, cell: Cell, pin: str, width: int) -> Bits:
        bits = cell.reads[pin]
        return (*bits, *((bits[-1] if is_signed(cell) else "0",) * (width - len(bits))))[:width]

    def _held(self, bits: Bits) -> Value:
        """A number whose lowest bits are ``bits``: with a sign if they are of a number that may have one.

        Enough for what goes on to be cut to these bits, as sums are. That number need not lie in the word: an
        accumulator may leave its bits on the way and come back.
        """
        places = [self._source(self._origin(bit)[0]) for bit in bits]
        zeros = next((place for place, source in enumerate(places) if source != "0"), len(places))
        above = places[zeros:]
        if above and _are_lowest(above):
            return self.space.affine([(1 << zeros, above[0].value)])
        return self.word(bits, signed=self._may_be_negative(bits[-1]))

    def _may_be_negative(self, bit: Bit) -> bool:
        """Whether a bit is of a number that may be negative."""
        source = self._source(self._origin(bit)[0])
        return isinstance(source, Source) and source.value.low < 0

    def _equal(self, a: Value, b: Value) -> Value:
        different = self.space.apply("nonzero", [self.space.affine([(1, a), (-1, b)])], functions.differs_from_zero)
        return self.space.affine([(-1, different)], 1)

    def _compared(self, cell: Cell) -> Value:
        a, b = (self.word(cell.reads[pin], is_signed(cell)) for pin in "AB")
        low, high = (b, a) if cell.kind in ("$gt", "$ge") else (a, b)
        ahead = 1 if cell.kind in ("$gt", "$lt") else 0
        difference = self.space.affine([(1, high), (-1, low)])
        return self.space.apply(("at least", ahead), [difference], lambda f: functions.at_least(f, ahead))

    def _memory(self, cell: Cell) -> Value:
        """A table: a memory that nobody writes, read without a clock."""
        plain = cell.number("RD_PORTS") == 1 and cell.number("WR_PORTS") == 0 and cell.number("RD_CLK_ENABLE") == 0
        if not plain:
            raise NotClosedError("a memory that is no table")
        width, size, offset = (cell.number(name) for name in ("WIDTH", "SIZE", "OFFSET"))
        whole = cell.parameters["INIT"][::-1]
        rows = [whole[row * width : (row + 1) * width][::-1] for row in range(size)]

        def entries(address: Ints) -> Ints:
            return np.array([_entry(rows, row) for row in (address - offset).tolist()], np.int64)

        address = self.word(cell.reads["RD_ADDR"], signed=False)
        key = ("memory", cell.parameters["INIT"], width, offset)
        return self.space.apply(key, [address], lambda f: functions.pointwise([f], entries))

    def _one_of_many(self, cell: Cell, width: int) -> Value:
        """What the one selecting bit that is set selects; where none may be set, the default must be a number."""
        selecting = [self.word((bit,), signed=False) for bit in cell.reads["S"]]
        choices = [
            self.word(cell.reads["B"][number * width : (number + 1) * width], signed=False)
            for number in range(len(selecting))
        ]
        some = self.space.affine([(1, bit) for bit in selecting])
        if some.high > 1 or some.low < 0:
            raise NotClosedError("a choice of several, of which more than one may be asked for at once")
        if isinstance(some, Form) and some.is_constant and some.constant == 1:
            found, rest = choices[0], zip(selecting[1:], choices[1:], strict=True)
        else:
            found, rest = self.word(cell.reads["A"], signed=False), zip(selecting, choices, strict=True)
        for bit, choice in rest:
            found = self.space.select(bit, choice, found)
        return found


def _entry(rows: Sequence[str], row: int) -> int:
    """A row of a table; one without a value must not be reached."""
    if not 0 <= row < len(rows) or set(rows[row]) - {"0", "1"}:
        raise NotClosedError(f"a table is read at {row}, where it has no value")
    return int(rows[row], 2)


def _are_lowest(bits: Sequence[Source | str]) -> TypeGuard[Sequence[Source]]:
    """Whether they are the lowest of one number, in order."""
    first = bits[0]
    return (
        isinstance(first, Source) and first.place == 0 and all(first.same(bit, ahead) for ahead, bit in enumerate(bits))
    )


def _without_extension(bits: list[Source | str], signed: bool) -> tuple[list[Source | str], bool]:
    """A word without the upper bits that change nothing: copies of its sign, or zeros."""
    count = len(bits)
    while count > 1 and signed and _same(bits[count - 1], bits[count - 2]):
        count -= 1
    if signed and bits[count - 1] == "0" and count > 1:
        signed, count = False, count - 1
    while count > 1 and not signed and bits[count - 1] == "0":
        count -= 1
    return bits[:count], signed


def _same(a: Source | str, b: Source | str) -> bool:
    return a.same(b) if isinstance(a, Source) else a == b


@dataclass(frozen=True)
class _Numbers:
    """Arithmetic of primitives on numbers of a space."""

    space: Space

    def affine(self, terms: Sequence[tuple[int, Value]]) -> Value:
        return self.space.affine(terms)

    def product(self, a: Value, b: Value) -> Value:
        return self.space.product(a, b)

    def select(self, chosen: Value, a: Value, b: Value) -> Value:
        return self.space.select(chosen, a, b)

    def shift(self, value: Value, bits: int) -> Value:
        return self.space.shift(value, bits)

    def bitwise(self, operation: str, a: Value, b: Value) -> Value:
        """Two numbers of any sign: bit by bit on so many bits that both fit, the last of which is the sign."""
        widest = max(abs(end) for value in (a, b) for end in (value.low, value.high))
        width = widest.bit_length() + 1
        x, y = (self.space.modulo(value, width, 0) for value in (a, b))
        return self.space.modulo(self.unsigned_bitwise(operation, x, y, width), width, -(1 << (width - 1)))

    def unsigned_bitwise(self, operation: str, a: Value, b: Value, width: int) -> Value:
        """Two numbers of ``width`` bits; "or" and "exclusive or" by what is left of the sum of both."""

        def both(x: Runs, y: Runs) -> Runs:
            return functions.masked(x, y, width)

        common = self.space.apply(("and", width), [a, b], both)
        if operation == AND:
            return common
        weight = {OR: -1, XOR: -2}[operation]
        return self.space.affine([(1, a), (1, b), (weight, common)])


def ports_read(reading: Reading, ports: Sequence[RtlPort], numbers: Mapping[str, Sequence[Value]]) -> None:
    """Drive each of the input ``ports`` with its ``numbers``, element by element."""
    for port in ports:
        bits = reading.design.ports[port.signal]
        width = port.type.width
        for place, value in enumerate(numbers[port.name]):
            reading.drive(bits[place * width : (place + 1) * width], value, 0)
