"""States of the queues around a paced design, and what is true of all that come after a reset.

What the registers hold says nothing yet of words and events. So some numbers are counted beside them, and one event is
marked when its first transfer comes: with it one beat of each port, and its result. As any event and any beat may be
marked, what is shown of these is true of all.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import IntEnum

from hls.proof.solver import Term
from hls.proof.verilog.statements import Statement, Whole


class Place(IntEnum):
    """Where the marked event is: none is marked, its transfers come, it waits to enter, it is inside, its result waits
    to be taken, or was."""

    NONE = 0
    COMING = 1
    COMPLETE = 2
    INSIDE = 3
    RESULT = 4
    GONE = 5


@dataclass(frozen=True)
class Queue:
    """A ring of ``places``: of ``held`` words, from the place ``first`` on, ``shown`` were there a clock before, and
    one was just ``pushed`` if not all. The first stands in ``front``. An address of the ``memory`` has so many bits."""

    first: Whole
    last: Whole
    held: Whole
    shown: Whole
    pushed: Whole
    front: Term
    memory: Term
    places: int
    address_bits: int

    def has(self, value: Term, place: Whole) -> Statement:
        """The word so many places behind the first is ``value``."""
        words = self.first.words
        index = words.bits((self.first + place).turned(self.places).term, 0, self.address_bits)
        found = words.make("ARRAY_SELECT", self.memory, index)
        return Statement(words, words.make("EQUAL", found, value))

    def kept(self) -> Statement:
        """What is true of every queue, whatever it is for."""
        inside = (self.first < self.places) & (self.last < self.places) & (self.held <= self.places)
        placed = self.last.equals((self.first + self.held).turned(self.places))
        seen = (self.shown + self.pushed).equals(self.held) & (self.shown <= self.held)
        return inside & placed & seen & (~self.shown.equals(0)).implies(self.has(self.front, self.held.alike(0)))


@dataclass(frozen=True)
class PortQueue:
    """Of a port ``beats`` are read for each event, so many clocks ``apart``: ``left`` of the event that entered last,
    the next when none is left of ``waits`` clocks. Of the marked event the ``beat`` is followed, of the word ``value``.
    """

    queue: Queue
    left: Whole
    waits: Whole
    beats: int
    apart: int
    beat: Whole
    value: Term

    def paced(self, since: Whole) -> Statement:
        """What is left is read at fixed clocks after the event entered."""
        passed = (since + self.left * self.apart + self.waits).equals(self.beats * self.apart)
        none = self.left.equals(0)
        reading = none.choose(since.alike((self.beats - 1) * self.apart), since.alike(0)) < since
        return (self.left < self.beats) & (self.waits < self.apart) & (none | passed) & reading


@dataclass(frozen=True)
class Moment:
    """The registers of the door: ``transfers`` of the event that comes, whether one has just ``arrived``, those
    ``waiting`` to enter and places ``free`` for results. And what is counted beside them: transfers ``sent``, events
    ``inside``, clocks ``since`` one entered. Of the marked event: ``where`` it is, results that leave ``ahead`` of its
    own, whether it was the ``latest`` to enter; its result is ``value``."""

    transfers: Whole
    arrived: Whole
    waiting: Whole
    free: Whole
    ports: tuple[PortQueue, ...]
    results: Queue
    sent: Whole
    inside: Whole
    since: Whole
    where: Whole
    ahead: Whole
    latest: Statement
    value: Term

    @property
    def before(self) -> Whole:
        """Events that enter before the marked one, which has not."""
        return self.ahead - self.inside - self.results.held

    @property
    def known(self) -> Whole:
        """Events that are complete and have not entered."""
        return self.waiting + self.arrived

    def at(self, place: Place) -> Statement:
        """Whether the marked event is there."""
        return self.where.equals(place)

    def kept(self, transfers: int, interval: int) -> Iterator[tuple[str, Statement]]:
        """What is true after a reset and ever after, of events of so many transfers, at such an interval."""
        counted = self.sent.equals(self.transfers) & (self.sent < transfers)
        yield "the door counts transfers", counted
        yield "clocks since an event entered", (self.since >= 1) & (self.since <= interval)
        for number, port in enumerate(self.ports):
            yield f"the queue of input {number}", port.queue.kept()
            yield f"the pace at which input {number} is read", port.paced(self.since)
            yield f"what the queue of input {number} holds", self._holds(port)
            yield f"the words of input {number}", self._in_order(port)
        yield "the queue of results", self.results.kept()
        taken = (self.free + self.inside + self.results.held).equals(self.results.places)
        yield "places for results", taken & (self.free <= self.results.places) & (self.inside <= self.results.places)
        yield "the order of events", self._follows()
        yield "the words of results", self.at(Place.RESULT).implies(self.results.has(self.value, self.ahead))

    def _holds(self, port: PortQueue) -> Statement:
        """All beats of the events that wait, those that came of the next, and what is left of the last."""
        coming = self.sent.at_most(port.beats)
        held = (self.known * port.beats + coming + port.left).equals(port.queue.held)
        just = port.queue.pushed.equals(0) | self.arrived.equals(1) | ~self.sent.equals(0)
        return held & just & (self.waiting <= port.queue.places)

    def _in_order(self, port: PortQueue) -> Statement:
        """The word that is followed stands behind all that came before it, until it is read."""
        came = self.at(Place.COMPLETE) | (self.at(Place.COMING) & (port.beat < self.sent))
        waits = port.queue.has(port.value, port.left + self.before * port.beats + port.beat)
        is_left = self.latest & (port.left + port.beat >= port.beats)
        return came.implies(waits) & is_left.implies(port.queue.has(port.value, port.left + port.beat - port.beats))

    def _follows(self) -> Statement:
        """Where the marked event is among the others."""
        held, inside = self.results.held, self.inside
        all_ = held + inside + self.known
        coming = self.ahead.equals(all_) & ~self.sent.equals(0)
        complete = (self.ahead >= held + inside) & (self.ahead < all_)
        entered = (self.ahead >= held) & (self.ahead < held + inside)
        return (
            (self.where <= Place.GONE)
            & self.at(Place.COMING).implies(coming)
            & self.at(Place.COMPLETE).implies(complete)
            & self.at(Place.INSIDE).implies(entered)
            & self.at(Place.RESULT).implies(self.ahead < held)
            & self.latest.implies(self.where >= Place.INSIDE)
        )
