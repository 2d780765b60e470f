"""The encoder in QKeras: started from the float one, with formats chosen from what it does to a sample of events."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
from qkeras import QActivation, QDense

from qmodels.compression.encoder import lay_out
from qmodels.compression.presets import Preset, Widths
from qmodels.errors import ModelDataError
from qmodels.training.quantization import DenseFormats, FixedPoint, bias_format, integer_bits
from qmodels.types import Floats32

WEIGHT_COVERAGE = 0.99
"""Fraction of the float weights that a weight format must reach; training makes up for the few that are clipped."""

ACTIVATION_COVERAGE = 0.9999
MEAN_MARGIN = 1.5
"""How far beyond the largest mean of the sample the output still does not saturate."""


@dataclass(frozen=True)
class EncoderFormats:
    """Formats of the two inputs, of the particle sum, and of each dense layer by name with its output."""

    particles: FixedPoint
    log10_beta: FixedPoint
    pooled: FixedPoint
    dense: dict[str, DenseFormats]


def choose_formats(encoder: keras.Model, preset: Preset, particles: Floats32, log10_beta: Floats32) -> EncoderFormats:
    """Formats that fit what the float ``encoder`` does to features (n, N, 4) and log₁₀β (n, 1).

    A bias is never finer than the products it is added to, so that every sum is exact.
    """
    widths = _widths(preset)
    inputs = FixedPoint(widths.inputs, 2, signed=True)
    beta = FixedPoint(widths.log10_beta, 3, signed=True)
    names = [layer.name for layer in encoder.layers if isinstance(layer, keras.layers.Dense)]
    outputs = [encoder.get_layer(name).output for name in [*names, "pool"]]
    values = [np.asarray(v) for v in keras.Model(encoder.inputs, outputs)([particles, log10_beta])]
    reach = dict(zip([*names, "pool"], (_reach(v) for v in values), strict=True))
    reach["mean"] = MEAN_MARGIN * float(np.abs(values[names.index("mean")]).max())
    reach["log_variance"] = float(np.abs(values[names.index("log_variance")]).max())
    pooled = FixedPoint(widths.pooled, integer_bits(reach["pool"]), signed=False)
    dense: dict[str, DenseFormats] = {}
    source = inputs.fraction
    for name in names:
        if name == "event_1":
            source = max(pooled.fraction, beta.fraction)
        kernel, bias = (np.asarray(w) for w in encoder.get_layer(name).get_weights())
        covered = float(np.quantile(np.abs(kernel), WEIGHT_COVERAGE))
        weights = FixedPoint(widths.weights, integer_bits(covered), signed=True)
        output = _output_format(name, widths, reach[name])
        dense[name] = DenseFormats(weights, bias_format(bias, source + weights.fraction, output), output)
        if name != "mean":  # both outputs read the last hidden layer
            source = output.fraction
    return EncoderFormats(inputs, beta, pooled, dense)


def _reach(values: Floats32) -> float:
    return float(np.quantile(values.reshape(len(values), -1).max(axis=1), ACTIVATION_COVERAGE))


def _output_format(name: str, widths: Widths, reach: float) -> FixedPoint:
    integer = integer_bits(reach)
    if name == "mean":
        return FixedPoint(widths.mean, integer, signed=True)
    if name == "log_variance":
        return FixedPoint(widths.log_variance, integer, signed=True)
    return FixedPoint(widths.activations, integer, signed=False)


def quantize(preset: Preset, encoder: keras.Model, particles: Floats32, log10_beta: Floats32) -> keras.Model:
    """QKeras encoder with the inputs, outputs and weights of the float ``encoder``; formats from the sample given.

    Raises ModelDataError for a preset without widths, or one whose activations are not ReLU.
    """
    formats = choose_formats(encoder, preset, particles, log10_beta)
    model = lay_out(preset, particles.shape[1], QuantizedLayers(formats))
    for name in formats.dense:
        model.get_layer(dense_name(name)).set_weights(encoder.get_layer(name).get_weights())
    return model


@dataclass(frozen=True)
class QuantizedLayers:
    """Layers in QKeras, of these ``formats``."""

    formats: EncoderFormats

    def particles(self, x: keras.KerasTensor) -> keras.KerasTensor:
        return QActivation(self.formats.particles.quantizer(), name="particles_quantizer")(x)

    def log10_beta(self, x: keras.KerasTensor) -> keras.KerasTensor:
        return QActivation(self.formats.log10_beta.quantizer(), name="log10_beta_quantizer")(x)

    def hidden(self, x: keras.KerasTensor, units: int, name: str) -> keras.KerasTensor:
        # The quantizer after it bears the plain name: that is what the network's outputs are called.
        formats = self.formats.dense[name]
        x = QDense(
            units,
            kernel_quantizer=formats.kernel.quantizer(),
            bias_quantizer=formats.bias.quantizer(),
            name=dense_name(name),
        )(x)
        return QActivation(formats.output.quantizer(), name=name)(x)

    def pooled(self, x: keras.KerasTensor) -> keras.KerasTensor:
        return QActivation(self.formats.pooled.quantizer(), name="pool_quantizer")(x)

    def output(self, x: keras.KerasTensor, units: int, name: str) -> keras.KerasTensor:
        return self.hidden(x, units, name)


def dense_name(name: str) -> str:
    """Name of the dense layer in front of the activation called ``name``."""
    return f"{name}_dense"


def _widths(preset: Preset) -> Widths:
    if preset.widths is None or preset.slope != 0.0:
        raise ModelDataError(f"preset {preset.name!r} of compression is float only; quantize trigger or front-end")
    return preset.widths
