"""Operators of Keras that put values in other places: taken, rolled, repeated, tiled, stacked, padded."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hls.errors import ModelFileError, UnsupportedError
from hls.graph import nodes
from hls.graph.fixed import FixedArray
from hls.importing.emitter import Emitter, Handler
from hls.importing.operators import axis_of
from hls.importing.options import sizes, whole_numbers
from hls.importing.spec import Constant, LayerSpec

_ZERO = -1
_MOST_PLACES = 1 << 24
_BY_SLICES = "write it as slices (x[..., 1:2]) that keras.ops.concatenate puts together, which computes the same"


def picked(emit: Emitter, spec: LayerSpec, x: str, axis: int, places: Sequence[int]) -> str:
    """The values at ``places`` of an axis, or zeros: with the axis last a matrix of zeros and ones, which is wires."""
    shape = emit.edge(x).shape
    length, last = shape[axis], len(shape) - 1
    _require_few(spec, length, len(places))
    if list(places) == list(range(length)):
        return x
    if axis != last:
        order = list(range(len(shape)))
        order[axis], order[last] = last, axis
        turned = emit(nodes.Transpose, "turned", (x,), tuple(order))
        return emit(nodes.Transpose, "back", (picked(emit, spec, turned, last, places),), tuple(order))
    kernel = np.zeros((length, len(places)), np.int64)
    for column, place in enumerate(places):
        if place != _ZERO:
            kernel[place, column] = 1
    return emit(nodes.Dense, "places", (x,), FixedArray(kernel, 0), FixedArray(np.zeros(len(places), np.int64), 0))


def _require_few(spec: LayerSpec, length: int, count: int) -> None:
    """Raise ModelFileError if so many places of an axis are none, or more than anybody means."""
    if not 0 < count <= _MOST_PLACES // length:
        raise ModelFileError(f"layer {spec.name!r}: {count} places of an axis of {length}; save the model again")


def _whole(spec: LayerSpec, key: str) -> int:
    value = spec.config.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise UnsupportedError(f"layer {spec.name!r}: {key}={value!r}, and one whole number is read here; {_BY_SLICES}")
    return value


def _take(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """Several places; of one alone the file does not say whether the axis stays."""
    axis = axis_of(emit, spec, inputs[0], _whole(spec, "axis"))
    length = emit.edge(inputs[0]).shape[axis]
    stated = [argument.value for argument in emit.arguments if isinstance(argument, Constant)]
    listed = len(stated) > 1 and all(value.ndim == 0 for value in stated)
    indices = np.array(stated) if listed else stated[0] if len(stated) == 1 else np.zeros(())
    if indices.ndim != 1:
        raise UnsupportedError(f"layer {spec.name!r}: takes places that are no list of numbers; {_BY_SLICES}")
    whole = [int(index) for index in indices]
    if any(not -length <= index < length for index in whole):
        raise ModelFileError(f"layer {spec.name!r}: takes {whole} of an axis of {length}; save the model again")
    return picked(emit, spec, inputs[0], axis, [index % length for index in whole])


def _roll(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    axis = axis_of(emit, spec, inputs[0], _whole(spec, "axis"))
    length, shift = emit.edge(inputs[0]).shape[axis], _whole(spec, "shift")
    return picked(emit, spec, inputs[0], axis, [(place - shift) % length for place in range(length)])


def _repeat(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    axis = axis_of(emit, spec, inputs[0], _whole(spec, "axis"))
    length, times = emit.edge(inputs[0]).shape[axis], _whole(spec, "repeats")
    _require_few(spec, length, length * times)
    return picked(emit, spec, inputs[0], axis, np.repeat(range(length), times).tolist())


def _tile(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """As often along each axis as stated, the batch's once."""
    x, repeats = inputs[0], spec.config.get("repeats")
    rank = len(emit.edge(x).shape)
    listed = whole_numbers(repeats)
    counts = [] if listed is None else [1] * (1 + rank - listed.size) + listed.ravel().tolist()
    if len(counts) != 1 + rank or counts[0] != 1:
        raise UnsupportedError(
            f"layer {spec.name!r}: repeats={repeats!r} of a tensor of {rank} axes and the batch, which is one event in "
            "firmware; state 1 for the batch and a number for each axis"
        )
    for axis, times in enumerate(counts[1:]):
        length = emit.edge(x).shape[axis]
        _require_few(spec, length, length * times)
        x = picked(emit, spec, x, axis, list(range(length)) * times)
    return x


def _stack(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    shape = emit.edge(inputs[0]).shape
    axis, rank = _whole(spec, "axis"), len(shape) + 1
    place = axis % (rank + 1) - 1
    if place < 0 or not -rank <= axis <= rank:
        raise UnsupportedError(
            f"layer {spec.name!r}: stacks along axis {axis}, the batch's or none, and firmware has one "
            "event at a time; choose another axis"
        )
    rows = [emit(nodes.Reshape, "row", (x,), (*shape[:place], 1, *shape[place:])) for x in inputs]
    return emit(nodes.Concatenate, "stack", tuple(rows), place) if len(rows) > 1 else rows[0]


def _move_axis(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    rank = len(emit.edge(inputs[0]).shape)
    source, target = (
        [axis_of(emit, spec, inputs[0], one) for one in sizes(spec.config[key], 1)] for key in ("source", "destination")
    )
    order = [axis for axis in range(rank) if axis not in source]
    for place, axis in sorted(zip(target, source, strict=True)):
        order.insert(place, axis)
    return emit(nodes.Transpose, "moved", inputs, tuple(order))


def _pad(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """With zeros, around any axis but the batch's."""
    x, around = inputs[0], spec.config.get("pad_width")
    rank = len(emit.edge(x).shape)
    zeros = spec.config.get("mode", "constant") == "constant" and len(emit.arguments) == 1
    found = whole_numbers(around)
    if not zeros or found is None or found.shape != (1 + rank, 2) or found[0].any() or found.min() < 0:
        raise UnsupportedError(
            f"layer {spec.name!r}: pads by {around} with mode={spec.config.get('mode')!r}; pad with "
            "zeros, by a pair for each axis, that of the batch [0, 0]"
        )
    for axis, (before, after) in enumerate(found[1:].tolist()):
        length = emit.edge(x).shape[axis]
        _require_few(spec, length, before + length + after)
        x = picked(emit, spec, x, axis, [*[_ZERO] * before, *range(length), *[_ZERO] * after])
    return x


MERGES = ("ops.Stack",)
HANDLERS: dict[str, Handler] = {
    "ops.Take": _take,
    "ops.Roll": _roll,
    "ops.Repeat": _repeat,
    "ops.Tile": _tile,
    "ops.Stack": _stack,
    "ops.Moveaxis": _move_axis,
    "ops.Pad": _pad,
}
