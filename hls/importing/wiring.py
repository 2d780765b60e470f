"""Layers that move values and compute none: repeated, padded, cropped and sliced tensors.

They need no node of their own. What is repeated is concatenated with itself. What is padded, cropped or sliced is a
product with zeros and ones, which is wires in firmware and exact in every witness, and which every back end of hls4ml
has a layer for: a convolution by channel with one 1 in its window, or for the last axis a matrix.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from hls.errors import ModelFileError, UnsupportedError
from hls.graph import nodes
from hls.graph.fixed import FixedArray
from hls.importing.emitter import Emitter, Handler
from hls.importing.options import sizes
from hls.importing.spec import LayerSpec

_NEAREST = "nearest"
_MOST_PLACES = 1 << 24


def _repeat_vector(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    (length,) = _shape(emit, spec, inputs[0], 1)
    row = emit(nodes.Reshape, "row", inputs, (1, length))
    return emit(nodes.Concatenate, "repeat", (row,) * sizes(spec.config["n"], 1)[0], 0)


def _up_sampling(rank: int) -> Handler:
    """Each position as often as its axis says, one after the other."""

    def handler(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
        method = spec.config.get("interpolation", _NEAREST)
        if method != _NEAREST:
            raise UnsupportedError(
                f"layer {spec.name!r}: interpolation={method!r} is not read here; use interpolation={_NEAREST!r}, "
                "which is another network"
            )
        shape = list(_shape(emit, spec, inputs[0], rank + 1))
        factors = sizes(spec.config.get("size", 2), rank)
        if math.prod(shape) * math.prod(factors) > _MOST_PLACES:
            raise ModelFileError(f"layer {spec.name!r}: size={factors} makes more values than fit on any chip")
        x = inputs[0]
        for axis in reversed(range(rank)):
            if factors[axis] == 1:
                continue
            # What follows the axis, as one row, stands after itself: row-major, that is the position repeated.
            rows = emit(nodes.Reshape, "rows", (x,), (*shape[: axis + 1], math.prod(shape[axis + 1 :])))
            x = emit(nodes.Concatenate, "repeat", (rows,) * factors[axis], axis + 1)
            shape[axis] *= factors[axis]
            x = emit(nodes.Reshape, "up", (x,), tuple(shape))
        return x

    return handler


def _with_zeros_between(emit: Emitter, x: str, strides: tuple[int, ...]) -> str:
    """Each position followed by zeros up to ``strides`` of them along each axis, the last one too."""
    shape = list(emit.edge(x).shape)
    for axis in reversed(range(len(strides))):
        if strides[axis] == 1:
            continue
        rows = emit(nodes.Reshape, "rows", (x,), (*shape[: axis + 1], math.prod(shape[axis + 1 :])))
        zero = FixedArray(np.zeros(1, np.int64), 0)
        nothing = emit(nodes.Scale, "zeros", (rows,), zero, zero)
        x = emit(nodes.Concatenate, "spread", (rows, *(nothing,) * (strides[axis] - 1)), axis + 1)
        shape[axis] *= strides[axis]
        x = emit(nodes.Reshape, "apart", (x,), tuple(shape))
    return x


def spread(
    emit: Emitter, x: str, strides: tuple[int, ...], padding: Sequence[tuple[int, int]]
) -> tuple[str, tuple[tuple[int, int], ...]]:
    """The input of a convolution that, of strides 1, is a transposed one of ``strides``: zeros between its positions.

    ``padding`` is that of the convolution; where it is below zero, positions are cut off here, and the rest is left.
    """
    x = _with_zeros_between(emit, x, strides)
    for axis, (before, after) in enumerate(padding):
        x = taken(emit, x, axis, range(max(-before, 0), emit.edge(x).shape[axis] + min(after, 0)))
    return x, tuple((max(before, 0), max(after, 0)) for before, after in padding)


def _zero_padding(rank: int) -> Handler:
    def handler(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
        _shape(emit, spec, inputs[0], rank + 1)
        around = _sides(spec, "padding", rank)
        return _one_of_window(emit, "pad", inputs[0], (1,) * rank, (0,) * rank, (1,) * rank, around)

    return handler


def _cropping(rank: int) -> Handler:
    def handler(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
        shape = _shape(emit, spec, inputs[0], rank + 1)
        off = _sides(spec, "cropping", rank)
        if any(sum(sides) >= length for sides, length in zip(off, shape, strict=False)):
            raise ModelFileError(f"layer {spec.name!r}: cropping={off} leaves nothing of {shape}; save the model again")
        window, chosen = tuple(sum(sides) + 1 for sides in off), tuple(before for before, _ in off)
        return _one_of_window(emit, "crop", inputs[0], window, chosen, (1,) * rank, ((0, 0),) * rank)

    return handler


def _shape(emit: Emitter, spec: LayerSpec, x: str, rank: int) -> tuple[int, ...]:
    shape = emit.edge(x).shape
    if len(shape) != rank:
        raise ModelFileError(
            f"layer {spec.name!r} is inconsistent: {spec.class_name} reads {rank} axes, and a tensor of shape {shape} "
            "arrives; save the whole model again"
        )
    return shape


def _sides(spec: LayerSpec, key: str, rank: int) -> tuple[tuple[int, int], ...]:
    """``padding`` or ``cropping``: one number, one for each axis, or a pair (before, after) for each."""
    value = spec.config.get(key, 1)
    if rank == 1 and isinstance(value, list) and len(value) == 2:
        value = [value]
    axes = value if isinstance(value, list) else [value] * rank
    found = tuple(sizes(axis, 2) for axis in axes)
    if len(found) != rank or any(len(pair) != 2 or min(pair) < 0 for pair in found):
        raise ModelFileError(f"layer {spec.name!r}: {key}={value} is not what Keras writes; save the model again")
    return tuple((before, after) for before, after in found)


def _one_of_window(
    emit: Emitter,
    suffix: str,
    x: str,
    window: tuple[int, ...],
    chosen: tuple[int, ...],
    strides: tuple[int, ...],
    padding: tuple[tuple[int, int], ...],
) -> str:
    """The value at place ``chosen`` of every window, in each channel."""
    channels = emit.edge(x).shape[-1]
    kernel = np.zeros((*window, 1, channels), np.int64)
    kernel[chosen] = 1
    zero = FixedArray(np.zeros(channels, np.int64), 0)
    ones = (1,) * len(window)
    return emit(nodes.Conv, suffix, (x,), FixedArray(kernel, 0), zero, strides, ones, padding, channels)


def _get_item(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """``x[:, 1:3]``, ``x[..., 0]``: axis after axis, the last one first."""
    shape = emit.edge(inputs[0]).shape
    steps = _steps(spec, len(shape))
    x = inputs[0]
    result: list[int] = []
    source = 0
    for step in steps:
        if step is None:  # a new axis
            result.append(1)
            continue
        places = _places(spec, step, shape[source])
        x = taken(emit, x, source, places)
        if not isinstance(step, int):
            result.append(len(places))
        source += 1
    wanted = tuple(result) or (1,)
    return x if wanted == emit.edge(x).shape else emit(nodes.Reshape, "sliced", (x,), wanted)


def taken(emit: Emitter, x: str, axis: int, places: range) -> str:
    """The ``places`` of one axis."""
    shape = emit.edge(x).shape
    length = shape[axis]
    if places == range(length):
        return x
    if places.step < 0 and axis < len(shape) - 1:  # no window runs backwards: with the axis last, any order is a matrix
        swapped = list(range(len(shape)))
        swapped[axis], swapped[-1] = swapped[-1], swapped[axis]
        turned = emit(nodes.Transpose, "turned", (x,), tuple(swapped))
        return emit(nodes.Transpose, "turned", (taken(emit, turned, len(shape) - 1, places),), tuple(swapped))
    if axis == len(shape) - 1:
        kernel = np.zeros((length, len(places)), np.int64)
        kernel[list(places), range(len(places))] = 1
        zero = FixedArray(np.zeros(len(places), np.int64), 0)
        return emit(nodes.Dense, "slice", (x,), FixedArray(kernel, 0), zero)
    before, after = math.prod(shape[:axis]), math.prod(shape[axis + 1 :])
    folded: tuple[int, ...] = (length, after) if before == 1 else (before, length, after)
    if shape != folded:
        x = emit(nodes.Reshape, "folded", (x,), folded)
    step = places.step
    # So wide that its last stop is the last place.
    span = length - step * (len(places) - 1)
    ones = (1,) * (len(folded) - 2)
    chosen = (*(0 for _ in ones), places.start)
    x = _one_of_window(emit, "slice", x, (*ones, span), chosen, (*ones, step), ((0, 0),) * (len(ones) + 1))
    result = (*shape[:axis], len(places), *shape[axis + 1 :])
    return x if emit.edge(x).shape == result else emit(nodes.Reshape, "unfolded", (x,), result)


def position(emit: Emitter, x: str, step: int) -> str:
    """One position of a sequence, its axis gone."""
    row = taken(emit, x, 0, range(step, step + 1))
    return emit(nodes.Reshape, "position", (row,), emit.edge(row).shape[1:])


def _steps(spec: LayerSpec, rank: int) -> list[int | slice | None]:
    """What is done to each axis, and where axes are added, the batch left out."""
    index = spec.config.get("index")
    stated = [_step(spec, item) for item in (index if isinstance(index, list) else [index])]
    axes = rank + 1
    used = sum(step is not None and step is not Ellipsis for step in stated)
    if stated.count(Ellipsis) > 1 or used > axes:
        raise ModelFileError(f"layer {spec.name!r}: its index does not fit a tensor of {axes} axes; save it again")
    place = stated.index(Ellipsis) if Ellipsis in stated else len(stated)
    whole: list[Any] = [slice(None)] * (axes - used)
    steps = [*stated[:place], *whole, *stated[place + 1 :]]
    if steps[0] != slice(None):
        raise UnsupportedError(
            f"layer {spec.name!r}: its index takes of the batch axis, and firmware has one event at a time; start it "
            "with : or ..."
        )
    return steps[1:]


def _step(spec: LayerSpec, item: Any) -> Any:
    """One part of an index as Keras writes it: a number, a slice, ``...`` or a new axis."""
    if item is None or (isinstance(item, int) and not isinstance(item, bool)):
        return item
    kind = item.get("class_name") if isinstance(item, dict) else None
    if kind == "__ellipsis__":
        return Ellipsis
    ends = item.get("config") if kind == "__slice__" else item if kind is None else None  # Keras 3, Keras 2
    if isinstance(ends, dict):
        stated = [ends.get(key) for key in ("start", "stop", "step")]
        if all(end is None or (isinstance(end, int) and not isinstance(end, bool)) for end in stated):
            return slice(*stated)
    raise UnsupportedError(
        f"layer {spec.name!r}: its index holds a tensor or an array; firmware takes fixed places: index it with "
        "numbers and slices of numbers"
    )


def _places(spec: LayerSpec, step: int | slice, length: int) -> range:
    """The places of an axis that ``step`` takes."""
    if isinstance(step, int):
        if not -length <= step < length:
            raise ModelFileError(f"layer {spec.name!r}: index {step} of an axis of {length}; save the model again")
        return range(step % length, step % length + 1)
    if step.step == 0:
        raise ModelFileError(f"layer {spec.name!r}: a slice with step 0; save the model again")
    places = range(*step.indices(length))
    if not places:
        raise ModelFileError(f"layer {spec.name!r}: its slice takes nothing of an axis of {length}; save it again")
    return places


HANDLERS: dict[str, Handler] = {
    "RepeatVector": _repeat_vector,
    "UpSampling1D": _up_sampling(1),
    "UpSampling2D": _up_sampling(2),
    "ZeroPadding1D": _zero_padding(1),
    "ZeroPadding2D": _zero_padding(2),
    "Cropping1D": _cropping(1),
    "Cropping2D": _cropping(2),
    "ops.GetItem": _get_item,
}
