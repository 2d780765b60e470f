"""The float networks of the compression paper as its authors coded them: Deep Sets encoder, dense decoder.

log₁₀β enters both as one raw number beside what they are given, so one pair of networks serves every β. A ``scaled``
preset alone changes what its encoder sees.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import keras

from qmodels.compression.encoder import FEATURES, lay_out, stack
from qmodels.compression.presets import Preset

DECODER_SLOPE = 0.1


@dataclass(frozen=True)
class FloatLayers:
    """Dense layers with LeakyReLU of this ``slope``, or with ReLU for 0; the sum enters as it is.

    Of ``scaled`` ones the pT fractions are taken times the number of particles.
    """

    slope: float
    scaled: bool = False

    def particles(self, x: keras.KerasTensor) -> keras.KerasTensor:
        if not self.scaled:
            return x
        return keras.layers.Rescaling([float(x.shape[1]), 1.0, 1.0, 1.0], name="scaled")(x)

    def log10_beta(self, x: keras.KerasTensor) -> keras.KerasTensor:
        return x

    def hidden(self, x: keras.KerasTensor, units: int, name: str) -> keras.KerasTensor:
        if not self.slope:
            return keras.layers.Dense(units, activation="relu", name=name)(x)
        x = keras.layers.Dense(units, name=name)(x)
        return keras.layers.LeakyReLU(negative_slope=self.slope, name=f"{name}_leaky")(x)

    def pooled(self, x: keras.KerasTensor) -> keras.KerasTensor:
        return x

    def output(self, x: keras.KerasTensor, units: int, name: str) -> keras.KerasTensor:
        return keras.layers.Dense(units, name=name)(x)


def build_encoder(preset: Preset, count: int) -> keras.Model:
    """The float encoder of ``preset``: see :func:`.encoder.lay_out`."""
    return lay_out(preset, count, FloatLayers(preset.slope, preset.scaled))


def build_decoder(preset: Preset, count: int) -> keras.Model:
    """Decoder: ``latent`` (n, L) and ``log10_beta`` (n, 1) -> (n, N, 3) of (pT fraction, η, φ)."""
    latent = keras.Input((preset.latents,), name="latent")
    log10_beta = keras.Input((1,), name="log10_beta")
    x = keras.layers.Concatenate(name="with_beta")([latent, log10_beta])
    x = stack(x, preset.decoder, "decoder", FloatLayers(DECODER_SLOPE).hidden)
    x = keras.layers.Dense(count * FEATURES, name="raw")(x)
    x = keras.layers.Reshape((count, FEATURES), name="rows")(x)
    return keras.Model([latent, log10_beta], ParticleOutputs(name="particles")(x), name="decoder")


@keras.saving.register_keras_serializable(package="qmodels")
class ParticleOutputs(keras.layers.Layer):
    """Raw numbers (n, N, 4) -> (n, N, 3): softmax over the particles, η, and atan2(fourth, third) for φ."""

    def call(self, raw: Any) -> Any:
        fraction = keras.ops.softmax(raw[..., 0], axis=1)
        phi = keras.ops.arctan2(raw[..., 3], raw[..., 2])
        return keras.ops.stack([fraction, raw[..., 1], phi], axis=-1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], 3)
