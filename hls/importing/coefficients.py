"""What a layer multiplies by or adds, beside what QKeras's float32 may have in its place."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hls.graph.fixed import FixedArray, narrow, times
from hls.graph.float32 import Doubles


@dataclass(frozen=True, eq=False)
class Coefficients:
    """What a layer multiplies by or adds, and by how much QKeras's own float32 may be off it; None if nowhere.

    ``scale``: what the sums are multiplied by, one a channel of the result, where that is no power of two; ``exact``
    and ``off`` are then in units of it.
    """

    exact: FixedArray
    off: Doubles | None = None
    scale: FixedArray | None = None

    def multiplied(self) -> Coefficients:
        """The same without a scale of its own, for a layer whose results are not the channels of its kernel."""
        if self.scale is None:
            return self
        unit = np.abs(self.scale.to_float())
        return Coefficients(times(self.exact, self.scale), None if self.off is None else self.off * unit)

    def part(self, columns: slice) -> Coefficients:
        """Some of the last axis."""
        exact = FixedArray(self.exact.integers[..., columns], self.exact.fraction)
        return Coefficients(exact, None if self.off is None else self.off[..., columns])

    def row(self, number: int) -> Coefficients:
        """One of the first axis."""
        exact = FixedArray(self.exact.integers[number], self.exact.fraction)
        return Coefficients(exact, None if self.off is None else self.off[number])


def stacked(a: Coefficients, b: Coefficients) -> Coefficients:
    """The rows of one kernel, and those of another below them."""
    fraction = max(a.exact.fraction, b.exact.fraction)
    integers = [part.exact.at_fraction(fraction).integers for part in (a, b)]
    exact = FixedArray(narrow(np.concatenate(integers)), fraction)
    if a.off is None and b.off is None:
        return Coefficients(exact)
    return Coefficients(exact, np.concatenate([np.zeros(p.exact.shape) if p.off is None else p.off for p in (a, b)]))


def added(a: Coefficients, b: Coefficients) -> Coefficients:
    """Two biases of the same sums."""
    fraction = max(a.exact.fraction, b.exact.fraction)
    one, other = (part.exact.at_fraction(fraction).integers for part in (a, b))
    exact = FixedArray(narrow(one + other), fraction)
    if a.off is None and b.off is None:
        return Coefficients(exact)
    return Coefficients(exact, sum((part.off for part in (a, b) if part.off is not None), np.zeros(exact.shape)))
