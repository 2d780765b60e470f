"""What a QKeras network costs on chip, as a differentiable function of its learned bits: effective bit operations.

A product of a weight and an activation costs bits of the one times bits of the other (HGQ, arXiv:2405.00645,
eq. 5), a product of two activations likewise.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from qkeras import QActivation

from qmodels.precision.quantizer import learned_bits
from qmodels.product_layers import PairProducts

_UNCHANGED = (keras.layers.ReLU, keras.layers.Activation, keras.layers.Dropout, keras.layers.Flatten)


class ResourceTerm:
    """Effective bit operations of ``model``, a functional network of QKeras layers; called inside a loss.

    A product of two activations counts only as far as a weight reads it: all its readers at zero bits make it free,
    which is what prunes whole products (and, through them, inputs) with the same term that prunes weights.
    """

    def __init__(self, model: keras.Model) -> None:
        self._layers = list(model.layers)
        self._parents = {layer.name: _parents(layer) for layer in self._layers}

    def __call__(self) -> tf.Tensor:
        """Scalar float32."""
        bits: dict[str, tf.Tensor] = {}
        used: dict[str, tf.Tensor] = {}
        total = tf.constant(0.0)
        for layer in self._layers:
            incoming = [bits[parent] for parent in self._parents[layer.name]]
            bits[layer.name] = _output_bits(layer, incoming)
            if _kernel_quantizer(layer) is not None:
                weights = _weight_bits(layer)
                total += tf.reduce_sum(weights * incoming[0][..., None]) * _positions(layer)
                self._mark(layer, weights, used)
        for layer in self._layers:
            incoming = [bits[parent] for parent in self._parents[layer.name]]
            gate = used.get(layer.name, tf.constant(1.0))
            if isinstance(layer, PairProducts):
                first, second = (
                    tf.gather(_spread(layer, incoming[0]), index) for index in zip(*layer.pairs, strict=True)
                )
                total += tf.reduce_sum(first * second * gate)
            elif isinstance(layer, keras.layers.Multiply):
                total += tf.reduce_sum(incoming[0] * incoming[1] * gate * tf.ones(layer.output.shape[1:]))
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


def _weight_bits(layer: Any) -> tf.Tensor:
    quantizer = layer.kernel_quantizer_internal
    if isinstance(quantizer, learned_bits):
        return quantizer.weight_bits(layer.kernel.value)
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
        return tf.add_n(incoming)
    if isinstance(layer, keras.layers.Concatenate):
        sizes = [tensor.shape[-1] for tensor in layer.input]
        return tf.concat([tf.broadcast_to(b, (n,)) for b, n in zip(incoming, sizes, strict=True)], axis=0)
    # The sum of a layer with weights is as wide as it must be; the quantizer behind it says what of it is read.
    return incoming[0] if incoming and isinstance(layer, _UNCHANGED) else tf.constant(0.0)


def _spread(layer: keras.layers.Layer, bits: tf.Tensor) -> tf.Tensor:
    return tf.broadcast_to(bits, (int(layer.input.shape[-1]),))


def measure_reach(model: keras.Model, sample: Any) -> None:
    """Set the integer bits of every learned activation from ``sample``, the network's input."""
    learned = [x for x in model.layers if isinstance(x, QActivation) and isinstance(x.activation, learned_bits)]
    if not learned:
        return
    outputs = keras.Model(model.input, [layer.input for layer in learned])(sample)
    for layer, values in zip(learned, outputs if isinstance(outputs, list) else [outputs], strict=True):
        quantizer = layer.activation
        array = np.asarray(values)
        per_channel = array.reshape(-1, array.shape[-1])
        low, high = per_channel.min(axis=0), per_channel.max(axis=0)
        if quantizer.reach.shape == ():
            low, high = low.min(), high.max()
        most = np.maximum(np.maximum(-low, high), 2.0**-24)
        quantizer.reach.assign(np.floor(np.log2(most)) + 1.0 + (low < 0))
