"""Exact arithmetic on alkaid's symbolic numbers, composed from the primitives that were found to be exact.

An ``Element`` is an alkaid ``FVariable``. alkaid 0.8 finds the lowest bit of a constant in float32, as it keeps kernels
and tables, and intervals in float64. A constant of more than 24 significant bits would silently lose its last ones, so
it is split into parts that fit, or refused.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from hls.errors import UnsupportedError
from hls.graph.fixed import FixedType, IntArray
from hls.rtl.element import Element, Solution
from hls.rtl.pipeline import Pipelining

# Widest part of a kernel or table handed to alkaid, with room for the partial sums of its solver.
_PART_BITS = 20
_CONSTANT_BITS = 24
# From this many weights on a matrix is not decomposed into two: a quarter of the time for 4 % more adder bits.
_LARGE = 4096


@dataclass
class Arithmetic:
    """Operations on elements. ``hard_dc`` is the solver's: extra adder levels allowed below the deepest column.

    Small values solve faster and pipeline shorter, -1 lets the solver go as deep as saves adders.
    """

    hard_dc: int = 2
    pipelining: Pipelining | None = None
    _solved: dict[Hashable, tuple[Solution, Solution]] = field(default_factory=dict)

    def constant(self, value: Fraction) -> Element:
        """An element that never changes."""
        from alkaid.trace import FVariable

        _check_constant(value)
        made: Element = FVariable.from_const(float(value), hwconf=_hardware())
        return made

    def port(self, raw_min: int, raw_max: int, fraction: int) -> Element:
        """A new input."""
        from alkaid.trace import FVariable

        ends = (float(raw * _unit(fraction)) for raw in (raw_min, raw_max))
        made: Element = FVariable(*ends, float(_unit(fraction)), hwconf=_hardware())
        return made

    def affine(self, x: Sequence[Element], kernel: IntArray, fraction: int, bias: Sequence[Fraction]) -> list[Element]:
        """``x @ kernel * 2**-fraction + bias`` for a vector of K elements and integers of shape (K, N)."""
        moving = [k for k, element in enumerate(x) if not is_constant(element)]
        offsets = list(bias)
        for k in sorted(set(range(len(x))) - set(moving)):
            value = constant_value(x[k]) * _unit(fraction)
            offsets = [offset + value * int(weight) for offset, weight in zip(offsets, kernel[k], strict=True)]
        if not moving:
            return [self.constant(offset) for offset in offsets]
        sums = self._product([_fresh(x[k]) for k in moving], kernel[moving])
        return [self.add_constant(scaled(s, -fraction), o) for s, o in zip(sums, offsets, strict=True)]

    def _product(self, x: list[Element], kernel: IntArray) -> list[Element]:
        total = [self.constant(Fraction(0))] * kernel.shape[1]
        for shift, part in _parts(kernel):
            if not part.any():
                continue
            solved = self._solve(x, part.astype(np.float32))
            total = [self.add(t, scaled(s, shift)) for t, s in zip(total, solved, strict=True)]
        return total

    def _solve(self, x: list[Element], kernel: npt.NDArray[np.float32]) -> list[Element]:
        from alkaid.cmvm import QInterval, cmvm_solve

        intervals = [QInterval(e.low, e.high, e.step) for e in x]
        latencies = [float(e.latency) for e in x]
        key = (kernel.shape, kernel.tobytes(), tuple(intervals), tuple(latencies))
        if key not in self._solved:
            # A convolution solves the same matrix at every position: windows that look alike share the solution.
            quick = {"decompose_dc": -1, "search_all_decompose_dc": False} if kernel.size >= _LARGE else {}
            self._solved[key] = cmvm_solve(
                np.ascontiguousarray(kernel), qintervals=intervals, latencies=latencies, hard_dc=self.hard_dc, **quick
            )
        first, second = self._solved[key]
        vector = np.empty(len(x), object)
        vector[:] = x
        return [self._element(e) for e in second(first(vector, quantize=False), quantize=False)]

    def _element(self, value: Element | float) -> Element:
        if isinstance(value, int | float | np.number):
            return self.constant(Fraction(float(value)))
        return _fresh(value)

    def add(self, a: Element, b: Element) -> Element:
        """``a + b``."""
        if is_constant(b):
            return self.add_constant(a, constant_value(b))
        return self.add_constant(b, constant_value(a)) if is_constant(a) else _fresh(a + b)

    def add_constant(self, x: Element, value: Fraction) -> Element:
        """``x + value``."""
        if is_constant(x):
            return self.constant(constant_value(x) + value)
        if value == 0:
            return x
        _check_added(x, value)
        return _fresh(x + float(value))

    def multiply(self, a: Element, b: Element) -> Element:
        """``a * b``."""
        if is_constant(a):
            a, b = b, a
        if not is_constant(b):
            return self._multiply_moving(a, b)
        factor = constant_value(b)
        fraction = factor.denominator.bit_length() - 1
        return self.affine([a], np.array([[factor.numerator]], object), fraction, [Fraction(0)])[0]

    def _multiply_moving(self, a: Element, b: Element) -> Element:
        """``a * b`` of two that change: one product, or where that is too slow, one for each digit of the narrower."""
        wide, narrow = sorted((a, b), key=lambda x: -sum(x.qint.kif))
        bits, signed = sum(narrow.qint.kif), bool(narrow.qint.kif.signed)
        digit = bits
        if self.pipelining is not None:
            digit = self.pipelining.digit_bits(bits, sum(wide.qint.kif), signed=signed)
        if digit == bits:
            return a * b
        row = [_fresh(wide * part) for part in _digits(narrow, digit)]
        while len(row) > 1:
            row = [self.add(*row[i : i + 2]) if len(row[i : i + 2]) > 1 else row[i] for i in range(0, len(row), 2)]
        return row[0]

    def maximum(self, elements: Sequence[Element]) -> Element:
        """The largest of one or more elements."""
        row = list(elements)
        while len(row) > 1:
            pairs = [row[i : i + 2] for i in range(0, len(row), 2)]
            row = [pair[0].max_of(pair[-1]) if len(pair) > 1 else pair[0] for pair in pairs]
        return row[0]

    def leaky(self, x: Element, slope_shift: int) -> Element:
        """``x`` where it is not negative, ``x * 2**-slope_shift`` elsewhere."""
        if is_constant(x):
            value = constant_value(x)
            return self.constant(value if value >= 0 else value * _unit(slope_shift))
        if x.low >= 0 or slope_shift == 0:
            return x
        small = scaled(x, -slope_shift)
        if x.high < 0:
            return small
        return x.msb_mux(small, x, (float(small.low), float(x.high), float(small.step)))

    def quantize(self, x: Element, fraction: int, raw_min: int, raw_max: int, half_even: bool) -> Element:
        """Round to the grid ``2**-fraction``, then saturate to raw integers ``[raw_min, raw_max]``."""
        # Zero lies on every grid, so negative numbers may go before rounding: that is a mask, not a comparison.
        if raw_min == 0 and x.low < 0 and not is_constant(x):
            x = x.relu()
        rounded = self._round(x, fraction, half_even)
        low, high = raw_min * _unit(fraction), raw_max * _unit(fraction)
        if rounded.low < low:
            _check_added(rounded, -low)
            rounded = _fresh(rounded.max_of(self.constant(low)))
        if rounded.high > high:
            _check_added(rounded, -high)
            rounded = _fresh(rounded.min_of(self.constant(high)))
        return rounded

    def wrap(self, x: Element, type_: FixedType) -> Element:
        """The element's low bits as a number of ``type_``; its last place is one of the type's already."""
        low, high = (constant / _unit(type_.fraction) for constant in _ends(x))
        turn = (int(low) - type_.raw_min) >> type_.width
        if low == high:
            return self.constant((int(low) - (turn << type_.width)) * _unit(type_.fraction))
        if turn == 0 and int(high) <= type_.raw_max:
            return x
        bits = type_.integer - type_.signed
        return _fresh(x.quantize(type_.signed, bits, type_.fraction, overflow_mode="WRAP", round_mode="TRN"))

    def _round(self, x: Element, fraction: int, half_even: bool) -> Element:
        low, high = (_rounded(constant, fraction, half_even) for constant in _ends(x))
        if low == high:
            return self.constant(low * _unit(fraction))
        if x.step >= float(_unit(fraction)):
            return x
        signed = low < 0
        bits = max(high.bit_length(), (-low - 1).bit_length() if signed else 0)
        if half_even:
            raised = self.add_constant(x, _unit(fraction + 1))
            if raised.step >= float(_unit(fraction)):
                # Every value lies half-way: the even one is the raised without its last place. alkaid looks for the
                # places behind it, which are gone.
                even = raised.quantize(signed, bits - fraction, fraction - 1, overflow_mode="WRAP", round_mode="TRN")
                return _fresh(even)
        mode = "RND_CONV" if half_even else "TRN"
        return _fresh(x.quantize(signed, bits - fraction, fraction, overflow_mode="WRAP", round_mode=mode))

    def lookup(self, x: Element, values: IntArray, fraction: int, raw_min: int, x_fraction: int) -> Element:
        """``values[raw(x) - raw_min] * 2**-fraction``."""
        unit = _unit(x_fraction)
        if is_constant(x):
            return self.constant(int(values[int(constant_value(x) / unit) - raw_min]) * _unit(fraction))
        # alkaid wants an entry for each value that it claims, and it claims one step too much after rounding to even.
        low, high = (int(end / unit) for end in _ends(x))
        before, after = max(raw_min - low, 0), max(high - (raw_min + len(values) - 1), 0)
        values, raw_min = np.pad(values, (before, after), "edge"), raw_min - before
        interval = (float(raw_min * unit), float((raw_min + len(values) - 1) * unit), float(unit))
        total = self.constant(Fraction(0))
        for shift, part in _parts(values):
            if part.any():
                found = x.lookup(part.astype(np.float64), original_qint=interval)
                total = self.add(total, scaled(found, shift))
        return scaled(total, -fraction)


def _digits(x: Element, size: int) -> list[Element]:
    """Numbers of ``size`` bits each that sum to ``x``: its bits from the lowest on, the last with its sign."""
    signed, integer, fraction = x.qint.kif
    digits = []
    for low in range(-fraction, integer + signed, size):
        last = low + size >= integer + signed
        top = integer if last else low + size
        kept = x.quantize(bool(signed and last), top, -low, overflow_mode="WRAP", round_mode="TRN")
        digits.append(_fresh(kept))
    return digits


def is_constant(x: Element) -> bool:
    """Whether the element never changes."""
    return bool(x.low == x.high)


def constant_value(x: Element) -> Fraction:
    """Value of a constant element."""
    return Fraction(x.low)


def scaled(x: Element, exponent: int) -> Element:
    """``x * 2**exponent``: wires only."""
    return x * 2.0**exponent if exponent else x


def _hardware() -> object:
    from alkaid.trace import HWConfig

    return HWConfig(1, 1, -1)


def _unit(fraction: int) -> Fraction:
    return Fraction(1, 1 << fraction) if fraction >= 0 else Fraction(1 << -fraction)


def _ends(x: Element) -> tuple[Fraction, Fraction]:
    return Fraction(x.low), Fraction(x.high)


def _rounded(value: Fraction, fraction: int, half_even: bool) -> int:
    on_grid = value / _unit(fraction)
    return round(on_grid) if half_even else int(on_grid // 1)


def _parts(integers: IntArray) -> list[tuple[int, npt.NDArray[np.object_]]]:
    """Signed parts of at most ``_PART_BITS`` bits, each with its power of two, that sum to ``integers``."""
    parts, shift, rest = [], 0, integers.astype(object)
    while rest.size and max(abs(int(rest.min())), abs(int(rest.max()))) >> _PART_BITS:
        low = rest & ((1 << _PART_BITS) - 1)
        parts.append((shift, low))
        rest, shift = (rest - low) >> _PART_BITS, shift + _PART_BITS
    return [*parts, (shift, rest)]


def _fresh(x: Element) -> Element:
    """The same element, its interval no longer written in terms of others.

    alkaid carries the coefficients of earlier elements along, and products of those outgrow its float32.
    """
    from alkaid.trace.affine_interval import AffineInterval

    return x if is_constant(x) else x._with(_affine=AffineInterval.new(x.qint), renew_id=False)


def _check_added(x: Element, value: Fraction) -> None:
    """Refuse ``x + value`` if its constant, which alkaid merges with one that ``x`` already adds, is too wide."""
    merged = value / Fraction(x._factor)
    if x.opr == "cadd":
        word, shift = x._data & 0xFFFFFFFF, (x._data >> 32) & 0xFFFFFFFF
        word, shift = (part - (1 << 32) if part >> 31 else part for part in (word, shift))
        merged += word * _unit(shift)
    _check_constant(merged)


def _check_constant(value: Fraction) -> None:
    odd = abs(value.numerator)
    bits = (odd // max(odd & -odd, 1)).bit_length()
    if bits > _CONSTANT_BITS:
        raise UnsupportedError(
            f"a constant of {bits} bits is needed, and RTL can hold {_CONSTANT_BITS}; quantize the bias or offset that "
            "is added to a type of fewer bits"
        )
