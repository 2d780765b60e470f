"""Resize and Upsample by whole places: which place of the input each place of the output is."""

from __future__ import annotations

import math
from collections.abc import Callable

from hls.importing.onnx.operation import Operation
from hls.importing.onnx.tensors import BATCH

_COORDINATES: dict[str, Callable[[int, float, int, int], float]] = {
    "asymmetric": lambda place, scale, _size, _new: place / scale,
    "half_pixel": lambda place, scale, _size, _new: (place + 0.5) / scale - 0.5,
    "pytorch_half_pixel": lambda place, scale, _size, new: (place + 0.5) / scale - 0.5 if new > 1 else 0.0,
    "align_corners": lambda place, _scale, size, new: place * (size - 1) / (new - 1) if new > 1 else 0.0,
}
_NEAREST: dict[str, Callable[[float], int]] = {
    "round_prefer_floor": lambda x: math.ceil(x - 0.5),
    "round_prefer_ceil": lambda x: math.floor(x + 0.5),
    "floor": math.floor,
    "ceil": math.ceil,
}


def places(op: Operation) -> dict[int, list[int]]:
    """Of each axis that is resized the places that are taken, in their order.

    Raises:
        UnsupportedError: values between the places of the input are asked for.
    """
    x, old = op.tensor(), op.node.kind == "Upsample"
    mode = _text(op, "mode", "nearest")
    coordinate = _text(op, "coordinate_transformation_mode", "asymmetric" if old or op.opset < 11 else "half_pixel")
    nearest = _text(op, "nearest_mode", "floor" if old or op.opset < 11 else "round_prefer_floor")
    if mode != "nearest" or coordinate not in _COORDINATES or nearest not in _NEAREST:
        raise op.unsupported(
            f"mode {mode!r}, coordinates {coordinate!r}, {nearest!r}: values between those of the input",
            "take mode='nearest', which is another network",
        )
    scales, sizes = _asked(op, old)
    found = {}
    for axis, (scale, new) in enumerate(zip(scales, sizes, strict=True)):
        size = 1 if x.axes[axis] == BATCH else x.size(axis)
        if (new, scale) != (size, 1.0):
            taken = (_NEAREST[nearest](_COORDINATES[coordinate](place, scale, size, new)) for place in range(new))
            found[axis] = [min(max(place, 0), size - 1) for place in taken]
    return found


def _text(op: Operation, name: str, default: str) -> str:
    return str(op.attribute(name, default))


def _asked(op: Operation, old: bool) -> tuple[list[float], list[int]]:
    """The scale and the new size of each axis, of which a file states one."""
    x = op.tensor()
    now = [1 if axis == BATCH else x.size(place) for place, axis in enumerate(x.axes)]
    if not old and op.argument(3) is not None:
        sizes = [int(size) for size in op.constant(3, "sizes").values.reshape(-1)]
        sizes = [1 if axis == BATCH else size for axis, size in zip(x.axes, sizes, strict=True)]
        return [new / size for new, size in zip(sizes, now, strict=True)], sizes
    stated = op.attribute("scales", None) if old or op.opset < 11 else None
    place = 1 if old or op.opset < 11 else 2
    scales = [float(s) for s in (op.floats(place, "scales").reshape(-1) if stated is None else stated)]
    return scales, [math.floor(size * scale) for size, scale in zip(now, scales, strict=True)]
