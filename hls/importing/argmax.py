"""The index of the largest of several scores: of a few by comparing each with each, of more in rounds."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from hls.errors import UnsupportedError
from hls.graph import nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.graph.float32 import EXACT
from hls.importing.emitter import Emitter

_MOST_CLASSES = 128
_EACH_WITH_EACH = 4
"""Most scores that are compared all at once, which takes no more logic than rounds do, and less time."""

Match = tuple[tuple[int, ...], tuple[int, ...]]
"""A comparison: the classes one of which is the earlier score, and those one of which is the later."""


def emit_argmax(emit: Emitter, scores: str, cure: str) -> str:
    """The index of the largest score along the last axis, the first of equal ones, as numpy's ``argmax``.

    The sign bit of the earlier score less the later one says whether the later is above. A class wins that is not
    beaten by a later one and beats all earlier ones that it meets: then all its k bits are right, and what they count
    up to, less k - 1, is one. ``cure`` ends the refusal.

    Raises:
        UnsupportedError: one score, or so many that their comparisons fill a chip.
    """
    classes = emit.edge(scores).shape[-1]
    if not 2 <= classes <= _MOST_CLASSES:
        raise UnsupportedError(
            f"layer {emit.layer!r}: the index of the largest compares 2 to {_MOST_CLASSES} scores, and here are "
            f"{classes}; {cure}"
        )
    compared = _each_with_each if classes <= _EACH_WITH_EACH else _in_rounds
    above, matches = compared(emit, scores, _sign(emit, scores))
    won = _won(emit, above, matches, classes)
    wins = emit(nodes.Quantize, "wins", (won,), FixedType(False, 1, 1), 0, 1, float32=EXACT)
    indices = FixedArray(np.arange(classes).reshape(-1, 1), 0)
    index = emit(nodes.Dense, "index", (wins,), indices, _zeros(1), float32=EXACT)
    type_ = FixedType.covering(0, classes - 1, 0)  # one class wins, which the sum of all that may win does not know
    return emit(nodes.Quantize, "argmax", (index,), type_, 0, classes - 1, float32=EXACT)


def _sign(emit: Emitter, scores: str) -> FixedType:
    """One bit of a step that no difference of two scores passes: its floor on that grid is its sign."""
    edge = emit.edge(scores)
    return FixedType(True, 1, 1 + (edge.raw_max - edge.raw_min).bit_length() - edge.fraction)


def _each_with_each(emit: Emitter, scores: str, sign: FixedType) -> tuple[str, list[Match]]:
    earlier, later = (side.tolist() for side in np.triu_indices(emit.edge(scores).shape[-1], 1))
    matches: list[Match] = [((first,), (second,)) for first, second in zip(earlier, later, strict=True)]
    return _above(emit, scores, earlier, later, sign), matches


def _in_rounds(emit: Emitter, scores: str, sign: FixedType) -> tuple[str, list[Match]]:
    """Neighbours against each other, then the larger ones of them; who is alone meets nobody in that round."""
    *before, classes = emit.edge(scores).shape
    standing: list[tuple[int, ...]] = [(number,) for number in range(classes)]
    rounds: list[str] = []
    matches: list[Match] = []
    while len(standing) > 1:
        met = list(zip(standing[::2], standing[1::2], strict=False))
        earlier = range(0, 2 * len(met), 2)
        rounds.append(_above(emit, scores, earlier, [place + 1 for place in earlier], sign))
        matches += met
        standing = [first + second for first, second in met] + standing[2 * len(met) :]
        scores = _larger(emit, scores) if len(standing) > 1 else scores
    return emit(nodes.Concatenate, "comparisons", tuple(rounds), len(before)), matches


def _above(emit: Emitter, scores: str, earlier: Sequence[int], later: Sequence[int], sign: FixedType) -> str:
    """For each pair minus one, in steps of ``sign``, where the later score is above the earlier one; else zero."""
    pairs = np.arange(len(earlier))
    kernel = np.zeros((emit.edge(scores).shape[-1], len(pairs)), np.int64)
    kernel[list(earlier), pairs], kernel[list(later), pairs] = 1, -1
    difference = emit(nodes.Dense, "difference", (scores,), FixedArray(kernel, 0), _zeros(len(pairs)), float32=EXACT)
    return emit(nodes.Quantize, "above", (difference,), sign, -1, 0, nodes.Rounding.FLOOR, float32=EXACT)


def _larger(emit: Emitter, scores: str) -> str:
    """The larger one of every two neighbours; the last of an odd number is its own."""
    *before, count = emit.edge(scores).shape
    if count % 2:
        kernel = np.eye(count, dtype=np.int64)[:, [*range(count), count - 1]]
        scores = emit(nodes.Dense, "twice", (scores,), FixedArray(kernel, 0), _zeros(count + 1), float32=EXACT)
    line = emit(nodes.Reshape, "line", (scores,), (math.prod(emit.edge(scores).shape), 1))
    best = emit(nodes.Pool, "larger", (line,), (2,), (2,), ((0, 0),), True, float32=EXACT)
    return emit(nodes.Reshape, "standing", (best,), (*before, -(-count // 2)))


def _won(emit: Emitter, above: str, matches: Sequence[Match], classes: int) -> str:
    """How many comparisons each class wins, less what leaves one for all of them."""
    kernel = np.zeros((len(matches), classes), np.int64)
    for number, (first, second) in enumerate(matches):
        kernel[number, list(first)], kernel[number, list(second)] = 1, -1
    # Of those in which it is the earlier one it wins all but the beaten, of the others none but the beaten.
    lost = (kernel == -1).sum(axis=0)
    bias = FixedArray(1 - lost, 0)
    step = emit.edge(above).fraction
    return emit(nodes.Dense, "won", (above,), FixedArray(kernel, -step), bias, float32=EXACT)


def _zeros(outputs: int) -> FixedArray:
    return FixedArray(np.zeros(outputs, np.int64), 0)
