"""A design of engines, as the cells that compute one event: each at the clock of its turn.

An engine computes a layer in many clocks, with weights from memories. When it reads, writes and adds what is told by
control, which no data change: it is run clock by clock. One event is traced back through that run. The others take the
same way if every answer that the trace was given, counted from the clock at which an event was taken, is the same for
them: that is asked for events as close as they may come until control is in a state in which it was before, with which
all that follow are told, and for events at other distances.
"""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain, repeat

import numpy as np
import numpy.typing as npt

from hls.proof.subject import Deadline, NotClosedError
from hls.proof.verilog.cells import Cells
from hls.proof.verilog.control import Control, control_of, paced
from hls.proof.verilog.control_run import Run
from hls.proof.verilog.design import Bit, Cell, FlatDesign
from hls.proof.verilog.ways import Input, Ways, words_of
from hls.proof.verilog.wires import Word
from hls.rtl import Design

_MOST_EVENTS = 4096
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
    bits: dict[tuple[Bit, int], str] = field(default_factory=dict)
    captures: dict[tuple[Bit, int, int], int | None] = field(default_factory=dict)
    writes: dict[tuple[str, int], int | None] = field(default_factory=dict)
    memories: dict[str, Cell] = field(default_factory=dict)

    def tells(self, bit: Bit) -> bool:
        return bit in self.run.nets

    def bit(self, bit: Bit, clock: int) -> str:
        key = bit, clock
        found = self.bits.get(key)
        if found is None:
            found = self.bits[key] = self.run.value(bit, clock + self.taken)
        return found

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
        """Bits that had a value: their nets, clocks and characters."""
        known = [(bit, clock, ord(found)) for (bit, clock), found in self.bits.items() if found in ("0", "1")]
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


def of_engines(
    design: FlatDesign,
    verilog: Design,
    cells: Cells,
    inputs: Mapping[str, Input],
    deadline: Deadline,
    show: Callable[[int, int], None],
) -> tuple[dict[str, Word], int]:
    """The words of the output ports for an event, and for how many events control was seen to do the same.

    ``show`` is called with the clock to which the event was followed, and the last one.

    Raises:
        NotClosedError: events are not taken or given as they should, an output depends on something else than its
            event, or control does not do the same for all events.
    """
    control = control_of(design)
    interval = verilog.interval
    run, latency = _first_event(control, deadline)
    first = _Event(run, 1)
    last = 0

    def visit(clock: int) -> None:
        nonlocal last
        last = max(last, clock)
        show(last, latency)
        deadline.check(f"clock {last:,} of {latency:,} of an event")

    made = words_of(Ways(design, first, cells, inputs, visit), verilog, latency)
    return made, _check_all_events(control, first, interval, latency, deadline)


def _first_event(control: Control, deadline: Deadline) -> tuple[Run, int]:
    """A run of one event, taken at clock 1, until it leaves, and after how many clocks it does."""
    rows: list[bytes] = []
    for clock, row in enumerate(control.rows(chain([True], repeat(False, _MOST_CLOCKS)))):
        deadline.check("control of the engines, until the first event leaves them")
        rows.append(row)
        if clock and control.is_high("valid_out", row):
            return control.run(rows), clock - 1
    raise NotClosedError(f"valid_out is not high in the {_MOST_CLOCKS:,} clocks after an event")


@dataclass
class _Door:
    """What was taken and given, held against what is promised: an event at most each ``interval`` clocks, given after
    ``latency``."""

    control: Control
    interval: int
    latency: int
    under_way: deque[int] = field(default_factory=deque)
    _closed_until: int = 0

    def pass_clock(self, clock: int, row: bytes) -> None:
        """Raise ``NotClosedError`` unless the clock is as promised."""
        sent, ready, given = (self.control.is_high(name, row) for name in ("valid_in", "ready_in", "valid_out"))
        if ready != (clock >= self._closed_until):
            waits = self.interval - 1
            raise NotClosedError(f"the door is not closed for the {waits} clocks after an event, and open otherwise")
        if given != (bool(self.under_way) and clock == self.under_way[0] + self.latency):
            raise NotClosedError(f"valid_out is not high exactly {self.latency} clocks after each event")
        if sent and ready:
            self.under_way.append(clock)
            self._closed_until = clock + self.interval


@dataclass(frozen=True)
class _Pattern:
    """When ``valid_in`` is high. Nothing that is ``watched`` may change if it is so where no event is taken, too."""

    sent: Iterable[bool]
    watched: Container[Bit]


def _events(control: Control, pattern: _Pattern, interval: int, latency: int, deadline: Deadline) -> Iterator[Run]:
    """Of each event its clocks: one before it was taken, until it was given. What is between events is checked too."""
    door = _Door(control, interval, latency)
    rows: deque[bytes] = deque(maxlen=latency + 2)
    for clock, row in enumerate(control.rows(pattern.sent, pattern.watched)):
        deadline.check("control of the engines, event by event")
        rows.append(row)
        if clock == 0:
            continue
        door.pass_clock(clock, row)
        if door.under_way and clock == door.under_way[0] + latency:
            door.under_way.popleft()
            yield control.run(rows)


def _check_all_events(control: Control, first: _Event, interval: int, latency: int, deadline: Deadline) -> int:
    """Raise unless control does for every event what it did for the ``first``; returns how many were looked at."""
    asked = first.asked()
    watched = {bit for bits in asked for bit in bits}
    control = control.only(watched)
    parts = [control.state(bits) for bits in asked]
    met: list[set[bytes]] = [set() for _ in parts]
    again = [False] * len(parts)
    seen = 0
    for run in _events(control, _Pattern(paced(interval), watched), interval, latency, deadline):
        _check(first, run, seen)
        seen += 1
        for number, part in enumerate(parts):
            (state,) = run.states(part, [1])
            again[number] |= state in met[number]
            met[number].add(state)
        if all(again):
            break
        if seen == _MOST_EVENTS:
            raise NotClosedError(f"control of the engines is never twice in the same state in {seen:,} events")
    others = _Pattern(_at_other_distances(interval, latency), watched)
    for run in _events(control, others, interval, latency, deadline):
        _check(first, run, seen)
        seen += 1
    return seen


def _check(first: _Event, run: Run, number: int) -> None:
    if not first.agrees(_Event(run, 1)):
        count = f"{number + 1} of those that follow each other"
        raise NotClosedError(f"control does for event {count} something else than for an event that comes alone")


def _at_other_distances(interval: int, latency: int) -> Iterator[bool]:
    """Events a clock further apart than the shortest way, then more, then at random, and one after a long time."""
    draw = random.Random(1)  # noqa: S311 (what is drawn need not be secret)
    count = min(max(_RANDOM_CLOCKS // (2 * interval), 1), _RANDOM_EVENTS)
    distances = [*range(interval, interval + 4), *(draw.randint(interval, 3 * interval) for _ in range(count))]
    for distance in (*distances, 2 * latency, latency + 1):
        yield True
        yield from [False] * (distance - 1)
