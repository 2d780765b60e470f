"""Operators of Keras along one axis: running sums, and ones at the places that whole numbers tell."""

from __future__ import annotations

import numpy as np

from hls.errors import UnsupportedError
from hls.graph import nodes
from hls.graph.fixed import FixedArray
from hls.graph.float32 import EXACT
from hls.importing.emitter import Emitter, Handler
from hls.importing.operators import axis_of, whole, with_axis_last
from hls.importing.places import picked
from hls.importing.refusals import ANOTHER
from hls.importing.spec import LayerSpec
from hls.importing.truths import is_zero

_MOST_CLASSES = 1 << 12


def _running_sum(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """Each value and all before it: a product with a triangle of ones."""
    stated = spec.config.get("axis")
    if not isinstance(stated, int):
        raise UnsupportedError(
            f"layer {spec.name!r}: adds up along axis {stated}, the batch too, and firmware has one event at a time; "
            "state its axis"
        )

    def added(x: str) -> str:
        length = emit.edge(x).shape[-1]
        ones = FixedArray(np.triu(np.ones((length, length), np.int64)), 0)
        return emit(nodes.Dense, "running", (x,), ones, FixedArray(np.zeros(length, np.int64), 0))

    return with_axis_last(emit, inputs[0], axis_of(emit, spec, inputs[0], stated), added)


def _one_hot(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """One where the place along a new last axis is the number, which is whole, and zero elsewhere."""
    count, edge = spec.config.get("num_classes"), emit.edge(inputs[0])
    known = isinstance(count, int) and 0 < count <= _MOST_CLASSES
    if not isinstance(count, int) or not known or spec.config.get("axis", -1) != -1 or edge.fraction > 0:
        raise UnsupportedError(
            f"layer {spec.name!r}: one_hot of {count} classes along axis {spec.config.get('axis')} of numbers of "
            f"{max(edge.fraction, 0)} bits behind the point; give it whole numbers, such as an argmax, with axis=-1, "
            f"{ANOTHER}"
        )
    row = emit(nodes.Reshape, "row", inputs, (*edge.shape, 1))
    each = picked(emit, spec, row, len(edge.shape), [0] * count)
    places = FixedArray(-np.arange(count), 0)
    return is_zero(emit, emit(nodes.Scale, "distance", (each,), whole(1), places, float32=EXACT))


HANDLERS: dict[str, Handler] = {"ops.Cumsum": _running_sum, "ops.OneHot": _one_hot}
