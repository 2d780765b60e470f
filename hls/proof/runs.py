"""Integer functions of one integer, exactly, as runs on which they are affine.

What firmware does to a number between two sums is a function of that number alone: it is rounded, saturated, masked,
looked up. Over all values that the number can have, thousands or billions, such a function has few runs, so that it is
known everywhere without visiting every value.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
import numpy.typing as npt

from hls.proof.subject import NotClosedError

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

MOST_RUNS = 1 << 22
"""Runs of one function; more would take hundreds of megabytes."""
WIDEST = 1 << 61
"""Magnitudes stay below, so that no int64 overflows on the way."""


@dataclass(frozen=True, eq=False)
class Runs:
    """A function on ``[low, high]``: from ``start[i]`` on it is ``value[i]``, and grows by ``slope[i]`` with each step.

    Made by ``runs`` only, which gives equal functions equal arrays.
    """

    low: int
    high: int
    start: Ints
    value: Ints
    slope: Ints

    def __len__(self) -> int:
        return len(self.start)

    @cached_property
    def digest(self) -> bytes:
        """Equal for equal functions, and for those only (as far as SHA-256 tells numbers apart)."""
        state = hashlib.sha256(f"{self.low} {self.high} ".encode())
        for part in (self.start, self.value, self.slope):
            state.update(part.tobytes())
        return state.digest()

    @cached_property
    def last(self) -> Ints:
        """Value at the end of each run."""
        return self.value + self.slope * (self.lengths - 1)

    @property
    def lengths(self) -> Ints:
        """Number of points of each run."""
        return _steps(self.start, self.high + 1)

    @cached_property
    def range(self) -> tuple[int, int]:
        """Smallest and largest value."""
        ends = self.value, self.last
        return int(min(part.min() for part in ends)), int(max(part.max() for part in ends))

    def at(self, points: Ints) -> Ints:
        """Values at ``points``."""
        run = np.searchsorted(self.start, points, "right") - 1
        values: Ints = self.value[run] + self.slope[run] * (points - self.start[run])
        return values

    @cached_property
    def normal(self) -> tuple[int, int, Runs]:
        """``factor``, ``offset`` and a function such that this is ``factor * function + offset``.

        That function begins at 0, grows first, and its values have no common factor. It is told for no constant.
        """
        offset = int(self.value[0])
        # Slope of each run, then the change to the start of the next.
        steps = np.empty(2 * len(self) - 1, np.int64)
        steps[::2], steps[1::2] = self.slope, np.diff(self.value)
        factor = int(np.gcd.reduce(steps))
        if steps[np.flatnonzero(steps)[0]] < 0:
            factor = -factor
        plain = runs(self.low, self.high, self.start, (self.value - offset) // factor, self.slope // factor)
        return factor, offset, plain

    @property
    def affine(self) -> tuple[int, int] | None:
        """Slope and value at 0 of a function that is a single run; None of any other."""
        if len(self) != 1:
            return None
        slope = int(self.slope[0])
        return slope, int(self.value[0]) - slope * self.low


def _steps(start: Ints, end: int) -> Ints:
    """From each of ``start`` to the next, and from the last to ``end``."""
    found = np.empty(len(start), np.int64)
    np.subtract(start[1:], start[:-1], out=found[:-1])
    found[-1] = end - start[-1]
    return found


def runs(low: int, high: int, start: Ints, value: Ints, slope: Ints) -> Runs:
    """The function of these runs, in the one form that equal functions share.

    It is told by its differences from point to point: where they stay the same for two steps or more is a run.

    >>> twice = runs(0, 3, np.array([0, 1, 2, 3]), np.array([0, 2, 4, 6]), np.array([0, 0, 0, 0]))
    >>> twice.start.tolist(), twice.slope.tolist()
    ([0], [2])
    """
    lengths = _steps(start, high + 1)
    last = value + slope * (lengths - 1)
    # Differences: those inside a run, then the jump to the next.
    count = 2 * len(start) - 1
    places, steps, kept = np.empty(count, np.int64), np.empty(count, np.int64), np.ones(count, np.bool_)
    places[::2], steps[::2], kept[::2] = start, slope, lengths > 1
    places[1::2], steps[1::2] = start[1:] - 1, value[1:] - last[:-1]
    places, steps = places[kept], steps[kept]
    if not len(places):  # a single point
        return _made(low, high, start[:1], value[:1], np.zeros(1, np.int64))
    changes = np.concatenate([[True], steps[1:] != steps[:-1]])
    places, steps = places[changes], steps[changes]
    # Of two points in all, the one difference is a run.
    long = (_steps(places, high) > 1) | (high - low == 1)
    after_long = np.concatenate([[False], long[:-1]])
    kept = long | ~after_long
    fresh = (places + (long & after_long))[kept]
    slopes = np.where(long, steps, 0)[kept]
    if not long[-1]:
        fresh, slopes = np.append(fresh, high), np.append(slopes, 0)
    run = np.searchsorted(start, fresh, "right") - 1
    return _made(low, high, fresh, value[run] + slope[run] * (fresh - start[run]), slopes)


def _made(low: int, high: int, start: Ints, value: Ints, slope: Ints) -> Runs:
    made = Runs(low, high, start, value, slope)
    least, most = made.range
    if max(-least, most) >= WIDEST:
        raise NotClosedError(f"a value of {max(-least, most).bit_length()} bits is wider than a proof goes")
    return made


@lru_cache(maxsize=1 << 14)
def line(low: int, high: int, slope: int, offset: int) -> Runs:
    """``slope * n + offset`` for n in ``[low, high]``."""
    widest = max(abs(end) for end in (low, high, slope * low + offset, slope * high + offset))
    if widest >= WIDEST:
        raise NotClosedError(f"a value of {widest.bit_length()} bits is wider than a proof goes")
    start = np.array([low], np.int64)
    return runs(low, high, start, np.array([slope * low + offset], np.int64), np.array([slope], np.int64))


def _refined(functions: Sequence[Runs]) -> tuple[Ints, list[Ints], list[Ints]]:
    """Starts of runs on which all of the functions are affine, and the values and slopes of each there."""
    first = functions[0]
    start = first.start
    if any(other.start is not start for other in functions[1:]):
        start = np.sort(np.concatenate([function.start for function in functions]), kind="stable")
        start = start[_steps(start, int(start[-1]) + 1) > 0]
        _check_count(len(start))
    values, slopes = [], []
    for function in functions:
        run = np.searchsorted(function.start, start, "right") - 1
        values.append(function.value[run] + function.slope[run] * (start - function.start[run]))
        slopes.append(function.slope[run])
    return start, values, slopes


def _check_count(count: int) -> None:
    if count > MOST_RUNS:
        raise NotClosedError(f"a function of one number has {count:,} runs, more than a proof follows ({MOST_RUNS:,})")


def combine(terms: Sequence[tuple[int, Runs]], constant: int = 0) -> Runs:
    """``sum of weight * function + constant``."""
    if len(terms) == 1:
        weight, only = terms[0]
        if weight:  # the same runs
            return _made(only.low, only.high, only.start, only.value * weight + constant, only.slope * weight)
        return line(only.low, only.high, 0, constant)
    start, values, slopes = _refined([function for _, function in terms])
    value = sum((weight * v for (weight, _), v in zip(terms, values, strict=True)), np.int64(constant))
    slope = sum((weight * s for (weight, _), s in zip(terms, slopes, strict=True)), np.int64(0))
    low, high = terms[0][1].low, terms[0][1].high
    return runs(low, high, start, np.asarray(value, np.int64), np.asarray(slope, np.int64))


def floor_shift(f: Runs, bits: int) -> Runs:
    """``floor(f / 2**bits)``.

    >>> floor_shift(line(-5, 5, 1, 0), 2).at(np.arange(-5, 6)).tolist()
    [-2, -1, -1, -1, -1, 0, 0, 0, 0, 1, 1]
    """
    if bits == 0:
        return f
    if bits > 60:
        return combine([(-1, at_least(combine([(-1, f)]), 1))])
    whole: Ints = np.where(f.slope >= 0, f.slope >> bits, -((-f.slope) >> bits))
    rest = f.slope - (whole << bits)
    first = f.value >> bits
    reached = f.last - (whole << bits) * (f.lengths - 1)
    crossings = np.abs((reached >> bits) - first)
    _check_count(int(crossings.sum()) + len(f))
    run = np.repeat(np.arange(len(f)), crossings + 1)
    step = np.arange(len(run)) - np.repeat(np.cumsum(crossings + 1) - (crossings + 1), crossings + 1)
    up = rest[run] >= 0
    level = first[run] + np.where(up, step, -step)
    # How far into its run the level is reached: that it is, or that the one above is left.
    ahead = np.where(up, (level << bits) - f.value[run], f.value[run] - ((level + 1) << bits) + 1)
    pace = np.maximum(np.abs(rest[run]), 1)
    inside = np.where(step > 0, -(-ahead // pace), 0)
    value = level + whole[run] * inside
    return runs(f.low, f.high, f.start[run] + inside, value, whole[run])


def modulo(f: Runs, bits: int, lowest: int) -> Runs:
    """``f`` modulo ``2**bits``, as an integer from ``lowest`` on."""
    least, most = f.range
    if lowest <= least and most < lowest + (1 << bits):
        return f
    return combine([(1, f), (-(1 << bits), floor_shift(combine([(1, f)], -lowest), bits))])


def _split_where_reached(f: Runs, threshold: int) -> Runs:
    """``f`` in runs, each of which lies wholly below ``threshold`` or nowhere. Not in the shared form."""
    crossing = (f.value >= threshold) != (f.last >= threshold)
    if not crossing.any():
        return f
    up = f.slope > 0
    ahead = np.where(up, threshold - f.value, f.value - threshold + 1)
    inside = np.where(crossing, -(-ahead // np.maximum(np.abs(f.slope), 1)), 0)
    run = np.repeat(np.arange(len(f)), crossing + 1)
    second = np.zeros(len(run), np.bool_)
    second[np.cumsum(crossing + 1)[crossing] - 1] = True
    offset = np.where(second, inside[run], 0)
    return Runs(f.low, f.high, f.start[run] + offset, f.value[run] + f.slope[run] * offset, f.slope[run])


def at_least(f: Runs, threshold: int) -> Runs:
    """1 where ``f >= threshold``, 0 elsewhere."""
    split = _split_where_reached(f, threshold)
    return runs(f.low, f.high, split.start, (split.value >= threshold).astype(np.int64), np.zeros_like(split.slope))


def clip(f: Runs, lowest: int, highest: int) -> Runs:
    """``f`` saturated to ``[lowest, highest]``."""
    least, most = f.range
    if lowest <= least and most <= highest:
        return f
    split = _split_where_reached(_split_where_reached(f, lowest), highest)
    # On a run from the threshold on, no value is on the other side of it: its ends say where it lies.
    below = np.maximum(split.value, split.last) <= lowest
    above = np.minimum(split.value, split.last) >= highest
    value = np.where(below, lowest, np.where(above, highest, split.value))
    return runs(f.low, f.high, split.start, value, np.where(below | above, 0, split.slope))


def select(chosen: Runs, a: Runs, b: Runs) -> Runs:
    """``a`` where ``chosen`` is not 0, ``b`` elsewhere."""
    nonzero = differs_from_zero(chosen)
    start, (which, x, y), (turns, s, t) = _refined([nonzero, a, b])
    if turns.any():  # of two points in all, 0 and 1 are one run
        return pointwise([nonzero, a, b], lambda *points: np.where(points[0] != 0, points[1], points[2]))
    return runs(a.low, a.high, start, np.where(which != 0, x, y), np.where(which != 0, s, t))


def differs_from_zero(f: Runs) -> Runs:
    """1 where ``f`` is not 0, 0 where it is."""
    return combine([(1, at_least(f, 1)), (1, at_least(combine([(-1, f)]), 1))])


def maximum(a: Runs, b: Runs) -> Runs:
    """The larger of the two."""
    return select(at_least(combine([(1, a), (-1, b)]), 0), a, b)


def pointwise(functions: Sequence[Runs], operation: Callable[..., Ints]) -> Runs:
    """Any function of the values of ``functions``: runs that are not constant are taken point by point."""
    start, values, slopes = _refined(functions)
    first = functions[0]
    lengths = _steps(start, first.high + 1)
    moving = np.logical_or.reduce([slope != 0 for slope in slopes])
    copies = np.where(moving, lengths, 1)
    _check_count(int(copies.sum()))
    run = np.repeat(np.arange(len(start)), copies)
    inside = np.arange(len(run)) - np.repeat(np.cumsum(copies) - copies, copies)
    points = [v[run] + s[run] * inside for v, s in zip(values, slopes, strict=True)]
    return runs(first.low, first.high, start[run] + inside, operation(*points), np.zeros(len(run), np.int64))


def masked(a: Runs, b: Runs, bits: int) -> Runs:
    """``a & b`` of two words of ``bits``: where one of them is all zeros or all ones, without visiting points."""
    start, (x, y), (s, t) = _refined([a, b])
    full = (1 << bits) - 1
    flat_x, flat_y = s == 0, t == 0
    none = (flat_x & (x == 0)) | (flat_y & (y == 0))
    takes_y, takes_x = flat_x & (x == full), flat_y & (y == full)
    plain = flat_x & flat_y
    if not (none | takes_x | takes_y | plain).all():
        return pointwise([a, b], np.bitwise_and)
    value = np.where(none, 0, np.where(takes_y, y, np.where(takes_x, x, x & y)))
    slope = np.where(none, 0, np.where(takes_y, t, np.where(takes_x, s, 0)))
    return runs(a.low, a.high, start, value, slope)
