"""The encoder in QKeras with every width inside it learned: started from the float one, under a charge for LUTs."""

from __future__ import annotations

from collections.abc import Sequence

import keras
from qkeras import QActivation, QDense

from qmodels.compression.presets import Preset
from qmodels.compression.quantized import EncoderFormats, choose_formats, dense_name
from qmodels.compression.reference import FEATURES
from qmodels.layers import GlobalSumPooling1D
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
    model = build_learned(preset, particles.shape[1], formats)
    for name in formats.dense:
        model.get_layer(dense_name(name)).set_weights(encoder.get_layer(name).get_weights())
    measure_reach(model, [particles, log10_beta])
    return model


def build_learned(preset: Preset, count: int, formats: EncoderFormats) -> keras.Model:
    """QKeras encoder: ``particles`` (n, N, 4), ``log10_beta`` (n, 1) -> ``mean`` and ``log_variance`` (n, L)."""
    particles = keras.Input((count, FEATURES), name="particles")
    log10_beta = keras.Input((1,), name="log10_beta")
    x = QActivation(_port(formats.particles), name="particles_quantizer")(particles)
    # Each feature by itself: what is dropped of it at the port costs nothing.
    dropped = learned_bits(formats.particles.fraction, (FEATURES,), "floor", most=formats.particles.fraction)
    x = QActivation(dropped, name="features_quantizer")(x)
    x = _stack(x, preset.particle, "particle")
    x = GlobalSumPooling1D(preset.divisor, name="pool")(x)
    x = QActivation(_relu(preset.particle[-1]), name="pool_quantizer")(x)
    beta = QActivation(_port(formats.log10_beta), name="log10_beta_quantizer")(log10_beta)
    x = keras.layers.Concatenate(name="with_beta")([x, beta])
    x = _stack(x, preset.event, "event")
    outputs = [
        QActivation(formats.dense[name].output.quantizer(), name=name)(_dense(x, preset.latents, name))
        for name in ("mean", "log_variance")
    ]
    return keras.Model([particles, log10_beta], outputs, name="encoder")


def _port(format_: FixedPoint) -> learned_bits:
    return learned_bits(format_.fraction, integer=format_.integer, most=format_.fraction)


def _relu(units: int) -> learned_bits:
    return learned_bits(
        ACTIVATION_FRACTION, (units,), "floor", integer=[WIDEST] * units, signed=False, most=ACTIVATION_FRACTION
    )


def _stack(x: keras.KerasTensor, units: Sequence[int], name: str) -> keras.KerasTensor:
    for index, width in enumerate(units, start=1):
        layer = f"{name}_{index}"
        # The quantizer after it bears the plain name: that is what the network's outputs are called.
        x = QActivation(_relu(width), name=layer)(_dense(x, width, layer))
    return x


def _dense(x: keras.KerasTensor, units: int, name: str) -> keras.KerasTensor:
    return QDense(
        units,
        kernel_quantizer=learned_bits(WEIGHT_FRACTION, (x.shape[-1], units), most=WEIGHT_FRACTION),
        bias_quantizer=learned_bits(WEIGHT_FRACTION, (units,), most=WEIGHT_FRACTION),
        name=dense_name(name),
    )(x)
