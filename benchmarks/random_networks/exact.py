"""Arrays of rational numbers: Python's integers over one common denominator. Nothing rounds unless it is told to."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

Number = int | float | Fraction


@dataclass(frozen=True, eq=False)
class Exact:
    """``numerators / denominator``; the numerators are Python integers in an array of objects."""

    numerators: npt.NDArray[Any]
    denominator: int = 1

    @classmethod
    def of(cls, values: npt.ArrayLike) -> Exact:
        """Floats (float32 and float64 are binary fractions) or Fractions, as they are."""
        array = np.asarray(values)
        ratios = [value.as_integer_ratio() for value in array.ravel().tolist()]
        common = math.lcm(*(denominator for _, denominator in ratios))
        numerators = np.array([numerator * (common // denominator) for numerator, denominator in ratios], object)
        return cls(numerators.reshape(array.shape), common)

    @property
    def shape(self) -> tuple[int, ...]:
        """With the events in front."""
        return self.numerators.shape

    def fractions(self) -> npt.NDArray[Any]:
        """An array of Fractions."""
        return self.each(lambda value: value)

    def each(self, function: Callable[[Fraction], Any]) -> npt.NDArray[Any]:
        """``function`` of every element; of those that are equal once."""
        numerators = [int(n) for n in self.numerators.ravel()]
        found = {n: function(Fraction(n, self.denominator)) for n in set(numerators)}
        return np.array([found[n] for n in numerators], object).reshape(self.shape)

    def floats(self) -> npt.NDArray[np.float64]:
        """The nearest float64 of every element: Python rounds a quotient of two integers once."""
        return np.asarray(self.numerators / self.denominator, np.float64)

    def inverse(self) -> Exact:
        """1 over every element; none may be zero."""
        common = math.lcm(*self.numerators.ravel())
        return Exact(common // self.numerators * self.denominator, common)

    def over(self, denominator: int) -> npt.NDArray[Any]:
        """Numerators over another denominator, a multiple of this one."""
        return self.numerators * (denominator // self.denominator)

    def _with(self, other: Exact | Number) -> tuple[npt.NDArray[Any], npt.NDArray[Any], int]:
        other = other if isinstance(other, Exact) else constant(other)
        common = math.lcm(self.denominator, other.denominator)
        return self.over(common), other.over(common), common

    def __add__(self, other: Exact | Number) -> Exact:
        a, b, common = self._with(other)
        return Exact(np.asarray(a + b, object), common)

    def __sub__(self, other: Exact | Number) -> Exact:
        a, b, common = self._with(other)
        return Exact(a - b, common)

    def __neg__(self) -> Exact:
        return Exact(-self.numerators, self.denominator)

    def __mul__(self, other: Exact | Number) -> Exact:
        other = other if isinstance(other, Exact) else constant(other)
        return Exact(self.numerators * other.numerators, self.denominator * other.denominator).reduced()

    def __truediv__(self, other: Number) -> Exact:
        return self * (1 / Fraction(other))

    def at_least(self, other: Exact | Number) -> npt.NDArray[np.bool_]:
        """Where it is greater than or equal to ``other``."""
        a, b, _ = self._with(other)
        return np.asarray(a >= b, bool)

    def floor(self) -> Exact:
        """The next integer below."""
        return Exact(self.numerators // self.denominator)

    def round(self) -> Exact:
        """The nearest integer, ties to even, as ``tf.round``."""
        twice = 2 * self.denominator
        shifted = 2 * self.numerators + self.denominator
        nearest = shifted // twice
        tie = (shifted % twice == 0) & (nearest % 2 == 1)
        return Exact(nearest - tie)

    def clip(self, low: Number, high: Number) -> Exact:
        """``min(max(x, low), high)``, in this order."""
        raised = where(self.at_least(low), self, low)
        return where(raised.at_least(high), constant(high), raised)

    def __getitem__(self, key: Any) -> Exact:
        return Exact(self.numerators[key], self.denominator)

    def reshape(self, *shape: int) -> Exact:
        """The same elements, row by row."""
        return Exact(self.numerators.reshape(shape), self.denominator)

    def transpose(self, *axes: int) -> Exact:
        """Axes permuted."""
        return Exact(self.numerators.transpose(axes), self.denominator)

    def sum(self, axis: int | tuple[int, ...], keepdims: bool = False) -> Exact:
        """Sum along axes."""
        return Exact(np.asarray(self.numerators.sum(axis=axis, keepdims=keepdims)), self.denominator)

    def max(self, axis: int | tuple[int, ...], keepdims: bool = False) -> Exact:
        """Largest along axes."""
        return Exact(np.asarray(self.numerators.max(axis=axis, keepdims=keepdims)), self.denominator)

    def dot(self, other: Exact) -> Exact:
        """Over the last axis of this and the first of two of ``other``."""
        product = np.dot(self.numerators, other.numerators)
        return Exact(product, self.denominator * other.denominator).reduced()

    def reduced(self) -> Exact:
        """Over the smallest denominator there is, so that numbers stay short."""
        common = math.gcd(self.denominator, *self.numerators.ravel())
        return Exact(self.numerators // common, self.denominator // common) if common > 1 else self


def constant(value: Number) -> Exact:
    """One number that broadcasts."""
    ratio = Fraction(value)
    numerator = np.empty((), object)
    numerator[()] = ratio.numerator
    return Exact(numerator, ratio.denominator)


def where(condition: npt.NDArray[np.bool_], yes: Exact | Number, no: Exact | Number) -> Exact:
    """Element by element."""
    first, second = (side if isinstance(side, Exact) else constant(side) for side in (yes, no))
    common = math.lcm(first.denominator, second.denominator)
    sides = (np.asarray(side.over(common), object) for side in (first, second))
    return Exact(np.where(condition, *sides), common)


def joined(parts: list[Exact], axis: int) -> Exact:
    """Concatenation along an axis."""
    common = math.lcm(*(part.denominator for part in parts))
    return Exact(np.concatenate([part.over(common) for part in parts], axis=axis), common)
