"""ONNX operators between blocks of an image and its channels, which move values alone."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hls.importing.onnx.operation import Handler, Operation
from hls.importing.onnx.taking import taken
from hls.importing.onnx.tensors import Tensor
from hls.importing.onnx.windows import result, spatial_first

_MODES = ("DCR", "CRD")


def _space_to_depth(op: Operation) -> Tensor:
    """The channels of a block's positions, row by row, as the channels of one position."""
    x, size = _image(op)
    height, width, channels = x.shape
    if height % size or width % size:
        raise op.unsupported(f"blocks of {size} in an image of {height} by {width}", "export the model again")
    high, wide = height // size, width // size
    turned = _turned(op, x, (high, size, wide, size * channels))
    return _shaped(op, turned, (high, wide, size * size * channels))


def _depth_to_space(op: Operation) -> Tensor:
    """The channels of a position as a block: by its place in the block first (DCR), or by the channel that is made."""
    mode = op.attribute("mode", "DCR")
    if mode not in _MODES:
        raise op.unsupported(f"mode {mode!r}", f"use {' or '.join(_MODES)}")
    x, size = _image(op)
    height, width, depth = x.shape
    if depth % size**2:
        raise op.unsupported(f"blocks of {size} by {size} of {depth} channels", "export the model again")
    channels = depth // size**2
    if mode == "CRD":
        x = taken(op, x, 1, np.arange(depth).reshape(channels, -1).T.reshape(-1).tolist())
    turned = _turned(op, x, (height, width, size, size * channels))
    return _shaped(op, turned, (height * size, width * size, channels))


def _image(op: Operation) -> tuple[Tensor, int]:
    """The input held with its channels last, and the side of a block."""
    size = op.attribute("blocksize", 0)
    if len(op.tensor().axes) != 4 or size < 1:
        raise op.unsupported(f"blocks of {size} in {len(op.tensor().axes)} axes", "export the model again")
    return spatial_first(op), size


def _turned(op: Operation, x: Tensor, shape: tuple[int, int, int, int]) -> object:
    """What is held, of this shape, with its two axes in the middle changed about."""
    return op.backend.transpose(op.backend.reshape(x.handle, shape), (0, 2, 1, 3))


def _shaped(op: Operation, handle: object, shape: tuple[int, int, int]) -> Tensor:
    return result(op, op.backend.reshape(handle, shape), shape)


HANDLERS: Mapping[str, Handler] = {"DepthToSpace": _depth_to_space, "SpaceToDepth": _space_to_depth}
