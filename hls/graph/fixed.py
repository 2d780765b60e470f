"""Fixed-point types and constants: integers times a power of two, in the words of ap_fixed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

FLOAT32_LIMIT = 1 << 24
FLOAT64_LIMIT = 1 << 53
"""Integers below these are exact in floating point, and so are sums of which no partial sum reaches them."""

IntArray = npt.NDArray[Any]
"""Exact integers: dtype int64, or object (Python ints) where int64 is too narrow."""


@dataclass(frozen=True)
class FixedType:
    """``ap_fixed<width, integer>`` or, unsigned, ``ap_ufixed<width, integer>``.

    ``integer`` counts the bits left of the binary point, the sign bit among them, and may be negative or larger
    than ``width``: the value of raw integer ``r`` is ``r * 2**(integer - width)``.

    Eight bits, three of them left of the point, count in steps of 1/32 from -4 to just below 4:

    >>> eight = FixedType(signed=True, width=8, integer=3)
    >>> str(eight), eight.fraction
    ('ap_fixed<8,3>', 5)
    >>> eight.raw_min * 2**-5, eight.raw_max * 2**-5
    (-4.0, 3.96875)
    """

    signed: bool
    width: int
    integer: int

    def __post_init__(self) -> None:
        if self.width < 1:
            raise ValueError(f"a fixed-point type needs at least one bit, not {self.width}")

    @property
    def fraction(self) -> int:
        """Bits right of the binary point: one LSB is ``2**-fraction``."""
        return self.width - self.integer

    @property
    def raw_min(self) -> int:
        """Smallest raw integer."""
        return -(1 << (self.width - 1)) if self.signed else 0

    @property
    def raw_max(self) -> int:
        """Largest raw integer."""
        return (1 << (self.width - self.signed)) - 1

    def __str__(self) -> str:
        return f"ap_{'' if self.signed else 'u'}fixed<{self.width},{self.integer}>"

    @staticmethod
    def covering(raw_min: int, raw_max: int, fraction: int) -> FixedType:
        """The narrowest type with LSB ``2**-fraction`` that holds every integer in ``[raw_min, raw_max]``.

        >>> str(FixedType.covering(-5, 3, fraction=1))  # -2.5 to 1.5 in steps of a half
        'ap_fixed<4,3>'
        >>> str(FixedType.covering(0, 7, fraction=0))  # nothing below zero: no sign bit
        'ap_ufixed<3,3>'
        """
        signed = raw_min < 0
        bits = max(int(raw_max).bit_length(), int(-raw_min - 1).bit_length() if signed else 0)
        width = max(bits + signed, 1)
        return FixedType(signed, width, width - fraction)


@dataclass(frozen=True, eq=False)
class FixedArray:
    """Constant array of exact numbers ``integers * 2**-fraction``.

    ``integers`` is int64, or object (Python ints) where int64 is too narrow.

    >>> quarters = FixedArray.from_float([0.5, -0.75, 2.0])
    >>> quarters.integers.tolist(), quarters.fraction
    ([2, -3, 8], 2)
    >>> str(quarters.type)
    'ap_fixed<5,3>'
    """

    integers: IntArray
    fraction: int

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""
        return self.integers.shape

    @property
    def type(self) -> FixedType:
        """Narrowest type that holds every element."""
        low = min(int(self.integers.min()), 0) if self.integers.size else 0
        high = max(int(self.integers.max()), 0) if self.integers.size else 0
        return FixedType.covering(low, high, self.fraction)

    def to_float(self) -> npt.NDArray[np.float64]:
        """Values as float64; exact while the integers stay below 2**53.

        >>> FixedArray(np.array([3, -8]), fraction=2).to_float().tolist()
        [0.75, -2.0]
        """
        return np.ldexp(self.integers.astype(np.float64), -self.fraction)

    def at_fraction(self, fraction: int) -> FixedArray:
        """The same values on a finer (or equal) grid.

        >>> FixedArray(np.array([3, -8]), fraction=2).at_fraction(4).integers.tolist()  # 0.75 is 12 sixteenths
        [12, -32]
        """
        if fraction < self.fraction:
            raise ValueError(f"a grid of {fraction} fraction bits cannot hold one of {self.fraction}")
        return FixedArray(shift_left(self.integers, fraction - self.fraction), fraction)

    @staticmethod
    def from_float(values: npt.ArrayLike) -> FixedArray:
        """Exact conversion: floats are dyadic rationals, so each is an integer on a common grid.

        The grid is the coarsest on which all values are integers.

        >>> FixedArray.from_float([4.0, 12.0]).fraction  # fours: two bits above the point are not needed
        -2
        >>> FixedArray.from_float([0.1]).fraction  # a float64 is no tenth, but a dyadic number near it
        55
        """
        array = np.asarray(values, dtype=np.float64)
        if not np.isfinite(array).all():
            raise ValueError("NaN or infinity is no fixed-point number")
        mantissa, exponent = np.frexp(array)
        odd = (mantissa * 2.0**53).astype(np.int64)
        nonzero = odd != 0
        if not nonzero.any():
            return FixedArray(np.zeros(array.shape, np.int64), 0)
        low_bit = odd & -odd
        trailing = np.frexp(low_bit.astype(np.float64))[1] - 1
        lsb = exponent - 53 + trailing
        fraction = int(-lsb[nonzero].min())
        span = int((exponent[nonzero]).max()) + fraction
        if span <= 62:
            return FixedArray(np.ldexp(array, fraction).astype(np.int64), fraction)
        shift = (exponent - 53 + fraction).astype(object)
        integers = np.empty(array.shape, dtype=object)
        flat_odd, flat_shift, flat = odd.ravel(), shift.ravel(), integers.ravel()
        for index in range(flat.size):
            step = int(flat_shift[index])
            value = int(flat_odd[index])
            flat[index] = value << step if step >= 0 else value >> -step
        return FixedArray(flat.reshape(array.shape), fraction)


def narrow(integers: IntArray) -> IntArray:
    """int64 where every element fits in 62 bits (sums of two stay safe), Python ints otherwise.

    >>> narrow(np.array([1, 2], dtype=object)).dtype.name, narrow(np.array([1 << 70], dtype=object)).dtype.name
    ('int64', 'object')
    """
    if integers.dtype == np.int64 or integers.size == 0:
        return integers.astype(np.int64)
    bound = 1 << 62
    fits = -bound < int(integers.min()) and int(integers.max()) < bound
    return integers.astype(np.int64) if fits else integers


def widen(integers: IntArray) -> npt.NDArray[np.object_]:
    """Python ints, for arithmetic that may leave int64."""
    return integers.astype(object)


def times(a: FixedArray, b: FixedArray) -> FixedArray:
    """Products, exactly, broadcast as NumPy's are.

    >>> times(FixedArray.from_float([3.0, 0.5]), FixedArray.from_float([0.25])).to_float().tolist()
    [0.75, 0.125]
    """
    return FixedArray(narrow(np.asarray(widen(a.integers) * widen(b.integers))), a.fraction + b.fraction)


def shift_left(integers: IntArray, bits: int) -> IntArray:
    """``integers * 2**bits`` exactly, for ``bits >= 0``.

    >>> shift_left(np.array([3]), 62).tolist()  # leaves int64, and is exact
    [13835058055282163712]
    """
    if bits == 0:
        return integers
    if integers.dtype == np.int64 and int(np.abs(integers).max(initial=0)) << bits < 1 << 62:
        return integers << bits
    return narrow(widen(integers) * (1 << bits))


def round_shift(integers: IntArray, bits: int, *, half_even: bool) -> IntArray:
    """``integers / 2**bits`` rounded to integers.

    ``half_even``: to nearest, ties to even (AP_RND_CONV); otherwise towards minus infinity (AP_TRN).
    Negative ``bits`` multiply, exactly.

    Halves go up to 1.5 and 2.5; of the two neighbours the even one is taken, or the lower one always:

    >>> halves = np.array([1, 3, 5, -1, -3])  # 0.5, 1.5, 2.5, -0.5, -1.5
    >>> round_shift(halves, 1, half_even=True).tolist()
    [0, 2, 2, 0, -2]
    >>> round_shift(halves, 1, half_even=False).tolist()
    [0, 1, 2, -1, -2]
    """
    if bits <= 0:
        return shift_left(integers, -bits)
    if integers.dtype == np.int64 and bits > 62:
        integers = widen(integers)
    floor = integers >> bits
    if not half_even:
        return narrow(floor)
    rest = integers - (floor << bits)
    half = 1 << (bits - 1)
    up = (rest > half) | ((rest == half) & ((floor & 1) == 1))
    return narrow(floor + up.astype(floor.dtype))
