"""Layers that came in last: indices of the largest, the largest and its index, parts of a tensor, normalizations."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from benchmarks.random_networks import draw_quantizers as quantizers
from benchmarks.random_networks.canvas import Canvas, Drawn, Kind
from benchmarks.random_networks.network import Ref, Weights

_OPS, _CORE = "keras.src.ops.numpy", "keras.src.ops.core"


def _cast(canvas: Canvas, index: Ref) -> Ref:
    """Whole numbers as those that other layers read."""
    return canvas.add("ops.Cast", _CORE, [index], canvas.shapes[index], dtype="float32")


def _index(canvas: Canvas, x: Ref, tensors: list[Ref]) -> Drawn:
    """Of a few bits, so that values tie."""
    r, shape = canvas.r, canvas.shapes[x]
    axis, keepdims = r.randrange(len(shape)), len(shape) == 1 or r.random() < 0.4
    if shape[axis] < 2:
        return None
    x = canvas.quantized(x, quantizers.fence(r)) if r.random() < 0.5 else x
    left = (*shape[:axis], *(1,) * keepdims, *shape[axis + 1 :])
    kind = r.choice(["ops.Argmax", "ops.Argmax", "ops.Argmin"])
    stated = r.choice([axis + 1, axis - len(shape)])
    return _cast(canvas, canvas.add(kind, _OPS, [x], left, axis=stated, keepdims=keepdims))


def _top(canvas: Canvas, x: Ref, tensors: list[Ref]) -> Drawn:
    r, shape = canvas.r, canvas.shapes[x]
    if shape[-1] < 2:
        return None
    part = r.randrange(2)
    made = canvas.add("ops.TopK", "keras.src.ops.math", [x], (*shape[:-1], 1), k=1, sorted=True)
    found = _tensor(canvas, made, part, (*shape[:-1], 1))
    return _cast(canvas, found) if part else found


def _part(canvas: Canvas, x: Ref, tensors: list[Ref]) -> Drawn:
    r, shape = canvas.r, canvas.shapes[x]
    axis = r.randrange(len(shape))
    length = shape[axis]
    if length < 2:
        return None
    around = shape[:axis], shape[axis + 1 :]
    if len(shape) > 1 and r.random() < 0.3:
        made = canvas.add("ops.Unstack", _CORE, [x], shape, num=None, axis=axis + 1)
        return _tensor(canvas, made, r.randrange(length), (*around[0], *around[1]))
    places = sorted(r.sample(range(1, length), r.randint(1, length - 1)))
    made = canvas.add("ops.Split", _OPS, [x], shape, indices_or_sections=places, axis=axis - len(shape))
    part = r.randint(0, len(places))
    ends = [0, *places, length]
    return _tensor(canvas, made, part, (*around[0], ends[part + 1] - ends[part], *around[1]))


def _tensor(canvas: Canvas, made: Ref, number: int, shape: tuple[int, ...]) -> Ref:
    """One of several tensors that a layer gives."""
    del canvas.shapes[made]
    ref = replace(made, tensor=number)
    canvas.shapes[ref] = shape
    return ref


def _normalization(canvas: Canvas, x: Ref, tensors: list[Ref]) -> Drawn:
    r, shape = canvas.r, canvas.shapes[x]
    axes = sorted(r.sample(range(1, len(shape) + 1), r.randint(0, len(shape))))
    sizes = tuple(shape[axis - 1] for axis in axes)
    draws = np.random.default_rng(r.getrandbits(32))
    mean, variance = draws.integers(-16, 17, sizes) / 8, 4.0 ** draws.integers(-3, 4, sizes)
    options: dict[str, Any] = {"axis": axes or None, "invert": r.random() < 0.3}
    if r.random() < 0.5 or not axes:
        stated: dict[str, Any] = {"mean": mean.tolist(), "variance": variance.tolist()}
        return canvas.add("Normalization", "keras.layers", [x], shape, **options, **stated)
    ref = canvas.add("Normalization", "keras.layers", [x], shape, **options, mean=None, variance=None)
    adapted: tuple[Weights, ...] = (mean.astype(np.float32), variance.astype(np.float32), np.array(1, np.float32))
    return canvas.with_weights(ref, adapted)


KINDS: dict[Kind, int] = {_index: 4, _top: 2, _part: 4, _normalization: 3}
