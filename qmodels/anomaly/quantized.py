"""The Keras model of a firmware: quantized layers that start from a float network's, and the score behind them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import keras
import numpy as np
from qkeras import QActivation, QDense, quantized_bits, quantized_relu

from qmodels.anomaly.layout import INPUTS
from qmodels.anomaly.networks import Learned, Uniform
from qmodels.anomaly.scores import SHARE
from qmodels.anomaly.variants import Variant
from qmodels.numpy_networks import DenseLayer
from qmodels.product_layers import PairProducts
from qmodels.training.precision.quantizer import learned_bits
from qmodels.training.quantization import FixedPoint, integer_bits
from qmodels.types import Floats, Floats32

INPUTS_FORMAT = FixedPoint(9, 4, signed=True)
"""Of the inputs, which are of the order of one: beyond 16 they count as 16, as do errors of them."""
_COVERED = 0.999
_MOST_FRACTION = 8
"""With so many bits below the point every sum stays within 2^24 of its steps, so that QKeras computes it exactly."""
LATENTS = "latents"
"""Name of the layer whose squares are a VAE's score."""


class Formats(Protocol):
    """Which quantizer each place of a network gets."""

    def kernel(self, layer: DenseLayer) -> Any:
        """Of the weights of a layer."""

    def bias(self, layer: DenseLayer) -> Any:
        """Of its biases."""

    def feature(self, reach: Floats, *, signed: bool) -> Any:
        """Of what it puts out: numbers that reach so far in each of its channels (units,)."""


def build(variant: Variant, layers: Sequence[DenseLayer], preset: Uniform | Learned, sample: Floats32) -> keras.Model:
    """The score (n, 1) of inputs (n, 57), by the float ``layers`` of an autoencoder, or of a VAE's encoder.

    ``sample`` (n, 57) are inputs from which ranges are chosen.
    """
    formats: Formats = _UniformFormats(preset) if isinstance(preset, Uniform) else _LearnedFormats(preset)
    start = keras.Input((INPUTS,), name="event")
    x = ports = QActivation(INPUTS_FORMAT.quantizer(), name="input_quantizer")(start)
    values, dense = sample, []
    for index, layer in enumerate(layers, start=1):
        last = index == len(layers)
        units = layer.kernel.shape[1]
        dense.append(
            QDense(
                units,
                kernel_quantizer=formats.kernel(layer),
                bias_quantizer=formats.bias(layer),
                name=f"dense_{index}",
            )
        )
        values = values @ layer.kernel + layer.bias
        if layer.relu:
            values = np.maximum(values, 0.0)
        quantizer = formats.feature(np.quantile(np.abs(values), _COVERED, axis=0), signed=not layer.relu)
        name = f"relu_{index}" if layer.relu else LATENTS if variant.latents_alone and last else f"quantizer_{index}"
        x = QActivation(quantizer, name=name)(dense[-1](x))
    model = keras.Model(start, _score(variant, ports, x), name="anomaly_score")
    for layer, quantized in zip(layers, dense, strict=True):
        quantized.set_weights([layer.kernel, layer.bias])
    _freeze_score(model)
    return model


def latents_of(model: keras.Model) -> keras.Model:
    """The part of a VAE's firmware up to its latents (n, 3)."""
    return keras.Model(model.input, model.get_layer(LATENTS).output)


def _score(variant: Variant, ports: keras.KerasTensor, x: keras.KerasTensor) -> keras.KerasTensor:
    """Sum of the squares of the latents, or of what the autoencoder missed."""
    if not variant.latents_alone:
        x = keras.layers.Subtract(name="error")([ports, x])
        x = QActivation(INPUTS_FORMAT.quantizer(), name="missed")(x)
    channels = x.shape[-1]
    squares = PairProducts([(index, index) for index in range(channels)], name="squares")(x)
    exact = quantized_bits(8, 1, alpha=1)
    return QDense(1, kernel_quantizer=exact, use_bias=False, trainable=False, name="score")(squares)


def _freeze_score(model: keras.Model) -> None:
    layer = model.get_layer("score")
    share = 1.0 if any(known.name == LATENTS for known in model.layers) else SHARE
    layer.set_weights([np.full(layer.kernel.shape, share, np.float32)])


class _UniformFormats:
    def __init__(self, preset: Uniform) -> None:
        self._preset = preset

    def kernel(self, layer: DenseLayer) -> Any:
        return quantized_bits(self._preset.weights, integer_bits(float(np.abs(layer.kernel).max())), alpha=1)

    def bias(self, layer: DenseLayer) -> Any:
        return quantized_bits(self._preset.weights, integer_bits(float(np.abs(layer.bias).max())), alpha=1)

    def feature(self, reach: Floats, *, signed: bool) -> Any:
        bits, integer = self._preset.activations, integer_bits(float(reach.max()))
        return quantized_bits(bits, integer, alpha=1) if signed else quantized_relu(bits, integer)


class _LearnedFormats:
    def __init__(self, preset: Learned) -> None:
        self._preset = preset

    def kernel(self, layer: DenseLayer) -> Any:
        return learned_bits(self._preset.weight_fraction, layer.kernel.shape, most=_MOST_FRACTION)

    def bias(self, layer: DenseLayer) -> Any:
        return learned_bits(self._preset.weight_fraction, layer.bias.shape, most=_MOST_FRACTION)

    def feature(self, reach: Floats, *, signed: bool) -> Any:
        fraction = self._preset.feature_fraction
        if signed:
            return learned_bits(fraction, integer=integer_bits(float(reach.max())), most=_MOST_FRACTION)
        integers = [integer_bits(float(most)) for most in reach]
        return learned_bits(fraction, reach.shape, "floor", integer=integers, signed=False, most=_MOST_FRACTION)
