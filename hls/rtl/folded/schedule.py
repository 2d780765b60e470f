"""When each word of an event is written and read, in clocks after the event: all of it is known beforehand.

A word that is written in clock t can be read from clock t + 1 on, and until the clock in which another takes its place.
Events come at least ``interval`` clocks apart. Longer gaps only move the next event's words away from this one's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, gcd

import numpy as np
import numpy.typing as npt

from hls.graph import FixedGraph
from hls.rtl.folded.arrival import beats_of
from hls.rtl.folded.engine import Engine, Operand
from hls.rtl.folded.grouping import Kind, source_of
from hls.rtl.ports import Beats

Clocks = npt.NDArray[np.int64]

_TO_WORD, _TO_VALUE, _TO_PRODUCT, _TO_SUM = 1, 2, 3, 4
"""Clocks from a step of the sequencer to the word read, the part of it, its products, the accumulator."""
_NEVER = -(1 << 60)


@dataclass(frozen=True, eq=False)
class Timing:
    """Of an engine: its sequencer is started in clock ``start``, and begins a position every ``period`` clocks.

    ``written`` is the clock of each word of its exports. ``depths`` are the places of the memory of each operand; a
    port's is None. ``copies`` are, of an operand that is a port, the clocks in which the event is copied on the way.
    """

    start: int
    period: int
    latency: int
    written: Clocks
    depths: tuple[int | None, ...]
    copies: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, eq=False)
class Output:
    """Of an output of the graph: it is complete in clock ``complete`` and copied in those of ``copies``."""

    complete: int
    copies: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Schedule:
    """Timing of each engine and output; results leave ``latency`` clocks after their event.

    ``beats`` are those of the ports whose events come so; the first is there with the event.
    """

    interval: int
    engines: tuple[Timing, ...]
    outputs: tuple[Output, ...]
    latency: int
    beats: Mapping[str, Beats]


def schedule(graph: FixedGraph, engines: Sequence[Engine], interval: int, delays: Sequence[int]) -> Schedule:
    """Every engine as early as its operands allow; ``delays`` are the registers on the way out of a lane of each."""
    beats = beats_of(graph, engines, interval)
    written: dict[str, Clocks] = {name: arrivals(found) for name, found in beats.items()}
    timings = []
    for engine, delay in zip(engines, delays, strict=True):
        timing = _timing(engine, written, interval, delay)
        written.update(dict.fromkeys(engine.unit.exports, timing.written))
        timings.append(timing)
    ends = []
    for name in graph.outputs:
        source = source_of(graph, name)
        # A port is taken as it comes; what an engine writes stands in a collector one clock later.
        ends.append((1, 1) if source is None else (int(written[source].max()) + 1, int(written[source].min()) + 1))
    latency = max(end for end, _ in ends)
    outputs = tuple(Output(end, copies(end, begin - 1 + interval, latency, interval)) for end, begin in ends)
    return Schedule(interval, tuple(timings), outputs, latency, beats)


def arrivals(beats: Beats) -> Clocks:
    """When each beat of an event comes."""
    return np.arange(beats.number) * beats.apart


def copies(begin: int, end: int, last: int, interval: int) -> tuple[int, ...]:
    """Clocks in which to copy what stands in a register from clock ``begin`` to ``end``, to read it until ``last``,
    for less than an interval. Each copy stands for ``interval`` clocks, from the one after it on.

    >>> copies(1, 8, 8, interval=8), copies(1, 8, 12, interval=8), copies(1, 8, 22, interval=8)
    ((), (4,), (6, 14))
    """
    if last <= end:
        return ()
    made = [max(last - interval, begin)]
    while made[0] > end:
        made.insert(0, max(made[0] - interval, begin))
    return tuple(made)


def reads(engine: Engine, operand: Operand, place: int) -> tuple[Clocks, Clocks]:
    """Words that ``engine`` reads of its operand number ``place``, and at which steps.

    Steps are counted without gaps between positions, and those in the padding are left out.
    """
    loops, window = engine.loops, engine.window
    counters = np.indices(loops.sizes[::-1]).reshape(7, -1)[::-1]
    steps = np.arange(counters.shape[1])
    if engine.sources:
        mine = np.array(engine.sources)[counters[4]] == place
        return np.arange(int(mine.sum())), steps[mine]
    words = np.tensordot(operand.strides, counters[1:], 1) + operand.origin
    inside = np.ones(len(steps), bool)
    for axis, (kernel, position) in enumerate(((3, 6), (2, 5))):
        at = counters[position] * window.strides[axis] + counters[kernel] * window.dilation[axis] - window.before[axis]
        inside &= (at >= 0) & (at < window.frame[axis])
    return np.asarray(words)[inside], steps[inside]


def depth(written: Clocks, last_read: Clocks, interval: int) -> int:
    """The fewest words of a memory in which none is written over before it was read for the last time.

    >>> depth(np.array([0, 1, 2, 3]), np.array([4, 5, 6, 7]), interval=8)  # the next event's words come at 8, 9 ...
    4
    >>> depth(np.array([0, 1, 2, 3]), np.array([2, 3, 4, 5]), interval=8)
    2
    """
    words = len(written)

    def suffices(size: int) -> bool:
        following = np.arange(words) + size
        return bool((written[following % words] + following // words * interval >= last_read).all())

    low, high = 0, 1
    while not suffices(high):
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if suffices(middle) else (middle, high)
    return high


def repeating(fewest: int, words: int) -> int:
    """Places of a memory, ``fewest`` or up to an eighth more, such that an event of so many ``words`` begins soon again
    at the place of an earlier one: of what control does there are then few cases, all of which can be looked at.

    >>> repeating(284, 196)  # after 3 events, with 284 places after 71
    294
    """
    return min(range(fewest, fewest + fewest // 8 + 1), key=lambda places: places // gcd(places, words))


def word_times(written: Clocks, operand: Operand) -> Clocks:
    """When the words that an operand reads are complete."""
    beats = written.reshape(-1, operand.beats_of_position)
    ends = np.minimum(
        np.arange(operand.beats - 1, beats.shape[1] + operand.beats - 1, operand.beats), beats.shape[1] - 1
    )
    return beats[:, ends].reshape(-1)


def _timing(engine: Engine, written: Mapping[str, Clocks], interval: int, delay: int) -> Timing:
    loops = engine.loops
    times = [
        None if operand.source is None else word_times(written[operand.source], operand) for operand in engine.operands
    ]
    period = _period(engine, [time for time in times if time is not None], interval)
    found = [reads(engine, operand, place) for place, operand in enumerate(engine.operands)]
    paced = [(words, steps // loops.clocks * period + steps % loops.clocks) for words, steps in found]
    start = 0
    for (words, at), time in zip(paced, times, strict=True):
        if len(words):
            ready = time[words] + 1 if time is not None else 1
            start = max(start, int((ready - at).max()) - 1)
    depths: list[int | None] = []
    copied: list[tuple[int, ...]] = []
    for (words, at), time in zip(paced, times, strict=True):
        clocks = at + start + 1
        if time is None:
            depths.append(None)
            copied.append(copies(1, interval, int(clocks.max()), interval) if len(words) else ())
            continue
        last = np.full(len(time), _NEVER)
        np.maximum.at(last, words, clocks)
        depths.append(repeating(depth(time, last, interval), len(time)))
        copied.append(())
    latency = lane_latency(engine) + delay
    position, group = np.divmod(np.arange(loops.positions * loops.groups), loops.groups)
    ends = start + 1 + position * period + (group + 1) * loops.inner - 1 + latency
    return Timing(start, period, latency, ends, tuple(depths), tuple(copied))


def lane_latency(engine: Engine) -> int:
    """Clocks from the last step of a word of the output to the sums, before what follows element by element."""
    if engine.unit.kind in (Kind.DENSE, Kind.DEPTHWISE):
        return _TO_SUM + tree_levels(engine.simd)
    return _TO_PRODUCT if engine.unit.kind is Kind.POOL else _TO_VALUE


def tree_levels(simd: int) -> int:
    """Registers of the adder tree of a lane."""
    return (simd - 1).bit_length()


def _period(engine: Engine, times: Sequence[Clocks], interval: int) -> int:
    """Clocks from position to position: as the slowest operand comes, so that little of it must wait."""
    loops = engine.loops
    if loops.positions == 1:
        return loops.clocks
    most = (interval - loops.clocks) // (loops.positions - 1)
    span = max((int(time.max() - time.min()) for time in times), default=0)
    return min(max(loops.clocks, ceil(span / (loops.positions - 1))), most)
