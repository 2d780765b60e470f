"""Bits traced back in time to the clock in which an event was on the ports, and the numbers that are met on the way.

A multiplexer with a known choice is a wire, a register is one from the clock before, and what a memory gives is what
was written there. What is left are cells, once for each clock in which they work for the event: each becomes a number
as soon as those are known that it reads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from hls.proof.forms import Form, Value
from hls.proof.subject import NotClosedError
from hls.proof.verilog.cells import Cells
from hls.proof.verilog.design import MEMORY, Bit, Bits, Cell, FlatDesign
from hls.proof.verilog.evaluation import UNKNOWN
from hls.proof.verilog.routes import Entry, Leg, Logic, Register, Routes, Told
from hls.proof.verilog.wires import (
    Part,
    Source,
    Word,
    bits_of,
    constant_of,
    cut,
    is_unknown,
    joined,
    stretched,
)
from hls.rtl import Design
from hls.rtl.ports import RtlPort

Place = tuple[Logic, int]
"""What a cell drives, and a clock."""

_DECIDING = {"$and": "0", "$logic_and": "0", "$or": "1", "$logic_or": "1"}


class Times(Protocol):
    """What is known of a design at each clock, counted from the one in which the event was taken."""

    def tells(self, bit: Bit, /) -> bool:
        """Whether ``bit`` is told, and need not be traced."""

    def bit(self, bit: Bit, clock: int, /) -> str:
        """A bit that is told, at a clock."""

    def captured(self, choice: Bit, level: int, clock: int, /) -> int | None:
        """The last clock, up to ``clock``, at which a bit was ``level``; ``clock`` itself if that is not known."""

    def written(self, memory: Cell, clock: int, /) -> int | None:
        """When the row was written that ``memory`` gives at ``clock``; None if not since the event was taken."""


@dataclass(frozen=True)
class Input:
    """An input port, with the number of each element of the event that comes over it."""

    port: RtlPort
    numbers: Sequence[Value]

    def at(self, clock: int, place: int, width: int) -> Iterator[Part]:
        """``width`` bits of the port from ``place`` on; between the beats nothing there is of the event."""
        beat, late = divmod(clock, self.port.beats.apart)
        if late or beat >= self.port.beats.number:
            yield UNKNOWN * width
            return
        first, own = beat * self.port.elements, self.port.type.width
        end = place + width
        while place < end:
            element, inside = divmod(place, own)
            some = min(own - inside, end - place)
            yield Source(self.numbers[first + element], inside, some)
            place += some


@dataclass
class Ways:
    """Traces bits back to clock 0. ``visit`` is called with the clock of each cell that becomes a number."""

    design: FlatDesign
    times: Times
    cells: Cells
    inputs: Mapping[str, Input] = field(default_factory=dict)
    visit: Callable[[int], None] = lambda clock: None
    _found: list[dict[int, Word]] = field(default_factory=list)
    """What each cell drives, by clock."""

    def __post_init__(self) -> None:
        ports = {name: self.design.ports[name] for name in self.inputs}
        self._routes = Routes(self.design, self.times.tells, ports)
        self._found = [{} for _ in self._routes.cells]

    def at(self, bits: Bits, clock: int) -> Word:
        """What ``bits`` are at ``clock``: numbers of the event, known, or unknown."""
        legs = self._routes.pin(bits).whole
        missing: list[Place] = []
        word = self._gathered(legs, clock, missing)
        if missing:
            self._compute(missing)
            word = self._gathered(legs, clock, missing)
        return word

    def _compute(self, stack: list[Place]) -> None:
        """All of ``stack``, and first what that depends on; nothing is left on it."""
        begun: set[tuple[int, int]] = set()
        while stack:
            logic, clock = stack[-1]
            found = self._found[logic.number]
            if clock in found:
                stack.pop()
                continue
            missing: list[Place] = []
            word = self._word(logic, clock, missing)
            if not missing:
                found[clock] = word
                begun.discard((logic.number, clock))
                stack.pop()
                continue
            begun.add((logic.number, clock))
            if any((other.number, when) in begun for other, when in missing):
                raise NotClosedError(f"{logic.cell.name} reads what it computes, in the same clock")
            stack += reversed(missing)

    # -- along the wires

    def _gathered(self, legs: Sequence[Leg], clock: int, missing: list[Place]) -> Word:
        """What these bits are. Cells that have to be computed before are added to ``missing``: it is no answer then."""
        found: list[Part] = []
        stack = [(leg, clock) for leg in reversed(legs)]
        while stack:
            (owner, place, width), when = stack.pop()
            if isinstance(owner, str):
                found.append(owner[place : place + width])
            elif isinstance(owner, Told):
                found.append("".join([self.times.bit(bit, when) for bit in owner.bits[place : place + width]]))
            elif isinstance(owner, Register):
                stack += self._before(owner, place, width, when)
            elif isinstance(owner, Entry):
                found += self.inputs[owner.port].at(when, place, width)
            else:
                word = self._found[owner.number].get(when)
                if word is None:
                    way = self._passed(owner, place, width, when, missing)
                    if way is None:
                        missing.append((owner, when))
                    else:
                        stack += way
                else:
                    found += cut(word, place, width)
        return joined(found)

    def _before(self, register: Register, place: int, width: int, clock: int) -> list[tuple[Leg, int]]:
        """What bits of a register were before they came there; the last first."""
        if clock <= 0:
            return [(_unknown(width), 0)]
        pin, when = register.source, clock - 1
        if register.hold is not None:
            captured = self.times.captured(register.hold.choice, register.hold.level, clock - 1)
            if captured is None or captured < 0:
                return [(_unknown(width), 0)]
            if captured < clock - 1:
                pin, when = register.hold.given, captured
        return [(leg, when) for leg in reversed(pin.cut(place, width))]

    def _passed(
        self, logic: Logic, place: int, width: int, clock: int, missing: list[Place]
    ) -> list[tuple[Leg, int]] | None:
        """The way on through a cell that drives what it is given, the last leg first; None of any other cell."""
        if logic.is_written:
            written = self.times.written(logic.cell, clock)
            if written is None:
                return [(_unknown(width), 0)]
            return [(leg, written) for leg in reversed(logic.pins["WR_DATA"].cut(place, width))]
        if logic.choice is None:
            return None
        before: list[Place] = []
        choice = self._gathered(logic.choice.whole, clock, before)
        if before:
            missing += before
            return []
        if is_unknown([choice]):
            return [(_unknown(width), 0)]
        number = constant_of(choice)
        return None if number is None else [(leg, clock) for leg in reversed(_chosen(logic, number, place, width))]

    # -- cells

    def _word(self, logic: Logic, clock: int, missing: list[Place]) -> Word:
        """What a cell drives."""
        cell = logic.cell
        if self._decided(cell, clock):
            return (_DECIDING[cell.kind],)
        reads: dict[str, Word] = {}
        for name in ("RD_ADDR",) if cell.kind == MEMORY else cell.reads:
            reads[name] = self._gathered(logic.pins[name].whole, clock, missing)
        if missing:
            return ()
        plain = wires_of(cell, reads)
        if plain is not None:
            return plain
        if is_unknown(reads.values()):
            return (UNKNOWN * logic.width,)
        self.visit(clock)
        try:
            value = self.cells.made(cell, reads)
        except NotClosedError as error:
            where = f"at {cell.name} in the Verilog, {clock} clocks after the event came"
            raise NotClosedError(f"{error.reason} ({where})", error.layer) from error
        if isinstance(value, Form) and value.is_constant:
            return (f"{value.constant & ((1 << logic.width) - 1):0{logic.width}b}"[::-1],)
        return (Source(value, 0, logic.width),)

    def _decided(self, cell: Cell, clock: int) -> bool:
        """Whether one operand of a cell of two bits tells what it drives: the other may be of an earlier event."""
        deciding = _DECIDING.get(cell.kind)
        if deciding is None or any(len(bits) > 1 for bits in (*cell.reads.values(), *cell.drives.values())):
            return False
        return any(
            bit == deciding or (self.times.tells(bit) and self.times.bit(bit, clock) == deciding)
            for (bit,) in cell.reads.values()
        )


def words_of(ways: Ways, verilog: Design, clock: int) -> dict[str, Word]:
    """What is on each of the output ports at ``clock``; raises ``NotClosedError`` if that is not of the event alone."""
    made: dict[str, Word] = {}
    for name in (port.signal for port in verilog.outputs):
        made[name] = ways.at(ways.design.ports[name], clock)
        if is_unknown([made[name]]):
            place = list(bits_of(made[name])).index(UNKNOWN)
            raise NotClosedError(f"bit {place} of {name} depends on something else than the event that it is of")
    return made


def _unknown(width: int) -> Leg:
    return Leg(UNKNOWN * width, 0, width)


def _chosen(logic: Logic, number: int, place: int, width: int) -> tuple[Leg, ...]:
    """Where bits of a cell come from that is asked for ``number``."""
    kind, pins = logic.cell.kind, logic.pins
    if kind == MEMORY:
        return (Leg(_row(logic, number), place, width),)
    if kind == "$mux":
        return pins["B" if number else "A"].cut(place, width)
    if kind == "$shiftx":
        return _shifted(logic, number, place, width)
    if number == 0:
        return pins["A"].cut(place, width)
    if number & (number - 1):
        raise NotClosedError("a choice of several, of which more than one is asked for at once")
    return pins["B"].cut((number.bit_length() - 1) * logic.width + place, width)


def _shifted(logic: Logic, number: int, place: int, width: int) -> tuple[Leg, ...]:
    """Bits of a word from ``number`` on, which may be negative; those beyond its ends have no value."""
    choice, source = len(logic.cell.reads["B"]), logic.pins["A"]
    if int(logic.cell.parameters.get("B_SIGNED", "0"), 2) and number >> (choice - 1):
        number -= 1 << choice
    first, end = number + place, number + place + width
    inside = max(first, 0), min(end, len(source.bits))
    if inside[0] >= inside[1]:
        return (Leg("x" * width, 0, width),)
    below, above = inside[0] - first, end - inside[1]
    ends = [Leg("x" * count, 0, count) for count in (below, above)]
    middle = source.cut(inside[0], inside[1] - inside[0])
    return tuple(leg for leg in (ends[0], *middle, ends[1]) if leg.width)


def wires_of(cell: Cell, reads: Mapping[str, Word]) -> Word | None:
    """What a cell of logic drives if constants among what it reads decide it, or leave a wire; None if they do not."""
    if not any(isinstance(part, str) for word in reads.values() for part in word):
        return None
    width = sum(len(bits) for bits in cell.drives.values())
    if cell.kind in ("$shl", "$sshl"):
        places = constant_of(reads["B"])
        if places is None:
            return None
        signed = int(cell.parameters.get("A_SIGNED", "0"), 2) == 1
        shifted = stretched(reads["A"], width, signed)
        return cut(joined(["0" * places, *shifted]), 0, width) if places else shifted
    if cell.kind in ("$and", "$or") or (cell.kind in ("$logic_and", "$logic_or") and width == 1):
        zero, one = ("0", "1") if cell.kind.endswith("and") else ("1", "0")
        a, b = (list(bits_of(reads[pin])) for pin in "AB")
        if not len(a) == len(b) == width:
            return None
        bits = [_met(x, y, zero, one) for x, y in zip(a, b, strict=True)]
        return None if None in bits else joined(bit for bit in bits if bit is not None)
    if cell.kind == "$not":
        bits = list(bits_of(reads["A"]))
        if len(bits) != width or not all(bit in ("0", "1", UNKNOWN) for bit in bits):
            return None
        return ("".join({"0": "1", "1": "0"}.get(str(bit), UNKNOWN) for bit in bits),)
    if cell.kind in ("$reduce_or", "$reduce_bool", "$logic_not"):
        texts = [part for part in reads["A"] if isinstance(part, str)]
        known = len(texts) == len(reads["A"]) and not "".join(texts).strip("0")
        some = "1" if "1" in "".join(texts) else "0" if known else None
        if some is None:
            return None
        found = some if cell.kind != "$logic_not" else "01"[some == "0"]
        return (found + "0" * (width - 1),)
    return None


def _row(memory: Logic, address: int) -> str:
    """What a memory that nobody writes gives at an address."""
    row = address - memory.cell.number("OFFSET")
    return memory.rows[row] if 0 <= row < memory.cell.number("SIZE") else "x" * memory.width


def _met(a: Part, b: Part, zero: str, one: str) -> Part | None:
    """``a`` and ``b``, where ``zero`` decides and ``one`` leaves the other as it is; None if neither is there."""
    if zero in (a, b):
        return zero
    if one in (a, b):
        return b if a == one else a
    return UNKNOWN if UNKNOWN in (a, b) else None
