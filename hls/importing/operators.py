"""Keras operators (``x * 0.5``, ``1.0 - x``, ``keras.ops.sum``), which may be given constants in place of tensors."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.errors import ModelFileError, UnsupportedError
from hls.graph import nodes
from hls.graph.fixed import FixedArray
from hls.importing import merges, pooling
from hls.importing.activations import clipped, leaky
from hls.importing.emitter import Emitter, Handler
from hls.importing.options import fits, numbers, sizes
from hls.importing.refusals import ANOTHER, ENDS_BEFORE
from hls.importing.spec import LayerSpec


def linear(emit: Emitter, spec: LayerSpec, x: str, factor: FixedArray, offset: FixedArray) -> str:
    """``x * factor + offset``, each a number, one for each of the last axis, or any that broadcasts to the tensor.

    Where they differ along other axes too, every element is a channel of the tensor made one row.
    """
    shape = emit.edge(x).shape
    if all(constant.shape in ((1,), shape[-1:]) for constant in (factor, offset)):
        return emit(nodes.Scale, "linear", (x,), factor, offset)
    if not all(fits(constant.shape, shape) for constant in (factor, offset)):
        raise UnsupportedError(
            f"layer {spec.name!r}: constants of shapes {factor.shape} and {offset.shape} beside a tensor of shape "
            f"{shape}, which they make larger; repeat the tensor first, by keras.ops.tile, which computes the same"
        )
    row = emit(nodes.Reshape, "row", (x,), (math.prod(shape),))
    flat = (FixedArray(np.broadcast_to(one.integers, shape).reshape(-1), one.fraction) for one in (factor, offset))
    return emit(nodes.Reshape, "places", (emit(nodes.Scale, "linear", (row,), *flat),), shape)


def constant(values: npt.NDArray[np.float32]) -> FixedArray:
    """A number as shape (1,), an array without leading axes of length 1."""
    array = np.atleast_1d(values)
    while array.ndim > 1 and len(array) == 1:
        array = array[0]
    return FixedArray.from_float(array)


def whole(value: int) -> FixedArray:
    """A whole number as a constant."""
    return FixedArray(np.array([value], np.int64), 0)


def _negative(constant: FixedArray) -> FixedArray:
    return FixedArray(-constant.integers, constant.fraction)


def pair(emit: Emitter, spec: LayerSpec) -> Sequence[str | FixedArray]:
    """Both arguments, a node name for a tensor."""
    arguments = [a if isinstance(a, str) else constant(a.value) for a in emit.arguments]
    if len(arguments) != 2:
        raise UnsupportedError(
            f"layer {spec.name!r}: {len(arguments)} arguments of an operator of two; call it on two at a time"
        )
    return arguments


def without_tensor(spec: LayerSpec) -> ModelFileError:
    """The refusal of an operator that no tensor reaches."""
    return ModelFileError(f"layer {spec.name!r}: an operator that is called with constants alone; save the model again")


def _add(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    match pair(emit, spec):
        case (str(a), str(b)):
            return emit(nodes.Add, "add", (a, b))
        case (str(x), FixedArray() as constant) | (FixedArray() as constant, str(x)):
            return linear(emit, spec, x, whole(1), constant)
    raise without_tensor(spec)


def _subtract(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    match pair(emit, spec):
        case (str(a), str(b)):
            return emit(nodes.Add, "subtract", (a, b), True)
        case (str(x), FixedArray() as constant):
            return linear(emit, spec, x, whole(1), _negative(constant))
        case (FixedArray() as constant, str(x)):
            return linear(emit, spec, x, whole(-1), constant)
    raise without_tensor(spec)


def _multiply(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    match pair(emit, spec):
        case (str(a), str(b)):
            return emit(nodes.Multiply, "multiply", (a, b))
        case (str(x), FixedArray() as constant) | (FixedArray() as constant, str(x)):
            return linear(emit, spec, x, constant, whole(0))
    raise without_tensor(spec)


def _divide(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    match pair(emit, spec):
        case (str(x), FixedArray() as constant):
            values = constant.to_float()
            if (values != 0).all() and (np.frexp(np.abs(values))[0] == 0.5).all():
                return linear(emit, spec, x, FixedArray.from_float(1 / values), whole(0))
        case (_, str()):
            raise UnsupportedError(
                f"layer {spec.name!r}: a division by a tensor has no finite binary expansion; {ENDS_BEFORE}, or "
                f"multiply by a number or a tensor in its place, {ANOTHER}"
            )
    raise UnsupportedError(
        f"layer {spec.name!r}: a division by anything but powers of two has no finite binary expansion; "
        "multiply by the float32 number nearest to its inverse, which rounds another way and so is another network"
    )


def _extreme(*, least: bool) -> Handler:
    def handler(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
        match pair(emit, spec):
            case (str(a), str(b)):
                return merges.extreme(emit, a, b, least=least)
            case (str(x), FixedArray() as constant) | (FixedArray() as constant, str(x)):
                if constant.shape != (1,):
                    return merges.extreme(emit, x, linear(emit, spec, x, whole(0), constant), least=least)
                end = float(constant.to_float()[0])
                return clipped(emit, x, None, end) if least else clipped(emit, x, end, None)
        raise without_tensor(spec)

    return handler


def negated(emit: Emitter, spec: LayerSpec, x: str) -> str:
    """``-x``."""
    return linear(emit, spec, x, whole(-1), whole(0))


def _negate(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    return negated(emit, spec, inputs[0])


def _relu(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    return emit(nodes.Relu, "relu", inputs)


def _leaky_relu(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    return leaky(emit, inputs[0], float(np.float32(spec.config.get("negative_slope", 0.2) or 0)))


def _relu6(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    return clipped(emit, inputs[0], 0.0, 6.0)


def _clip(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    ends = [spec.config.get(key) for key in ("x_min", "x_max")]
    if not all(isinstance(end, int | float) for end in ends):
        raise UnsupportedError(f"layer {spec.name!r}: clips to {ends}; clip to two numbers")
    low, high = (numbers(end) for end in ends)
    if low is None or high is None or low > high:
        raise UnsupportedError(
            f"layer {spec.name!r}: clips to {ends}, which holds no number; state the lower end first"
        )
    return clipped(emit, inputs[0], float(np.float32(low)), float(np.float32(high)))


def _concatenate(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    return emit(nodes.Concatenate, "concatenate", inputs, axis_of(emit, spec, inputs[0], spec.config.get("axis", -1)))


def axis_of(emit: Emitter, spec: LayerSpec, x: str, axis: Any) -> int:
    """An axis as Keras counts it, with the batch, to one without."""
    rank = len(emit.edge(x).shape)
    number = int(axis)
    if number == 0 or not -rank <= number <= rank:
        raise UnsupportedError(
            f"layer {spec.name!r}: axis {axis} is the batch's or none of {emit.edge(x).shape}, and firmware has one "
            "event at a "
            "time; choose another axis"
        )
    return number - 1 if number > 0 else number + rank


def _reshape(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    shape = emit.edge(inputs[0]).shape
    stated = spec.config["newshape"]
    target = [int(size) for size in (stated if isinstance(stated, list) else [stated])]
    size = math.prod(shape)
    if not target or (target[0] != -1 and -1 in target) or math.prod(target[1:]) not in (size, -size):
        raise UnsupportedError(
            f"layer {spec.name!r}: reshapes {shape} and the batch to {target}; start with -1 for the batch, "
            "or use a Reshape layer"
        )
    return emit(nodes.Reshape, "reshape", inputs, tuple(target[1:]))


def _transpose(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    axes = spec.config.get("axes")
    if not axes or int(axes[0]) != 0:
        raise UnsupportedError(f"layer {spec.name!r}: transposes the batch axis; state axes that begin with 0")
    return emit(nodes.Transpose, "transpose", inputs, tuple(int(axis) - 1 for axis in axes[1:]))


def _squeeze(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    shape = emit.edge(inputs[0]).shape
    stated = spec.config.get("axis")
    axes = range(len(shape)) if stated is None else [axis_of(emit, spec, inputs[0], axis) for axis in sizes(stated, 1)]
    kept = tuple(length for axis, length in enumerate(shape) if axis not in axes or (stated is None and length != 1))
    return emit(nodes.Reshape, "squeeze", inputs, kept or (1,))


def _expand(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    shape = list(emit.edge(inputs[0]).shape)
    added = sizes(spec.config["axis"], 1)
    rank = 1 + len(shape) + len(added)
    if not all(-rank < axis < rank and axis for axis in added):
        raise UnsupportedError(
            f"layer {spec.name!r}: new axes {list(added)} of {tuple(shape)}: before the batch, or beyond; firmware has "
            "one event at a time; choose another place"
        )
    for axis in sorted(axis % rank for axis in added):
        shape.insert(axis - 1, 1)
    return emit(nodes.Reshape, "expand", inputs, tuple(shape))


def with_axis_last(emit: Emitter, x: str, axis: int, work: Callable[[str], str]) -> str:
    """``work`` on ``x`` with this axis put last, and then put back."""
    order = list(range(len(emit.edge(x).shape)))
    if axis == order[-1]:
        return work(x)
    order[axis], order[-1] = order[-1], order[axis]
    return emit(nodes.Transpose, "back", (work(emit(nodes.Transpose, "turned", (x,), tuple(order))),), tuple(order))


def _flattened(emit: Emitter, spec: LayerSpec, x: str) -> tuple[str, tuple[int, ...], int]:
    """The axes that are reduced made one in front: (node, shape of the result, number of values reduced)."""
    shape = emit.edge(x).shape
    axis = spec.config.get("axis")
    if axis is None:
        raise UnsupportedError(
            f"layer {spec.name!r}: reduces over the batch too, and firmware has one event at a time; state its axis"
        )
    reduced = sorted({axis_of(emit, spec, x, one) for one in sizes(axis, 1)})
    kept = [number for number in range(len(shape)) if number not in reduced]
    if reduced + kept != list(range(len(shape))):
        x = emit(nodes.Transpose, "reduced_first", (x,), (*reduced, *kept))
    count, rest = math.prod(shape[i] for i in reduced), math.prod(shape[i] for i in kept)
    x = emit(nodes.Reshape, "reduced_as_one", (x,), (count, rest))
    keep = bool(spec.config.get("keepdims", False))
    result = tuple(1 if i in reduced else shape[i] for i in range(len(shape)) if keep or i not in reduced)
    return x, result or (1,), count


def _reduce(*, maximum: bool, mean: bool = False) -> Handler:
    def handler(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
        x, shape, count = _flattened(emit, spec, inputs[0])
        out = emit(nodes.Pool, "reduce", (x,), (count,), (count,), ((0, 0),), maximum)
        if mean:
            out = pooling.divided(emit, out, count)
        initial = spec.config.get("initial")
        if maximum and initial is not None:
            out = clipped(emit, out, float(np.float32(initial)), None)
        return emit(nodes.Reshape, "result", (out,), shape)

    return handler


HANDLERS: dict[str, Handler] = {
    "ops.Add": _add,
    "ops.Subtract": _subtract,
    "ops.Multiply": _multiply,
    "ops.Divide": _divide,
    "ops.TrueDivide": _divide,
    "ops.Maximum": _extreme(least=False),
    "ops.Minimum": _extreme(least=True),
    "ops.Negative": _negate,
    "ops.Relu": _relu,
    "ops.Relu6": _relu6,
    "ops.LeakyRelu": _leaky_relu,
    "ops.Clip": _clip,
    "ops.Concatenate": _concatenate,
    "ops.Reshape": _reshape,
    "ops.Squeeze": _squeeze,
    "ops.ExpandDims": _expand,
    "ops.Transpose": _transpose,
    "ops.Sum": _reduce(maximum=False),
    "ops.Mean": _reduce(maximum=False, mean=True),
    "ops.Max": _reduce(maximum=True),
    "ops.Amax": _reduce(maximum=True),
}
