"""Exact sums and products of arrays of integers: in int64 where that holds them, else in Python's own."""

from __future__ import annotations

import numpy as np

from hls.graph.fixed import IntArray, narrow, widen

INT64 = 1 << 62
"""Integers below this stay in int64, and so does the sum of two."""


def largest(a: IntArray) -> int:
    """The largest magnitude of any element."""
    return int(np.abs(a).max(initial=0))


def times(a: IntArray, b: IntArray) -> IntArray:
    """``a * b``.

    >>> times(np.array([3]), np.array([1 << 61])).tolist()  # leaves int64, and is exact
    [6917529027641081856]
    """
    if a.dtype == np.int64 == b.dtype and largest(a) * largest(b) < INT64:
        return np.asarray(a * b)
    return narrow(np.asarray(widen(a) * widen(b)))


def plus(a: IntArray, b: IntArray) -> IntArray:
    """``a + b``."""
    if a.dtype == np.int64 == b.dtype and largest(a) + largest(b) < INT64:
        return np.asarray(a + b)
    return narrow(np.asarray(widen(a) + widen(b)))


def whole(value: int) -> IntArray:
    """One integer as an array."""
    return narrow(np.array(value, object))


def shifted(a: IntArray, bits: int) -> IntArray:
    """``a * 2**bits`` for ``bits >= 0``."""
    return a if bits == 0 else times(a, whole(1 << bits))
