"""The index of the largest of several scores, by comparisons of each with each."""

from __future__ import annotations

import numpy as np

from hls.errors import UnsupportedError
from hls.graph import nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.graph.float32 import EXACT
from hls.importing.emitter import Emitter

_MOST_CLASSES = 128


def emit_argmax(emit: Emitter, scores: str, cure: str) -> str:
    """The index of the largest score along the last axis, the first of equal ones, as numpy's ``argmax``.

    The sign bit of ``x_i - x_j``, for each pair i < j, says whether the later score is above the earlier one. A class
    wins that is above all earlier ones and that no later one is above: then all its k - 1 bits are right, and what they
    count up to, less k - 2, is one. ``cure`` ends the refusal.

    Raises:
        UnsupportedError: one score, or so many that their pairs fill a chip.
    """
    classes = emit.edge(scores).shape[-1]
    if not 2 <= classes <= _MOST_CLASSES:
        raise UnsupportedError(
            f"layer {emit.layer!r}: the index of the largest compares 2 to {_MOST_CLASSES} scores, each with each, and "
            f"here are {classes}; {cure}"
        )
    above = _above(emit, scores, classes)
    wins = emit(nodes.Quantize, "wins", (_right(emit, above, classes),), FixedType(False, 1, 1), 0, 1, float32=EXACT)
    indices = FixedArray(np.arange(classes).reshape(-1, 1), 0)
    index = emit(nodes.Dense, "index", (wins,), indices, _zeros(1), float32=EXACT)
    type_ = FixedType.covering(0, classes - 1, 0)  # one class wins, which the sum of all that may win does not know
    return emit(nodes.Quantize, "argmax", (index,), type_, 0, classes - 1, float32=EXACT)


def _above(emit: Emitter, scores: str, classes: int) -> str:
    """For each pair minus one, in units of its step, where the later score is above the earlier one; else zero."""
    earlier, later = np.triu_indices(classes, 1)
    pairs = np.arange(len(earlier))
    kernel = np.zeros((classes, len(pairs)), np.int64)
    kernel[earlier, pairs], kernel[later, pairs] = 1, -1
    difference = emit(nodes.Dense, "difference", (scores,), FixedArray(kernel, 0), _zeros(len(pairs)), float32=EXACT)
    edge = emit.edge(difference)
    bits = max(edge.raw_max.bit_length(), (-edge.raw_min - 1).bit_length() if edge.raw_min < 0 else 0)
    sign = FixedType(True, 1, 1 + bits - edge.fraction)  # of a step that no difference passes: its floor is the sign
    return emit(nodes.Quantize, "above", (difference,), sign, -1, 0, nodes.Rounding.FLOOR, float32=EXACT)


def _right(emit: Emitter, above: str, classes: int) -> str:
    """How many comparisons each class wins, less what leaves one for all of them."""
    earlier, later = np.triu_indices(classes, 1)
    pairs = np.arange(len(earlier))
    kernel = np.zeros((len(pairs), classes), np.int64)
    kernel[pairs, earlier], kernel[pairs, later] = 1, -1
    step = emit.edge(above).fraction
    bias = FixedArray(1 - np.arange(classes), 0)
    return emit(nodes.Dense, "won", (above,), FixedArray(kernel, -step), bias, float32=EXACT)


def _zeros(outputs: int) -> FixedArray:
    return FixedArray(np.zeros(outputs, np.int64), 0)
