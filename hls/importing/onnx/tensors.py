"""Tensors in whatever order their axes lie: ONNX counts channels first, a graph has them last."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from hls.errors import UnsupportedError

Array = npt.NDArray[Any]
BATCH = 0


@dataclass(frozen=True, eq=False)
class Constant:
    """A constant, and where a quantizer made it, the integers and the scale whose product it is."""

    values: Array
    integers: Array | None = None
    scale: Array | None = None


@dataclass(frozen=True, eq=False)
class Tensor:
    """``handle`` is what the backend knows it by, and ``shape`` that of what it holds, the batch left out.

    ``axes`` has an entry for each axis that ONNX counts: 0 for the batch, k for axis k - 1 of ``shape``, None for an
    axis of one element that is not held at all.
    """

    handle: Any
    shape: tuple[int, ...]
    axes: tuple[int | None, ...]

    def size(self, axis: int) -> int:
        """Elements along an axis as ONNX counts it; 1 along the batch."""
        place = self.axes[axis]
        return self.shape[place - 1] if place else 1

    @property
    def sizes(self) -> tuple[int, ...]:
        """The shape as ONNX counts it, with 1 for the batch."""
        return tuple(self.size(axis) for axis in range(len(self.axes)))


def held(handle: Any, shape: Sequence[int]) -> Tensor:
    """A tensor whose axes are ONNX's, the batch first."""
    return Tensor(handle, tuple(shape), tuple(range(len(shape) + 1)))


class Wiring(Protocol):
    """What moves elements. Axes and shapes leave the batch out."""

    def transpose(self, x: Any, permutation: tuple[int, ...]) -> Any:
        """Axis ``i`` of the result is axis ``permutation[i]`` of ``x``."""

    def reshape(self, x: Any, shape: tuple[int, ...]) -> Any:
        """Row-major."""


def positive_axis(axis: int, rank: int, where: str) -> int:
    """An axis that may be counted from the end.

    Raises:
        UnsupportedError: there is none such.
    """
    if not -rank <= axis < rank:
        raise UnsupportedError(f"{where}: axis {axis} of a tensor of {rank} axes; export the model again")
    return axis % rank


def transposed(x: Tensor, order: Sequence[int]) -> Tensor:
    """The same elements, their axes counted in another order: nothing moves."""
    return replace(x, axes=tuple(x.axes[axis] for axis in order))


def arranged(backend: Wiring, x: Tensor, order: Sequence[int]) -> Tensor:
    """``x`` held with just these axes in this order; the batch is not among them."""
    places = [x.axes[axis] for axis in order]
    permutation = tuple(place - 1 for place in places if place is not None)
    handle = x.handle
    if permutation != tuple(range(len(permutation))):
        handle = backend.transpose(handle, permutation)
    shape = tuple(x.size(axis) for axis in order)
    if None in places or not shape:
        shape = shape or (1,)
        handle = backend.reshape(handle, shape)
    axes = list(x.axes)
    for place, axis in enumerate(order, start=1):
        axes[axis] = place
    return Tensor(handle, shape, tuple(axes))


def batch_axis(x: Tensor, where: str) -> int:
    """Which axis is the batch's.

    Raises:
        UnsupportedError: none is.
    """
    if BATCH not in x.axes:
        raise UnsupportedError(f"{where}: a tensor without a batch axis; export the model with one")
    return x.axes.index(BATCH)


def in_order(backend: Wiring, x: Tensor, where: str) -> Tensor:
    """``x`` held in ONNX's own order, the batch first.

    Raises:
        UnsupportedError: the batch is another axis.
    """
    if batch_axis(x, where) != 0:
        raise UnsupportedError(f"{where}: the batch is axis {batch_axis(x, where)} there; make it the first")
    return arranged(backend, x, range(1, len(x.axes)))


def channels_last(backend: Wiring, x: Tensor, axis: int, where: str) -> Tensor:
    """``x`` held with ``axis`` last, and the others in what order they are."""
    if x.axes[axis] == len(x.shape) and x.shape:
        return x
    batch = batch_axis(x, where)
    rest = [other for other in range(len(x.axes)) if other not in (axis, batch) and x.axes[other] is not None]
    rest.sort(key=lambda other: x.axes[other] or 0)
    return arranged(backend, x, (*rest, axis))


def reshaped(backend: Wiring, x: Tensor, target: Sequence[int], where: str) -> Tensor:
    """ONNX's Reshape: 0 keeps a size, -1 takes what is left; the batch stays the first axis.

    Raises:
        UnsupportedError: the batch does not stay, or the elements do not fit.
    """
    sizes = x.sizes
    total = math.prod(x.shape)
    shape = [sizes[i] if size == 0 and i < len(sizes) else int(size) for i, size in enumerate(target)]
    cure = f"{where}: reshapes {('batch', *sizes[1:])} to {list(target)}; keep the batch as the first axis"
    if len(shape) < 1 or sum(size == -1 for size in shape) > 1 or min(shape) < -1:
        raise UnsupportedError(cure)
    rest = shape[1:]
    if -1 in rest:
        others = -math.prod(rest)
        rest = [total // others if size == -1 else size for size in rest] if others else rest
    if math.prod(rest) != total or shape[0] not in (-1, 1):
        raise UnsupportedError(cure)
    whole = in_order(backend, x, where)
    wanted = tuple(rest) or (1,)
    handle = whole.handle if wanted == whole.shape else backend.reshape(whole.handle, wanted)
    return held(handle, wanted) if rest else Tensor(handle, wanted, (BATCH,))


def unsqueezed(x: Tensor, axes: Sequence[int], where: str) -> Tensor:
    """Axes of one element put in; none of them is held."""
    rank = len(x.axes) + len(axes)
    new = {positive_axis(axis, rank, where) for axis in axes}
    if len(new) < len(axes):
        raise UnsupportedError(f"{where}: puts in an axis twice, of {list(axes)}; export the model again")
    old = iter(x.axes)
    return replace(x, axes=tuple(None if axis in new else next(old) for axis in range(rank)))


def squeezed(backend: Wiring, x: Tensor, axes: Sequence[int] | None, where: str) -> Tensor:
    """Axes of one element taken away: all of them, the batch left, or those that are named.

    Raises:
        UnsupportedError: one of them has more elements, or is the batch.
    """
    rank = len(x.axes)
    gone = {positive_axis(axis, rank, where) for axis in axes} if axes is not None else set()
    if axes is None:
        gone = {axis for axis in range(rank) if x.axes[axis] != BATCH and x.size(axis) == 1}
    if any(x.axes[axis] == BATCH for axis in gone):
        raise UnsupportedError(f"{where}: squeezes the batch away; leave it the first axis")
    if any(x.size(axis) != 1 for axis in gone):
        raise UnsupportedError(f"{where}: squeezes axes {sorted(gone)} of {x.sizes}; take those of one element only")
    if any(x.axes[axis] is not None for axis in gone):
        kept = [axis for axis in range(rank) if axis not in gone and x.axes[axis]]
        kept.sort(key=lambda axis: x.axes[axis] or 0)
        shape = tuple(x.size(axis) for axis in kept) or (1,)
        places = {axis: place for place, axis in enumerate(kept, start=1)}
        axes_then = tuple(BATCH if x.axes[axis] == BATCH else places.get(axis) for axis in range(rank))
        x = Tensor(backend.reshape(x.handle, shape), shape, axes_then)
    return replace(x, axes=tuple(place for axis, place in enumerate(x.axes) if axis not in gone))


def vector(backend: Wiring, x: Tensor, values: Array, where: str) -> tuple[Tensor, Array, tuple[int, ...] | None]:
    """A constant beside a tensor: one number, or one for each of the last axis held.

    Returns the tensor, held so; the constant; and the shape to come back to, where a constant for every element made
    it one row.

    Raises:
        UnsupportedError: the constant has more elements than the tensor along an axis.
    """
    sizes = (1,) * (len(x.axes) - values.ndim) + values.shape
    if len(sizes) > len(x.axes) or any(n not in (1, x.size(axis)) for axis, n in enumerate(sizes)):
        raise UnsupportedError(
            f"{where}: a constant of shape {values.shape} beside a tensor of shape {x.sizes}; give one number, or one "
            "for each of an axis"
        )
    wide = [axis for axis, size in enumerate(sizes) if size > 1]
    if not wide:
        return x, values.reshape(1), None
    if len(wide) == 1:
        return channels_last(backend, x, wide[0], where), values.reshape(-1), None
    whole = in_order(backend, x, where)
    row = np.broadcast_to(values.reshape(sizes), whole.sizes).reshape(-1)
    return replace(whole, handle=backend.reshape(whole.handle, (row.size,))), row, whole.shape
