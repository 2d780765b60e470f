"""Options that several Keras layers have in common."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from hls.errors import ModelFileError
from hls.graph.windows import same_padding
from hls.importing.spec import LayerSpec

_LARGEST_FLOAT32 = float(np.finfo(np.float32).max)
_SAVED_TENSORS = ("__tensor__", "__numpy__")


def sizes(value: object, rank: int) -> tuple[int, ...]:
    """An option that is one number for every axis, or a list with one for each.

    >>> sizes(3, rank=2), sizes([3, 5], rank=2)
    ((3, 3), (3, 5))
    """
    if isinstance(value, list | tuple):
        return tuple(int(v) for v in value)
    return (int(value),) * rank  # type: ignore[call-overload]


def require_weights(spec: LayerSpec, count: int, *ranks: int) -> None:
    """Raise ModelFileError unless there are so many arrays, the first of which have so many axes."""
    if len(spec.weights) < count:
        raise ModelFileError(
            f"layer {spec.name!r} ({spec.class_name}) has {len(spec.weights)} weight arrays, {count} expected: was the "
            "model built and its weights saved? Save it with model.save, not model.save_weights"
        )
    for array, rank in zip(spec.weights, ranks, strict=False):
        if array.ndim != rank or not array.size:
            raise ModelFileError(
                f"layer {spec.name!r} ({spec.class_name}) has weights of shape {array.shape} where an array of "
                f"{rank} axes "
                "belongs; save the whole model again"
            )


def numbers(value: object) -> npt.NDArray[np.float64] | None:
    """A number, nested lists of them that make an array, or one of Keras's saved tensors; None for anything else.

    >>> numbers([[1, 2.5]]).tolist(), numbers([[1], [2, 3]]), numbers("x"), numbers(1e99)
    ([[1.0, 2.5]], None, None, None)
    """
    if isinstance(value, Mapping) and value.get("class_name") in _SAVED_TENSORS:
        config = value.get("config")
        value = config.get("value") if isinstance(config, Mapping) else None
    if isinstance(value, np.ndarray):
        value = value.tolist()
    shape = _shape(value)
    return None if shape is None else np.array(value, np.float64).reshape(shape)


def _shape(value: object) -> tuple[int, ...] | None:
    """Of nested lists of numbers that float32 can hold, all of one length at each depth."""
    if isinstance(value, list | tuple):
        inner = {_shape(item) for item in value}
        only = inner.pop() if len(inner) == 1 else None
        return None if only is None else (len(value), *only)
    plain = isinstance(value, int | float) and abs(value) <= _LARGEST_FLOAT32  # NaN is not
    return () if plain else None


def whole_numbers(value: object) -> npt.NDArray[np.int64] | None:
    """The same if all are whole, none of them beyond int64."""
    found = numbers(value)
    if found is None or not (found == np.rint(found)).all() or np.abs(found).max(initial=0) > 1 << 62:
        return None
    return found.astype(np.int64)


def fits(shape: tuple[int, ...], target: tuple[int, ...]) -> bool:
    """Whether an array of ``shape`` can be broadcast to ``target``.

    >>> fits((1, 3), (2, 3)), fits((3,), (2, 3)), fits((2,), (2, 3)), fits((1, 2, 3), (2, 3))
    (True, True, False, False)
    """
    return len(shape) <= len(target) and all(
        own in (1, other) for own, other in zip(reversed(shape), reversed(target), strict=False)
    )


def sliding(
    spec: LayerSpec, spatial: tuple[int, ...], window: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...], tuple[tuple[int, int], ...]]:
    """Strides, dilation and zeros before and after each axis of a convolution over ``spatial``.

    Raises:
        ModelFileError: a padding that is none of Keras's.
    """
    rank = len(window)
    strides, dilation = (sizes(spec.config.get(key, 1), rank) for key in ("strides", "dilation_rate"))
    mode = str(spec.config.get("padding", "valid")).lower()
    if mode == "same":
        axes = zip(spatial, window, strides, dilation, strict=True)
        return strides, dilation, tuple(same_padding(*axis) for axis in axes)
    if mode == "causal" and rank == 1:
        return strides, dilation, ((dilation[0] * (window[0] - 1), 0),)
    if mode != "valid":
        raise ModelFileError(f"layer {spec.name!r}: padding={mode!r} is none of Keras's; save the whole model again")
    return strides, dilation, ((0, 0),) * rank
