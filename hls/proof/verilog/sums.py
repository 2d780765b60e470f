"""Sums that nobody has added yet.

An accumulator adds one product after the other. Its partial sums are read by nothing but the next addition: as forms
they would take as much as the square of what the last one does.
"""

from __future__ import annotations

from collections.abc import Sequence

from hls.proof.forms import Value
from hls.proof.words import Space


class Sum:
    """``sum of weight * number``, in the interval that its parts allow; a number of the space once it is asked for."""

    __slots__ = ("high", "low", "parts")

    def __init__(self, parts: Sequence[tuple[int, Number]]) -> None:
        self.parts = parts
        self.low = self.high = 0
        for weight, number in parts:
            ends = weight * number.low, weight * number.high
            self.low += min(ends)
            self.high += max(ends)

    def value(self, space: Space) -> Value:
        """The sum as a number, added at once; the number is its only part from then on."""
        found: list[tuple[int, Value]] = []
        stack = list(self.parts)
        while stack:
            weight, number = stack.pop()
            if isinstance(number, Sum):
                stack.extend((weight * factor, part) for factor, part in number.parts)
            else:
                found.append((weight, number))
        if len(found) == 1 and found[0][0] == 1:
            return found[0][1]
        added = space.affine(found)
        self.parts = ((1, added),)
        return added


Number = Value | Sum
"""A number of a design, or a sum that may become one."""


def settled(number: Number, space: Space) -> Value:
    """The number as one of the space."""
    return number.value(space) if isinstance(number, Sum) else number
