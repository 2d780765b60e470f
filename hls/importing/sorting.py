"""Values along an axis in their order, by a network of comparisons."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from hls.errors import UnsupportedError
from hls.graph import nodes
from hls.graph.fixed import FixedArray, IntArray
from hls.graph.float32 import EXACT
from hls.importing.emitter import Emitter, Handler
from hls.importing.operators import axis_of, with_axis_last
from hls.importing.options import sizes
from hls.importing.pooling import divided
from hls.importing.refusals import ENDS_BEFORE
from hls.importing.spec import LayerSpec
from hls.importing.wiring import taken

_MOST = 64
"""Values of an axis that are sorted: 543 comparisons of each other, in 21 layers."""


def layers_of(count: int) -> Iterator[list[tuple[int, int]]]:
    """Batcher's odd-even merge sort: pairs of places in layers; after each the lesser is the first of its pair.

    The layers of a network for the next power of two, less the pairs of which one is not there.

    >>> list(layers_of(3))
    [[(0, 1)], [(0, 2)], [(1, 2)]]
    """
    run = 1
    while run < count:
        step = run
        while step:
            starts = range(step % run, count - step, 2 * step)
            pairs = [
                (place, place + step)
                for start in starts
                for place in range(start, min(start + step, count - step))
                if place // (2 * run) == (place + step) // (2 * run)
            ]
            if pairs:
                yield pairs
            step //= 2
        run *= 2


def ascending(emit: Emitter, x: str) -> str:
    """The values along the last axis, the least first.

    Of each pair the maximum is the larger one, and minus the maximum of what is turned the lesser: no value leaves the
    range of the first ones and their negatives. All else is wires.

    Raises:
        UnsupportedError: so many values that their comparisons fill a chip.
    """
    count = emit.edge(x).shape[-1]
    if count > _MOST:
        raise UnsupportedError(
            f"layer {emit.layer!r}: sorts {count} values, and at most {_MOST} are sorted here; {ENDS_BEFORE}"
        )
    for pairs in layers_of(count):
        x = _compared(emit, x, pairs)
    return x


def _compared(emit: Emitter, x: str, pairs: list[tuple[int, int]]) -> str:
    """The lesser of each pair at its first place and the larger at its second; others stay."""
    count, few = emit.edge(x).shape[-1], len(pairs)
    sides = np.zeros((count, 4 * few), np.int64)
    places = np.eye(count + 2 * few, count, dtype=np.int64)
    for number, (first, second) in enumerate(pairs):
        larger, lesser = number, few + number
        for one, place in enumerate((first, second)):
            sides[place, 2 * larger + one], sides[place, 2 * lesser + one] = 1, -1
        places[first, first] = places[second, second] = 0
        places[count + larger, second], places[count + lesser, first] = 1, -1
    best = _larger(emit, _wired(emit, x, "sides", sides))
    joined = emit(nodes.Concatenate, "joined", (x, best), len(emit.edge(x).shape) - 1)
    return _wired(emit, joined, "places", places)


def _wired(emit: Emitter, x: str, suffix: str, kernel: IntArray) -> str:
    zeros = FixedArray(np.zeros(kernel.shape[1], np.int64), 0)
    return emit(nodes.Dense, suffix, (x,), FixedArray(kernel, 0), zeros, float32=EXACT)


def _larger(emit: Emitter, x: str) -> str:
    """Of every two neighbours."""
    shape = emit.edge(x).shape
    line = emit(nodes.Reshape, "line", (x,), (math.prod(shape), 1))
    best = emit(nodes.Pool, "larger", (line,), (2,), (2,), ((0, 0),), True, float32=EXACT)
    return emit(nodes.Reshape, "standing", (best,), (*shape[:-1], shape[-1] // 2))


def _axis(emit: Emitter, spec: LayerSpec, x: str) -> int:
    """The one along which values are sorted."""
    stated = spec.config.get("axis")
    axes = sizes(stated, 1) if isinstance(stated, int | list) else ()
    if len(axes) != 1:
        raise UnsupportedError(
            f"layer {spec.name!r}: sorts along axis {stated}, and firmware sorts along one of an event; state that"
        )
    return axis_of(emit, spec, x, axes[0])


def _sort(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    return with_axis_last(emit, inputs[0], _axis(emit, spec, inputs[0]), lambda x: ascending(emit, x))


def _median(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """The one in the middle, of an even number the mean of the two there."""
    axis, shape = _axis(emit, spec, inputs[0]), emit.edge(inputs[0]).shape
    last, length = len(shape) - 1, shape[axis]

    def middle(x: str) -> str:
        found = taken(emit, ascending(emit, x), last, range((length - 1) // 2, length // 2 + 1))
        *before, count = emit.edge(found).shape
        if count == 1:
            return found
        line = emit(nodes.Reshape, "line", (found,), (math.prod(before) * 2, 1))
        total = divided(emit, emit(nodes.Pool, "sum", (line,), (2,), (2,), ((0, 0),), False), 2)
        return emit(nodes.Reshape, "middle", (total,), (*before, 1))

    found = with_axis_last(emit, inputs[0], axis, middle)
    kept = (1,) if spec.config.get("keepdims", False) else ()
    return emit(nodes.Reshape, "result", (found,), (*shape[:axis], *kept, *shape[axis + 1 :]) or (1,))


HANDLERS: dict[str, Handler] = {"ops.Median": _median, "ops.Sort": _sort}
