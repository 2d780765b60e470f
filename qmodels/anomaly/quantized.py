"""The Keras model of a firmware: quantized layers that start from a float network's, and the score behind them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import keras
import numpy as np
from qkeras import QActivation, QConv1D, QDense, quantized_bits, quantized_relu

from qmodels.anomaly.float_networks import Convolution, Layer
from qmodels.anomaly.layout import INPUTS, OBJECTS
from qmodels.anomaly.networks import INPUT_BITS, INPUT_INTEGER, SHARE, Learned, Uniform
from qmodels.anomaly.variants import Variant
from qmodels.product_layers import PairProducts
from qmodels.training.precision.quantizer import learned_bits
from qmodels.training.quantization import FixedPoint, integer_bits
from qmodels.types import Floats, Floats32

INPUTS_FORMAT = FixedPoint(INPUT_BITS, INPUT_INTEGER, signed=True)
_COVERED = 0.999
_MOST_FRACTION = 8
"""With so many bits below the point every sum stays within 2^24 of its steps, so that QKeras computes it exactly."""
LATENTS = "latents"
"""Name of the layer whose squares are a VAE's score."""


class Formats(Protocol):
    """Which quantizer each place of a network gets."""

    def kernel(self, layer: Layer) -> Any:
        """Of the weights of a layer."""

    def bias(self, layer: Layer) -> Any:
        """Of its biases."""

    def feature(self, reach: Floats, *, signed: bool) -> Any:
        """Of what it puts out: numbers that reach so far in each of its channels (units,), or in all of them ()."""


def build(variant: Variant, layers: Sequence[Layer], preset: Uniform | Learned, sample: Floats32) -> keras.Model:
    """The score (n, 1) of inputs (n, 57), by the float ``layers`` of an autoencoder, or of a VAE's encoder.

    ``sample`` (n, 57) are inputs from which ranges are chosen.
    """
    formats: Formats = _UniformFormats(preset) if isinstance(preset, Uniform) else _LearnedFormats(preset)
    start = keras.Input((INPUTS,), name="event")
    x = ports = QActivation(INPUTS_FORMAT.quantizer(), name="input_quantizer")(start)
    values, weighted = sample, []
    for index, layer in enumerate(layers, start=1):
        weighted.append(_quantized(layer, formats, index))
        dense = layer.dense() if isinstance(layer, Convolution) else layer
        values = values @ dense.kernel + dense.bias
        if layer.relu:
            values = np.maximum(values, 0.0)
        reach = np.quantile(np.abs(values), _COVERED, axis=0)
        # What is told apart by place in one layer and by channel in the next has one number of bits for all.
        quantizer = formats.feature(reach.max() if variant.convolutional else reach, signed=not layer.relu)
        last = index == len(layers)
        name = f"relu_{index}" if layer.relu else LATENTS if variant.latents_alone and last else f"quantizer_{index}"
        x = QActivation(quantizer, name=name)(weighted[-1](_arranged(x, layer, f"places_{index}")))
    model = keras.Model(start, _score(variant, ports, _flat(x, "places")), name="anomaly_score")
    for layer, quantized in zip(layers, weighted, strict=True):
        quantized.set_weights([layer.kernel, layer.bias])
    _freeze_score(model)
    return model


def _quantized(layer: Layer, formats: Formats, index: int) -> keras.layers.Layer:
    quantizers = {"kernel_quantizer": formats.kernel(layer), "bias_quantizer": formats.bias(layer)}
    if isinstance(layer, Convolution):
        width, _, filters = layer.kernel.shape
        return QConv1D(filters, width, padding="same", name=f"convolution_{index}", **quantizers)
    return QDense(layer.kernel.shape[1], name=f"dense_{index}", **quantizers)


def _arranged(x: keras.KerasTensor, layer: Layer, name: str) -> keras.KerasTensor:
    """As a layer takes it: in one row, or object by object for a convolution. Wires."""
    if not isinstance(layer, Convolution):
        return _flat(x, name)
    return keras.layers.Reshape((OBJECTS, layer.kernel.shape[1]), name=name)(x)


def _flat(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    return keras.layers.Flatten(name=name)(x) if len(x.shape) > 2 else x


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

    def kernel(self, layer: Layer) -> Any:
        return quantized_bits(self._preset.weights, integer_bits(float(np.abs(layer.kernel).max())), alpha=1)

    def bias(self, layer: Layer) -> Any:
        return quantized_bits(self._preset.weights, integer_bits(float(np.abs(layer.bias).max())), alpha=1)

    def feature(self, reach: Floats, *, signed: bool) -> Any:
        bits, integer = self._preset.activations, integer_bits(float(reach.max()))
        return quantized_bits(bits, integer, alpha=1) if signed else quantized_relu(bits, integer)


class _LearnedFormats:
    def __init__(self, preset: Learned) -> None:
        self._preset = preset

    def kernel(self, layer: Layer) -> Any:
        return learned_bits(self._preset.weight_fraction, layer.kernel.shape, most=_MOST_FRACTION)

    def bias(self, layer: Layer) -> Any:
        return learned_bits(self._preset.weight_fraction, layer.bias.shape, most=_MOST_FRACTION)

    def feature(self, reach: Floats, *, signed: bool) -> Any:
        fraction = self._preset.feature_fraction
        if signed:
            return learned_bits(fraction, integer=integer_bits(float(reach.max())), most=_MOST_FRACTION)
        integers = np.array([integer_bits(float(most)) for most in reach.flat]).reshape(reach.shape)
        return learned_bits(fraction, reach.shape, "floor", integer=integers, signed=False, most=_MOST_FRACTION)
