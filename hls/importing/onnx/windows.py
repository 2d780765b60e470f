"""Operators with a window: convolutions and pooling, whichever axis the channels are."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Literal

import numpy as np

from hls.graph.windows import output_length, patches, same_padding
from hls.importing.onnx import folding
from hls.importing.onnx.backend import Counts, Floats, Window
from hls.importing.onnx.operation import Operation
from hls.importing.onnx.tensors import Tensor, arranged, batch_axis, positive_axis

_LARGEST_WINDOW = 1 << 20


def is_channels_last(op: Operation) -> bool:
    """Whether it is QONNX's operator of the name, whose channels are the last axis."""
    return op.node.domain.endswith("channels_last") or op.node.kind.endswith("NHWC")


def spatial_first(op: Operation) -> Tensor:
    """The input held with its spatial axes first, and its channels last."""
    x = op.tensor()
    rank = len(x.axes)
    if rank not in (3, 4) or batch_axis(x, op.where) != 0:
        raise op.unsupported(f"an input of {rank} axes", "one or two spatial axes besides batch and channels")
    order = range(1, rank) if is_channels_last(op) else (*range(2, rank), 1)
    return arranged(op.backend, x, order)


def stated(op: Operation, spatial: tuple[int, ...], size: tuple[int, ...]) -> tuple[list[int], list[int], list[int]]:
    """Strides, dilations and pads of a window, checked."""
    rank = len(size)
    strides, dilation = (op.whole(name, (1,) * rank) or [] for name in ("strides", "dilations"))
    pads = op.whole("pads", (0,) * 2 * rank) or []
    if rank != len(spatial) or len(strides) != rank or len(dilation) != rank or len(pads) != 2 * rank:
        raise op.unsupported(f"a window {size} over {len(spatial)} axes", "export the model again")
    if min(*size, *strides, *dilation) < 1 or math.prod(size) > _LARGEST_WINDOW or min(pads) < 0:
        raise op.unsupported(f"a window {size}, strides {strides}, pads {pads}", "export the model again")
    return strides, dilation, pads


def _window(op: Operation, x: Tensor, size: tuple[int, ...]) -> Window:
    rank, spatial = len(size), x.shape[:-1]
    strides, dilation, pads = stated(op, spatial, size)
    padding = tuple(zip(pads[:rank], pads[rank:], strict=True))
    mode = op.attribute("auto_pad", "NOTSET")
    if mode.startswith("SAME"):
        padding = tuple(same_padding(*axis) for axis in zip(spatial, size, strides, dilation, strict=True))
        if mode == "SAME_LOWER":
            padding = tuple((after, before) for before, after in padding)
    if any(
        before + after > 4 * n + w * d
        for (before, after), n, w, d in zip(padding, spatial, size, dilation, strict=True)
    ):
        raise op.unsupported(f"pads {pads} of an axis of {spatial}", "export the model again")
    return Window(size, tuple(strides), tuple(dilation), padding, spatial)


def _positions(op: Operation, window: Window) -> tuple[int, ...]:
    axes = zip(window.spatial, window.size, window.strides, window.dilation, window.padding, strict=True)
    found = tuple(output_length(*axis) for axis in axes)
    if min(found) < 1:
        raise op.unsupported(f"a window {window.size} larger than its input {window.spatial}", "make the input larger")
    return found


def result(op: Operation, handle: object, shape: tuple[int, ...]) -> Tensor:
    """An output held with its channels last, wherever the operator has them."""
    rank = len(shape) + 1
    axes = tuple(range(rank)) if is_channels_last(op) else (0, rank - 1, *range(1, rank - 1))
    return Tensor(handle, shape, axes)


def conv(op: Operation) -> Tensor:
    """Conv, with any number of groups."""
    weights = op.constant(1, "kernel")
    if weights.values.ndim not in (3, 4):
        raise op.unsupported(f"a kernel of {weights.values.ndim} axes", "one or two spatial axes")
    x = spatial_first(op)
    first = 1 if is_channels_last(op) else 2
    last = 1 if first == 2 else weights.values.ndim - 1
    spatial_axes = [axis for axis in range(1, weights.values.ndim) if axis != last]
    kernel = folding.moved(weights, lambda array: np.transpose(array, (*spatial_axes, last, 0)))
    *size, per_group, outputs = kernel.values.shape
    groups = op.attribute("group", 1)
    if groups < 1 or per_group * groups != x.shape[-1] or outputs % groups:
        raise op.unsupported(
            f"a kernel for {per_group} channels in {groups} groups, and {x.shape[-1]} arrive", "export the model again"
        )
    window = _window(op, x, tuple(size))
    shape = (*_positions(op, window), outputs)
    return result(op, op.backend.conv(x.handle, kernel, bias_of(op, outputs), window, groups), shape)


def bias_of(op: Operation, outputs: int) -> Floats | None:
    """One number an output, if there are any."""
    bias = op.floats(2, "bias") if op.argument(2) is not None else None
    if bias is not None and bias.size != outputs:
        raise op.unsupported(f"a bias of shape {bias.shape} for {outputs} outputs", "export the model again")
    return None if bias is None else bias.reshape(-1)


def pool(op: Operation, *, maximum: bool) -> Tensor:
    """MaxPool and AveragePool."""
    x = spatial_first(op)
    size = op.whole("kernel_shape")
    if size is None:
        raise op.unsupported("no kernel_shape", "export the model again")
    window = _window(op, x, tuple(size))
    if set(window.dilation) != {1}:
        raise op.unsupported(f"dilations {window.dilation}", "pool without a dilation")
    reaching = _ceiled(op, window)
    shape = (*_positions(op, reaching), x.shape[-1])
    if maximum:
        return result(op, op.backend.largest(x.handle, reaching), shape)
    return result(op, op.backend.average(x.handle, reaching, _counts(op, window, reaching)), shape)


def _ceiled(op: Operation, window: Window) -> Window:
    """With ceil_mode, a last window that reaches beyond the end: padding that never counts.

    One that would begin in the padding behind the input is none.
    """
    if not op.attribute("ceil_mode", 0):
        return window
    padding = []
    for n, w, s, (before, after) in zip(window.spatial, window.size, window.strides, window.padding, strict=True):
        last = -(-(n + before + after - w) // s)
        last = last if last * s < n + before else last - 1
        padding.append((before, max(last * s + w - n - before, 0)))
    return replace(window, padding=tuple(padding))


def _counts(op: Operation, stated: Window, reaching: Window) -> Counts | None:
    """Of how many places each window is, the padding that the file states counted on request; None for whole ones."""
    counted = stated.padding if op.attribute("count_include_pad", 0) else ((0, 0),) * len(stated.size)
    sides = [(before, min(after, end)) for (before, after), (_, end) in zip(counted, reaching.padding, strict=True)]
    ones = np.pad(np.ones(stated.spatial, np.int64), sides, constant_values=1)[None, ..., None]
    rest = tuple(
        (before - known, after - more) for (before, after), (known, more) in zip(reaching.padding, sides, strict=True)
    )
    inside = patches(ones, stated.size, stated.strides, stated.dilation, rest)[0]
    counts = np.asarray(inside.sum(axis=tuple(range(len(stated.size), inside.ndim))))
    if not counts.all():
        raise op.unsupported("an average of padding alone", "pad by less than a window")
    return None if (counts == math.prod(stated.size)).all() else counts


Reduction = Literal["mean", "sum", "max", "min"]
_MINUS = np.array([-1], np.float32)


def refuse_integers(op: Operation) -> None:
    """Of an average; raises UnsupportedError."""
    if op.integers:
        raise op.unsupported("an average of integers, which is cut off", "cast them to float32 first")


def reduce(op: Operation, how: Reduction = "mean") -> Tensor:
    """ReduceMax and its like, and the global poolings over all spatial axes."""
    x = op.tensor()
    rank = len(x.axes)
    whole = op.node.kind.startswith("Global")
    listed = (range(1, rank - 1) if is_channels_last(op) else range(2, rank)) if whole else op.axes("axes", 1)
    if not whole and not listed and op.attribute("noop_with_empty_axes", 0):
        return x
    gone = sorted({positive_axis(axis, rank, op.where) for axis in listed or range(rank)})
    if how == "mean":
        refuse_integers(op)
    found = reduced(op, x, gone, how)
    if whole or op.attribute("keepdims", 1):
        return found
    return replace(found, axes=tuple(place for axis, place in enumerate(found.axes) if axis not in gone))


def reduced(op: Operation, x: Tensor, gone: Sequence[int], how: Reduction) -> Tensor:
    """Over axes that stay with one element, and are not held."""
    rank, batch = len(x.axes), batch_axis(x, op.where)
    if batch in gone:
        raise op.unsupported(f"reduces over axes {list(gone)}, the batch's among them", "state other axes")
    kept = [axis for axis in range(rank) if axis not in gone and axis != batch]
    x = arranged(op.backend, x, (*gone, *kept))
    count, rest = math.prod(x.shape[: len(gone)]), math.prod(x.shape[len(gone) :])
    flat = x.handle if x.shape == (count, rest) else op.backend.reshape(x.handle, (count, rest))
    out = _over_first(op, flat, count, rest, how)
    shape = tuple(x.shape[len(gone) :]) or (1,)
    if shape != (rest,):
        out = op.backend.reshape(out, shape)
    places = {axis: place for place, axis in enumerate(kept, start=1)}
    return Tensor(out, shape, tuple(0 if axis == batch else places.get(axis) for axis in range(rank)))


def _over_first(op: Operation, x: object, count: int, channels: int, how: Reduction) -> object:
    """Over the first of two axes; the least is the largest of what is turned, and a sum so many means."""
    if how == "min":
        largest = op.backend.reduce(op.backend.scale(x, _MINUS, None), count, channels, maximum=True)
        return op.backend.scale(largest, _MINUS, None)
    out = op.backend.reduce(x, count, channels, maximum=how == "max")
    return op.backend.scale(out, np.array([count], np.float32), None) if how == "sum" else out
