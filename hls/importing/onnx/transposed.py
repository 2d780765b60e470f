"""ConvTranspose: which part of all that its windows reach is the output."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from hls.importing.onnx import folding
from hls.importing.onnx.backend import Window
from hls.importing.onnx.operation import Operation
from hls.importing.onnx.tensors import Array, Tensor
from hls.importing.onnx.windows import bias_of, result, spatial_first, stated

_MOST_POSITIONS = 1 << 20


def conv_transpose(op: Operation) -> Tensor:
    """ConvTranspose, with any number of groups."""
    weights, x, groups = op.constant(1, "kernel"), spatial_first(op), op.attribute("group", 1)
    if weights.values.ndim != len(x.shape) + 1:
        raise op.unsupported(f"a kernel of {weights.values.ndim} axes", "one or two spatial axes")
    inputs, per_group, *size = weights.values.shape
    if groups < 1 or inputs != x.shape[-1] or inputs % groups:
        raise op.unsupported(
            f"a kernel for {inputs} channels in {groups} groups, and {x.shape[-1]} arrive", "export the model again"
        )
    kernel = folding.moved(weights, lambda array: _channels_last(array, groups))
    window, positions = _window(op, x.shape[:-1], tuple(size))
    outputs = per_group * groups
    handle = op.backend.conv_transpose(x.handle, kernel, bias_of(op, outputs), window, groups)
    return result(op, handle, (*positions, outputs))


def _channels_last(kernel: Array, groups: int) -> Array:
    """From (channels in, channels out / groups, *window) to (*window, channels in / groups, channels out)."""
    inputs, per_group, *size = kernel.shape
    parts = kernel.reshape(groups, inputs // groups, per_group, *size)
    return np.transpose(parts, (*range(3, parts.ndim), 1, 0, 2)).reshape(*size, inputs // groups, groups * per_group)


def _window(op: Operation, spatial: tuple[int, ...], size: tuple[int, ...]) -> tuple[Window, tuple[int, ...]]:
    """The window, of which ``padding`` says what is cut off, and how many positions are left."""
    strides, dilation, pads = stated(op, spatial, size)
    rank = len(size)
    more = op.whole("output_padding", (0,) * rank) or []
    wanted = op.whole("output_shape")
    mode = op.attribute("auto_pad", "NOTSET")
    if wanted is None and mode.startswith("SAME"):
        wanted = [n * stride for n, stride in zip(spatial, strides, strict=True)]
    if len(more) != rank or len(wanted or more) != rank or min(more) < 0:
        raise op.unsupported(f"output_padding {more}, output_shape {wanted}", "export the model again")
    reach = [
        (n - 1) * stride + (w - 1) * d + 1 for n, stride, w, d in zip(spatial, strides, size, dilation, strict=True)
    ]
    if wanted is None:
        cut = [(before, after - m) for before, after, m in zip(pads[:rank], pads[rank:], more, strict=True)]
    else:
        cut = _around(op, [r - w for r, w in zip(reach, wanted, strict=True)], more, upper=mode == "SAME_UPPER")
    positions = tuple(whole - sum(sides) for whole, sides in zip(reach, cut, strict=True))
    if min(positions) < 1:
        raise op.unsupported(f"pads {pads} that leave nothing of {reach} positions", "pad less")
    spread = [n * stride + (w - 1) * d for n, stride, w, d in zip(spatial, strides, size, dilation, strict=True)]
    if max(math.prod(spread), math.prod(positions)) > _MOST_POSITIONS:
        raise op.unsupported(
            f"strides {strides}, dilations {dilation} of {spatial} positions", "export the model again"
        )
    return Window(size, tuple(strides), tuple(dilation), tuple(cut), spatial), positions


def _around(op: Operation, less: Sequence[int], more: Sequence[int], *, upper: bool) -> list[tuple[int, int]]:
    """So much less than all, of both sides alike; of an odd number one more at the end with SAME_UPPER, else before."""
    if op.attribute("output_shape", None) is None and any(a + b < 0 for a, b in zip(less, more, strict=True)):
        raise op.unsupported(
            f"auto_pad {op.attribute('auto_pad', '')!r} of strides beyond its window, which ONNX and ONNX Runtime read "
            "differently",
            "state pads and output_padding",
        )
    totals = [max(a + b, 0) for a, b in zip(less, more, strict=True)]
    first = [total // 2 if upper else total - total // 2 for total in totals]
    return [(before, total - before) for before, total in zip(first, less, strict=True)]
