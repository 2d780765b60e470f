"""What a QKeras network costs on chip, in LUTs, as a differentiable function of its learned bits.

HGQ (arXiv:2405.00645, eq. 5) charges effective bit operations: for a product, bits of the one times bits of the other.
So do we for products of activations. A constant weight, however, becomes additions, one for each of its signed digits,
and a weight of one bit costs no less than a whole one: it is what to get rid of.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from qkeras import QActivation

from qmodels.product_layers import PairProducts
from qmodels.training.precision.quantizer import learned_bits

DIGIT_LUTS, SUM_BITS, BIAS_LUTS, RELU_LUTS, PRODUCT_LUTS = 0.4, 9.0, 0.2, 1.0, 0.65
"""LUTs per digit of a weight and bit of what it multiplies, to which the sum adds some, per digit of a bias, per bit
behind a ReLU that saturates, and per bit times bit of a product: fitted to what alkaid and Yosys spend by
``benchmarks/charge.py``. A bias costs next to nothing; its charge keeps its grid no finer than it need be."""

_LEAST = 2.0**-16
"""Smallest reach that is told apart: a channel that is always zero has that."""

_UNCHANGED = (
    keras.layers.ReLU,
    keras.layers.Activation,
    keras.layers.Dropout,
    keras.layers.Flatten,
    keras.layers.Reshape,
)


class ResourceTerm:
    """LUTs of ``model``, a functional network of QKeras layers, without DSP slices; called inside a loss.

    A product of two activations counts only as far as a weight reads it: all its readers at zero bits make it free,
    which is what prunes whole products (and, through them, inputs) with the same term that prunes weights.
    """

    def __init__(self, model: keras.Model) -> None:
        self._layers = list(model.layers)
        self._parents = {layer.name: _parents(layer) for layer in self._layers}

    def __call__(self) -> tf.Tensor:
        """Scalar float32."""
        return tf.add_n(list(self.parts().values()))

    def parts(self) -> dict[str, tf.Tensor]:
        """LUTs by what they are spent on: ``weights``, ``biases``, ``activations`` and ``products``; float32."""
        bits: dict[str, tf.Tensor] = {}
        used: dict[str, tf.Tensor] = {}
        total = {name: tf.constant(0.0) for name in ("weights", "biases", "activations", "products")}
        for layer in self._layers:
            incoming = [bits[parent] for parent in self._parents[layer.name]]
            bits[layer.name] = _output_bits(layer, incoming)
            if _kernel_quantizer(layer) is not None:
                digits = _weight_digits(layer)
                places = _positions(layer)
                total["weights"] += places * tf.reduce_sum(digits * _adder_luts(incoming[0])[..., None])
                total["biases"] += places * BIAS_LUTS * tf.reduce_sum(_bias_digits(layer))
                self._mark(layer, digits, used)
            elif isinstance(layer, QActivation) and not getattr(layer.activation, "signed", True):
                kept = bits[layer.name] * tf.ones(layer.output.shape[-1:])
                total["activations"] += _positions(layer) * tf.reduce_sum(RELU_LUTS * kept)
        for layer in self._layers:
            incoming = [bits[parent] for parent in self._parents[layer.name]]
            total["products"] += PRODUCT_LUTS * _product_bits(layer, incoming, used.get(layer.name, tf.constant(1.0)))
        return total

    def _mark(self, reader: keras.layers.Layer, weights: tf.Tensor, used: dict[str, tf.Tensor]) -> None:
        """How far the products behind ``reader`` are read, in [0, 1)."""
        most = tf.reduce_max(tf.reshape(weights, (-1, weights.shape[-2], weights.shape[-1])), axis=(0, 2))
        gate = most / (most + 1.0)
        for name in self._behind(reader.name):
            used[name] = tf.maximum(used[name], gate) if name in used else gate

    def _behind(self, name: str) -> Iterator[str]:
        for parent in self._parents[name]:
            layer = next(layer for layer in self._layers if layer.name == parent)
            if isinstance(layer, PairProducts | keras.layers.Multiply):
                yield parent
            elif isinstance(layer, (QActivation, *_UNCHANGED)):
                yield from self._behind(parent)


def _parents(layer: keras.layers.Layer) -> list[str]:
    if isinstance(layer, keras.layers.InputLayer):
        return []
    inputs = layer.input if isinstance(layer.input, list | tuple) else [layer.input]
    return [tensor._keras_history.operation.name for tensor in inputs]


def _kernel_quantizer(layer: keras.layers.Layer) -> Any:
    return getattr(layer, "kernel_quantizer_internal", None)


def _adder_luts(bits: tf.Tensor) -> tf.Tensor:
    """LUTs of adding a number of ``bits`` once to a sum that is wider than it; nothing for no number."""
    return DIGIT_LUTS * (bits + SUM_BITS * bits / (bits + 1.0))


def _bias_digits(layer: Any) -> tf.Tensor:
    quantizer = getattr(layer, "bias_quantizer_internal", None)
    return quantizer.weight_digits(layer.bias.value) if isinstance(quantizer, learned_bits) else tf.constant(0.0)


def _product_bits(layer: keras.layers.Layer, incoming: list[tf.Tensor], gate: tf.Tensor) -> tf.Tensor:
    """Bits times bits of every product of two activations, as far as it is read."""
    if isinstance(layer, PairProducts):
        spread = _spread(layer, incoming[0])
        first, second = (tf.gather(spread, index) for index in zip(*layer.pairs, strict=True))
        return tf.reduce_sum(first * second * gate)
    if isinstance(layer, keras.layers.Multiply):
        return tf.reduce_sum(incoming[0] * incoming[1] * gate * tf.ones(layer.output.shape[1:]))
    return tf.constant(0.0)


def _weight_digits(layer: Any) -> tf.Tensor:
    quantizer = layer.kernel_quantizer_internal
    if isinstance(quantizer, learned_bits):
        return quantizer.weight_digits(layer.kernel.value)
    return tf.where(quantizer(layer.kernel.value) != 0.0, float(quantizer.bits), 0.0)


def _positions(layer: keras.layers.Layer) -> float:
    """How often each weight is used in one event."""
    return float(math.prod(layer.output.shape[1:-1]))


def _output_bits(layer: keras.layers.Layer, incoming: list[tf.Tensor]) -> tf.Tensor:
    if isinstance(layer, QActivation):
        quantizer = layer.activation
        return (
            quantizer.activation_bits() if isinstance(quantizer, learned_bits) else tf.constant(float(quantizer.bits))
        )
    if isinstance(layer, PairProducts):
        spread = _spread(layer, incoming[0])
        first, second = zip(*layer.pairs, strict=True)
        return tf.gather(spread, first) + tf.gather(spread, second)
    if isinstance(layer, keras.layers.Multiply):
        return sum(incoming, tf.constant(0.0))  # one for all channels, or one each
    if isinstance(layer, keras.layers.Concatenate):
        sizes = [tensor.shape[-1] for tensor in layer.input]
        return tf.concat([tf.broadcast_to(b, (n,)) for b, n in zip(incoming, sizes, strict=True)], axis=0)
    if isinstance(layer, keras.layers.Flatten) and incoming[0].shape.rank:
        return tf.tile(incoming[0], (math.prod(layer.input.shape[1:-1]),))  # one each, position after position
    # The sum of a layer with weights is as wide as it must be; the quantizer behind it says what of it is read.
    return incoming[0] if incoming and isinstance(layer, _UNCHANGED) else tf.constant(0.0)


def _spread(layer: keras.layers.Layer, bits: tf.Tensor) -> tf.Tensor:
    return tf.broadcast_to(bits, (int(layer.input.shape[-1]),))


COVERED = 0.9999
"""Fraction of events in which a channel that saturates by itself does not."""


def measure_reach(model: keras.Model, sample: Any) -> None:
    """Set the integer bits of every learned activation from ``sample``, the network's input.

    A channel with integer bits of its own saturates in the few events beyond ``COVERED``: that is cheaper than a bit,
    and, unlike the wrapping around of a bit that is missing, harmless.
    """
    learned = [x for x in model.layers if isinstance(x, QActivation) and isinstance(x.activation, learned_bits)]
    if not learned:
        return
    outputs = keras.Model(model.input, [layer.input for layer in learned])(sample)
    for layer, values in zip(learned, outputs if isinstance(outputs, list) else [outputs], strict=True):
        quantizer = layer.activation
        array = np.asarray(values)
        per_channel = array.reshape(-1, array.shape[-1])
        if isinstance(quantizer.integer, keras.Variable):
            low, high = np.quantile(per_channel, (1.0 - COVERED, COVERED), axis=0)
        else:
            low, high = per_channel.min(axis=0), per_channel.max(axis=0)
        if quantizer.reach.shape == ():
            low, high = low.min(), high.max()
        if not quantizer.signed:
            low = np.zeros_like(low)
        most = np.maximum(np.maximum(-low, high), _LEAST)
        bits = np.floor(np.log2(most)) + 1.0
        quantizer.reach.assign(bits + (low < 0))
        if isinstance(quantizer.integer, keras.Variable):
            quantizer.integer.assign(bits)
