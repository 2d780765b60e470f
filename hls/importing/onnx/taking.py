"""Places of an axis of a tensor, in whatever order, as often as wanted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hls.importing.onnx import folding
from hls.importing.onnx.operation import Operation
from hls.importing.onnx.tensors import BATCH, Constant, Tensor, channels_last


def taken(op: Operation, x: Tensor, axis: int, places: Sequence[int | None]) -> Tensor:
    """The places of an axis, and zero for None, by a matrix of zeros and ones."""
    if x.axes[axis] == BATCH:
        raise op.unsupported("takes a part of the batch", "take a part of another axis")
    if not places:
        raise op.unsupported("takes nothing of a tensor", "export the model again")
    last = channels_last(op.backend, x, axis, op.where)
    folding.bounded(last.shape[-1] * len(places), op.where)
    matrix = np.zeros((last.shape[-1], len(places)), np.float32)
    filled = [(place, column) for column, place in enumerate(places) if place is not None]
    matrix[tuple(zip(*filled, strict=True))] = 1
    handle = op.backend.dense(last.handle, Constant(matrix), None)
    return Tensor(handle, (*last.shape[:-1], len(places)), last.axes)
