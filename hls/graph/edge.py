"""What is known of a tensor before any event: its shape, its grid and the exact interval of every element."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from hls.graph.fixed import FixedType, IntArray, shift_left


@dataclass(frozen=True, eq=False)
class Edge:
    """Raw integers of the tensor lie in ``[low, high]`` (arrays of ``shape``), in units of ``2**-fraction``.

    ``declared`` is the type that a quantizer or a port gave; elsewhere the type is the narrowest that the interval
    allows. ``partial_bound`` bounds the magnitude of every partial sum on the way to the value, in any order of
    summation: below 2**24 a float32 computation is exact, below 2**53 a float64 one.

    Two elements in steps of 1/4, the first from -1 to 0.75, the second from 0 to 3, need one type:

    >>> edge = Edge.of(np.array([-4, 0]), np.array([3, 12]), fraction=2)
    >>> str(edge.type), edge.magnitude, edge.shape
    ('ap_fixed<5,3>', 12, (2,))
    """

    low: IntArray
    high: IntArray
    fraction: int
    partial_bound: int
    declared: FixedType | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape without the batch axis."""
        return self.low.shape

    @cached_property
    def raw_min(self) -> int:
        """Smallest raw integer of any element."""
        return int(self.low.min())

    @cached_property
    def raw_max(self) -> int:
        """Largest raw integer of any element."""
        return int(self.high.max())

    @cached_property
    def type(self) -> FixedType:
        """The type that carries this tensor on chip."""
        return self.declared or FixedType.covering(min(self.raw_min, 0), max(self.raw_max, 0), self.fraction)

    @property
    def magnitude(self) -> int:
        """Largest absolute raw integer."""
        return max(abs(self.raw_min), abs(self.raw_max))

    @staticmethod
    def of(low: IntArray, high: IntArray, fraction: int, partial_bound: int | None = None) -> Edge:
        """An edge whose partial sums never exceed its own interval, unless told otherwise.

        >>> Edge.of(np.array([-3]), np.array([5]), 0).partial_bound
        5
        >>> Edge.of(np.array([-3]), np.array([5]), 0, partial_bound=40).partial_bound  # 40 - 35, say
        40
        """
        edge = Edge(low, high, fraction, 0)
        bound = edge.magnitude if partial_bound is None else max(partial_bound, edge.magnitude)
        return Edge(low, high, fraction, bound)

    @staticmethod
    def uniform(shape: tuple[int, ...], raw_min: int, raw_max: int, type_: FixedType) -> Edge:
        """Every element in the same interval, with a declared type.

        >>> edge = Edge.uniform((2, 3), -7, 7, FixedType(True, 4, 1))  # symmetric: -8 is left out
        >>> edge.raw_min, edge.fraction, edge.shape
        (-7, 3, (2, 3))
        """
        dtype = np.int64 if type_.width <= 62 else object
        low, high = np.full(shape, raw_min, dtype), np.full(shape, raw_max, dtype)
        return Edge(low, high, type_.fraction, max(abs(raw_min), abs(raw_max)), type_)

    def at_fraction(self, fraction: int) -> tuple[IntArray, IntArray]:
        """The bounds on a finer grid.

        >>> low, high = Edge.of(np.array([-1]), np.array([3]), fraction=1).at_fraction(3)
        >>> low.tolist(), high.tolist()
        ([-4], [12])
        """
        shift = fraction - self.fraction
        return shift_left(self.low, shift), shift_left(self.high, shift)
