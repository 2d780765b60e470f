"""Queues around a paced design: whoever waits for whom, each event enters whole and its results leave in its turn.

Of the design inside no more is taken than its own proof says: it takes an event when it is ready, which it is from its
interval on, reads the beats of a port so many clocks apart, and gives the results of its events one after the other.
What is true of the queues is true after a reset, and a clock later if it is now, whatever comes and whoever waits.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

from hls.proof.solver import Term, Words
from hls.proof.subject import Deadline, NotClosedError
from hls.proof.verilog.design import read_around
from hls.proof.verilog.queues import Moment, Place, PortQueue, Queue
from hls.proof.verilog.statements import Statement, Whole
from hls.proof.verilog.step import Step
from hls.rtl import Design
from hls.rtl.ports import RtlPort

_RESULTS = "results"


def check_queues(verilog: Design, core: Design, deadline: Deadline, show: Callable[[int, int], None]) -> None:
    """Raise ``NotClosedError`` unless the streamed ``verilog`` does with its events what ``core``, inside it, does.

    ``show`` is called with the statements that are shown, and all.
    """
    clock = _Clock(verilog, core, deadline)
    after_reset = [(f"{what}, after a reset", said) for what, said in clock.reset.kept(*clock.sizes)]
    later = [*clock.after.kept(*clock.sizes), *clock.promised()]
    known = [said.term for _, said in clock.now.kept(*clock.sizes)]
    always = [*clock.step.facts, *(said.term for said in clock.assumed())]
    wanted = [(what, said, [clock.in_reset.term]) for what, said in after_reset]
    wanted += [(what, said, [(~clock.in_reset).term, *known]) for what, said in later]
    for number, (what, said, given) in enumerate(wanted):
        show(number, len(wanted))
        if clock.words.model([*always, *given, (~said).term], [], deadline) is not None:
            raise NotClosedError(f"valid and ready: {what}: not kept for every pattern in which transfers come")


@dataclass(frozen=True)
class _Counted:
    """What is counted beside the registers, see ``Moment``."""

    sent: Whole
    inside: Whole
    since: Whole
    where: Whole
    ahead: Whole
    latest: Statement


class _Clock:
    """Any clock of the queues: what happens in it, and the states before and after."""

    def __init__(self, verilog: Design, core: Design, deadline: Deadline) -> None:
        self.inputs, self.outputs, self.interval = core.inputs, core.outputs, core.interval
        self.transfers = max(port.beats.number for port in core.inputs)
        self.words = Words()
        design, names = read_around(verilog, core.top, deadline)
        self.step = Step(design, names, core.top, self.words)
        if any(self.step.inner.reads.get(name) != design.ports.get(name) for name in ("clk", "rst")):
            raise NotClosedError(f"{core.top} has another clock or reset than the queues around it")
        for port in (*core.inputs, *core.outputs):
            found = {self.words.width(word) for word in (self.step.port(port.signal), self.step.pin(port.signal))}
            if found != {port.bits}:
                raise NotClosedError(f"port {port.signal} has not {port.bits} bits, outside and inside the queues")
        most = max(self.interval, self.step.memory(f"{_RESULTS}.memory").places, self.transfers + 2)
        self._bits = (16 * most).bit_length()
        self._marks = self._flag(self.words.free(1))
        self._result = self.words.free(sum(port.bits for port in self.outputs))
        self._followed = [(self._free(), self.words.free(port.bits)) for port in self.inputs]

    @property
    def sizes(self) -> tuple[int, int]:
        """Transfers of an event, and the interval."""
        return self.transfers, self.interval

    # -- words

    def _free(self) -> Whole:
        return Whole(self.words, self.words.free(self._bits))

    def _number(self, value: int) -> Whole:
        return Whole(self.words, self.words.number(value, self._bits))

    def _whole(self, word: Term) -> Whole:
        return Whole(self.words, self.words.extended(word, self._bits, signed=False))

    def _flag(self, word: Term) -> Statement:
        return Statement(self.words, self.words.truth(word))

    def _one_if(self, said: Statement) -> Whole:
        return said.choose(self._number(1), self._number(0))

    def _same(self, word: Term, other: Term) -> Statement:
        return Statement(self.words, self.words.make("EQUAL", word, other))

    # -- what happens

    @cached_property
    def in_reset(self) -> Statement:
        return self._flag(self.step.port("rst"))

    @cached_property
    def taken(self) -> Statement:
        return self._flag(self.step.port("valid_in")) & self._flag(self.step.port("ready_in"))

    @cached_property
    def left(self) -> Statement:
        return self._flag(self.step.port("valid_out")) & self._flag(self.step.port("ready_out"))

    @cached_property
    def begun(self) -> Statement:
        """The design inside takes an event."""
        offered = self._flag(self.step.pin("valid_in"))
        return offered & self._ready if self.interval > 1 else offered

    @cached_property
    def _ready(self) -> Statement:
        return self._flag(self.step.pin("ready_in"))

    @cached_property
    def came(self) -> Statement:
        """The design inside gives a result."""
        return self._flag(self.step.pin("valid_out"))

    @cached_property
    def complete(self) -> Statement:
        return self.taken & self.now.sent.equals(self.transfers - 1)

    @cached_property
    def marked(self) -> Statement:
        return self._marks & self.now.at(Place.NONE) & self.taken & self.now.sent.equals(0)

    @cached_property
    def enters(self) -> Statement:
        """The marked event does."""
        return self.begun & self.now.at(Place.COMPLETE) & self.now.before.equals(0)

    @cached_property
    def given(self) -> Statement:
        """The result of the marked event leaves the design inside."""
        return self.came & self.now.at(Place.INSIDE) & self.now.ahead.equals(self.now.results.held)

    # -- states

    @cached_property
    def now(self) -> Moment:
        """Any state."""
        sent, inside, since, where, ahead = (self._free() for _ in range(5))
        counted = _Counted(sent, inside, since, where, ahead, self._flag(self.words.free(1)))
        return self._moment(lambda name: self.step.word(self.step.named(name)), counted, later=False)

    @cached_property
    def after(self) -> Moment:
        """The state a clock later, without a reset."""
        now, one_if = self.now, self._one_if
        sent = self.taken.choose(self.complete.choose(self._number(0), now.sent + 1), now.sent)
        inside = now.inside + one_if(self.begun) - one_if(self.came)
        since = self.begun.choose(self._number(1), (now.since + 1).at_most(self.interval))
        others = now.known + now.inside + now.results.held
        ahead = self.marked.choose(others, now.ahead) - one_if(self.left)
        latest = self.enters | (now.latest & ~self.begun)
        return self._moment(self.step.next, _Counted(sent, inside, since, self._where(), ahead, latest), later=True)

    def _where(self) -> Whole:
        now = self.now
        first = Place.COMPLETE if self.transfers == 1 else Place.COMING
        where = now.where
        for moves, place in (
            (self.marked, first),
            (now.at(Place.COMING) & self.complete, Place.COMPLETE),
            (self.enters, Place.INSIDE),
            (self.given, Place.RESULT),
            (now.at(Place.RESULT) & self.left & now.ahead.equals(0), Place.GONE),
        ):
            where = moves.choose(self._number(place), where)
        return where

    @cached_property
    def reset(self) -> Moment:
        """The state a clock later, with a reset: nothing is there, and the design inside is ready."""
        zero = self._number(0)
        counted = _Counted(zero, zero, self._number(self.interval), zero, zero, self._flag(self.words.number(0, 1)))
        return self._moment(self.step.next, counted, later=True)

    def _moment(self, read: Callable[[str], Term], counted: _Counted, *, later: bool) -> Moment:
        def number(name: str) -> Whole:
            return self._whole(read(name))

        many = self.transfers > 1
        return Moment(
            number("door.many.count") if many else self._number(0),
            number("door.arrived"),
            number("door.waiting"),
            number("door.free"),
            tuple(self._port(read, place, later=later) for place in range(len(self.inputs))),
            self._queue(read, _RESULTS, later=later),
            counted.sent,
            counted.inside,
            counted.since,
            counted.where,
            counted.ahead,
            counted.latest,
            self._result,
        )

    def _port(self, read: Callable[[str], Term], place: int, *, later: bool) -> PortQueue:
        port, (beat, value) = self.inputs[place], self._followed[place]
        name, beats = f"queue_{port.signal}", port.beats
        left, waits = (
            self._whole(read(f"{name}.many.{part}")) if beats.number > 1 else self._number(0)
            for part in ("left", "waits")
        )
        queue = self._queue(read, f"{name}.queue", later=later)
        return PortQueue(queue, left, waits, beats.number, beats.apart, beat, value)

    def _queue(self, read: Callable[[str], Term], name: str, *, later: bool) -> Queue:
        first, last, held, shown, pushed = (
            self._whole(read(f"{name}.{part}")) for part in ("first", "last", "held", "shown", "pushed")
        )
        front = read(f"{name}.front")
        memory = self.step.memory(f"{name}.memory")
        words = memory.after if later else memory.now
        return Queue(first, last, held, shown, pushed, front, words, memory.places, memory.address_bits)

    # -- what is assumed and promised

    def assumed(self) -> Iterator[Statement]:
        """What the design inside does, and which words the marked event is made of."""
        now = self.now
        if self.interval > 1:
            yield self._ready.same(now.since >= self.interval)
        yield self.came.implies(now.inside >= 1)
        results = self.words.joined([self.step.pin(port.signal) for port in self.outputs])
        yield self.given.implies(self._same(results, self._result))
        comes = self.taken & (self.marked | now.at(Place.COMING))
        for port, (beat, value) in zip(self.inputs, self._followed, strict=True):
            yield beat < port.beats.number
            yield (comes & now.sent.equals(beat)).implies(self._same(self.step.port(port.signal), value))

    def promised(self) -> Iterator[tuple[str, Statement]]:
        """What is seen of the queues from inside and outside."""
        now = self.now
        yield "an event enters when the design inside takes it", self.begun.implies(now.since >= self.interval)
        for place, port in enumerate(self.inputs):
            yield f"input {port.signal} is read at its clocks", self._read_in_time(place, port)
        given = self.words.joined([self.step.port(port.signal) for port in self.outputs])
        turn = self.left & now.ahead.equals(0)
        own = (turn & now.at(Place.RESULT)).implies(self._same(given, self._result))
        none_else = ~(turn & (now.at(Place.COMING) | now.at(Place.COMPLETE) | now.at(Place.INSIDE)))
        yield "results leave in the order of their events", own & none_else
        left = [~port.left.equals(0) for port in now.ports]
        moving = ~now.known.equals(0)
        for some in left:
            moving |= some
        yield "the door is closed only while events are under way", self._flag(self.step.port("ready_in")) | moving
        under_way = ~(now.inside + now.results.held).equals(0)
        yield "an event waits for a place only while results are under way", ~now.free.equals(0) | under_way

    def _read_in_time(self, place: int, port: RtlPort) -> Statement:
        """The beat that is followed stands before the design inside, at its clock after the marked event entered."""
        beat, value = self._followed[place]
        now = self.now
        first = self.enters & beat.equals(0)
        later = now.latest & ~beat.equals(0) & now.since.equals(beat * port.beats.apart)
        return (first | later).implies(self._same(self.step.pin(port.signal), value))
