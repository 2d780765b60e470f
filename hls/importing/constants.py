"""What layers multiply by and add: their weights through their quantizers."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hls.errors import UnsupportedError
from hls.graph.fixed import FixedArray
from hls.importing.coefficients import Coefficients
from hls.importing.emitter import Emitter
from hls.importing.quantizers import Quantizer, parse_quantizer
from hls.importing.refusals import unquantized
from hls.importing.scaled import scaled
from hls.importing.spec import LayerSpec
from hls.importing.weights import as_trainable, float32_deviation, quantized_constant

_MOST_STATED_BITS = 20
"""Numbers of so few bits in a layer without a quantizer were quantized by whoever wrote them: float32 has 24."""


def kernel_of(emit: Emitter, spec: LayerSpec, key: str, values: npt.NDArray[np.float32]) -> Coefficients:
    """A kernel through the quantizer that option ``key`` names; refused if there is none and it has too many bits."""
    quantizer = parse_quantizer(spec.config.get(key), f"layer {spec.name!r}, {key}")
    if quantizer is None:
        stated = FixedArray.from_float(values)
        if stated.type.width <= _MOST_STATED_BITS:
            return Coefficients(stated)
        emit.refuse(
            UnsupportedError(
                f"layer {spec.name!r} ({spec.class_name}) has no {key}: its weights are plain floats; "
                f"{unquantized(spec.class_name, key)}"
            )
        )
        return Coefficients(FixedArray(np.zeros(values.shape, np.int64), 0))
    return _quantized(quantizer, values, kernel=True)


def _quantized(quantizer: Quantizer, values: npt.NDArray[np.float32], *, kernel: bool) -> Coefficients:
    chosen = scaled(as_trainable(quantizer), values) if kernel else None
    if chosen is not None and not chosen.powers:
        scale = FixedArray.from_float(chosen.scale)
        return Coefficients(FixedArray.from_float(chosen.steps), chosen.deviation(values), scale)
    exact = quantized_constant(quantizer, values, kernel=kernel)
    return Coefficients(exact, float32_deviation(quantizer, values, exact))


def bias_of(emit: Emitter, spec: LayerSpec, values: npt.NDArray[np.float32]) -> Coefficients:
    """A bias through its quantizer, or without one as the float32 numbers that it is, which is noted."""
    quantizer = parse_quantizer(spec.config.get("bias_quantizer"), f"layer {spec.name!r}, bias_quantizer")
    if quantizer is not None:
        return _quantized(quantizer, values, kernel=False)
    if values.any():
        emit.builder.notes.append(f"layer {spec.name!r}: its bias has no quantizer and enters as exact float32 numbers")
    return Coefficients(FixedArray.from_float(values))
