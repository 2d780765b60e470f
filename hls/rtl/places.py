"""Where elements stand in vectors, from when on, and how long they are held for who reads them later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate

from hls.rtl.logic import Constant, Source, Wire


@dataclass(frozen=True)
class Slice:
    """Bits ``low`` to ``low + width - 1`` of a vector."""

    vector: str
    low: int
    width: int


@dataclass(frozen=True)
class Fill:
    """One bit repeated: that of a vector, or zero."""

    width: int
    vector: str | None = None
    bit: int = 0


@dataclass(frozen=True)
class Literal:
    """A constant, as the bits of a number that is not negative."""

    width: int
    value: int


Bits = Slice | Fill | Literal
"""What bits of a vector can be set to."""


@dataclass(frozen=True)
class Assignment:
    """The bits of ``target`` get ``parts``, the lowest first."""

    target: Slice
    parts: tuple[Bits, ...]


@dataclass(frozen=True)
class Held:
    """Shift register ``name`` of ``depth`` steps, the latest in its lowest bits; ``parts`` (lowest first) enter it.

    It takes a step each clock, or step ``n`` so many clocks after an event as ``loads`` says in its place.
    """

    name: str
    width: int
    depth: int
    parts: tuple[Slice, ...]
    loads: tuple[int, ...] = ()


@dataclass(frozen=True)
class Place:
    """Where an element stands, and from when on: so many clocks after its event."""

    wire: Wire
    bits: Slice
    ready: int


class Vector:
    """Elements at ``places``; ``late`` maps the numbers of those that are read later to the longest wait.

    These are held, in a step of a shift register for each ``interval`` clocks: no sooner is the next event's there.
    """

    def __init__(self, name: str, places: Sequence[Place], late: Mapping[int, int], interval: int) -> None:
        self.places = places
        self._name = name
        self._late = late
        self._interval = interval
        groups: dict[int, list[int]] = {}
        for number in sorted(late):
            groups.setdefault(places[number].ready, []).append(number)
        self._groups = groups
        widths = {ready: [places[n].wire.width for n in numbers] for ready, numbers in groups.items()}
        self._bits = {ready: sum(found) for ready, found in widths.items()}
        self._lows = {
            number: low
            for ready, numbers in groups.items()
            for number, low in zip(numbers, accumulate([0, *widths[ready]]), strict=False)
        }

    def element(self, number: int, at: int) -> Slice:
        """Where to read an element ``at`` clocks after its event."""
        place = self.places[number]
        step = self._steps(at - place.ready)
        if not step:
            return place.bits
        low = (step - 1) * self._bits[place.ready] + self._lows[number]
        return Slice(self._register(place.ready), low, place.wire.width)

    def _steps(self, wait: int) -> int:
        return -(-wait // self._interval)

    def _register(self, ready: int) -> str:
        return f"held_{self._name}" if len(self._groups) == 1 else f"held_{self._name}_{ready}"

    def held(self) -> tuple[Held, ...]:
        """The registers for what is read late, one for those elements that are there at the same time."""
        return tuple(self._held(ready, numbers) for ready, numbers in self._groups.items() if self._bits[ready])

    def _held(self, ready: int, numbers: Sequence[int]) -> Held:
        slices: list[Slice] = []
        for number in numbers:
            found = self.places[number].bits
            if slices and slices[-1].vector == found.vector and slices[-1].low + slices[-1].width == found.low:
                found = Slice(found.vector, slices[-1].low, slices.pop().width + found.width)
            slices.append(found)
        depth = self._steps(max(self._late[number] for number in numbers))
        loads = () if self._interval == 1 else tuple(ready + step * self._interval for step in range(depth))
        return Held(self._register(ready), self._bits[ready], depth, tuple(slices), loads)


def assign(
    vectors: Sequence[Vector], row: Sequence[Source], wires: Sequence[Wire], at: int, target: Slice
) -> list[Assignment]:
    """``target`` as elements like ``wires`` that come from ``row``."""
    assigned, low = [], target.low
    for source, wire in zip(row, wires, strict=True):
        if wire.width:
            parts = _parts(vectors, source, wire, at)
            assigned.append(Assignment(Slice(target.vector, low, wire.width), parts))
        low += wire.width
    return assigned


def _parts(vectors: Sequence[Vector], source: Source, wire: Wire, at: int) -> tuple[Bits, ...]:
    """An element moved to the grid of ``wire`` and extended to its width."""
    if isinstance(source, Constant):
        raw = int(source.value * Fraction(2) ** wire.fraction)
        return (Literal(wire.width, raw & ((1 << wire.width) - 1)),)
    made = vectors[source.vector].places[source.number].wire
    if made.width == 0:
        return (Literal(wire.width, 0),)
    bits = vectors[source.vector].element(source.number, at)
    shift = wire.fraction - made.fraction
    dropped = max(-shift, 0)  # bits finer than the grid: the graph says that they are zero
    zeros = max(shift, 0)
    kept = min(made.width - dropped, wire.width - zeros)
    missing = wire.width - zeros - kept
    parts: list[Bits] = [Literal(zeros, 0)] if zeros else []
    parts.append(Slice(bits.vector, bits.low + dropped, kept))
    if missing:
        parts.append(Fill(missing, bits.vector, bits.low + made.width - 1) if made.signed else Fill(missing))
    return tuple(parts)
