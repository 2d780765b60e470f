"""The layers of an architecture in Keras: float, in QKeras with the same bits everywhere, or with learned bits."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import keras
from qkeras import QActivation, QDense

from qmodels.jets.architectures import Layers, lay_out
from qmodels.jets.variants import Variant
from qmodels.layers import GlobalSumPooling1D
from qmodels.training.precision.quantizer import learned_bits
from qmodels.training.quantization import FixedPoint


def keras_network(variant: Variant, layers: Layers) -> keras.Model:
    """The network of ``variant``, made of ``layers``."""
    start = keras.Input(variant.shape, name="jet")
    return keras.Model(start, lay_out(variant, layers, start), name="jets")


class FloatLayers:
    """Of float numbers; the kinds below put quantizers into it."""

    def port(self, x: Any) -> Any:
        """As it is."""
        return x

    def hidden(self, x: Any, units: int, name: str) -> Any:
        """The dense layer bears the name; a quantizer behind it stands for its ReLU."""
        return self._relu(self._dense(x, units, name, bias=True), name)

    def linear(self, x: Any, units: int, name: str) -> Any:
        """No ReLU, no bias."""
        return self._dense(x, units, name, bias=False)

    def edges(self, receivers: Any, senders: Any, name: str) -> Any:
        """Broadcast by the sum."""
        particles, channels = receivers.shape[1:]
        columns = keras.layers.Reshape((particles, 1, channels), name=f"{name}_receivers")(receivers)
        rows = keras.layers.Reshape((1, particles, channels), name=f"{name}_senders")(senders)
        return self._relu(keras.layers.Add(name=f"{name}_sum")([columns, rows]), name)

    def mean(self, x: Any, name: str) -> Any:
        """Over a power of two of particles, which costs nothing but the sum."""
        if len(x.shape) == 3:
            return self._mean(GlobalSumPooling1D(x.shape[1], name=name)(x), name)
        particles, channels = x.shape[1], x.shape[3]
        pooled = keras.layers.AveragePooling2D((1, x.shape[2]), name=name)(x)
        return self._mean(keras.layers.Reshape((particles, channels), name=f"{name}_flat")(pooled), name)

    def swapped(self, x: Any, name: str) -> Any:
        """Wires."""
        return keras.layers.Permute((2, 1), name=name)(x)

    def joined(self, x: Any, y: Any, name: str) -> Any:
        """Wires."""
        return keras.layers.Concatenate(name=name)([x, y])

    def logits(self, x: Any, units: int, name: str) -> Any:
        """The sums as they are: nothing is lost of them."""
        return self._dense(x, units, name, bias=True)

    def _dense(self, x: Any, units: int, name: str, *, bias: bool) -> Any:
        return keras.layers.Dense(units, use_bias=bias, name=name)(x)

    def _relu(self, x: Any, name: str) -> Any:
        return keras.layers.ReLU(name=f"{name}_relu")(x)

    def _mean(self, x: Any, name: str) -> Any:  # noqa: ARG002
        return x


@dataclass(frozen=True)
class UniformFormats:
    """Formats of the port and, by the names of layers, of kernels (and biases) and of what comes behind them."""

    port: FixedPoint
    weights: Mapping[str, FixedPoint]
    biases: Mapping[str, FixedPoint]
    outputs: Mapping[str, FixedPoint]


class UniformLayers(FloatLayers):
    """In QKeras, of given ``formats``."""

    def __init__(self, formats: UniformFormats) -> None:
        self._formats = formats

    def port(self, x: Any) -> Any:
        """Rounded."""
        return QActivation(self._formats.port.quantizer(), name="jet_quantizer")(x)

    def _dense(self, x: Any, units: int, name: str, *, bias: bool) -> Any:
        return QDense(
            units,
            use_bias=bias,
            kernel_quantizer=self._formats.weights[name].quantizer(),
            bias_quantizer=self._formats.biases[name].quantizer() if bias else None,
            name=name,
        )(x)

    def _relu(self, x: Any, name: str) -> Any:
        return QActivation(self._formats.outputs[name].quantizer(), name=f"{name}_relu")(x)

    def _mean(self, x: Any, name: str) -> Any:
        return QActivation(self._formats.outputs[name].quantizer(), name=f"{name}_quantizer")(x)


WEIGHT_FRACTION, FEATURE_FRACTION = 7, 7
"""Bits below the point that training does not exceed: sums stay exact in QKeras's float32."""
START_FRACTION = 5
WIDEST = 6
"""Integer bits with which nothing saturates while the ranges are measured for the first time."""


class LearnedLayers(FloatLayers):
    """In QKeras, every weight and every channel with learned bits of its own."""

    def __init__(self, variant: Variant, input_fraction: int) -> None:
        self._integer, self._input_fraction = variant.integer, input_fraction

    def port(self, x: Any) -> Any:
        """Rounded, and then of each feature by itself what is read: what is dropped there costs nothing."""
        port = learned_bits(self._input_fraction, integer=self._integer, most=self._input_fraction)
        x = QActivation(port, name="jet_quantizer")(x)
        dropped = learned_bits(self._input_fraction, (x.shape[-1],), "floor", most=self._input_fraction)
        return QActivation(dropped, name="feature_quantizer")(x)

    def _dense(self, x: Any, units: int, name: str, *, bias: bool) -> Any:
        return QDense(
            units,
            use_bias=bias,
            kernel_quantizer=learned_bits(START_FRACTION, (x.shape[-1], units), most=WEIGHT_FRACTION),
            bias_quantizer=learned_bits(START_FRACTION, (units,), most=WEIGHT_FRACTION) if bias else None,
            name=name,
        )(x)

    def _relu(self, x: Any, name: str) -> Any:
        return QActivation(_channels(x), name=f"{name}_relu")(x)

    def _mean(self, x: Any, name: str) -> Any:
        return QActivation(_channels(x), name=f"{name}_quantizer")(x)


def _channels(x: Any) -> learned_bits:
    channels = x.shape[-1]
    return learned_bits(
        START_FRACTION, (channels,), "floor", integer=[WIDEST] * channels, signed=False, most=FEATURE_FRACTION
    )
