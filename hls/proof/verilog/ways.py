"""Bits traced back in time to the clock in which an event was on the ports, as the cells that are met on the way.

A multiplexer with a known choice is a wire, a register is one from the clock before, and what a memory gives is what
was written there. What is left are cells, once for each clock in which they work for the event, and no registers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from hls.proof.subject import NotClosedError
from hls.proof.verilog.design import MEMORY, REGISTER, Bit, Bits, Cell, FlatDesign, number_of, register_bits
from hls.proof.verilog.evaluation import UNKNOWN
from hls.rtl.ports import Beats

Place = tuple[str, int]
"""A cell by name, and a clock."""


_CHOICES = {"$mux": "S", "$pmux": "S", "$shiftx": "B"}
"""Cells that drive what they are given, and the pin that tells which part of it."""
_DECIDING = {"$and": "0", "$logic_and": "0", "$or": "1", "$logic_or": "1"}


class Times(Protocol):
    """What is known of a design at each clock, counted from the one in which the event was taken."""

    def bit(self, bit: Bit, clock: int, /) -> str | None:
        """A bit at a clock; None if it is to be traced."""

    def captured(self, choice: Bit, level: int, clock: int, /) -> int | None:
        """The last clock, up to ``clock``, at which a bit was ``level``; ``clock`` itself if that is not known."""

    def written(self, memory: Cell, clock: int, /) -> int | None:
        """When the row was written that ``memory`` gives at ``clock``; None if not since the event was taken."""


@dataclass(frozen=True)
class _Hold:
    """A register bit that keeps itself, but at clocks at which ``choice`` is ``level``: then it becomes ``given``."""

    choice: Bit
    level: int
    given: Bit


@dataclass
class Ways:
    """Traces bits back to clock 0; ``cells`` are those met, each with the clock in its name and nets of its own.

    ``inputs`` are ports over which an event comes, with their beats; ``ports`` have the parts of it beside each other.
    """

    design: FlatDesign
    times: Times
    inputs: Mapping[str, Beats] = field(default_factory=dict)
    cells: list[Cell] = field(default_factory=list)
    ports: dict[str, Bits] = field(default_factory=dict)
    _drivers: dict[Bit, Cell] = field(default_factory=dict)
    _registers: dict[Bit, Bit] = field(default_factory=dict)
    _holds: dict[Bit, _Hold] = field(default_factory=dict)
    _arrivals: dict[tuple[Bit, int], Bit] = field(default_factory=dict)
    _found: dict[Place, dict[Bit, Bit]] = field(default_factory=dict)
    _named: dict[str, Cell] = field(default_factory=dict)
    _nets: int = 0

    def __post_init__(self) -> None:
        self._registers = register_bits(self.design)
        for cell in self.design.cells:
            if cell.kind != REGISTER:
                self._named[cell.name] = cell
                for bits in cell.drives.values():
                    self._drivers.update((bit, cell) for bit in bits)
        self._holds = dict(self._kept())
        numbers = (bit for cell in self.design.cells for bits in cell.drives.values() for bit in bits)
        ports = (bit for bits in self.design.ports.values() for bit in bits)
        self._nets = max((bit for bit in (*numbers, *ports) if isinstance(bit, int)), default=0)
        self.ports = {name: self._arriving(self.design.ports[name], beats) for name, beats in self.inputs.items()}

    def _arriving(self, bits: Bits, beats: Beats) -> Bits:
        """The nets of all elements that come over a port, beat after beat."""
        found: list[Bit] = []
        for beat in range(beats.number):
            for bit in bits:
                self._nets += 1
                found.append(self._nets)
                self._arrivals[bit, beat * beats.apart] = self._nets
        return tuple(found)

    def _kept(self) -> Iterator[tuple[Bit, _Hold]]:
        for q, d in self._registers.items():
            cell = self._drivers.get(d)
            if cell is not None and cell.kind == "$mux":
                place = cell.drives["Y"].index(d)
                zero, one, (choice,) = cell.reads["A"][place], cell.reads["B"][place], cell.reads["S"]
                if q in (zero, one):
                    yield q, _Hold(choice, int(zero == q), one if zero == q else zero)

    def at(self, bits: Bits, clock: int) -> Bits:
        """What ``bits`` are at ``clock``: constants, unknown, of the ports, or driven by ``cells``."""
        stack = list(self._missing((bit, clock) for bit in bits))
        begun: set[Place] = set()
        while stack:
            place = stack[-1]
            needed = [] if place in self._found else list(self._missing(self._needed(*place)))
            if begun.intersection(needed):
                raise NotClosedError(f"{place[0]} reads what it computes, in the same clock")
            if needed:
                begun.add(place)
                stack += needed
                continue
            begun.discard(place)
            stack.pop()
            if place not in self._found:
                self._found[place] = self._computed(*place)
        return tuple(self._bit(bit, clock) for bit in bits)

    def _origin(self, bit: Bit, clock: int) -> tuple[Bit, int]:
        """What a bit is behind registers, as long as nothing else is known of it."""
        while bit in self._registers and clock > 0 and self.times.bit(bit, clock) is None:
            hold = self._holds.get(bit)
            captured = None if hold is None else self.times.captured(hold.choice, hold.level, clock - 1)
            if hold is None or captured == clock - 1:
                bit, clock = self._registers[bit], clock - 1
            else:
                bit, clock = (hold.given, captured) if captured is not None and captured >= 0 else (bit, 0)
        return bit, clock

    def _missing(self, wanted: Iterator[tuple[Bit, int]]) -> Iterator[Place]:
        """Cells that have to be computed before the bits are known."""
        for bit, clock in wanted:
            origin, when = self._origin(bit, clock)
            if origin in self._drivers and self.times.bit(origin, when) is None:
                place = self._drivers[origin].name, when
                if place not in self._found:
                    yield place

    def _bit(self, bit: Bit, clock: int) -> Bit:
        origin, when = self._origin(bit, clock)
        if isinstance(origin, str):
            return origin
        known = self.times.bit(origin, when)
        if known is not None:
            return known
        if origin in self._drivers:
            return self._found[self._drivers[origin].name, when][origin]
        return self._arrivals.get((origin, when), UNKNOWN)

    def _pin(self, cell: Cell, pin: str, clock: int) -> Bits:
        return tuple(self._bit(bit, clock) for bit in cell.reads[pin])

    def _needed(self, name: str, clock: int) -> Iterator[tuple[Bit, int]]:
        """What a cell reads at ``clock``; of a choice first what is chosen, then only what that leaves."""
        cell = self._named[name]
        if cell.kind == MEMORY and cell.number("WR_PORTS"):
            written = self.times.written(cell, clock)
            if written is not None:
                yield from ((bit, written) for bit in cell.reads["WR_DATA"])
            return
        choice = _CHOICES.get(cell.kind)
        if choice is None:
            if not self._decided(cell, clock):
                yield from ((bit, clock) for bits in cell.reads.values() for bit in bits)
            return
        yield from ((bit, clock) for bit in cell.reads[choice])
        if not any(True for _ in self._missing((bit, clock) for bit in cell.reads[choice])):
            yield from ((bit, clock) for bit in self._left(cell, self._pin(cell, choice, clock)))

    def _decided(self, cell: Cell, clock: int) -> bool:
        """Whether one operand of a cell of two bits tells what it drives: the other may be of an earlier event."""
        deciding = _DECIDING.get(cell.kind)
        if deciding is None or any(len(bits) > 1 for bits in (*cell.reads.values(), *cell.drives.values())):
            return False
        return any(self.times.bit(bit, clock) == deciding for (bit,) in cell.reads.values())

    def _left(self, cell: Cell, choice: Bits) -> Bits:
        """What a known choice leaves of all that a cell chooses from; all of it if the choice is no constant."""
        chosen = _chosen(cell, choice)
        return chosen if chosen is not None else tuple(bit for bits in cell.reads.values() for bit in bits)

    def _computed(self, name: str, clock: int) -> dict[Bit, Bit]:
        """What a cell drives: what is known of it, or nets of a copy of the cell."""
        cell = self._named[name]
        driven = [bit for bits in cell.drives.values() for bit in bits]
        if cell.kind == MEMORY and cell.number("WR_PORTS"):
            return dict(zip(driven, self._row(cell, clock), strict=True))
        if self._decided(cell, clock):
            return {driven[0]: _DECIDING[cell.kind]}
        choice = _CHOICES.get(cell.kind)
        if choice is not None:
            chosen = _chosen(cell, self._pin(cell, choice, clock))
            if chosen is not None:
                return dict(zip(driven, (self._bit(bit, clock) for bit in chosen), strict=True))
        reads = {pin: self._pin(cell, pin, clock) for pin in cell.reads}
        plain = wires_of(cell, reads)
        if plain is None and any(UNKNOWN in bits for bits in reads.values()):
            plain = (UNKNOWN,) * len(driven)
        if plain is not None:
            return dict(zip(driven, plain, strict=True))
        return self._copied(cell, reads, clock)

    def _row(self, memory: Cell, clock: int) -> Bits:
        written = self.times.written(memory, clock)
        if written is None:
            return (UNKNOWN,) * len(memory.drives["RD_DATA"])
        return self._pin(memory, "WR_DATA", written)

    def _copied(self, cell: Cell, reads: Mapping[str, Bits], clock: int) -> dict[Bit, Bit]:
        nets: dict[Bit, Bit] = {}
        for bits in cell.drives.values():
            for bit in bits:
                self._nets += 1
                nets[bit] = self._nets
        drives = {pin: tuple(nets[bit] for bit in bits) for pin, bits in cell.drives.items()}
        self.cells.append(Cell(f"{cell.name} at clock {clock}", cell.kind, cell.parameters, reads, drives))
        return nets


def _chosen(cell: Cell, choice: Bits) -> Bits | None:
    """The bits, of those that a cell reads, that it drives for a known choice; None if the choice is none."""
    if UNKNOWN in choice:
        return (UNKNOWN,) * len(cell.drives["Y"])
    if not set(choice) <= {"0", "1"}:
        return None
    if cell.kind == "$mux":
        return cell.reads["B" if choice == ("1",) else "A"]
    width, number = len(cell.drives["Y"]), number_of(choice)
    if cell.kind == "$shiftx":
        source = cell.reads["A"]
        return tuple(source[number + place] if number + place < len(source) else "x" for place in range(width))
    if number == 0:
        return cell.reads["A"]
    if number & (number - 1):
        raise NotClosedError("a choice of several, of which more than one is asked for at once")
    first = (number.bit_length() - 1) * width
    return cell.reads["B"][first : first + width]


def wires_of(cell: Cell, reads: Mapping[str, Bits]) -> Bits | None:
    """What a cell of logic drives if constants among what it reads decide it, or leave a wire; None if they do not."""
    if cell.kind == MEMORY:
        return _constant_row(cell, reads)
    width = sum(len(bits) for bits in cell.drives.values())
    if cell.kind in ("$shl", "$sshl") and set(reads["B"]) <= {"0", "1"}:
        places = number_of(reads["B"])
        return (*("0",) * places, *_stretched(cell, reads["A"], width))[:width]
    if cell.kind in ("$and", "$or") or (cell.kind in ("$logic_and", "$logic_or") and width == 1):
        zero, one = ("0", "1") if cell.kind.endswith("and") else ("1", "0")
        a, b = reads["A"], reads["B"]
        if not len(a) == len(b) == width:
            return None
        bits = [_met(x, y, zero, one) for x, y in zip(a, b, strict=True)]
        return None if None in bits else tuple(bit for bit in bits if bit is not None)
    if cell.kind == "$not" and all(bit in ("0", "1", UNKNOWN) for bit in reads["A"]):
        if len(reads["A"]) != width:
            return None
        return tuple({"0": "1", "1": "0"}.get(str(bit), UNKNOWN) for bit in reads["A"])
    if cell.kind in ("$reduce_or", "$reduce_bool", "$logic_not"):
        some = "1" if "1" in reads["A"] else "0" if set(reads["A"]) == {"0"} else None
        if some is None:
            return None
        found = some if cell.kind != "$logic_not" else "01"[some == "0"]
        return (found, *("0",) * (width - 1))
    return None


def _stretched(cell: Cell, bits: Bits, width: int) -> Bits:
    signed = int(cell.parameters.get("A_SIGNED", "0"), 2)
    return (*bits, *((bits[-1] if signed else "0",) * (width - len(bits))))


def _constant_row(memory: Cell, reads: Mapping[str, Bits]) -> Bits | None:
    """What a memory that nobody writes gives at a known address; None if the address is not known."""
    address = reads["RD_ADDR"]
    if memory.number("WR_PORTS") or memory.number("RD_PORTS") != 1 or memory.number("RD_CLK_ENABLE"):
        return None
    if not set(address) <= {"0", "1"}:
        return None
    row = number_of(address) - memory.number("OFFSET")
    width = memory.number("WIDTH")
    whole = memory.parameters["INIT"]
    if not 0 <= row < memory.number("SIZE"):
        return ("x",) * width
    return tuple(whole[len(whole) - (row + 1) * width : len(whole) - row * width][::-1])


def _met(a: Bit, b: Bit, zero: str, one: str) -> Bit | None:
    """``a`` and ``b``, where ``zero`` decides and ``one`` leaves the other as it is; None if neither is there."""
    if zero in (a, b):
        return zero
    if one in (a, b):
        return b if a == one else a
    return UNKNOWN if UNKNOWN in (a, b) else None
