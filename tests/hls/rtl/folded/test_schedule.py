"""Times of folded RTL: worked by hand for two layers, and for random networks checked word by word."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hls.errors import UnsupportedError
from hls.graph import FixedGraph
from hls.rtl.folded import least_interval, plan, schedule
from hls.rtl.folded.engine import Engine
from hls.rtl.folded.schedule import Clocks, Schedule, arrivals, copies, depth, reads, repeating, word_times
from tests.hls.random_graphs import graphs
from tests.hls.rtl.folded.networks import RandomNetworks, menagerie, two_layers

INTERVAL, TAIL = 8, 2


def test_two_layers_by_hand() -> None:
    """Sixteen products in 8 clocks take two multipliers, eight take one."""
    first, second = engines = plan(two_layers(), INTERVAL)
    assert (first.simd, first.lanes, first.loops.clocks) == (2, 1, 8)
    assert (second.simd, second.lanes, second.loops.clocks) == (1, 1, 8)
    timed = schedule(two_layers(), engines, INTERVAL, [TAIL, TAIL])
    one, two = timed.engines
    # Steps in clocks 1 to 8, two for each output. From the second of them to its sum: the word, the part of it, the
    # products, one level of the adder tree and the accumulator; then the tail.
    assert one.written.tolist() == [clock + 5 + TAIL for clock in (2, 4, 6, 8)]
    # The last number can be read from clock 16 on, and is the fourth that is read.
    assert two.start == 12
    assert two.written.tolist() == [16 + 4 + TAIL, 20 + 4 + TAIL]
    # Numbers are read for the last time in clocks 17 to 20; those of the next event come in 17, 19, 21 and 23.
    assert two.depths == (4,)
    assert timed.latency == 27


def test_a_memory_is_no_deeper_than_it_must_be() -> None:
    written, last_read = np.array([9, 11, 13, 15]), np.array([17, 18, 19, 20])
    assert depth(written, last_read, 8) == 4
    assert depth(written, last_read, 20) == 4
    assert depth(written, written + 1, 8) == 1
    # Read in clock 33, the first word may make place for the one that is written then: the first of the third event on.
    assert depth(written, last_read + 16, 8) == 12


@pytest.mark.parametrize(("begin", "end", "last"), [(1, 8, 8), (1, 8, 9), (1, 8, 16), (1, 8, 40), (5, 5, 31)])
def test_copies_stand_until_they_are_read(begin: int, end: int, last: int) -> None:
    interval = 8
    made = copies(begin, end, last, interval)
    for copied in made:
        assert begin <= copied <= end
        begin, end = copied + 1, copied + interval
    assert last <= end


def _first_wrong_read(graph: FixedGraph, engines: Sequence[Engine], timed: Schedule, gaps: Sequence[int]) -> str:
    """Follow every memory through events that come so long after each other; empty if all reads see their own word."""
    begins = np.cumsum(gaps)
    written: dict[str, Clocks] = {name: arrivals(beats) for name, beats in timed.beats.items()}
    for engine, timing in zip(engines, timed.engines, strict=True):
        for place, (operand, size) in enumerate(zip(engine.operands, timing.depths, strict=True)):
            if operand.source is None or size is None:
                continue
            times = word_times(written[operand.source], operand)
            words, steps = reads(engine, operand, place)
            clocks = timing.start + 1 + steps // engine.loops.clocks * timing.period + steps % engine.loops.clocks
            history = [
                (int(time + begin), event * len(times) + word)
                for event, begin in enumerate(begins)
                for word, time in enumerate(times)
            ]
            for event, begin in enumerate(begins):
                for word, clock in zip(words + event * len(times), clocks + begin, strict=True):
                    there = [w for time, w in history if time < clock and w % size == word % size]
                    if not there or there[-1] != word:
                        return f"{engine.unit.name} reads word {word} in clock {clock} from {size} places"
        written.update(dict.fromkeys(engine.unit.exports, timing.written))
    return ""


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(graphs(), st.integers(0, 30), st.lists(st.integers(0, 40), min_size=3, max_size=3), st.integers(0, 9))
def test_every_word_is_there_when_it_is_read(graph: FixedGraph, more: int, gaps: list[int], tail: int) -> None:
    try:
        interval = least_interval(graph) + more
        engines = plan(graph, interval)
    except UnsupportedError:
        return
    timed = schedule(graph, engines, interval, [tail] * len(engines))
    assert not _first_wrong_read(graph, engines, timed, [interval + gap for gap in gaps])
    assert timed.latency <= max([1, *(int(timing.written.max()) + 1 for timing in timed.engines)])


@pytest.mark.parametrize("seed", range(8))
def test_every_word_of_networks_side_by_side(seed: int) -> None:
    graph = RandomNetworks(seed).graph(3)
    interval = least_interval(graph) + 7 * seed
    engines = plan(graph, interval)
    timed = schedule(graph, engines, interval, [TAIL] * len(engines))
    assert not _first_wrong_read(graph, engines, timed, [interval, interval + seed])


@pytest.mark.parametrize(
    ("fewest", "words", "places"),
    [(1, 5, 1), (7, 4, 7), (8, 9, 9), (55, 784, 56), (121, 784, 128), (284, 196, 294), (16, 32, 16), (20, 20, 20)],
)
def test_places_of_a_memory_soon_begin_again(fewest: int, words: int, places: int) -> None:
    assert repeating(fewest, words) == places


def test_one_place_less_is_one_too_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.modules[depth.__module__], "repeating", lambda fewest, words: fewest)
    graph, interval = menagerie(), 360
    engines = plan(graph, interval)
    timed = schedule(graph, engines, interval, [TAIL] * len(engines))
    assert not _first_wrong_read(graph, engines, timed, [interval] * 2)
    for number, timing in enumerate(timed.engines):
        for place, size in enumerate(timing.depths):
            if size is None or size == 1:
                continue
            fewer = list(timing.depths)
            fewer[place] = size - 1
            shallow = type(timing)(
                timing.start, timing.period, timing.latency, timing.written, tuple(fewer), timing.copies
            )
            changed = tuple(shallow if n == number else other for n, other in enumerate(timed.engines))
            short = replace(timed, engines=changed)
            assert _first_wrong_read(graph, engines, short, [interval] * 2)
