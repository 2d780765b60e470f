"""Layers of QKeras that hold a normalization and fold it into their kernel before they quantize that."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hls.errors import ModelFileError
from hls.importing.normalization import inverse_root
from hls.importing.options import require_weights
from hls.importing.spec import LayerSpec


def unfolded(spec: LayerSpec) -> LayerSpec:
    """The layer without normalization that computes the same: each step rounded to float32, as QKeras takes it.

    Kernel times ``inverse = gamma / sqrt(variance + epsilon)``, bias ``inverse * (bias - mean) + beta``. In Keras's
    order a file holds kernel, bias, gamma, beta, mean and variance, those that the layer has.
    """
    has_bias, has_scale, has_center = (bool(spec.config.get(key, True)) for key in ("use_bias", "scale", "center"))
    rank = 4 if "2D" in spec.class_name else 2
    require_weights(spec, 3 + has_bias + has_scale + has_center, rank)
    kernel, *rest = spec.weights
    depthwise = "Depthwise" in spec.class_name
    channels = kernel.shape[-2] * kernel.shape[-1] if depthwise else kernel.shape[-1]
    rest = rest[: 2 + has_bias + has_scale + has_center]
    if any(array.shape != (channels,) for array in rest):
        raise ModelFileError(f"layer {spec.name!r}: its normalization is not of {channels} channels; save it again")
    bias = rest.pop(0) if has_bias else np.zeros(channels, np.float32)
    gamma = rest.pop(0) if has_scale else None
    beta = rest.pop(0) if has_center else np.zeros(channels, np.float32)
    mean, variance = rest
    with np.errstate(over="ignore", invalid="ignore"):  # an overflow is told below
        inverse = inverse_root(spec, variance)
        inverse = inverse if gamma is None else inverse * gamma
        kernel = kernel * (inverse.reshape(kernel.shape[-2:]) if depthwise else inverse)
        bias = inverse * (bias - mean) + beta
    if not (np.isfinite(kernel).all() and np.isfinite(bias).all()):
        raise ModelFileError(f"layer {spec.name!r}: its folded kernel or bias is beyond float32's; train again")
    plain = spec.class_name.removesuffix("Batchnorm")
    config = {**spec.config, "use_bias": True}
    return replace(spec, class_name=plain, config=config, weights=(kernel.astype(np.float32), bias.astype(np.float32)))
