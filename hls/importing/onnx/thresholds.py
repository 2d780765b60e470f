"""ONNX functions that are lines beyond a threshold and zero up to it: ThresholdedRelu and Shrink."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from hls.importing.onnx.operation import Handler, Operation
from hls.importing.onnx.tensors import Tensor


def _number(value: float) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    return np.array([value], np.float32)


def _thresholded_relu(op: Operation) -> Tensor:
    """``x`` above ``alpha``, else zero."""
    x = op.tensor()
    above = op.backend.compare(x.handle, _number(op.attribute("alpha", 1.0)), "Greater")
    return Tensor(op.backend.choose(above, x.handle, 0.0), x.shape, x.axes)


def _shrink(op: Operation) -> Tensor:
    """``x + bias`` below ``-lambd``, else ``x - bias`` above ``lambd``, else zero."""
    x, threshold, bias = op.tensor(), _number(op.attribute("lambd", 0.5)), _number(op.attribute("bias", 0.0))
    backend = op.backend
    if bias == threshold >= 0:  # no jump: what is beyond it on one side, less what is on the other
        above = backend.relu(backend.scale(x.handle, None, -bias))
        below = backend.relu(backend.scale(x.handle, _number(-1), -bias))
        return Tensor(backend.add(above, below, negate=True), x.shape, x.axes)
    lower, upper = (backend.scale(x.handle, None, offset) if bias else x.handle for offset in (bias, -bias))
    above = backend.choose(backend.compare(x.handle, threshold, "Greater"), upper, 0.0)
    below = backend.compare(x.handle, -threshold, "Less")
    return Tensor(backend.choose(below, lower, above), x.shape, x.axes)


HANDLERS: Mapping[str, Handler] = {"Shrink": _shrink, "ThresholdedRelu": _thresholded_relu}
