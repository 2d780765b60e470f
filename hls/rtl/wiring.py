"""What the top module connects, in no language yet: instances of the cores, and registers for what bypasses some.

Elements of a vector lie one after the other, the first in the lowest bits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from hls.rtl.logic import Core, Logic, Tap, Wire
from hls.rtl.places import Assignment, Held, Literal, Place, Slice, Vector, assign
from hls.rtl.ports import RtlPort


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
    """Sum, or ``maximum``, of what one copy puts on ``value`` from clock ``first`` to ``last`` of an event."""

    value: Slice
    signed: bool
    total: Slice
    maximum: bool
    first: int
    last: int


@dataclass(frozen=True)
class Instance:
    """``copies`` of ``module``, which read ``<name>_in`` and drive ``<name>_out``, each its own slice.

    ``beats`` is None where all positions are read at once. ``gathered`` drive ``<name>_totals``. ``clocks`` are
    those in which a core is at work that takes its numbers digit by digit, and must be told when.
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
    clocks: range | None = None


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
    return tuple(f"{'shared' if len(core.inputs) > 1 else 'core'}_{number}" for number, core in enumerate(logic.cores))


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
    end = max((turn.end for turn in turns), default=0)
    places = [_on_a_port(port) for port in inputs]
    places += [_on_a_core(of, core, turn) for of, core, turn in zip(names, logic.cores, turns, strict=True)]
    late = _late(logic, places, turns)
    stands = [*(port.signal for port in inputs), *(f"{name}_out" for name in names)]
    vectors = [Vector(*of, logic.interval) for of in zip(stands, places, late, strict=True)]
    instances = []
    for number, (core, turn) in enumerate(zip(logic.cores, turns, strict=True)):
        made = vectors[len(inputs) + number]
        instances.append(_instance(name, names[number], core, turn, vectors, made.held()))
    drives: list[Assignment] = []
    for port, row in zip(outputs, logic.outputs, strict=True):
        drives += assign(vectors, row, [_wire(port)] * port.size, end, Slice(port.signal, 0, port.bits))
    held = tuple(held for vector in vectors[: len(inputs)] for held in vector.held())
    stages = max(end, 1)
    return Wiring(top, tuple(inputs), tuple(outputs), stages, held, tuple(instances), tuple(drives), logic.interval)


def _turns(logic: Logic, depths: Sequence[int]) -> Iterator[_Turn]:
    """A core begins when all results of the cores that it reads are there."""
    ends = [0] * len(logic.graph.inputs)
    for core, depth in zip(logic.cores, depths, strict=True):
        read = {source.vector for row in core.inputs for source in row if isinstance(source, Tap)}
        start = max((ends[vector] for vector in read), default=0)
        # Beats leave a register of their own; a total has what came in the clock before.
        first = start + depth + (core.beats > 1)
        ends.append(first + core.beats - 1 + bool(core.totals))
        yield _Turn(start, first, ends[-1])


def _instance(
    firmware: str, name: str, core: Core, turn: _Turn, vectors: Sequence[Vector], held: tuple[Held, ...]
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
        assigned += assign(vectors, row, core.reads, turn.start, Slice(f"{name}_in", copy * bits_in, bits_in))
    clocks = range(turn.start, turn.end) if core.digits > 1 else None
    return Instance(name, module, core.copies, bits_in, bits_out, tuple(assigned), held, clocks=clocks)


def _beats(name: str, core: Core, start: int, vectors: Sequence[Vector]) -> tuple[Beats, tuple[Assignment, ...]]:
    """What is read beat by beat, and the inputs of the copies: what all positions read alike needs no beats."""
    alike = [len({row[number] for row in core.inputs}) == 1 for number in range(len(core.reads))]
    changing, same = ([number for number, is_same in enumerate(alike) if is_same == kind] for kind in (False, True))
    widths = [wire.width for wire in core.reads]
    each, all_alike = (sum(widths[number] for number in numbers) for numbers in (changing, same))
    width = core.copies * each
    event: list[Assignment] = []
    for place in range(core.beats * core.copies):
        target = Slice(f"{name}_event", place * each, each)
        if place < len(core.inputs):
            row = [core.inputs[place][number] for number in changing]
            event += assign(vectors, row, [core.reads[number] for number in changing], start, target)
        elif each:
            event.append(Assignment(target, (Literal(each, 0),)))
    row = [core.inputs[0][number] for number in same]
    kept = assign(vectors, row, [core.reads[number] for number in same], start, Slice(f"{name}_alike", 0, all_alike))
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


def _on_a_port(port: RtlPort) -> list[Place]:
    wire = _wire(port)
    return [Place(wire, Slice(port.signal, n * wire.width, wire.width), 0) for n in range(port.size)]


def _on_a_core(name: str, core: Core, turn: _Turn) -> list[Place]:
    """Its outputs at each position, then the totals of each copy."""
    lows = [0, *accumulate(wire.width for wire in core.writes)]
    places = []
    for position in range(len(core.inputs)):
        beat, copy = divmod(position, core.copies)
        for low, wire in zip(lows, core.writes, strict=False):
            bits = Slice(f"{name}_out", copy * lows[-1] + low, wire.width)
            places.append(Place(wire, bits, turn.first + beat))
    low = 0
    for total in core.totals:
        for wire in total.wires:
            places.append(Place(wire, Slice(f"{name}_totals", low, wire.width), turn.end))
            low += wire.width
    return places


def _late(logic: Logic, places: Sequence[Sequence[Place]], turns: Sequence[_Turn]) -> list[dict[int, int]]:
    """For each vector the elements that are read after they are there, and how many clocks after at most."""
    read = [
        (turn.start, source)
        for turn, core in zip(turns, logic.cores, strict=True)
        for row in core.inputs
        for source in row
    ]
    end = max((turn.end for turn in turns), default=0)
    read += [(end, source) for row in logic.outputs for source in row]
    late: list[dict[int, int]] = [{} for _ in places]
    for clock, source in read:
        if isinstance(source, Tap) and (wait := clock - places[source.vector][source.number].ready):
            waits = late[source.vector]
            waits[source.number] = max(waits.get(source.number, 0), wait)
    return late
