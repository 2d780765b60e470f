"""ONNX operators along the order of an axis: the largest few and their indices, and what adds up on the way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from hls.importing.onnx import folding, windows
from hls.importing.onnx.operation import Handler, Operation
from hls.importing.onnx.taking import taken
from hls.importing.onnx.tensors import BATCH, Constant, Tensor, channels_last, positive_axis, squeezed
from hls.importing.refusals import ANOTHER


def _index(op: Operation, *, least: bool = False) -> Tensor:
    """ArgMax, ArgMin."""
    if op.attribute("select_last_index", 0):
        raise op.unsupported("the last one of equal values", f"take the first one (select_last_index=0), {ANOTHER}")
    x = op.tensor()
    axis = positive_axis(op.attribute("axis", 0), len(x.axes), op.where)
    found = _index_along(op, x, axis, least=least)
    return found if op.attribute("keepdims", 1) else squeezed(op.backend, found, [axis], op.where)


def _index_along(op: Operation, x: Tensor, axis: int, *, least: bool) -> Tensor:
    if x.axes[axis] == BATCH:
        raise op.unsupported("compares the events of a batch", "take the largest along another axis")
    last = channels_last(op.backend, x, axis, op.where)
    turned = op.backend.scale(last.handle, np.array([-1], np.float32), None) if least else last.handle
    return Tensor(op.backend.index(turned), (*last.shape[:-1], 1), last.axes)


def _top(op: Operation) -> tuple[Tensor, ...]:
    """The largest along an axis, or the least, in their order; of one alone its index too."""
    stated, x, largest = op.axes("k", 1), op.tensor(), op.attribute("largest", 1)
    axis = positive_axis(op.attribute("axis", -1), len(x.axes), op.where)
    if stated == [1]:
        return windows.reduced(op, x, [axis], "max" if largest else "min"), _index_along(op, x, axis, least=not largest)
    length = x.size(axis)
    if x.axes[axis] == BATCH or stated is None or len(stated) != 1 or not 1 <= stated[0] <= length:
        raise op.unsupported(f"the {stated} largest of {length}", "take as many as an axis has, and not of the batch")
    last = channels_last(op.backend, x, axis, op.where)
    found = replace(last, handle=op.backend.ascending(last.handle))
    return (taken(op, found, axis, range(length)[: -stated[0] - 1 : -1] if largest else range(stated[0])),)


def _hardmax(op: Operation) -> Tensor:
    """One at the largest along an axis, the first of equal ones, and zero elsewhere."""
    x = op.tensor()
    rank = len(x.axes)
    axis = positive_axis(op.attribute("axis", -1 if op.opset >= _ALONG_ONE else 1), rank, op.where)
    if op.opset < _ALONG_ONE and axis != rank - 1:
        raise op.unsupported(f"over all axes from {axis} on", "export the model again")
    length = x.size(axis)
    index = taken(op, _index_along(op, x, axis, least=False), axis, [0] * length)
    places = np.arange(length, dtype=np.float32)
    reached, passed = (op.backend.compare(index.handle, places, how) for how in ("GreaterEqual", "LessEqual"))
    return replace(index, handle=op.backend.both(reached, passed))


def _running_sum(op: Operation) -> Tensor | Constant:
    """Of all before along an axis, itself among them or not, from either end."""
    axes = op.axes("axis", 1)
    found = op.argument(0)
    rank = found.values.ndim if isinstance(found, Constant) else len(op.tensor().axes)
    if axes is None or len(axes) != 1:
        raise op.unsupported(f"sums along axes {axes}", "export the model again")
    axis = positive_axis(axes[0], rank, op.where)
    length = found.values.shape[axis] if isinstance(found, Constant) else op.tensor().size(axis)
    folding.bounded(length * length, op.where)
    matrix = np.triu(np.ones((length, length), np.float32), op.attribute("exclusive", 0))
    matrix = matrix.T if op.attribute("reverse", 0) else matrix
    if isinstance(found, Constant):
        sums = np.moveaxis(found.values, axis, -1) @ matrix.astype(found.values.dtype)
        return Constant(np.moveaxis(sums, -1, axis))
    if op.tensor().axes[axis] == BATCH:
        raise op.unsupported("adds up the events of a batch", "sum along another axis")
    last = channels_last(op.backend, op.tensor(), axis, op.where)
    return replace(last, handle=op.backend.dense(last.handle, Constant(matrix), None))


_ALONG_ONE = 13
"""The opset from which on Hardmax is along one axis."""
HANDLERS: Mapping[str, Handler] = {
    "ArgMax": _index,
    "ArgMin": partial(_index, least=True),
    "CumSum": _running_sum,
    "Hardmax": _hardmax,
    "TopK": _top,
}
