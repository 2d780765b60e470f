"""Products with zeros and ones: hls4ml repeats and reorders elements by them where the graph has wires."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from hls.graph.fixed import IntArray
from hls.proof.hls4ml.steps import Span, Wire


@dataclass(frozen=True, eq=False)
class Chosen:
    """An array each of whose elements is one of a tensor's: element ``i`` that at place ``index[i]`` of ``wire``."""

    wire: Wire
    index: IntArray

    @staticmethod
    def all_of(wire: Wire) -> Chosen:
        """Every element in its place."""
        return Chosen(wire, np.arange(wire.span.low.size))

    @property
    def span(self) -> Span:
        """The bounds of its elements."""
        now = self.wire.now
        return Span(now.low[self.index], now.high[self.index], now.fraction)

    def rows_by(self, columns: IntArray, length: int) -> Chosen:
        """Of each row of ``length`` elements those of ``columns``, in their order."""
        return Chosen(self.wire, self.index.reshape(-1, length)[:, columns].ravel())


def chosen_columns(weights: Sequence[Fraction], bias: Sequence[Fraction]) -> IntArray | None:
    """The row that each column of a matrix (rows, ``len(bias)``) takes as it is; None if it computes anything.

    >>> chosen_columns([Fraction(n) for n in (0, 1, 0, 1, 0, 1)], [Fraction(0)] * 3).tolist()
    [1, 0, 1]
    >>> chosen_columns([Fraction(1), Fraction(1)], [Fraction(0)]) is None
    True
    """
    matrix = np.array(weights, dtype=object).reshape(-1, len(bias))
    alone = (matrix != 0).sum(axis=0) == 1
    if any(bias) or not alone.all() or not (matrix.sum(axis=0) == 1).all():
        return None
    columns: IntArray = np.argmax(matrix != 0, axis=0)
    return columns


def broadcast(shape: Sequence[int], result: Sequence[int]) -> IntArray:
    """Which element of a tensor of ``shape`` each of ``result`` is, repeated as numpy does it.

    >>> broadcast((2, 1), (2, 2)).tolist()
    [0, 0, 1, 1]
    """
    places = np.arange(np.prod(shape, dtype=np.int64)).reshape(shape)
    repeated: IntArray = np.broadcast_to(places, result).ravel()
    return repeated
