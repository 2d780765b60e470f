"""A design of engines, as the cells that compute one event: each at the clock of its turn.

An engine computes a layer in many clocks, with weights from memories. When it reads, writes and adds what is told by
control, which no data change: it is run clock by clock. One event is traced back through that run. The others take the
same way if every answer that the trace was given, counted from the clock at which an event was taken, is the same for
them: that is asked for events as close as they may come until control is in a state in which it was before, with which
all that follow are told, and for events at other distances.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import numpy.typing as npt

from hls.proof.subject import Deadline, NotClosedError
from hls.proof.verilog.control import Control, control_of, paced
from hls.proof.verilog.control_run import Run
from hls.proof.verilog.design import Bit, Bits, Cell, FlatDesign
from hls.proof.verilog.evaluation import UNKNOWN
from hls.proof.verilog.ways import Ways
from hls.rtl import Design

_FEW_EVENTS, _MOST_EVENTS = 8, 4096
"""So many events are waited for until control is in a state in which it was before."""
_MOST_CLOCKS = 1 << 20
"""So many clocks are waited for the first event to leave."""
_RANDOM_EVENTS, _RANDOM_CLOCKS = 16, 1 << 14
"""Events whose distances are drawn at random, and clocks in which they come: one event at least."""


@dataclass
class _Event:
    """What a run of control says of an event taken at clock ``taken``; all that it was asked is put down."""

    run: Run
    taken: int
    bits: dict[tuple[Bit, int], str | None] = field(default_factory=dict)
    captures: dict[tuple[Bit, int, int], int | None] = field(default_factory=dict)
    writes: dict[tuple[str, int], int | None] = field(default_factory=dict)
    memories: dict[str, Cell] = field(default_factory=dict)

    def bit(self, bit: Bit, clock: int) -> str | None:
        if bit not in self.run.nets:
            return None
        key = bit, clock
        if key not in self.bits:
            self.bits[key] = self.run.bit(bit, clock + self.taken)
        return self.bits[key]

    def captured(self, choice: Bit, level: int, clock: int) -> int | None:
        if choice not in self.run.nets:
            return clock
        key = choice, level, clock
        if key not in self.captures:
            found = self.run.last(choice, level, clock + self.taken)
            self.captures[key] = None if found is None or found < self.taken else found - self.taken
        return self.captures[key]

    def written(self, memory: Cell, clock: int) -> int | None:
        key = memory.name, clock
        if key not in self.writes:
            self.memories[memory.name] = memory
            address = self.run.word(memory.reads["RD_ADDR"], clock + self.taken)
            if address is None:
                raise NotClosedError(f"where the memory {memory.name} is read depends on data, or has no value")
            found = self.run.written(memory, address, clock + self.taken)
            self.writes[key] = None if found is None or found < self.taken else found - self.taken
        return self.writes[key]

    def asked(self) -> list[set[Bit]]:
        """Bits that decided what was asked: of each memory where it is read and written, and all others."""
        parts = [
            {bit for pin in ("RD_ADDR", "WR_ADDR", "WR_EN") for bit in memory.reads[pin]}
            for memory in self.memories.values()
        ]
        ends = {bit for port in ("ready_in", "valid_out") for bit in self.run.design.ports[port]}
        return [*parts, ends | {bit for bit, _ in self.bits} | {choice for choice, _, _ in self.captures}]

    @cached_property
    def _told(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.uint8]]:
        """Bits that had a value: their nets, clocks and values."""
        known = [(bit, clock, int(found)) for (bit, clock), found in self.bits.items() if found in ("0", "1")]
        nets, clocks, values = (np.array(column) for column in zip(*known, strict=True))
        return nets, clocks, values.astype(np.uint8)

    def agrees(self, other: _Event) -> bool:
        """Whether ``other`` is given all the answers that this event was.

        Where there was none, anything may be: no output depends on it.
        """
        nets, clocks, values = self._told
        return (
            np.array_equal(other.run.bits(nets, clocks + other.taken), values)
            and all(other.captured(*key) == found for key, found in self.captures.items() if found is not None)
            and all(
                other.written(self.memories[name], clock) == found
                for (name, clock), found in self.writes.items()
                if found is not None
            )
        )


def of_engines(design: FlatDesign, verilog: Design, deadline: Deadline) -> tuple[FlatDesign, int]:
    """The cells that make the outputs of an event, and for how many events control was seen to do the same.

    Raises:
        NotClosedError: events are not taken or given as they should, an output depends on something else than its
            event, or control does not do the same for all events.
    """
    control = control_of(design)
    interval = verilog.interval
    run, latency = _first_event(control, interval, deadline)
    first = _Event(run, _taken(run, interval, latency)[0])
    ways = Ways(design, first, {port.signal: port.beats for port in verilog.inputs})
    made = dict(_traced(ways, [port.signal for port in verilog.outputs], latency))
    deadline.check("the way of an event through the engines")
    events = _check_all_events(control, first, interval, latency, deadline)
    return FlatDesign({**ways.ports, **made}, tuple(ways.cells), design.primitives), events


def _first_event(control: Control, interval: int, deadline: Deadline) -> tuple[Run, int]:
    """A run of one event until it has left, and after how many clocks that is."""
    clocks = interval
    while True:
        run = control.run(paced(1, interval, clocks))
        given = run.high("valid_out")
        if len(given):
            return run, int(given[0]) - 1
        deadline.check("control of the engines, until the first event leaves them")
        clocks *= 4
        if clocks > _MOST_CLOCKS:
            raise NotClosedError(f"valid_out is not high in the {clocks // 4:,} clocks after an event")


def _traced(ways: Ways, outputs: Sequence[str], latency: int) -> Iterator[tuple[str, Bits]]:
    for name in outputs:
        bits = ways.at(ways.design.ports[name], latency)
        if UNKNOWN in bits:
            place = bits.index(UNKNOWN)
            raise NotClosedError(f"bit {place} of {name} depends on something else than the event that it is of")
        yield name, bits


def _taken(run: Run, interval: int, latency: int) -> list[int]:
    """Clocks at which events are taken: as the door promises, each with its flag at the end, ``latency`` later."""
    sent, ready = set(run.high("valid_in").tolist()), set(run.high("ready_in").tolist())
    taken = sorted(sent & ready)
    closed = {clock for came in taken for clock in range(came + 1, came + interval)}
    if ready & closed or not set(range(1, len(run.table))) <= ready | closed:
        raise NotClosedError(f"the door is not closed for the {interval - 1} clocks after an event, and open otherwise")
    given = set(run.high("valid_out").tolist())
    if given != {clock + latency for clock in taken if clock + latency < len(run.table)}:
        raise NotClosedError(f"valid_out is not high exactly {latency} clocks after each event")
    return taken


def _check_all_events(control: Control, first: _Event, interval: int, latency: int, deadline: Deadline) -> int:
    """Raise unless control does for every event what it did for the ``first``; returns how many were looked at."""
    asked = first.asked()
    control = control.only(bit for bits in asked for bit in bits)
    parts = [control.state(bits) for bits in asked]
    count = _FEW_EVENTS
    while True:
        run = control.run(paced(count, interval, latency))
        taken = _taken(run, interval, latency)
        again = [_repeats(run.states(part, taken)) for part in parts]
        deadline.check("control of the engines, until it is in a state in which it was before")
        if all(again):
            break
        count *= 2
        if count > _MOST_EVENTS:
            raise NotClosedError(f"control of the engines is never twice in the same state in {_MOST_EVENTS:,} events")
    seen = _check(first, run, taken[: max(again)], deadline)
    run = control.run(_at_other_distances(interval, latency))
    return seen + _check(first, run, _taken(run, interval, latency), deadline)


def _repeats(states: Sequence[bytes]) -> int:
    """The number of the first state that was there before; 0 if there is none."""
    met: set[bytes] = set()
    for number, state in enumerate(states):
        if state in met:
            return number
        met.add(state)
    return 0


def _check(first: _Event, run: Run, taken: Sequence[int], deadline: Deadline) -> int:
    for number, clock in enumerate(taken):
        deadline.check(f"what control does for event {number + 1:,}")
        if not first.agrees(_Event(run, clock)):
            raise NotClosedError(f"control does not do for the event of clock {clock} what it does for the first one")
    return len(taken)


def _at_other_distances(interval: int, latency: int) -> Iterator[bool]:
    """Events a clock further apart than the shortest way, then more, then at random, and one after a long time."""
    draw = random.Random(1)  # noqa: S311 (what is drawn need not be secret)
    count = min(max(_RANDOM_CLOCKS // (2 * interval), 1), _RANDOM_EVENTS)
    distances = [*range(interval, interval + 4), *(draw.randint(interval, 3 * interval) for _ in range(count))]
    for distance in (*distances, 2 * latency, latency + 1):
        yield True
        yield from [False] * (distance - 1)
