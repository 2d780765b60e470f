"""A design in which an event takes several clocks, as the cells that compute one event: each at the clock of its turn.

What happens to an event happens at fixed clocks after it was taken, told by the flags that follow it. So every bit that
an output depends on is traced back in time to the clock in which the event was on the ports. On the way the flags of
this event are known, and so are those of events that the door has kept away: a multiplexer with such a choice is a
wire, a register is one from the clock before. What is left are cells, once for each clock in which they work for the
event, and no registers. That other events, which may be under way at the same time, change nothing follows: their flags
and data are unknown here, and no output may depend on what is unknown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from hls.proof.subject import NotClosedError
from hls.proof.verilog.design import Bit, Bits, Cell, FlatDesign
from hls.proof.verilog.valid import flag_chain

_REGISTER = "$dff"
_CONTROL = ("clk", "rst", "valid_in")
UNKNOWN = "?"
"""A bit of another event, or of none; ``x`` is one that the Verilog itself leaves open."""

Place = tuple[str, int]
"""A cell by name, and a clock."""
Known = Callable[[Bit, int], str | None]
"""What is known of a bit at a clock; None if it is to be traced."""


def one_event(design: FlatDesign, interval: int, outputs: Sequence[str]) -> FlatDesign:
    """The cells that make the ``outputs`` of an event that is taken at clock 0 of what is on the ports then.

    Raises:
        NotClosedError: the door takes events sooner than ``interval`` clocks after each other, or an output depends on
            something else than its event.
    """
    flags = flag_chain(design)
    _check_door(design, flags, interval)
    last = len(flags) - 1
    ways = _Ways(design, _of_this_event(flags, interval))
    made: dict[str, Bits] = {}
    for name in outputs:
        made[name] = ways.at(design.ports[name], last)
        if UNKNOWN in made[name]:
            place = made[name].index(UNKNOWN)
            raise NotClosedError(f"bit {place} of {name} depends on something else than the event that it is of")
    inputs = {name: bits for name, bits in design.ports.items() if name not in _CONTROL and name not in made}
    return FlatDesign({**inputs, **made}, tuple(ways.cells), design.primitives)


def _check_door(design: FlatDesign, flags: Sequence[Bit], interval: int) -> None:
    """Raise unless ``ready_in`` is high, and with it an event taken, exactly if none was shortly before."""
    (valid,), (ready,) = design.ports["valid_in"], design.ports["ready_in"]
    taken, young = flags[0], flags[1:interval]
    idle: dict[Bit, str] = dict.fromkeys(young, "0")
    cases: list[tuple[dict[Bit, str], Bits]] = [({flag: "1"}, ("0", "0")) for flag in young]
    cases += [({**idle, valid: "1"}, ("1", "1")), ({**idle, valid: "0"}, ("0", "1"))]
    for bits, wanted in cases:
        if _Ways(design, _always(bits)).at((taken, ready), 0) != wanted:
            clocks = interval - 1
            raise NotClosedError(f"the door does not take an event exactly if none came in the {clocks} clocks before")


def _always(bits: Mapping[Bit, str]) -> Known:
    return lambda bit, _: bits.get(bit)


def _of_this_event(flags: Sequence[Bit], interval: int) -> Known:
    """The flags that follow an event taken at clock 0, none of which a reset has cleared."""
    ages = {flag: age for age, flag in enumerate(flags)}

    def known(bit: Bit, clock: int) -> str | None:
        if bit not in ages:
            return None
        came = clock - ages[bit]  # when the event was taken that would have set it
        if came == 0:
            return "1"
        return "0" if abs(came) < interval else UNKNOWN

    return known


@dataclass
class _Ways:
    """Traces bits back to clock 0; ``cells`` are those met, each with the clock in its name and nets of its own."""

    design: FlatDesign
    known: Known
    cells: list[Cell] = field(default_factory=list)
    _drivers: dict[Bit, Cell] = field(default_factory=dict)
    _registers: dict[Bit, Bit] = field(default_factory=dict)
    _inputs: frozenset[Bit] = frozenset()
    _found: dict[Place, dict[Bit, Bit]] = field(default_factory=dict)
    _named: dict[str, Cell] = field(default_factory=dict)
    _nets: int = 0

    def __post_init__(self) -> None:
        clock = self.design.ports["clk"]
        for cell in self.design.cells:
            if cell.kind == _REGISTER:
                if cell.reads["CLK"] != clock or cell.number("CLK_POLARITY") != 1:
                    raise NotClosedError(f"the register {cell.name} has another clock than the design")
                self._registers.update(zip(cell.drives["Q"], cell.reads["D"], strict=True))
            else:
                self._named[cell.name] = cell
                for bits in cell.drives.values():
                    self._drivers.update((bit, cell) for bit in bits)
        ports = {bit for name, bits in self.design.ports.items() if name not in _CONTROL for bit in bits}
        self._inputs = frozenset(ports - set(self._registers) - set(self._drivers))
        numbers = (bit for cell in self.design.cells for bits in cell.drives.values() for bit in bits)
        self._nets = max((bit for bit in (*numbers, *ports) if isinstance(bit, int)), default=0)

    def at(self, bits: Bits, clock: int) -> Bits:
        """What ``bits`` are at ``clock``: constants, unknown, bits of the ports at clock 0, or driven by ``cells``."""
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
        while bit in self._registers and clock > 0 and self.known(bit, clock) is None:
            bit, clock = self._registers[bit], clock - 1
        return bit, clock

    def _missing(self, wanted: Iterator[tuple[Bit, int]]) -> Iterator[Place]:
        """Cells that have to be computed before the bits are known."""
        for bit, clock in wanted:
            origin, when = self._origin(bit, clock)
            if self.known(origin, when) is None and origin in self._drivers:
                place = self._drivers[origin].name, when
                if place not in self._found:
                    yield place

    def _bit(self, bit: Bit, clock: int) -> Bit:
        origin, when = self._origin(bit, clock)
        if isinstance(origin, str):
            return origin
        known = self.known(origin, when)
        if known is not None:
            return known
        if origin in self._drivers:
            return self._found[self._drivers[origin].name, when][origin]
        return origin if origin in self._inputs and when == 0 else UNKNOWN

    def _pin(self, cell: Cell, pin: str, clock: int) -> Bits:
        return tuple(self._bit(bit, clock) for bit in cell.reads[pin])

    def _needed(self, name: str, clock: int) -> Iterator[tuple[Bit, int]]:
        """What a cell reads at ``clock``; of a multiplexer first its choice, then only what that leaves."""
        cell = self._named[name]
        if cell.kind != "$mux":
            yield from ((bit, clock) for bits in cell.reads.values() for bit in bits)
            return
        yield from ((bit, clock) for bit in cell.reads["S"])
        if not any(True for _ in self._missing((bit, clock) for bit in cell.reads["S"])):
            for pin in _chosen(self._pin(cell, "S", clock)):
                yield from ((bit, clock) for bit in cell.reads[pin])

    def _computed(self, name: str, clock: int) -> dict[Bit, Bit]:
        """What a cell drives: what is known of it, or nets of a copy of the cell."""
        cell = self._named[name]
        if cell.kind == "$mux":
            pins = _chosen(self._pin(cell, "S", clock))
            if len(pins) < 2:
                bits = self._pin(cell, pins[0], clock) if pins else (UNKNOWN,) * len(cell.drives["Y"])
                return dict(zip(cell.drives["Y"], bits, strict=True))
        reads = {pin: self._pin(cell, pin, clock) for pin in cell.reads}
        driven = [bit for bits in cell.drives.values() for bit in bits]
        plain = _plain(cell, reads)
        if plain is None and any(UNKNOWN in bits for bits in reads.values()):
            plain = (UNKNOWN,) * len(driven)
        if plain is not None:
            return dict(zip(driven, plain, strict=True))
        nets: dict[Bit, Bit] = {}
        for bit in driven:
            self._nets += 1
            nets[bit] = self._nets
        drives = {pin: tuple(nets[bit] for bit in bits) for pin, bits in cell.drives.items()}
        self.cells.append(Cell(f"{name} at clock {clock}", cell.kind, cell.parameters, reads, drives))
        return nets


def _chosen(choice: Bits) -> tuple[str, ...]:
    """Inputs of a multiplexer that its choice leaves; none if it is unknown."""
    (bit,) = choice
    return {"0": ("A",), "1": ("B",), UNKNOWN: ()}.get(str(bit), ("A", "B"))


def _plain(cell: Cell, reads: Mapping[str, Bits]) -> Bits | None:
    """What a cell of logic drives if constants among what it reads decide it, or leave a wire; None if they do not."""
    if cell.kind in ("$and", "$or"):
        zero, one = ("0", "1") if cell.kind == "$and" else ("1", "0")
        a, b = reads["A"], reads["B"]
        if not len(a) == len(b) == len(cell.drives["Y"]):
            return None
        bits = [_met(x, y, zero, one) for x, y in zip(a, b, strict=True)]
        return None if None in bits else tuple(bit for bit in bits if bit is not None)
    if cell.kind == "$not" and all(bit in ("0", "1", UNKNOWN) for bit in reads["A"]):
        if len(reads["A"]) != len(cell.drives["Y"]):
            return None
        return tuple({"0": "1", "1": "0"}.get(str(bit), UNKNOWN) for bit in reads["A"])
    if cell.kind in ("$reduce_or", "$reduce_bool", "$logic_not"):
        some = "1" if "1" in reads["A"] else "0" if set(reads["A"]) == {"0"} else None
        if some is None:
            return None
        found = some if cell.kind != "$logic_not" else "01"[some == "0"]
        return (found, *("0",) * (len(cell.drives["Y"]) - 1))
    return None


def _met(a: Bit, b: Bit, zero: str, one: str) -> Bit | None:
    """``a`` and ``b``, where ``zero`` decides and ``one`` leaves the other as it is; None if neither is there."""
    if zero in (a, b):
        return zero
    if one in (a, b):
        return b if a == one else a
    return UNKNOWN if UNKNOWN in (a, b) else None
