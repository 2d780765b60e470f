"""ONNX operators that repeat a tensor along its axes: Tile and Expand."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hls.importing.onnx import folding
from hls.importing.onnx.operation import Operation
from hls.importing.onnx.taking import taken
from hls.importing.onnx.tensors import BATCH, Array, Constant, Tensor

_BATCH = "repeats the batch"
_ANOTHER_AXIS = "repeat along other axes: firmware has one event at a time"


def tile(op: Operation) -> Tensor | Constant:
    """As often along each axis as stated, the batch's once."""
    found, repeats = op.argument(0), [int(n) for n in op.constant(1, "list of repeats").values.reshape(-1)]
    rank = found.values.ndim if isinstance(found, Constant) else len(op.tensor().axes)
    if len(repeats) != rank or min(repeats) < 1:
        raise op.unsupported(f"repeats {repeats} of {rank} axes", "export the model again")
    if isinstance(found, Constant):
        folding.bounded(found.values.size * int(np.prod(repeats, dtype=object)), op.where)
        return folding.moved(found, lambda array: np.tile(array, repeats))
    x = op.tensor()
    for axis, times in enumerate(repeats):
        if times > 1 and x.axes[axis] == BATCH:
            raise op.unsupported(_BATCH, _ANOTHER_AXIS)
        folding.bounded(x.size(axis) * times, op.where)
        if times > 1:
            x = taken(op, x, axis, list(range(x.size(axis))) * times)
    return x


def expand(op: Operation) -> Tensor | Constant:
    """Axes of one element as long as stated."""
    found, target = op.argument(0), [int(n) for n in op.constant(1, "shape").values.reshape(-1)]
    if isinstance(found, Constant):
        shape = np.broadcast_shapes(found.values.shape, target)
        folding.bounded(int(np.prod(shape, dtype=object)), op.where)
        return folding.moved(found, lambda array: np.broadcast_to(array, shape))
    return expanded(op, op.tensor(), target)


def as_wide_as(op: Operation, x: Tensor, constant: Array) -> Tensor:
    """``x`` with its axes of one element as long as those of a constant beside it, where that is all they differ in."""
    rank = len(x.axes)
    sizes = (1,) * (rank - constant.ndim) + constant.shape
    longer = [axis for axis, size in enumerate(sizes[:rank]) if size > 1 and x.size(axis) != size]
    fits = len(sizes) == rank and all(x.size(axis) == 1 and x.axes[axis] != BATCH for axis in longer)
    return expanded(op, x, constant.shape) if longer and fits else x


def expanded(op: Operation, x: Tensor, target: Sequence[int]) -> Tensor:
    """``x`` with its axes of one element as long as those of ``target``, which are counted from the end."""
    rank = len(x.axes)
    if len(target) > rank:
        raise op.unsupported(
            f"expands {x.sizes} to {list(target)}, of more axes", "unsqueeze it behind the batch first"
        )
    for axis, size in enumerate(target, start=rank - len(target)):
        if x.axes[axis] == BATCH and size not in (1, op.batch):
            raise op.unsupported(_BATCH, _ANOTHER_AXIS)
        if x.axes[axis] == BATCH or size in (1, x.size(axis)):
            continue
        if x.size(axis) != 1 or size < 1:
            raise op.unsupported(f"expands {x.sizes} to {list(target)}", "export the model again")
        folding.bounded(size, op.where)
        x = taken(op, x, axis, [0] * size)
    return x
