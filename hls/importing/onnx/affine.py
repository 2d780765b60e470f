"""Exact rational numbers for each channel, and how a graph rounds what no finite binary number states."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.graph import nodes
from hls.graph.fixed import FixedArray, FixedType, narrow
from hls.importing.emitter import Emitter

Fractions = npt.NDArray[Any]
"""Of ``Fraction``, one number or one for each of the last axis."""
ONE = np.array([Fraction(1)], object)
ZERO = np.array([Fraction(0)], object)


def fractions(values: npt.ArrayLike) -> Fractions:
    """Floats as the rational numbers that they are.

    >>> fractions([0.75])[0]
    Fraction(3, 4)
    """
    flat = np.asarray(values, np.float64).reshape(-1)
    found = np.empty(flat.size, object)
    found[:] = [Fraction(value) for value in flat.tolist()]
    return found


def is_binary(values: Fractions) -> bool:
    """Whether each is a finite binary number.

    >>> is_binary(np.array([Fraction(3, 4)])), is_binary(np.array([Fraction(1, 3)]))
    (True, False)
    """
    return all(value.denominator & (value.denominator - 1) == 0 for value in values.tolist())


def power_of_two(values: Fractions) -> int | None:
    """The exponent, where all are one power of two.

    >>> power_of_two(np.array([Fraction(1, 8)])), power_of_two(np.array([Fraction(3, 4)]))
    (-3, None)
    """
    first = values[0]
    if any(value != first for value in values.tolist()) or first <= 0:
        return None
    up, down = first.numerator, first.denominator
    return up.bit_length() - down.bit_length() if up & (up - 1) == 0 == down & (down - 1) else None


def fixed(values: Fractions) -> FixedArray:
    """Finite binary numbers on the coarsest grid that holds them all."""
    common = max(value.denominator for value in values.tolist())
    integers = [int(value * common) for value in values.tolist()]
    together = math.gcd(*integers)
    shift = (together & -together).bit_length() - 1 if together else 0
    fraction = common.bit_length() - 1 - shift if together else 0
    return FixedArray(narrow(np.array([number >> shift for number in integers], object)), fraction)


def emit_scale(emit: Emitter, x: str, factor: Fractions, offset: Fractions) -> str:
    """``x * factor + offset`` for finite binary numbers; no node where that is ``x``."""
    if (factor == 1).all() and (offset == 0).all():
        return x
    return emit(nodes.Scale, "scale", (x,), fixed(factor), fixed(offset))


def emit_nearest(
    emit: Emitter, x: str, factor: Fractions, offset: Fractions, kind: FixedType, ends: Sequence[int]
) -> str:
    """``x * factor + offset`` rounded to nearest even on the grid of ``kind``, saturated to ``ends``."""
    if not (is_binary(factor) and is_binary(offset)):
        x, factor, offset = _sticky(emit, x, factor, offset, kind.fraction)
    edge = emit.edge(scaled := emit_scale(emit, x, factor, offset))
    if edge.declared == kind and ends[0] <= edge.raw_min and edge.raw_max <= ends[1]:
        return scaled
    return emit(nodes.Quantize, "quantize", (scaled,), kind, *ends)


def emit_floor(
    emit: Emitter, x: str, factor: Fractions, offset: Fractions, kind: FixedType, ends: Sequence[int]
) -> str:
    """``floor(x * factor + offset)`` on the grid of ``kind``, saturated to ``ends``."""
    if not (is_binary(factor) and is_binary(offset)):
        x, factor, offset = _sticky(emit, x, factor, offset, kind.fraction)
    scaled = emit_scale(emit, x, factor, offset)
    return emit(nodes.Quantize, "floor", (scaled,), kind, *ends, nodes.Rounding.FLOOR)


def _sticky(
    emit: Emitter, x: str, factor: Fractions, offset: Fractions, fraction: int
) -> tuple[str, Fractions, Fractions]:
    """A node on a fine grid that any rounding to ``fraction`` bits takes as it would the exact ``x * factor + offset``.

    Exact values are multiples of some 1 / D, and so at least 1 / 2D away from a tie that they do not hit. Their floor
    on a grid finer than that never moves them onto or across a tie. It is the floor of a product with a factor that is
    rounded, half a step of the grid added: the factor has enough bits to err by less than that half.
    """
    edge = emit.edge(x)
    unit = Fraction(2) ** (fraction - edge.fraction)
    factor, offset = np.broadcast_arrays(factor * unit, offset * Fraction(2) ** fraction)
    common = max(math.lcm(a.denominator, b.denominator) for a, b in zip(factor, offset, strict=True))
    bits = (2 * common).bit_length()
    depth = bits + (edge.magnitude + 1).bit_length()
    half = Fraction(1, 1 << (bits + 1))
    near = np.array([Fraction(round(value * (1 << depth)), 1 << depth) for value in factor], object)
    moved = np.array([Fraction(round((value + half) * (1 << depth)), 1 << depth) for value in offset], object)
    scaled = emit_scale(emit, x, near * Fraction(2) ** edge.fraction, moved)
    wide = emit.edge(scaled)
    ends = (wide.raw_min >> (wide.fraction - bits), wide.raw_max >> (wide.fraction - bits))
    kind = FixedType.covering(min(ends[0], 0), max(ends[1], 0), bits)
    out = emit(nodes.Quantize, "quotient", (scaled,), kind, kind.raw_min, kind.raw_max, nodes.Rounding.FLOOR)
    return out, np.array([Fraction(2) ** -fraction], object), ZERO
