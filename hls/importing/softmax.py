"""A softmax by two tables: the exponential of each score less the largest one, and the reciprocal of their sum.

The specification is this arithmetic on fixed-point numbers, stated in docs/how-it-works/softmax.md; every witness
computes it bit by bit, and a report measures how far it is from the softmax of real numbers.
"""

from __future__ import annotations

from math import prod

import numpy as np

from hls.errors import UnsupportedError
from hls.graph import nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.graph.float32 import EXACT, Doubles
from hls.importing.emitter import Emitter

OUTPUT_BITS = 16
"""Of the result, and fraction bits of the exponentials and of the reciprocal."""
_SCORE_FRACTION = 7
_DEEPEST = -12
"""Below it the exponential is nearer to zero than to 2**-16."""
_MOST_RECIPROCALS = 1 << 12
MOST_CLASSES = 128


def emit_softmax(emit: Emitter, scores: str) -> str:
    """The softmax over the last axis, as numbers of ``OUTPUT_BITS`` bits below one.

    Raises:
        UnsupportedError: one score, or more than fit.
    """
    shape = emit.edge(scores).shape
    classes, rows = shape[-1], prod(shape[:-1])
    if not 2 <= classes <= MOST_CLASSES:
        raise UnsupportedError(
            f'layer {emit.layer!r}: softmax = "table" takes 2 to {MOST_CLASSES} scores, and here are {classes}; '
            'softmax = "drop" leaves them to software'
        )
    columns = _classes_first(emit, scores, rows, classes)
    over = ((classes,), (classes,), ((0, 0),))
    top = emit(nodes.Pool, "max", (columns,), *over, True, float32=EXACT)
    below = emit(nodes.Add, "below", (columns, top), True, float32=EXACT)
    powers = _exponentials(emit, below)
    total = emit(nodes.Pool, "total", (powers,), *over, False, float32=EXACT)
    shares = emit(nodes.Multiply, "share", (powers, _reciprocal(emit, total, classes)), float32=EXACT)
    if rows > 1:
        shares = emit(nodes.Transpose, "last", (shares,), (1, 0))
    back = emit(nodes.Reshape, "shape", (shares,), shape)
    type_ = FixedType(False, OUTPUT_BITS, 0)
    return emit(nodes.Quantize, "softmax", (back,), type_, 0, type_.raw_max, float32=EXACT)


def _classes_first(emit: Emitter, scores: str, rows: int, classes: int) -> str:
    """As a line of positions, one a class, which pooling runs along."""
    if rows == 1:
        return emit(nodes.Reshape, "classes", (scores,), (classes, 1))
    flat = emit(nodes.Reshape, "rows", (scores,), (rows, classes))
    return emit(nodes.Transpose, "classes", (flat,), (1, 0))


def _exponentials(emit: Emitter, below: str) -> str:
    """Of scores of which none is above zero. Those that share an entry have the exponential of their middle.

    They are rounded down, so that no other score than the largest is taken for it.
    """
    edge = emit.edge(below)
    fraction = min(edge.fraction, _SCORE_FRACTION)
    low = max(_shifted(_DEEPEST, fraction), _shifted(edge.raw_min, fraction - edge.fraction))
    type_ = FixedType.covering(min(low, -1), 0, fraction)
    steps = emit(nodes.Quantize, "steps", (below,), type_, low, 0, nodes.Rounding.FLOOR, float32=EXACT)
    cells = np.arange(low, 1, dtype=np.float64)
    middle = np.ldexp(cells, -fraction) + (np.ldexp(1.0, -fraction) - np.ldexp(1.0, -edge.fraction)) / 2
    middle[-1] = 0.0  # alone in its cell
    return emit(nodes.Table, "exp", (steps,), _rounded(np.exp(middle)), low, float32=EXACT)


def _shifted(raw: int, by: int) -> int:
    """Towards minus infinity."""
    return raw << by if by >= 0 else raw >> -by


def _reciprocal(emit: Emitter, total: str, classes: int) -> str:
    """Of a sum between one and the number of classes."""
    fraction = min(OUTPUT_BITS, (_MOST_RECIPROCALS // (classes - 1)).bit_length() - 1)
    low, high = 1 << fraction, classes << fraction
    type_ = FixedType.covering(low, high, fraction)
    steps = emit(nodes.Quantize, "sum", (total,), type_, low, high, float32=EXACT)
    sums = np.ldexp(np.arange(low, high + 1, dtype=np.float64), -fraction)
    return emit(nodes.Table, "inverse", (steps,), _rounded(1 / sums), low, float32=EXACT)


def _rounded(values: Doubles) -> FixedArray:
    return FixedArray(np.rint(np.ldexp(values, OUTPUT_BITS)).astype(np.int64), OUTPUT_BITS)
