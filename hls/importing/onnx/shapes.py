"""ONNX operators that compute nothing: constants, casts, and what moves values about."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping
from functools import partial

import numpy as np

from hls.importing.onnx import folding, resizing
from hls.importing.onnx.arithmetic import scaled
from hls.importing.onnx.operation import Handler, Operation
from hls.importing.onnx.taking import taken
from hls.importing.onnx.tensors import (
    BATCH,
    Constant,
    Tensor,
    batch_axis,
    in_order,
    positive_axis,
    reshaped,
    squeezed,
    transposed,
    unsqueezed,
)

_NO_END = 2**31 - 1
"""Where slices end that exporters write of a whole axis, or beyond it."""


def _same(op: Operation) -> Tensor | Constant:
    found = op.argument(0)
    return found if isinstance(found, Constant) else op.tensor()


def _dropout(op: Operation) -> Tensor | Constant:
    """What it gives when the network runs."""
    if op.argument(2) is not None and op.constant(2, "training_mode").values.any():
        raise op.unsupported("drops values at random, as in training", "export the model as it runs (model.eval())")
    return _same(op)


def _transpose(op: Operation) -> Tensor | Constant:
    found = op.argument(0)
    rank = found.values.ndim if isinstance(found, Constant) else len(op.tensor().axes)
    order = op.whole("perm", range(rank)[::-1]) or []
    if sorted(order) != list(range(rank)):
        raise op.unsupported(f"an order {order} of {rank} axes", "export the model again")
    if isinstance(found, Constant):
        return folding.moved(found, lambda array: np.transpose(array, order))
    return transposed(op.tensor(), order)


def _reshape(op: Operation) -> Tensor | Constant:
    found, target = op.argument(0), op.axes("shape", 1) or []
    if isinstance(found, Constant):
        shape = [found.values.shape[i] if n == 0 and i < found.values.ndim else n for i, n in enumerate(target)]
        return folding.moved(found, lambda array: array.reshape(shape))
    if target and target[0] == op.batch:
        target[0] = 1
    return reshaped(op.backend, op.tensor(), target, op.where)


def _flatten(op: Operation) -> Tensor | Constant:
    found = op.argument(0)
    axis = op.attribute("axis", 1)
    if isinstance(found, Constant):
        rows = math.prod(found.values.shape[:axis])
        return folding.moved(found, lambda array: array.reshape(rows, -1))
    if axis not in (0, 1, 1 - len(op.tensor().axes)):
        raise op.unsupported(f"flattens from axis {axis} on", "flatten all axes but the batch")
    return reshaped(op.backend, op.tensor(), (1, -1), op.where)


def _squeeze(op: Operation) -> Tensor | Constant:
    found, axes = op.argument(0), op.axes("axes", 1)
    if isinstance(found, Constant):
        return folding.moved(found, lambda array: np.squeeze(array, None if axes is None else tuple(axes)))
    return squeezed(op.backend, op.tensor(), axes, op.where)


def _unsqueeze(op: Operation) -> Tensor | Constant:
    found, axes = op.argument(0), op.axes("axes", 1) or []
    if isinstance(found, Constant):
        return folding.moved(found, lambda array: np.expand_dims(array, tuple(axes)))
    return unsqueezed(op.tensor(), axes, op.where)


def _concat(op: Operation) -> Tensor | Constant:
    axis = op.attribute("axis", 1)
    if op.constants is not None:
        folding.bounded(sum(values.size for values in op.constants), op.where)
        return Constant(np.concatenate(op.constants, axis))
    first = next(found for found in op.arguments if isinstance(found, Tensor))
    place = positive_axis(axis, len(first.axes), op.where)
    tensors = [
        _beside(op, found, first, place) if isinstance(found, Constant) else op.tensor(index)
        for index, found in enumerate(op.arguments)
    ]
    if any(len(x.axes) != len(first.axes) for x in tensors) or first.axes[place] == BATCH:
        raise op.unsupported("concatenates the batch, or tensors of different axes", "concatenate other axes")
    alike = [in_order(op.backend, x, op.where) for x in tensors]
    if place != len(first.axes) - 1 and len({x.axes for x in tensors}) == 1 and None not in first.axes:
        alike = tensors
    where = (alike[0].axes[place] or 1) - 1
    sizes = [x.shape for x in alike]
    if len({shape[:where] + shape[where + 1 :] for shape in sizes}) != 1:
        raise op.unsupported(f"concatenates tensors of shapes {sizes}", "export the model again")
    shape = list(sizes[0])
    shape[where] = sum(size[where] for size in sizes)
    return Tensor(op.backend.concatenate([x.handle for x in alike], where), tuple(shape), alike[0].axes)


def _beside(op: Operation, constant: Constant, x: Tensor, place: int) -> Tensor:
    """A constant as a tensor that goes along with ``x`` but in one axis: as many places of that one, times zero."""
    values, batch = constant.values, batch_axis(x, op.where)
    if values.ndim != len(x.axes) or place == batch:
        raise op.unsupported(f"concatenates a constant of shape {values.shape} to {x.sizes}", "export the model again")
    row = np.take(values, [0], batch)
    if (values != row).any():
        raise op.unsupported("a constant that differs from event to event of a batch", "take one for all events")
    nothing = taken(op, x, place, [0] * values.shape[place])
    return scaled(op, nothing, np.zeros(1, np.float32), np.asarray(row, np.float32))


def _shape(op: Operation) -> Constant:
    found = op.argument(0)
    sizes = found.values.shape if isinstance(found, Constant) else op.tensor().sizes
    return Constant(np.array(sizes, np.int64))


def _gathered(op: Operation) -> Tensor:
    """Places of a tensor, which a list names; of a number alone the axis is gone."""
    if isinstance(op.argument(0), Constant):
        raise op.unsupported("looks up constants by a computed place", "take what it would look up as an input")
    x, indices = op.tensor(), op.constant(1, "list of places").values
    axis = positive_axis(op.attribute("axis", 0), len(x.axes), op.where)
    length = x.size(axis)
    if indices.ndim > 1:
        raise op.unsupported(f"takes places of shape {indices.shape}", "take one place, or a list of places")
    beyond = [int(place) for place in indices.reshape(-1) if not -length <= place < length]
    if beyond:
        raise op.unsupported(f"takes places {beyond} of an axis of {length}", "export the model again")
    found = taken(op, x, axis, [int(place) % length for place in indices.reshape(-1)])
    return found if indices.ndim else squeezed(op.backend, found, [axis], op.where)


def _sliced(op: Operation) -> Tensor:
    x = op.tensor()
    starts, ends = op.axes("starts", 1) or [], op.axes("ends", 2) or []
    axes, steps = op.axes("axes", 3) or list(range(len(starts))), op.axes("steps", 4) or [1] * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps):
        raise op.unsupported("a slice of other starts than ends", "export the model again")
    if 0 in steps:
        raise op.unsupported("a slice with step 0", "export the model again")
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        place = positive_axis(axis, len(x.axes), op.where)
        if x.axes[place] == BATCH and (start, step) == (0, 1) and (end == op.batch or end >= _NO_END):
            continue
        if x.axes[place] == BATCH:
            raise op.unsupported("takes a part of the batch", "take a part of another axis")
        places = range(*slice(start, end, step).indices(x.size(place)))
        if places != range(x.size(place)):
            x = taken(op, x, place, places)
    return x


def _split(op: Operation) -> tuple[Tensor | Constant, ...]:
    """Parts of an axis: as long as is stated, or all alike, the last one shorter where they do not come out even."""
    found, axis = op.argument(0), op.attribute("axis", 0)
    if isinstance(found, Tensor) and found.axes[positive_axis(axis, len(found.axes), op.where)] == BATCH:
        raise op.unsupported("splits the batch", "split another axis")
    length = found.values.shape[axis] if isinstance(found, Constant) else op.tensor().size(axis)
    count = op.attribute("num_outputs", len(op.node.outputs))
    longest = -(-length // max(count, 1))
    lengths = op.axes("split", 1) or [min(longest, length - start) for start in range(0, length, longest)]
    if sum(lengths) != length or min(lengths) < 0 or len(lengths) != len(op.node.outputs):
        raise op.unsupported(f"parts of lengths {lengths} of an axis of {length}", "export the model again")
    places = np.cumsum([0, *lengths]).tolist()
    if isinstance(found, Constant):
        pieces = [range(*ends) for ends in itertools.pairwise(places)]
        return tuple(folding.moved(found, partial(np.take, indices=list(piece), axis=axis)) for piece in pieces)
    x, place = op.tensor(), positive_axis(axis, len(op.tensor().axes), op.where)
    return tuple(taken(op, x, place, range(*ends)) for ends in itertools.pairwise(places))


def _resize(op: Operation) -> Tensor:
    """Nearest neighbours."""
    x = op.tensor()
    for axis, chosen in resizing.places(op).items():
        x = taken(op, x, axis, chosen)
    return x


def _gather(op: Operation) -> Tensor | Constant:
    if op.constants is None:
        return _gathered(op)
    values, indices = op.constants[:2]
    folding.bounded(values.size * indices.size, op.where)
    return Constant(np.take(values, indices, axis=op.attribute("axis", 0)))


def _slice(op: Operation) -> Tensor | Constant:
    if op.constants is None:
        return _sliced(op)
    starts, ends = op.axes("starts", 1) or [], op.axes("ends", 2) or []
    values = op.constants[0]
    axes, steps = op.axes("axes", 3) or range(len(starts)), op.axes("steps", 4) or [1] * len(starts)
    cut = [slice(None)] * values.ndim
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        cut[axis] = slice(start, end, step)
    return Constant(values[tuple(cut)])


def _constant(op: Operation) -> Constant:
    for name, dtype in (("value", None), ("value_float", np.float32), ("value_int", np.int64)):
        if name in op.node.attributes:
            return Constant(np.asarray(op.node.attributes[name], dtype))
    for name, dtype in (("value_floats", np.float32), ("value_ints", np.int64)):
        if name in op.node.attributes:
            return Constant(np.asarray(op.node.attributes[name], dtype))
    raise op.unsupported("a constant of other than dense numbers", "export the model again")


def _constant_of_shape(op: Operation) -> Constant:
    value = op.attribute("value", None)
    number = np.float32(0) if value is None or not np.size(value) else np.asarray(value).reshape(-1)[0]
    return folding.filled([int(n) for n in op.constant(0, "shape").values.reshape(-1)], number, op.where)


HANDLERS: Mapping[str, Handler] = {
    "Dropout": _dropout,
    "Identity": _same,
    **dict.fromkeys(("Resize", "Upsample"), _resize),
    "Concat": _concat,
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Flatten": _flatten,
    "Gather": _gather,
    "Reshape": _reshape,
    "Shape": _shape,
    "Slice": _slice,
    "Split": _split,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
}
