"""Functions of one integer as runs: each operation against numpy at every point, equal functions in equal arrays."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hls.proof import runs as functions
from hls.proof.meaning import rounded
from hls.proof.runs import Ints, Runs, line, runs
from hls.proof.subject import NotClosedError


def points(f: Runs) -> Ints:
    """Every value."""
    return f.at(np.arange(f.low, f.high + 1))


def by_points(low: int, high: int, values: Ints) -> Runs:
    """The function of these values, one run a point."""
    return runs(low, high, np.arange(low, high + 1), values.astype(np.int64), np.zeros(high + 1 - low, np.int64))


Step = tuple[Callable[[Runs], Runs], Callable[[Ints, Ints], Ints]]


@st.composite
def steps(draw: st.DrawFn) -> Step:
    """An operation on a function, and what it does to the values (which are those at n)."""
    a, b, bits = draw(st.integers(-50, 50)), draw(st.integers(-50, 50)), draw(st.integers(0, 5))
    low, high = min(a, b), max(a, b)
    lowest = -(1 << bits >> 1)
    choices: list[Step] = [
        (lambda f: functions.floor_shift(f, bits), lambda v, n: v >> bits),
        (lambda f: functions.at_least(f, a), lambda v, n: (v >= a).astype(np.int64)),
        (lambda f: functions.clip(f, low, high), lambda v, n: np.clip(v, low, high)),
        (lambda f: functions.modulo(f, bits, lowest), lambda v, n: (v - lowest) % (1 << bits) + lowest),
        (
            lambda f: functions.combine([(3, f), (-2, line(f.low, f.high, 1, b))], a),
            lambda v, n: 3 * v - 2 * (n + b) + a,
        ),
        (lambda f: functions.maximum(f, line(f.low, f.high, -1, a)), lambda v, n: np.maximum(v, a - n)),
        (lambda f: functions.differs_from_zero(f), lambda v, n: (v != 0).astype(np.int64)),
        (lambda f: functions.pointwise([f], lambda v: v * v % 17), lambda v, n: v * v % 17),
    ]
    return draw(st.sampled_from(choices))


@settings(max_examples=120, deadline=None)
@given(st.integers(-40, 10), st.integers(0, 60), st.integers(-5, 5), st.lists(steps(), max_size=5))
def test_each_operation_is_right_at_every_point(low: int, more: int, slope: int, chain: list[Step]) -> None:
    f = line(low, low + more, slope, 3)
    n = np.arange(low, low + more + 1)
    values = slope * n + 3
    for operation, wanted in chain:
        f, values = operation(f), wanted(values, n)
        assert np.array_equal(points(f), values)
        assert f.range == (values.min(), values.max())
        assert f.digest == by_points(low, low + more, values).digest


@given(st.integers(0, 63), st.integers(0, 63))
def test_masks_are_pythons(a: int, b: int) -> None:
    word = line(0, 63, 1, 0)
    for mask in (line(0, 63, 0, a), functions.combine([(63, functions.at_least(word, b))])):
        assert np.array_equal(points(functions.masked(word, mask, 6)), points(word) & points(mask))


@pytest.mark.parametrize("bits", [1, 2, 5])
def test_halves_go_to_the_even_neighbour(bits: int) -> None:
    f = line(-100, 100, 1, 0)
    exact = [round(Fraction(value, 1 << bits)) for value in range(-100, 101)]  # of a Fraction: half to even
    assert points(rounded(f, bits, half_even=True)).tolist() == exact
    assert points(rounded(f, bits, half_even=False)).tolist() == [value >> bits for value in range(-100, 101)]


def test_a_rounding_of_a_billion_values_has_few_runs() -> None:
    f = line(-(1 << 30), 1 << 30, 1, 0)
    eight_bits = functions.clip(rounded(f, 22, half_even=True), -128, 127)
    assert len(eight_bits) < 1000
    assert eight_bits.at(np.array([(1 << 21), (1 << 21) + 1, 3 << 21])).tolist() == [0, 1, 2]


def test_what_has_too_many_runs_or_bits_is_told() -> None:
    with pytest.raises(NotClosedError, match="more than a proof follows"):
        functions.floor_shift(line(0, 1 << 40, 1, 0), 3)
    with pytest.raises(NotClosedError, match="wider than a proof goes"):
        line(0, 1 << 40, 1 << 30, 0)


@pytest.mark.parametrize("chosen", [[0, 1], [1, 0], [1, 1], [0, 0]])
@pytest.mark.parametrize("last", [1, 2])
def test_a_choice_is_right_where_there_are_two_points_in_all(chosen: list[int], last: int) -> None:
    which = np.array([*chosen, 0][: last + 1])
    a, b = line(0, last, 4, -1), line(0, last, -3, 7)
    made = functions.select(by_points(0, last, which), a, b)
    assert points(made).tolist() == np.where(which, points(a), points(b)).tolist()
    assert points(functions.maximum(a, b)).tolist() == np.maximum(points(a), points(b)).tolist()
    assert points(functions.clip(a, 0, 2)).tolist() == np.clip(points(a), 0, 2).tolist()
