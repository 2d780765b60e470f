"""The narrowest line that rounds as an exact one does.

Between two quantizers, scales and normalizations make one line a channel whose exact factor has a hundred bits and
more. What leaves the second quantizer is a staircase over the integers of the first, and any line that crosses each
whole number between the same two integers gives that staircase: a factor of a few bits does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from hls.graph import Edge
from hls.importing.onnx.affine import Fractions

_MOST_STEPS = 256
_MOST_BITS = 64


@dataclass(frozen=True)
class _Staircase:
    """``slope`` times ``sign``, and for each level the integer from which on it is reached, and that before it."""

    slope: Fraction
    sign: int
    levels: tuple[int, ...]
    reached: tuple[int | None, ...]
    before: tuple[int | None, ...]

    def offset(self, factor: int, bits: int) -> int | None:
        """An offset with which ``factor`` gives the same stairs, both in units of ``2**-bits``; None if there is none.

        >>> _Staircase(Fraction(2, 3), 1, (1, 2), (1, 3), (0, 2)).offset(2, 2)  # (k + 1) / 2
        2
        """
        least = [(n << bits) - factor * k for n, k in zip(self.levels, self.reached, strict=True) if k is not None]
        most = [(n << bits) - factor * k for n, k in zip(self.levels, self.before, strict=True) if k is not None]
        low = max(least, default=None)
        high = min(most, default=None)
        if low is None:
            return None if high is None else high - 1
        return low if high is None or low < high else None


def narrowest(
    edge: Edge, factor: Fractions, offset: Fractions, ends: Sequence[int], *, nearest: bool
) -> tuple[Fractions, Fractions] | None:
    """A factor and an offset whose floor is ``factor * raw + offset`` rounded (to nearest even, or down) and saturated.

    ``raw`` are the integers of ``edge``, the result those of the quantizer, with ``ends``. None where the levels are
    too many to try, or ties lie so that no line crosses them all in time.

    >>> edge = Edge.of(np.array([0]), np.array([9]), fraction=0)
    >>> third = np.array([Fraction(1, 3)])
    >>> [values[0] for values in narrowest(edge, third, np.array([Fraction(0)]), (0, 3), nearest=True)]
    [Fraction(3, 8), Fraction(1, 4)]
    """
    if ends[1] - ends[0] > _MOST_STEPS:
        return None
    lows, highs = (end.reshape(-1, end.shape[-1]) for end in (edge.low, edge.high))
    alike = len(factor) == len(offset) == 1
    ranges = (
        [(int(lows.min()), int(highs.max()))]
        if alike
        else list(zip(lows.min(axis=0).tolist(), highs.max(axis=0).tolist(), strict=True))
    )
    lines = zip(*(np.broadcast_to(values, (len(ranges),)).tolist() for values in (factor, offset)), strict=True)
    stairs = [_staircase(f, o, span, ends, nearest=nearest) for (f, o), span in zip(lines, ranges, strict=True)]
    for bits in range(_MOST_BITS):
        found = _line(stairs, bits)
        if found is not None:
            return found
    return None


def _line(stairs: Sequence[_Staircase], bits: int) -> tuple[Fractions, Fractions] | None:
    factors, offsets = np.empty(len(stairs), object), np.empty(len(stairs), object)
    for channel, stair in enumerate(stairs):
        factor = round(stair.slope * (1 << bits))
        offset = stair.offset(factor, bits)
        if offset is None:
            return None
        factors[channel], offsets[channel] = Fraction(factor * stair.sign, 1 << bits), Fraction(offset, 1 << bits)
    return factors, offsets


def _staircase(
    factor: Fraction, offset: Fraction, span: tuple[int, int], ends: Sequence[int], *, nearest: bool
) -> _Staircase:
    """Of a rising line: of a falling one over the integers with their signs turned."""
    low, high = span if factor >= 0 else (-span[1], -span[0])
    slope = abs(factor)
    levels = range(ends[0] + 1, ends[1] + 1)
    reached: list[int | None] = []
    before: list[int | None] = []
    for level in levels:
        start = _start(slope, offset, level, low, high, nearest=nearest)
        reached.append(max(start, low) if start <= high else None)
        before.append(min(start - 1, high) if start > low else None)
    return _Staircase(slope, 1 if factor >= 0 else -1, tuple(levels), tuple(reached), tuple(before))


def _start(slope: Fraction, offset: Fraction, level: int, low: int, high: int, *, nearest: bool) -> int:
    """The least integer at which the rounded line is at least ``level``; at or beyond an end where all or none are."""
    edge = level - offset - (Fraction(1, 2) if nearest else 0)
    tie_goes_down = nearest and level % 2 == 1
    if slope == 0:
        return low if edge < 0 or (edge == 0 and not tie_goes_down) else high + 1
    place = edge / slope
    start = place.__ceil__()
    return start + 1 if tie_goes_down and start == place else start
