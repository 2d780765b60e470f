"""ONNX's Pad: zeros, another number, or values of the tensor itself before and behind its axes, or less of them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from hls.importing.onnx.arithmetic import scaled
from hls.importing.onnx.operation import Operation
from hls.importing.onnx.taking import taken
from hls.importing.onnx.tensors import Tensor, arranged, batch_axis, positive_axis

Pairs = dict[int, tuple[int, int]]
"""How many elements are put before and behind an axis; below zero, taken away."""
_MOST_TIMES = 4
"""As many times the longest axis as anybody pads by."""
_BEYOND: Mapping[str, Callable[[int, int], int | None]] = {
    "constant": lambda _place, _length: None,
    "edge": lambda place, length: min(max(place, 0), length - 1),
    "reflect": lambda place, length: -place if place < 0 else 2 * (length - 1) - place,
    "wrap": lambda place, length: place % length,
}
"""Which place of an axis stands at a place before or behind it; None for the number that is padded with."""


def pad(op: Operation) -> Tensor:
    """Around any axis but the batch's."""
    x, mode = op.tensor(), op.attribute("mode", "constant")
    value = op.number(2, "value") if op.argument(2) is not None else op.attribute("value", 0.0)
    if mode not in _BEYOND:
        raise op.unsupported(f"mode {mode!r}", f"use {', '.join(_BEYOND)}")
    if not math.isfinite(value) and mode == "constant":
        raise op.unsupported(
            "pads with an infinite number, and no fixed-point number is",
            "pad with a finite one that no value comes near, such as -1000 for -inf, or, before a maximum, by the pads "
            "of MaxPool, which count for nothing there",
        )
    pairs = _pairs(op, x)
    if not pairs:
        return x
    if mode != "constant":
        return _by_places(op, x, pairs, mode)
    padded = _of_window(op, x, pairs) if _is_of_window(x, pairs) else _by_places(op, x, pairs, mode)
    return scaled(op, padded, None, _around(padded, pairs, value)) if value else padded


def _pairs(op: Operation, x: Tensor) -> Pairs:
    """Of the axes that are padded."""
    rank, pads = len(x.axes), op.axes("pads", 1) or []
    listed = range(rank) if op.argument(3) is None else op.constant(3, "axes").values.reshape(-1)
    axes = [positive_axis(int(axis), rank, op.where) for axis in listed]
    if len(pads) != 2 * len(axes) or max(map(abs, pads), default=0) > max(x.sizes) * _MOST_TIMES:
        raise op.unsupported(f"pads {pads} of axes {axes}", "export the model again")
    found = {
        axis: pair for axis, pair in zip(axes, zip(pads, pads[len(axes) :], strict=False), strict=True) if any(pair)
    }
    if batch_axis(x, op.where) in found:
        raise op.unsupported("pads the batch", "pad other axes: firmware has one event at a time")
    return found


def _is_of_window(x: Tensor, pairs: Pairs) -> bool:
    """Whether a convolution pads so, which leaves one axis as it is."""
    return (
        all(min(pair) >= 0 for pair in pairs.values())
        and len(x.axes) in (3, 4)
        and x.axes[0] == 0
        and len(pairs) < len(x.axes) - 1
    )


def _of_window(op: Operation, x: Tensor, pairs: Pairs) -> Tensor:
    """With zeros around the axes before the last one held, which is one that is not padded."""
    rank = len(x.axes)
    last = 1 if 1 not in pairs else max(set(range(rank)) - set(pairs))
    order = [*(axis for axis in range(1, rank) if axis != last), last]
    x = arranged(op.backend, x, order)
    sizes = tuple(pairs.get(axis, (0, 0)) for axis in order[:-1])
    shape = (*(n + sum(pair) for n, pair in zip(x.shape, sizes, strict=False)), x.shape[-1])
    return Tensor(op.backend.pad(x.handle, sizes, x.shape[-1]), shape, x.axes)


def _by_places(op: Operation, x: Tensor, pairs: Pairs, mode: str) -> Tensor:
    """Axis after axis the places that stand there then; what is taken away is, before anything is put."""
    for axis, (before, after) in pairs.items():
        kept = range(x.size(axis))[max(-before, 0) : x.size(axis) - max(-after, 0)]
        if not kept or (mode == "reflect" and max(before, after) >= len(kept)):
            raise op.unsupported(
                f"pads an axis of {x.size(axis)} by {(before, after)} with mode {mode!r}", "export the model again"
            )
        places = range(-max(before, 0), len(kept) + max(after, 0))
        inside = [place if 0 <= place < len(kept) else _BEYOND[mode](place, len(kept)) for place in places]
        x = taken(op, x, axis, [None if place is None else kept[place] for place in inside])
    return x


def _around(padded: Tensor, pairs: Pairs, value: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """The number where it was put, and zero elsewhere, as wide as the axes that are padded."""
    sizes = padded.sizes
    found = np.full([size if axis in pairs else 1 for axis, size in enumerate(sizes)], value, np.float32)
    inner = [slice(None)] * len(sizes)
    for axis, (before, after) in pairs.items():
        inner[axis] = slice(max(before, 0), sizes[axis] - max(after, 0))
    found[tuple(inner)] = 0
    return found
