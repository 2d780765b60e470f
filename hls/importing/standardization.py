"""Keras's Normalization: a mean subtracted, and a division by a standard deviation, of powers of two."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hls.errors import ModelFileError, UnsupportedError
from hls.graph.fixed import FixedArray
from hls.importing import operators
from hls.importing.emitter import Emitter, Handler
from hls.importing.options import numbers
from hls.importing.refusals import ANOTHER
from hls.importing.spec import LayerSpec

Floats = npt.NDArray[np.float32]
_LEAST = np.float32(1e-7)
"""Keras divides by no less."""
_POWER = 0.5
"""The mantissa of powers of two."""


def _normalization(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """``(x - mean) / deviation``, or its inverse ``x * deviation + mean``: exact, since the deviation moves a point."""
    mean, variance = (_broadcast(emit, spec, inputs[0], values) for values in _statistics(spec))
    if not (np.isfinite(mean).all() and (variance >= 0).all()):
        raise ModelFileError(f"layer {spec.name!r}: a mean or variance is no number, or below zero; adapt it again")
    deviation = np.maximum(np.sqrt(variance), _LEAST)
    if not (np.frexp(deviation)[0] == _POWER).all():
        wrong = deviation[np.frexp(deviation)[0] != _POWER][0]
        raise UnsupportedError(
            f"layer {spec.name!r}: a standard deviation of {wrong:g} is no power of two, and a division by it has no "
            "finite binary expansion; state variances that are powers of four, or multiply by float32 numbers, "
            f"Rescaling(scale=1 / deviation, offset=-mean / deviation): {ANOTHER}"
        )
    if spec.config.get("invert", False):
        return operators.linear(emit, spec, inputs[0], operators.constant(deviation), operators.constant(mean))
    moved = operators.linear(emit, spec, inputs[0], operators.whole(1), operators.constant(-mean))
    zero = FixedArray(np.zeros(1, np.int64), 0)
    return operators.linear(emit, spec, moved, operators.constant(np.reciprocal(deviation)), zero)


def _statistics(spec: LayerSpec) -> tuple[Floats, Floats]:
    """Mean and variance, as they were stated or adapted."""
    stated = [numbers(spec.config.get(key)) for key in ("mean", "variance")]
    if all(values is not None for values in stated):
        mean, variance = (np.asarray(values, np.float32) for values in stated)
        return mean, variance
    if len(spec.weights) < len(stated):
        raise ModelFileError(
            f"layer {spec.name!r}: neither adapted nor told its mean; adapt it, and save the model again"
        )
    return spec.weights[0], spec.weights[1]


def _broadcast(emit: Emitter, spec: LayerSpec, x: str, values: Floats) -> Floats:
    """Along the axes that are kept, each other one of length 1; without the batch."""
    shape = (0, *emit.edge(x).shape)
    axis = spec.config.get("axis", -1)
    listed = [] if axis is None else axis if isinstance(axis, list) else [axis]
    kept = sorted(one % len(shape) for one in listed if -len(shape) <= one < len(shape))
    if 0 in kept or len(kept) != len(listed):
        raise UnsupportedError(
            f"layer {spec.name!r}: normalizes along axes {axis}, the batch's among them or none of {shape[1:]}, and "
            "firmware has one event at a time; choose another axis"
        )
    wanted = [length if place in kept else 1 for place, length in enumerate(shape)][1:]
    if values.size == 1:
        return np.full(wanted, values.reshape(()), np.float32)
    if values.size != np.prod(wanted):
        raise ModelFileError(f"layer {spec.name!r}: {values.size} means for axes of {wanted}; save the model again")
    return values.reshape(wanted)


HANDLERS: dict[str, Handler] = {"Normalization": _normalization}
