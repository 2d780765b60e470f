"""The quantizer of a given width that errs least on given values."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_MOST_VALUES = 100_000
_CLIPPED_AWAY = 4
"""How many integer bits fewer than the largest value needs are tried: to clip a few buys resolution for the rest."""


@dataclass(frozen=True)
class Choice:
    """A QKeras quantizer: ``quantized_bits`` if ``signed``, else of numbers from zero on; ``integer`` is QKeras's."""

    bits: int
    integer: int
    signed: bool

    @property
    def text(self) -> str:
        """As QKeras reads it."""
        if self.signed:
            return f"quantized_bits({self.bits},{self.integer},alpha=1)"
        if self.integer < 0:  # QKeras's quantized_relu takes no negative power of an integer two
            return f"quantized_bits({self.bits},{self.integer},keep_negative=0,alpha=1)"
        return f"quantized_relu({self.bits},{self.integer})"

    @property
    def fraction(self) -> int:
        """Fraction bits."""
        return self.bits - self.integer - int(self.signed)

    def within(self, fraction: int) -> Choice:
        """The same without the bits behind ``fraction`` of them; two are left of any.

        >>> [Choice(8, integer, signed=True).within(6).bits for integer in (0, -4, 3)]
        [7, 3, 8]
        """
        beyond = max(self.fraction - fraction, 0)
        if self.bits - beyond < 2:
            return Choice(2, 2 - int(self.signed) - fraction, self.signed)
        return Choice(self.bits - beyond, self.integer, self.signed)

    def apply(self, values: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Rounded half to even and saturated."""
        magnitude = 1 << (self.bits - int(self.signed))
        low = -magnitude if self.signed else 0
        raw = np.clip(np.rint(np.ldexp(values, self.fraction)), low, magnitude - 1)
        return np.asarray(np.ldexp(raw, -self.fraction))


def best_choice(values: npt.NDArray[np.floating], bits: int, *, signed: bool) -> Choice:
    """The integer bits with the least mean square error over ``values``.

    >>> best_choice(np.array([0.1, -0.7, 0.5]), 6, signed=True)
    Choice(bits=6, integer=0, signed=True)
    """
    flat = np.asarray(values, np.float64).ravel()
    if flat.size > _MOST_VALUES:
        largest = flat[np.argmax(np.abs(flat))]
        flat = np.append(np.random.default_rng(0).choice(flat, _MOST_VALUES, replace=False), largest)
    magnitude = float(np.abs(flat).max(initial=0.0))
    needed = math.frexp(magnitude)[1] if magnitude else 0
    choices = [Choice(bits, needed - fewer, signed) for fewer in range(_CLIPPED_AWAY + 1)]
    return min(choices, key=lambda choice: float(np.mean(np.square(choice.apply(flat) - flat))))
