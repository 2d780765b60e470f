"""Sliding windows over the spatial axes, shared by interval analysis and emulation."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from hls.graph.fixed import FixedArray, IntArray


def output_length(length: int, window: int, stride: int, dilation: int, padding: tuple[int, int]) -> int:
    """Number of window positions along one axis.

    >>> output_length(10, window=3, stride=1, dilation=1, padding=(0, 0))
    8
    >>> output_length(10, window=3, stride=2, dilation=2, padding=(1, 1))  # spans 5 of 12, every other place
    4
    """
    return (length + sum(padding) - dilation * (window - 1) - 1) // stride + 1


def same_padding(length: int, window: int, stride: int, dilation: int = 1) -> tuple[int, int]:
    """Zeros before and after one axis for Keras's ``padding="same"`` (the odd one goes after).

    >>> same_padding(10, window=3, stride=1), same_padding(10, window=4, stride=1)
    ((1, 1), (1, 2))
    """
    total = max((-(-length // stride) - 1) * stride + dilation * (window - 1) + 1 - length, 0)
    return total // 2, total - total // 2


def patches(
    x: npt.NDArray[Any],
    window: tuple[int, ...],
    strides: tuple[int, ...],
    dilation: tuple[int, ...],
    padding: tuple[tuple[int, int], ...],
    fill: float = 0,
) -> npt.NDArray[Any]:
    """Windows of ``x`` of shape (batch, *spatial, channels): a (batch, *positions, *window, channels) array.

    A view where no padding is asked for; ``fill`` is the value of the padding.

    >>> line = np.array([[[1], [2], [3], [4]]])  # one event, four places, one channel
    >>> patches(line, (3,), (1,), (1,), ((0, 0),))[0, :, :, 0].tolist()
    [[1, 2, 3], [2, 3, 4]]
    >>> patches(line, (2,), (2,), (1,), ((1, 1),))[0, :, :, 0].tolist()
    [[0, 1], [2, 3], [4, 0]]
    """
    rank = len(window)
    if any(p != (0, 0) for p in padding):
        x = _padded(x, padding, fill)
    spread = tuple(d * (w - 1) + 1 for w, d in zip(window, dilation, strict=True))
    axes = tuple(range(1, rank + 1))
    view = np.lib.stride_tricks.sliding_window_view(x, spread, axis=axes)  # batch, *positions, channels, *spread
    steps = (slice(None), *(slice(None, None, s) for s in strides), slice(None))
    view = view[steps + tuple(slice(None, None, d) for d in dilation)]
    return np.moveaxis(view, rank + 1, -1)


def _padded(x: npt.NDArray[Any], padding: tuple[tuple[int, int], ...], fill: float) -> npt.NDArray[Any]:
    """Like np.pad, which would put NumPy integers among the Python integers of an object array."""
    spatial = [before + size + after for size, (before, after) in zip(x.shape[1:-1], padding, strict=True)]
    whole = np.full((len(x), *spatial, x.shape[-1]), int(fill) if x.dtype == object else fill, x.dtype)
    inner = tuple(slice(before, before + size) for size, (before, _) in zip(x.shape[1:-1], padding, strict=True))
    whole[(slice(None), *inner)] = x
    return whole


def ungrouped(kernel: FixedArray, groups: int) -> FixedArray:
    """The block-diagonal kernel (*window, channels in, channels out) that does what ``groups`` small ones do.

    >>> depthwise = FixedArray(np.array([[[3, 5]]]), 0)  # a window of one place, two channels by themselves
    >>> ungrouped(depthwise, 2).integers[0].tolist()
    [[3, 0], [0, 5]]
    """
    *window, per_group, outputs = kernel.shape
    share = outputs // groups
    full: IntArray = np.zeros((*window, per_group * groups, outputs), kernel.integers.dtype)
    for group in range(groups):
        ins = slice(group * per_group, (group + 1) * per_group)
        outs = slice(group * share, (group + 1) * share)
        full[..., ins, outs] = kernel.integers[..., outs]
    return FixedArray(full, kernel.fraction)
