"""Intervals of integers, event by event and element by element, and the arithmetic that they need."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hls.graph.fixed import IntArray
from hls.graph.float32 import Doubles
from hls.graph.integers import largest, plus, shifted
from hls.graph.intervals import matmul_exact


@dataclass(frozen=True, eq=False)
class Span:
    """What QKeras may hold: each element in ``[low, high]``, arrays (events, *shape) in units of ``2**-fraction``.

    ``on_grid``: float32's own values are multiples of that unit too. A value that has an interval of one point always
    is one.
    """

    low: IntArray
    high: IntArray
    fraction: int
    on_grid: bool

    def at(self, fraction: int) -> Span:
        """The same on a finer grid."""
        shift = fraction - self.fraction
        return replace(self, low=shifted(self.low, shift), high=shifted(self.high, shift), fraction=fraction)

    @property
    def magnitude(self) -> Doubles:
        """The largest magnitude of each element, in its unit."""
        return np.maximum(np.abs(self.low.astype(np.float64)), np.abs(self.high.astype(np.float64)))

    @property
    def certain(self) -> npt.NDArray[np.bool_]:
        """Which elements are multiples of the unit for sure."""
        return np.asarray(self.low == self.high) | self.on_grid

    def holds(self, values: npt.NDArray[np.float32]) -> npt.NDArray[np.bool_]:
        """Which ``values``, in real terms, lie inside; those that are no numbers never do.

        >>> Span(np.array([3]), np.array([4]), 1, True).holds(np.array([1.75], np.float32)).tolist()
        [True]
        """
        scaled = np.ldexp(values.astype(np.float64), self.fraction).reshape(self.low.shape)
        finite = np.isfinite(scaled)
        scaled = np.where(finite, scaled, 0.0)  # float64 holds every float32 exactly, and its floor and ceiling too
        return np.asarray(finite & (integers(np.ceil(scaled)) <= self.high) & (integers(np.floor(scaled)) >= self.low))


def integers(whole: Doubles) -> IntArray:
    """Exact integers of floats without a fraction."""
    if np.abs(whole).max(initial=0) < 2.0**62:
        return whole.astype(np.int64)
    return np.array([int(value) for value in whole.ravel()], object).reshape(whole.shape)


def widened(
    low: IntArray, high: IntArray, error: Doubles, sure: npt.NDArray[np.bool_], guard: int
) -> tuple[IntArray, IntArray]:
    """The interval with ``error`` on either side, in its unit; whole units where values are ``sure`` to be such."""
    error = error * 2.0**guard
    steps = integers(np.where(sure & (guard == 0), np.floor(error), np.ceil(error)))
    if guard:
        low, high = shifted(low, guard), shifted(high, guard)
    return plus(low, -steps), plus(high, steps)


def product(a: IntArray, b: IntArray) -> IntArray:
    """Integer matrix product, in two halves where one product would leave float64."""
    bound = largest(a) * largest(b) * b.shape[0]
    if a.dtype == object or not 1 << 53 <= bound < 1 << 62:
        return matmul_exact(a, b)
    return (matmul_exact(a >> 24, b) << 24) + matmul_exact(a & ((1 << 24) - 1), b)


def extreme(entries: IntArray, first: npt.NDArray[np.int64], last: npt.NDArray[np.int64], choose: np.ufunc) -> IntArray:
    """The least (or greatest) of the entries from ``first`` to ``last``, each range out of two that overlap."""
    levels = [entries]
    length = np.floor(np.log2(last - first + 1)).astype(np.int64)
    for level in range(int(length.max(initial=0))):
        ahead = np.minimum(np.arange(entries.size) + (1 << level), entries.size - 1)
        levels.append(choose(levels[-1], levels[-1][ahead]))
    table = np.stack(levels)
    return np.asarray(choose(table[length, first], table[length, last - (1 << length) + 1]))
