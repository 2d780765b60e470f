"""The encoder in QKeras with every width inside it learned: started from the float one, under a charge for LUTs."""

from __future__ import annotations

from dataclasses import dataclass

import keras
from qkeras import QActivation, QDense

from qmodels.compression.encoder import FEATURES, lay_out
from qmodels.compression.presets import Preset
from qmodels.compression.quantized import EncoderFormats, choose_formats, dense_name
from qmodels.training.precision.quantizer import learned_bits
from qmodels.training.precision.resources import measure_reach
from qmodels.training.quantization import FixedPoint
from qmodels.types import Floats32

WEIGHT_FRACTION = 7
ACTIVATION_FRACTION = 7
"""Bits below the point to start from, which training does not exceed: sums stay exact in QKeras's float32."""

WIDEST = 8
"""Integer bits with which nothing saturates while the ranges are measured for the first time."""


def learn(preset: Preset, encoder: keras.Model, particles: Floats32, log10_beta: Floats32) -> keras.Model:
    """QKeras encoder with the inputs, outputs and weights of the float ``encoder``.

    The formats of its ports are those of :mod:`.quantized`, chosen like the first ranges inside from what ``encoder``
    does to features (n, N, 4) and log₁₀β (n, 1). Raises ModelDataError for a preset that is float only.
    """
    formats = choose_formats(encoder, preset, particles, log10_beta)
    model = lay_out(preset, particles.shape[1], LearnedLayers(formats))
    for name in formats.dense:
        model.get_layer(dense_name(name)).set_weights(encoder.get_layer(name).get_weights())
    measure_reach(model, [particles, log10_beta])
    return model


@dataclass(frozen=True)
class LearnedLayers:
    """Layers in QKeras whose widths are learned; inputs and outputs keep the ``formats`` that are chosen for them."""

    formats: EncoderFormats

    def particles(self, x: keras.KerasTensor) -> keras.KerasTensor:
        port = self.formats.particles
        x = QActivation(_port(port), name="particles_quantizer")(x)
        # Each feature by itself: what is dropped of it at the port costs nothing.
        dropped = learned_bits(port.fraction, (FEATURES,), "floor", most=port.fraction)
        return QActivation(dropped, name="features_quantizer")(x)

    def log10_beta(self, x: keras.KerasTensor) -> keras.KerasTensor:
        return QActivation(_port(self.formats.log10_beta), name="log10_beta_quantizer")(x)

    def hidden(self, x: keras.KerasTensor, units: int, name: str) -> keras.KerasTensor:
        # The quantizer after it bears the plain name: that is what the network's outputs are called.
        return QActivation(_relu(units), name=name)(_dense(x, units, name))

    def pooled(self, x: keras.KerasTensor) -> keras.KerasTensor:
        return QActivation(_relu(x.shape[-1]), name="pool_quantizer")(x)

    def output(self, x: keras.KerasTensor, units: int, name: str) -> keras.KerasTensor:
        return QActivation(self.formats.dense[name].output.quantizer(), name=name)(_dense(x, units, name))


def _port(format_: FixedPoint) -> learned_bits:
    return learned_bits(format_.fraction, integer=format_.integer, most=format_.fraction)


def _relu(units: int) -> learned_bits:
    return learned_bits(
        ACTIVATION_FRACTION, (units,), "floor", integer=[WIDEST] * units, signed=False, most=ACTIVATION_FRACTION
    )


def _dense(x: keras.KerasTensor, units: int, name: str) -> keras.KerasTensor:
    return QDense(
        units,
        kernel_quantizer=learned_bits(WEIGHT_FRACTION, (x.shape[-1], units), most=WEIGHT_FRACTION),
        bias_quantizer=learned_bits(WEIGHT_FRACTION, (units,), most=WEIGHT_FRACTION),
        name=dense_name(name),
    )(x)
