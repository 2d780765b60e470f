"""Operators of Keras that put values in other places: taken, rolled, repeated, tiled, stacked, padded."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from hls.errors import ModelFileError, UnsupportedError
from hls.graph import nodes
from hls.graph.fixed import FixedArray, IntArray
from hls.importing.emitter import Emitter, Handler
from hls.importing.operators import axis_of, constant, linear, whole
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


def _number(spec: LayerSpec, key: str) -> int:
    value = spec.config.get(key)
    if not isinstance(value, int) or isinstance(value, bool):
        raise UnsupportedError(f"layer {spec.name!r}: {key}={value!r}, and one whole number is read here; {_BY_SLICES}")
    return value


def _take(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """Several places; of one alone the file does not say whether the axis stays."""
    axis = axis_of(emit, spec, inputs[0], _number(spec, "axis"))
    length = emit.edge(inputs[0]).shape[axis]
    stated = [argument.value for argument in emit.arguments if isinstance(argument, Constant)]
    listed = len(stated) > 1 and all(value.ndim == 0 for value in stated)
    indices = np.array(stated) if listed else stated[0] if len(stated) == 1 else np.zeros(())
    if indices.ndim != 1:
        raise UnsupportedError(f"layer {spec.name!r}: takes places that are no list of numbers; {_BY_SLICES}")
    wanted = [int(index) for index in indices]
    if any(not -length <= index < length for index in wanted):
        raise ModelFileError(f"layer {spec.name!r}: takes {wanted} of an axis of {length}; save the model again")
    return picked(emit, spec, inputs[0], axis, [index % length for index in wanted])


def _roll(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    axis = axis_of(emit, spec, inputs[0], _number(spec, "axis"))
    length, shift = emit.edge(inputs[0]).shape[axis], _number(spec, "shift")
    return picked(emit, spec, inputs[0], axis, [(place - shift) % length for place in range(length)])


def _repeat(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    axis = axis_of(emit, spec, inputs[0], _number(spec, "axis"))
    length, times = emit.edge(inputs[0]).shape[axis], _number(spec, "repeats")
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
    axis, rank = _number(spec, "axis"), len(shape) + 1
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


_BEYOND: Mapping[str, Callable[[int, int], int]] = {
    "constant": lambda _place, _length: _ZERO,
    "edge": lambda place, length: min(max(place, 0), length - 1),
    "reflect": lambda place, length: -place if place < 0 else 2 * (length - 1) - place,
    "symmetric": lambda place, length: -1 - place if place < 0 else 2 * length - 1 - place,
    "wrap": lambda place, length: place % length,
}
"""Which place of an axis stands at a place before or behind it."""
_REACH = {"reflect": -1, "symmetric": 0}
"""How much longer than an axis is what stands on one side of it at most."""


def _pad(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """With a number, or places of the tensor itself, around any axis but the batch's."""
    x, around, mode = inputs[0], spec.config.get("pad_width"), spec.config.get("mode", "constant")
    shape, found = emit.edge(x).shape, whole_numbers(around)
    stated = [constant(argument.value) for argument in emit.arguments if isinstance(argument, Constant)]
    number = stated[0] if stated else whole(0)
    known = isinstance(mode, str) and mode in _BEYOND and len(emit.arguments) <= 2 and number.shape == (1,)
    if not known or found is None or found.shape != (1 + len(shape), 2) or found[0].any() or found.min() < 0:
        raise UnsupportedError(
            f"layer {spec.name!r}: pads by {around} with mode={mode!r}; pad with one number, or with mode "
            f"{', '.join(map(repr, _BEYOND))}, by a pair for each axis, that of the batch [0, 0]"
        )
    for axis, (before, after) in enumerate(found[1:].tolist()):
        length = shape[axis]
        _require_few(spec, length, before + length + after)
        if max(before, after) > length + _REACH.get(mode, max(before, after)):
            raise ModelFileError(f"layer {spec.name!r}: {mode} pads {around} of {shape}; save the model again")
        places = range(-before, length + after)
        inside = [place if 0 <= place < length else _BEYOND[mode](place, length) for place in places]
        x = picked(emit, spec, x, axis, inside)
    if mode != "constant" or not number.integers.any():
        return x
    return linear(emit, spec, x, whole(1), _around(number, shape, found[1:]))


def _around(number: FixedArray, shape: tuple[int, ...], pairs: IntArray) -> FixedArray:
    """The number where it was put, and zero elsewhere."""
    inside = np.pad(np.zeros(shape, np.int64), pairs.tolist(), constant_values=1)
    return FixedArray(inside * number.integers[0], number.fraction)


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
