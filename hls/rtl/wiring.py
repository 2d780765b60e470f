"""What the top module connects, in no language yet: instances of the cores, and registers for what bypasses some.

Elements of a vector lie one after the other, the first in the lowest bits.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate

from hls.rtl.logic import Constant, Logic, Source, Tap, Wire
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
    """Shift register ``name`` of ``depth`` clocks, the latest in its lowest bits; ``parts`` (lowest first) enter it."""

    name: str
    width: int
    depth: int
    parts: tuple[Slice, ...]


@dataclass(frozen=True)
class Instance:
    """``copies`` of ``module``, which read ``<name>_in`` and drive ``<name>_out``, each its own slice."""

    name: str
    module: str
    copies: int
    bits_in: int
    bits_out: int
    inputs: tuple[Assignment, ...]
    held: Held | None


@dataclass(frozen=True)
class Wiring:
    """The top module: valid flags travel ``stages`` clocks; ``held`` are ports that cores read later."""

    top: str
    inputs: tuple[RtlPort, ...]
    outputs: tuple[RtlPort, ...]
    stages: int
    held: tuple[Held, ...]
    instances: tuple[Instance, ...]
    drives: tuple[Assignment, ...]


def core_names(logic: Logic) -> tuple[str, ...]:
    """One for each core: "core" if there is one, else a number, and "shared" if it is there several times."""
    if len(logic.cores) == 1 and logic.cores[0].copies == 1:
        return ("core",)
    return tuple(f"{'shared' if core.copies > 1 else 'core'}_{number}" for number, core in enumerate(logic.cores))


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
    starts = [0, *accumulate(depths)]
    late = _late(logic, len(inputs), starts)
    vectors = [
        _Vector(port.signal, [_wire(port)] * port.size, 0, late.get(number, {})) for number, port in enumerate(inputs)
    ]
    instances = []
    for number, core in enumerate(logic.cores):
        bits_in, bits_out = (sum(wire.width for wire in wires) for wires in (core.reads, core.writes))
        assigned: list[Assignment] = []
        for copy, row in enumerate(core.inputs):
            target = Slice(f"{names[number]}_in", copy * bits_in, bits_in)
            assigned += _assign(vectors, row, core.reads, starts[number], target)
        waits = late.get(len(vectors), {})
        made = _Vector(f"{names[number]}_out", core.writes * core.copies, starts[number + 1], waits)
        module = f"{name}_{names[number]}"
        instances.append(Instance(names[number], module, core.copies, bits_in, bits_out, tuple(assigned), made.held()))
        vectors.append(made)
    drives: list[Assignment] = []
    for port, row in zip(outputs, logic.outputs, strict=True):
        drives += _assign(vectors, row, [_wire(port)] * port.size, starts[-1], Slice(port.signal, 0, port.bits))
    held = tuple(held for vector in vectors[: len(inputs)] if (held := vector.held()))
    return Wiring(top, tuple(inputs), tuple(outputs), max(starts[-1], 1), held, tuple(instances), tuple(drives))


def _wire(port: RtlPort) -> Wire:
    return Wire(port.type.signed, port.type.width, port.type.fraction)


def _late(logic: Logic, ports: int, starts: Sequence[int]) -> dict[int, dict[int, int]]:
    """For each vector the elements that are read after they are there, and how many clocks after at most."""
    read = [
        (clock, source)
        for clock, core in zip(starts, logic.cores, strict=False)
        for row in core.inputs
        for source in row
    ]
    read += [(starts[-1], source) for row in logic.outputs for source in row]
    late: dict[int, dict[int, int]] = {}
    for clock, source in read:
        if isinstance(source, Tap) and (wait := clock - starts[max(source.vector - ports + 1, 0)]):
            waits = late.setdefault(source.vector, {})
            waits[source.number] = max(waits.get(source.number, 0), wait)
    return late


class _Vector:
    """Elements that stand in vector ``name`` from ``ready`` clocks after their event on; ``late`` maps the numbers of
    those that are read later to the longest wait."""

    def __init__(self, name: str, wires: Sequence[Wire], ready: int, late: Mapping[int, int]) -> None:
        self.wires = wires
        self._name = name
        self._ready = ready
        self._depth = max(late.values(), default=0)
        self._lows = [0, *accumulate(wire.width for wire in wires)]
        self._late = sorted(late)
        self._held_lows = dict(zip(self._late, accumulate([0, *(wires[n].width for n in self._late)]), strict=False))
        self._held_bits = sum(wires[number].width for number in self._late)

    def element(self, number: int, at: int) -> Slice:
        """Where to read an element ``at`` clocks after its event."""
        width, wait = self.wires[number].width, at - self._ready
        if not wait:
            return Slice(self._name, self._lows[number], width)
        return Slice(f"held_{self._name}", (wait - 1) * self._held_bits + self._held_lows[number], width)

    def held(self) -> Held | None:
        """The shift register for what is read late."""
        slices: list[Slice] = []
        for number in self._late:
            found = Slice(self._name, self._lows[number], self.wires[number].width)
            if slices and slices[-1].low + slices[-1].width == found.low:
                found = Slice(self._name, slices[-1].low, slices.pop().width + found.width)
            slices.append(found)
        return Held(f"held_{self._name}", self._held_bits, self._depth, tuple(slices)) if self._held_bits else None


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
    made = vectors[source.vector].wires[source.number]
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
