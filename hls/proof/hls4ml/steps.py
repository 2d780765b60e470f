"""What happens to a tensor element by element, in exact integers, and whether two such chains are one function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import lcm

import numpy as np

from hls.graph import Edge, nodes
from hls.graph.fixed import FixedArray, FixedType, IntArray, round_shift, shift_left, widen
from hls.proof.hls4ml.written import CType
from hls.proof.subject import NotClosedError

_MOST_POINTS = 1 << 22
"""Values up to which two chains are compared by all that they make of them."""
_MOST_BITS = 62


@dataclass(frozen=True)
class Affine:
    """Times ``factor`` plus ``offset``, of each channel or of all of them: exact."""

    factor: tuple[Fraction, ...]
    offset: tuple[Fraction, ...]


@dataclass(frozen=True)
class Relu:
    """Nothing below zero, or there ``2**-slope_shift`` of it."""

    slope_shift: int | None = None


@dataclass(frozen=True)
class Round:
    """To the grid of ``fraction``: down, or to the nearest and of two to the even one."""

    fraction: int
    half_even: bool


@dataclass(frozen=True)
class Clip:
    """Into ``[low, high]``, integers of the tensor's grid; None is an end that nothing reaches."""

    low: int | None
    high: int | None


@dataclass(frozen=True)
class Wrap:
    """Modulo the range of a type."""

    type: FixedType


Step = Affine | Relu | Round | Clip | Wrap


@dataclass(frozen=True, eq=False)
class Span:
    """Integers of each element, row-major, in units of ``2**-fraction``: all that it can be lies in these bounds."""

    low: IntArray
    high: IntArray
    fraction: int

    @staticmethod
    def of(edge: Edge) -> Span:
        """The bounds of a tensor of the graph."""
        return Span(widen(edge.low.ravel()), widen(edge.high.ravel()), edge.fraction)

    @property
    def ends(self) -> tuple[int, int]:
        """The lowest and the highest of any element."""
        return int(self.low.min()), int(self.high.max())

    def after(self, step: Step) -> Span:
        """The bounds after a step."""
        if isinstance(step, Affine):
            return self._affine(step)
        if isinstance(step, Wrap):
            return self._wrapped(step.type)
        low, fraction = applied(step, self.low, self.fraction)
        high, _ = applied(step, self.high, self.fraction)
        return Span(low, high, fraction)

    def _wrapped(self, type_: FixedType) -> Span:
        """What fits stays; of an element that may not, any value of the type."""
        ends = [round_shift(end, self.fraction - type_.fraction, half_even=False) for end in (self.low, self.high)]
        fits = (type_.raw_min <= ends[0]) & (ends[1] <= type_.raw_max)
        low, high = (
            np.where(fits, end, bound) for end, bound in zip(ends, (type_.raw_min, type_.raw_max), strict=True)
        )
        return Span(low, high, type_.fraction)

    def _affine(self, step: Affine) -> Span:
        ends = [applied(step, bound, self.fraction) for bound in (self.low, self.high)]
        (first, fraction), (second, _) = ends
        return Span(np.minimum(first, second), np.maximum(first, second), fraction)


def side_by_side(spans: Sequence[Span]) -> Span:
    """The elements of all ``spans``, on one grid.

    >>> one, other = (Span(np.array([-low], object), np.array([low], object), low) for low in (1, 2))
    >>> side_by_side([one, other]).high.tolist()
    [2, 2]
    """
    finest = max(span.fraction for span in spans)
    low, high = (
        np.concatenate([getattr(span, end) << (finest - span.fraction) for span in spans]) for end in ("low", "high")
    )
    return Span(low, high, finest)


def applied(step: Step, integers: IntArray, fraction: int) -> tuple[IntArray, int]:
    """``integers`` after a step, and their grid."""
    if isinstance(step, Affine):
        finest = max(_fraction(value) for value in step.factor)
        grid = max(fraction + finest, *(_fraction(value) for value in step.offset))
        channels = np.arange(integers.size) % max(len(step.factor), len(step.offset))
        factor, offset = (
            _at(values, grid - shift, channels) for values, shift in ((step.factor, fraction), (step.offset, 0))
        )
        made: IntArray = integers * factor + offset
        return made, grid
    if isinstance(step, Relu):
        if step.slope_shift is None:
            return np.maximum(integers, 0), fraction
        fine = shift_left(integers, step.slope_shift)
        return np.where(integers >= 0, fine, integers), fraction + step.slope_shift
    if isinstance(step, Round):
        return round_shift(integers, fraction - step.fraction, half_even=step.half_even), step.fraction
    if isinstance(step, Clip):
        low = integers if step.low is None else np.maximum(integers, step.low)
        return low if step.high is None else np.minimum(low, step.high), fraction
    size = 1 << step.type.width
    raw = round_shift(integers, fraction - step.type.fraction, half_even=False)
    return (raw - step.type.raw_min) % size + step.type.raw_min, step.type.fraction


def _fraction(value: Fraction) -> int:
    """Bits behind the point that a number needs; below 0 for multiples of two."""
    if value == 0:
        return -1_000
    low = value.numerator & -value.numerator
    return value.denominator.bit_length() - low.bit_length()


def _at(values: Sequence[Fraction], grid: int, channels: IntArray) -> IntArray:
    scale = Fraction(2) ** grid
    scaled = np.array([int(value * scale) for value in values], dtype=object)
    chosen: IntArray = scaled[channels % len(values)]
    return chosen


def cast(span: Span, type_: CType) -> list[Step]:
    """What a conversion to ``type_`` does to values in ``span``: nothing if it holds them all."""
    if type_.rounding not in ("TRN", "RND_CONV"):
        raise NotClosedError(f"the rounding AP_{type_.rounding} is not known here")
    low, high = type_.type.raw_min, type_.type.raw_max
    if type_.overflow == "SAT_SYM" and type_.type.signed:
        low = -high
    rounded = _rounded(span, type_.type.fraction, half_even=type_.rounding == "RND_CONV")
    after = _span_after(span, rounded)
    if type_.overflow == "WRAP":
        bottom, top = _on_grid(after, type_.type.fraction)
        return rounded if low <= bottom and top <= high else [*rounded, Wrap(type_.type)]
    if type_.overflow not in ("SAT", "SAT_SYM"):
        raise NotClosedError(f"the overflow AP_{type_.overflow} is not known here")
    return [*rounded, *_clipped(after, type_.type.fraction, low, high)]


def _rounded(span: Span, fraction: int, *, half_even: bool) -> list[Step]:
    return [Round(fraction, half_even)] if span.fraction > fraction else []


def _clipped(span: Span, fraction: int, low: int, high: int) -> list[Step]:
    """Limits in units of ``2**-fraction``, which is no coarser than the grid of ``span``."""
    bottom, top = _on_grid(span, fraction)
    if low <= bottom and top <= high:
        return []
    finer: list[Step] = [Round(fraction, False)] if span.fraction < fraction else []
    return [*finer, Clip(low if bottom < low else None, high if top > high else None)]


def _on_grid(span: Span, fraction: int) -> tuple[int, int]:
    bottom, top = span.ends
    return bottom << (fraction - span.fraction), top << (fraction - span.fraction)


def _span_after(span: Span, steps: Sequence[Step]) -> Span:
    for step in steps:
        span = span.after(step)
    return span


def node_steps(node: nodes.Node, span: Span) -> list[Step] | None:
    """What a node of the graph does element by element; None for one that does anything else."""
    if isinstance(node, nodes.Reshape):
        return []
    if isinstance(node, nodes.Relu):
        return relu(span, node.slope_shift)
    if isinstance(node, nodes.Scale):
        return affine(fractions(node.factor), fractions(node.offset))
    if isinstance(node, nodes.Quantize):
        half_even = node.rounding is nodes.Rounding.NEAREST_EVEN
        rounded = _rounded(span, node.type.fraction, half_even=half_even)
        return [*rounded, *_clipped(_span_after(span, rounded), node.type.fraction, node.raw_min, node.raw_max)]
    if isinstance(node, nodes.Wrap):
        return cast(span, CType(node.type))
    return None


def relu(span: Span, slope_shift: int | None) -> list[Step]:
    """A ReLU, where something is below zero."""
    return [Relu(slope_shift)] if span.ends[0] < 0 else []


def affine(factor: Sequence[Fraction], offset: Sequence[Fraction]) -> list[Step]:
    """A scale and an offset, where they change anything."""
    one, other = _shortest(factor), _shortest(offset)
    return [] if one == (Fraction(1),) and other == (Fraction(0),) else [Affine(one, other)]


def fractions(constants: FixedArray) -> list[Fraction]:
    """Constants as exact numbers."""
    unit = Fraction(2) ** -constants.fraction
    return [int(value) * unit for value in constants.integers.ravel()]


def _shortest(values: Sequence[Fraction]) -> tuple[Fraction, ...]:
    return tuple(values[:1]) if len(set(values)) == 1 else tuple(values)


def same_function(span: Span, first: Sequence[Step], second: Sequence[Step]) -> bool:
    """Whether two chains make the same of every integer in ``span``.

    What they begin with alike is passed over; the rest is tried on all values, of each channel if they differ.

    Raises:
        NotClosedError: that would be too many values.
    """
    one, other = list(first), list(second)
    while one and other and one[0] == other[0]:
        span = span.after(one[0])
        one, other = one[1:], other[1:]
    if not one and not other:
        return True
    points = _points(span, lcm(*(len(values) for step in (*one, *other) for values in _by_channel(step))))
    return _numbers_equal(*(_all(steps, points, span.fraction) for steps in (one, other)))


def _by_channel(step: Step) -> tuple[tuple[Fraction, ...], ...]:
    return (step.factor, step.offset) if isinstance(step, Affine) else ()


def _points(span: Span, channels: int) -> IntArray:
    """All integers that each of ``channels`` can be, row-major: those with fewer of them repeat their highest."""
    low, high = (reduce(end.reshape(-1, channels), axis=0) for reduce, end in ((np.min, span.low), (np.max, span.high)))
    length = int((high - low).max()) + 1
    if length * channels > _MOST_POINTS or max(map(abs, span.ends)) >> _MOST_BITS:
        raise NotClosedError("two chains of casts are not the same step by step, and have too many values to try")
    counted = low.astype(np.int64) + np.arange(length)[:, None]
    points: IntArray = np.minimum(counted, high.astype(np.int64)).ravel()
    return points


def _all(steps: Sequence[Step], integers: IntArray, fraction: int) -> tuple[IntArray, int]:
    for step in steps:
        integers, fraction = applied(step, integers, fraction)
    return integers, fraction


def _numbers_equal(a: tuple[IntArray, int], b: tuple[IntArray, int]) -> bool:
    grid = max(a[1], b[1])
    one, other = (shift_left(integers, grid - fraction) for integers, fraction in (a, b))
    return bool(np.array_equal(one, other))


@dataclass(frozen=True, eq=False)
class Wire:
    """A tensor of the C++: node ``node`` of the graph, and what was done to it since."""

    node: str
    span: Span
    steps: tuple[Step, ...] = ()

    def then(self, steps: Sequence[Step]) -> Wire:
        """The wire after more steps."""
        return replace(self, steps=(*self.steps, *steps))

    @property
    def now(self) -> Span:
        """What the elements can be after the steps."""
        return _span_after(self.span, self.steps)
