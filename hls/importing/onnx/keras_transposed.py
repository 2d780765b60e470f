"""A transposed convolution of ONNX as QKeras's, which has neither groups nor dilation nor pads of its own choice."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hls.importing.onnx.backend import Floats, Window


@dataclass(frozen=True, eq=False)
class Transposed:
    """Keras's layer: its kernel of shape (*window, channels out, channels in), and its positions, then cropped."""

    weights: Floats
    padding: str
    positions: tuple[int, ...]
    cropping: list[list[int]]


def transposed_of(kernel: Floats, window: Window, groups: int) -> Transposed:
    """With zeros in the kernel for channels of other groups, between its elements, and for outputs beyond its reach."""
    weights = _spread(kernel, window, groups)
    axes = list(zip(window.spatial, weights.shape, window.strides, window.padding, strict=False))
    before = tuple(sides[0] for sides in window.padding)
    positions = tuple((n - 1) * step + w - first - max(last, 0) for n, w, step, (first, last) in axes)
    same = tuple(n * step for n, _, step, _ in axes)
    if positions == same and before == tuple(max(w - step, 0) // 2 for _, w, step, _ in axes):
        return Transposed(weights, "same", same, [[0, 0]] * len(same))
    valid = tuple(n * step + max(w - step, 0) for n, w, step, _ in axes)
    cropping = [[first, n - first - left] for first, n, left in zip(before, valid, positions, strict=True)]
    return Transposed(weights, "valid", valid, cropping)


def _spread(kernel: Floats, window: Window, groups: int) -> Floats:
    *_, inputs, outputs = kernel.shape
    reach = [d * (n - 1) + 1 for n, d in zip(window.size, window.dilation, strict=True)]
    beyond = [max(-last, 0) for _, last in window.padding]
    found = np.zeros((*(r + more for r, more in zip(reach, beyond, strict=True)), outputs, inputs * groups), np.float32)
    places = tuple(slice(0, r, d) for r, d in zip(reach, window.dilation, strict=True))
    per_group = outputs // groups
    for group in range(groups):
        rows = slice(group * per_group, (group + 1) * per_group)
        columns = slice(group * inputs, (group + 1) * inputs)
        found[(*places, rows, columns)] = kernel[..., rows].swapaxes(-1, -2)
    return found


def lifted(window: Window) -> Window:
    """A window over one axis as one over two, the first of length 1."""
    size, strides, dilation, spatial = (
        (1, *numbers) for numbers in (window.size, window.strides, window.dilation, window.spatial)
    )
    return Window(size, strides, dilation, ((0, 0), *window.padding), spatial)
