"""What the top module connects, in no language yet: instances of the cores, and registers for what bypasses some.

Elements of a vector lie one after the other, the first in the lowest bits.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate

from hls.rtl.logic import Constant, Core, Logic, Source, Tap, Wire
from hls.rtl.ports import RtlPort


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
class Beats:
    """What the copies of a core read in several clocks, all of it taken ``load`` clocks after an event.

    ``event`` assigns the vector of what all beats read, the first beat in its lowest ``width`` bits, and ``kept`` the
    vector of what is the same in all of them, ``kept_width`` bits.
    """

    count: int
    load: int
    width: int
    event: tuple[Assignment, ...]
    kept_width: int
    kept: tuple[Assignment, ...]


@dataclass(frozen=True)
class Gathering:
    """Sum, or ``maximum``, of the values that one copy puts on ``value`` from clock ``first`` to ``last`` of an event.
    """

    value: Slice
    signed: bool
    total: Slice
    maximum: bool
    first: int
    last: int


@dataclass(frozen=True)
class Instance:
    """``copies`` of ``module``, which read ``<name>_in`` and drive ``<name>_out``, each its own slice.

    ``beats`` is None where all positions are read at once. ``gathered`` drive ``<name>_totals``.
    """

    name: str
    module: str
    copies: int
    bits_in: int
    bits_out: int
    inputs: tuple[Assignment, ...]
    held: tuple[Held, ...]
    beats: Beats | None = None
    gathered: tuple[Gathering, ...] = ()
    accumulator: str = ""


@dataclass(frozen=True)
class Wiring:
    """The top module: valid flags travel ``stages`` clocks; ``held`` are ports that cores read later.

    ``interval`` is the fewest clocks between two events.
    """

    top: str
    inputs: tuple[RtlPort, ...]
    outputs: tuple[RtlPort, ...]
    stages: int
    held: tuple[Held, ...]
    instances: tuple[Instance, ...]
    drives: tuple[Assignment, ...]
    interval: int = 1


@dataclass(frozen=True)
class _Turn:
    """When a core reads, when its first results are there, and when all of them are, in clocks after an event."""

    start: int
    first: int
    end: int


def core_names(logic: Logic) -> tuple[str, ...]:
    """One for each core: "core" if there is one, else a number, and "shared" if several positions have it."""
    if len(logic.cores) == 1 and len(logic.cores[0].inputs) == 1:
        return ("core",)
    return tuple(
        f"{'shared' if len(core.inputs) > 1 else 'core'}_{number}" for number, core in enumerate(logic.cores)
    )


def wire_up(top: str, name: str, logic: Logic, ports: Sequence[RtlPort], depths: Sequence[int]) -> Wiring:
    """Wiring of module ``top``.

    Args:
        top: its name.
        name: of the firmware, with which the names of all its modules begin.
        logic: what is connected.
        ports: the inputs, then the outputs.
        depths: registers in each core.
    """
    inputs, outputs = ports[: len(logic.graph.inputs)], ports[len(logic.graph.inputs) :]
    names = core_names(logic)
    turns = list(_turns(logic, depths))
    end = turns[-1].end if turns else 0
    places = [_on_a_port(port) for port in inputs]
    places += [_on_a_core(of, core, turn) for of, core, turn in zip(names, logic.cores, turns, strict=True)]
    late = _late(logic, places, turns)
    stands = [*(port.signal for port in inputs), *(f"{name}_out" for name in names)]
    vectors = [_Vector(*of, logic.interval) for of in zip(stands, places, late, strict=True)]
    instances = []
    for number, (core, turn) in enumerate(zip(logic.cores, turns, strict=True)):
        made = vectors[len(inputs) + number]
        instances.append(_instance(name, names[number], core, turn, vectors, made.held()))
    drives: list[Assignment] = []
    for port, row in zip(outputs, logic.outputs, strict=True):
        drives += _assign(vectors, row, [_wire(port)] * port.size, end, Slice(port.signal, 0, port.bits))
    held = tuple(held for vector in vectors[: len(inputs)] for held in vector.held())
    stages = max(end, 1)
    return Wiring(top, tuple(inputs), tuple(outputs), stages, held, tuple(instances), tuple(drives), logic.interval)


def _turns(logic: Logic, depths: Sequence[int]) -> Iterator[_Turn]:
    """One core begins when all results of the one before it are there."""
    start = 0
    for core, depth in zip(logic.cores, depths, strict=True):
        # Beats leave a register of their own; a total has what came in the clock before.
        first = start + depth + (core.beats > 1)
        yield _Turn(start, first, first + core.beats - 1 + bool(core.totals))
        start = first + core.beats - 1 + bool(core.totals)


def _instance(
    firmware: str, name: str, core: Core, turn: _Turn, vectors: Sequence[_Vector], held: tuple[Held, ...]
) -> Instance:
    bits_in, bits_out = (sum(wire.width for wire in wires) for wires in (core.reads, core.writes))
    module = f"{firmware}_{name}"
    if core.beats > 1:
        beats, inputs = _beats(name, core, turn.start, vectors)
        gathered = tuple(_gathered(name, core, turn.first))
        accumulator = f"{firmware}_accumulator"
        return Instance(name, module, core.copies, bits_in, bits_out, inputs, held, beats, gathered, accumulator)
    assigned: list[Assignment] = []
    for copy, row in enumerate(core.inputs):
        assigned += _assign(vectors, row, core.reads, turn.start, Slice(f"{name}_in", copy * bits_in, bits_in))
    return Instance(name, module, core.copies, bits_in, bits_out, tuple(assigned), held)


def _beats(name: str, core: Core, start: int, vectors: Sequence[_Vector]) -> tuple[Beats, tuple[Assignment, ...]]:
    """What is read beat by beat, and the inputs of the copies made of it: what all positions read alike needs no beats.
    """
    alike = [len({row[number] for row in core.inputs}) == 1 for number in range(len(core.reads))]
    changing, same = ([number for number, is_same in enumerate(alike) if is_same == kind] for kind in (False, True))
    widths = [wire.width for wire in core.reads]
    each, all_alike = (sum(widths[number] for number in numbers) for numbers in (changing, same))
    width = core.copies * each
    event: list[Assignment] = []
    for place in range(core.beats * core.copies):
        target = Slice(f"{name}_event", place * each, each)
        if place < len(core.inputs):
            row, wires = ([of[number] for number in changing] for of in (core.inputs[place], core.reads))
            event += _assign(vectors, row, wires, start, target)
        elif each:
            event.append(Assignment(target, (Literal(each, 0),)))
    row, wires = ([of[number] for number in same] for of in (core.inputs[0], core.reads))
    kept = _assign(vectors, row, wires, start, Slice(f"{name}_alike", 0, all_alike))
    inputs: list[Assignment] = []
    lows = [0, *accumulate(widths)]
    for copy in range(core.copies):
        places = {"beats": copy * each, "kept": 0}
        for number, width_read in enumerate(widths):
            kind = "kept" if alike[number] else "beats"
            if width_read:
                target = Slice(f"{name}_in", copy * lows[-1] + lows[number], width_read)
                inputs.append(Assignment(target, (Slice(f"{name}_{kind}", places[kind], width_read),)))
            places[kind] += width_read
    return Beats(core.beats, start, width, tuple(event), all_alike, tuple(kept)), tuple(inputs)


def _gathered(name: str, core: Core, first: int) -> Iterator[Gathering]:
    lows = [0, *accumulate(wire.width for wire in core.writes)]
    low = 0
    for total in core.totals:
        value = core.writes[total.number]
        for copy, wire in enumerate(total.wires):
            read = Slice(f"{name}_out", copy * lows[-1] + lows[total.number], value.width)
            made = Slice(f"{name}_totals", low, wire.width)
            last = first + len(core.positions(copy)) - 1
            yield Gathering(read, value.signed, made, total.maximum, first, last)
            low += wire.width


def _wire(port: RtlPort) -> Wire:
    return Wire(port.type.signed, port.type.width, port.type.fraction)


@dataclass(frozen=True)
class _Place:
    """Where an element stands, and from when on: so many clocks after its event."""

    wire: Wire
    bits: Slice
    ready: int


def _on_a_port(port: RtlPort) -> list[_Place]:
    wire = _wire(port)
    return [_Place(wire, Slice(port.signal, n * wire.width, wire.width), 0) for n in range(port.size)]


def _on_a_core(name: str, core: Core, turn: _Turn) -> list[_Place]:
    """Its outputs at each position, then the totals of each copy."""
    lows = [0, *accumulate(wire.width for wire in core.writes)]
    places = []
    for position in range(len(core.inputs)):
        beat, copy = divmod(position, core.copies)
        for low, wire in zip(lows, core.writes, strict=False):
            bits = Slice(f"{name}_out", copy * lows[-1] + low, wire.width)
            places.append(_Place(wire, bits, turn.first + beat))
    low = 0
    for total in core.totals:
        for wire in total.wires:
            places.append(_Place(wire, Slice(f"{name}_totals", low, wire.width), turn.end))
            low += wire.width
    return places


def _late(logic: Logic, places: Sequence[Sequence[_Place]], turns: Sequence[_Turn]) -> list[dict[int, int]]:
    """For each vector the elements that are read after they are there, and how many clocks after at most."""
    read = [
        (turn.start, source)
        for turn, core in zip(turns, logic.cores, strict=True)
        for row in core.inputs
        for source in row
    ]
    end = turns[-1].end if turns else 0
    read += [(end, source) for row in logic.outputs for source in row]
    late: list[dict[int, int]] = [{} for _ in places]
    for clock, source in read:
        if isinstance(source, Tap) and (wait := clock - places[source.vector][source.number].ready):
            waits = late[source.vector]
            waits[source.number] = max(waits.get(source.number, 0), wait)
    return late


class _Vector:
    """Elements at ``places``, of which each stands there until the next event's; ``late`` maps the numbers of those that
    are read later to the longest wait.

    These are held: in a step for each ``interval`` clocks, for as long after an event is the next one there at the
    earliest.
    """

    def __init__(self, name: str, places: Sequence[_Place], late: Mapping[int, int], interval: int) -> None:
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


def _assign(
    vectors: Sequence[_Vector], row: Sequence[Source], wires: Sequence[Wire], at: int, target: Slice
) -> list[Assignment]:
    """``target`` as elements like ``wires`` that come from ``row``."""
    assigned, low = [], target.low
    for source, wire in zip(row, wires, strict=True):
        if wire.width:
            parts = _parts(vectors, source, wire, at)
            assigned.append(Assignment(Slice(target.vector, low, wire.width), parts))
        low += wire.width
    return assigned


def _parts(vectors: Sequence[_Vector], source: Source, wire: Wire, at: int) -> tuple[Bits, ...]:
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
