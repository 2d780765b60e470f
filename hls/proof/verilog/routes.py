"""Where the bits of a design come from, a word at a time: known beforehand, as no data change it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

from hls.proof.subject import NotClosedError
from hls.proof.verilog.design import MEMORY, REGISTER, Bit, Bits, Cell, FlatDesign, register_bits
from hls.proof.verilog.evaluation import UNKNOWN


@dataclass(frozen=True, eq=False)
class Told:
    """Bits whose values somebody tells."""

    bits: Bits


@dataclass(frozen=True, eq=False)
class Hold:
    """When a register does not keep what it has: when ``choice`` is ``level`` it becomes ``given``."""

    choice: Bit
    level: int
    given: Pin


@dataclass(frozen=True, eq=False)
class Register:
    """Bits of a register that become ``source`` at a clock, all of them or none."""

    source: Pin
    hold: Hold | None


_CHOICES = {"$mux": "S", "$pmux": "S", "$shiftx": "B"}
"""Cells that drive what they are given, and the pin that tells which part of it."""


@dataclass(frozen=True, eq=False)
class Logic:
    """What a cell drives. ``number`` is its own."""

    number: int
    cell: Cell
    pins: Mapping[str, Pin]
    width: int

    @cached_property
    def choice(self) -> Pin | None:
        """Of a cell that drives a part of what it is given: what tells which; None of any other."""
        if self.cell.kind == MEMORY and not self.is_written:
            return self.pins["RD_ADDR"]
        name = _CHOICES.get(self.cell.kind)
        return None if name is None else self.pins[name]

    @cached_property
    def is_written(self) -> bool:
        """Whether it is a memory into which something is written."""
        return self.cell.kind == MEMORY and self.cell.number("WR_PORTS") > 0

    @cached_property
    def rows(self) -> Sequence[str]:
        """Of a memory that nobody writes, what stands in it; the lowest bit first."""
        if self.cell.number("RD_PORTS") != 1 or self.cell.number("RD_CLK_ENABLE"):
            raise NotClosedError(f"the memory {self.cell.name} is read through several ports, or clocked")
        whole = self.cell.parameters["INIT"][::-1]
        return [whole[start : start + self.width] for start in range(0, len(whole), self.width)]


@dataclass(frozen=True, eq=False)
class Entry:
    """What comes in over a port."""

    port: str


Owner = Told | Register | Logic | Entry | str
"""Who drives a bit; text is bits that never change, the lowest first."""


class Leg(NamedTuple):
    """``width`` bits of what an owner drives, from ``place`` on."""

    owner: Owner
    place: int
    width: int


@dataclass(eq=False)
class Pin:
    """Where the bits of a word come from. ``bits`` are given, and looked at when they are first asked for."""

    bits: Bits
    _owner: Callable[[Bit], tuple[Owner, int]]
    _cuts: dict[tuple[int, int], tuple[Leg, ...]] = field(default_factory=dict)

    @cached_property
    def _legs(self) -> list[Leg]:
        found: list[Leg] = []
        for bit in self.bits:
            owner, place = self._owner(bit)
            last = found[-1] if found else None
            if last is None or not _continues(last, owner, place):
                found.append(Leg(owner, place, 1))
            elif isinstance(owner, str) and isinstance(last.owner, str):
                found[-1] = Leg(last.owner + owner, 0, last.width + 1)
            elif isinstance(owner, Told) and isinstance(last.owner, Told):
                found[-1] = Leg(Told((*last.owner.bits, *owner.bits)), 0, last.width + 1)
            else:
                found[-1] = Leg(owner, last.place, last.width + 1)
        return found

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *accumulate(leg.width for leg in self._legs)][:-1]

    @property
    def whole(self) -> tuple[Leg, ...]:
        """All of it."""
        return self.cut(0, len(self.bits))

    def cut(self, place: int, width: int) -> tuple[Leg, ...]:
        """``width`` of its bits, from ``place`` on."""
        key = place, width
        found = self._cuts.get(key)
        if found is None:
            found = self._cuts[key] = tuple(self._between(place, place + width))
        return found

    def _between(self, place: int, end: int) -> Iterator[Leg]:
        for number in range(bisect_right(self._starts, place) - 1, len(self._legs)):
            start, leg = self._starts[number], self._legs[number]
            if start >= end:
                return
            first, last = max(place, start), min(end, start + leg.width)
            yield Leg(leg.owner, leg.place + first - start, last - first)


def _continues(last: Leg, owner: Owner, place: int) -> bool:
    if isinstance(owner, str | Told):
        return type(last.owner) is type(owner)
    return last.owner is owner and place == last.place + last.width


class Routes:
    """Of each bit of ``design`` who drives it. Those are not looked into of which ``tells`` is true."""

    def __init__(self, design: FlatDesign, tells: Callable[[Bit], bool], inputs: Mapping[str, Bits]) -> None:
        self._tells = tells
        self._owners: dict[Bit, tuple[Owner, int]] = {}
        self._drivers: dict[Bit, Cell] = {}
        for port, bits in inputs.items():
            entry = Entry(port)
            self._owners.update((bit, (entry, place)) for place, bit in enumerate(bits))
        logic = [cell for cell in design.cells if cell.kind != REGISTER]
        self.cells = [self._logic(number, cell) for number, cell in enumerate(logic)]
        registers = register_bits(design)
        for cell in design.cells:
            if cell.kind == REGISTER:
                self._add_register([(q, registers[q]) for q in cell.drives["Q"]])

    def pin(self, bits: Bits) -> Pin:
        """Where ``bits`` come from."""
        return Pin(bits, self._owner)

    def _owner(self, bit: Bit) -> tuple[Owner, int]:
        if isinstance(bit, str):
            return bit, 0
        if self._tells(bit):
            return Told((bit,)), 0
        return self._owners.get(bit, (UNKNOWN, 0))

    def _logic(self, number: int, cell: Cell) -> Logic:
        driven = [bit for bits in cell.drives.values() for bit in bits]
        made = Logic(number, cell, {pin: self.pin(bits) for pin, bits in cell.reads.items()}, len(driven))
        for place, bit in enumerate(driven):
            self._owners[bit] = made, place
            self._drivers[bit] = cell
        return made

    def _add_register(self, bits: list[tuple[Bit, Bit]]) -> None:
        """Its bits in parts that are held alike."""
        start = 0
        held = [self._held(q, d) for q, d in bits]
        for place in range(1, len(bits) + 1):
            if place < len(bits) and held[place][:2] == held[start][:2]:
                continue
            source = self.pin(tuple(d for _, d in bits[start:place]))
            choice, level, _ = held[start]
            given = tuple(given for _, _, given in held[start:place])
            hold = None if choice is None else Hold(choice, level, self.pin(given))
            part = Register(source, hold)
            self._owners.update((q, (part, number)) for number, (q, _) in enumerate(bits[start:place]))
            start = place

    def _held(self, q: Bit, d: Bit) -> tuple[Bit | None, int, Bit]:
        """When a bit of a register becomes something else than it is, and what; no choice if it always does."""
        cell = self._drivers.get(d)
        if cell is not None and cell.kind == "$mux":
            place = cell.drives["Y"].index(d)
            zero, one, (choice,) = cell.reads["A"][place], cell.reads["B"][place], cell.reads["S"]
            if q in (zero, one):
                return choice, int(zero == q), one if zero == q else zero
        return None, 0, d
