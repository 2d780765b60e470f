"""How a graph rounds a line: exactly, also where no finite binary number states its factor."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import numpy as np

from hls.graph import nodes
from hls.graph.fixed import FixedType
from hls.importing.emitter import Emitter
from hls.importing.onnx.affine import ZERO, Fractions, fixed, is_binary
from hls.importing.onnx.narrowing import narrowest

_FEW_BITS = 12
"""Bits of a factor that are not worth a search for fewer."""


def emit_scale(emit: Emitter, x: str, factor: Fractions, offset: Fractions) -> str:
    """``x * factor + offset`` for finite binary numbers; no node where that is ``x``."""
    if (factor == 1).all() and (offset == 0).all():
        return x
    return emit(nodes.Scale, "scale", (x,), fixed(factor), fixed(offset))


def emit_nearest(
    emit: Emitter, x: str, factor: Fractions, offset: Fractions, kind: FixedType, ends: Sequence[int]
) -> str:
    """``x * factor + offset`` rounded to nearest even on the grid of ``kind``, saturated to ``ends``."""
    return _emit_rounded(emit, x, factor, offset, kind, ends, nearest=True)


def emit_floor(
    emit: Emitter, x: str, factor: Fractions, offset: Fractions, kind: FixedType, ends: Sequence[int]
) -> str:
    """``floor(x * factor + offset)`` on the grid of ``kind``, saturated to ``ends``."""
    return _emit_rounded(emit, x, factor, offset, kind, ends, nearest=False)


def _emit_rounded(
    emit: Emitter, x: str, factor: Fractions, offset: Fractions, kind: FixedType, ends: Sequence[int], *, nearest: bool
) -> str:
    narrow = _emit_narrow(emit, x, factor, offset, kind, ends, nearest=nearest)
    if narrow is not None:
        return narrow
    if not (is_binary(factor) and is_binary(offset)):
        x, factor, offset = _sticky(emit, x, factor, offset, kind.fraction)
    edge = emit.edge(scaled := emit_scale(emit, x, factor, offset))
    if edge.declared == kind and ends[0] <= edge.raw_min and edge.raw_max <= ends[1]:
        return scaled
    suffix, how = ("quantize", nodes.Rounding.NEAREST_EVEN) if nearest else ("floor", nodes.Rounding.FLOOR)
    return emit(nodes.Quantize, suffix, (scaled,), kind, *ends, how)


def _emit_narrow(
    emit: Emitter, x: str, factor: Fractions, offset: Fractions, kind: FixedType, ends: Sequence[int], *, nearest: bool
) -> str | None:
    """The same by a line of few bits, where the exact one has many; None where it has few itself, or no other does."""
    if is_binary(factor) and is_binary(offset) and fixed(factor).type.width <= _FEW_BITS:
        return None
    edge = emit.edge(x)
    step, unit = Fraction(2) ** kind.fraction, Fraction(2) ** -edge.fraction
    found = narrowest(edge, factor * (step * unit), offset * step, ends, nearest=nearest)
    if found is None:
        return None
    scaled = emit_scale(emit, x, found[0] / (step * unit), found[1] / step)
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
