"""The float networks of the compression paper as its authors coded them: Deep Sets encoder, dense decoder.

log₁₀β enters both as one raw number beside what they are given, so one pair of networks serves every β.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import keras

from qmodels.compression.presets import Preset
from qmodels.layers import GlobalSumPooling1D

FEATURES = 4
DECODER_SLOPE = 0.1


def build_encoder(preset: Preset, count: int) -> keras.Model:
    """Encoder: ``particles`` (n, N, 4) and ``log10_beta`` (n, 1) -> ``mean`` (n, L) and ``log_variance`` (n, L)."""
    particles = keras.Input((count, FEATURES), name="particles")
    log10_beta = keras.Input((1,), name="log10_beta")
    x = _stack(particles, preset.particle, preset.slope, "particle")
    x = GlobalSumPooling1D(preset.divisor, name="pool")(x)
    x = keras.layers.Concatenate(name="with_beta")([x, log10_beta])
    x = _stack(x, preset.event, preset.slope, "event")
    mean = keras.layers.Dense(preset.latents, name="mean")(x)
    log_variance = keras.layers.Dense(preset.latents, name="log_variance")(x)
    return keras.Model([particles, log10_beta], [mean, log_variance], name="encoder")


def build_decoder(preset: Preset, count: int) -> keras.Model:
    """Decoder: ``latent`` (n, L) and ``log10_beta`` (n, 1) -> (n, N, 3) of (pT fraction, η, φ)."""
    latent = keras.Input((preset.latents,), name="latent")
    log10_beta = keras.Input((1,), name="log10_beta")
    x = keras.layers.Concatenate(name="with_beta")([latent, log10_beta])
    x = _stack(x, preset.decoder, DECODER_SLOPE, "decoder")
    x = keras.layers.Dense(count * FEATURES, name="raw")(x)
    x = keras.layers.Reshape((count, FEATURES), name="rows")(x)
    return keras.Model([latent, log10_beta], ParticleOutputs(name="particles")(x), name="decoder")


def _stack(x: keras.KerasTensor, widths: Sequence[int], slope: float, name: str) -> keras.KerasTensor:
    for index, units in enumerate(widths, start=1):
        if slope:
            x = keras.layers.Dense(units, name=f"{name}_{index}")(x)
            x = keras.layers.LeakyReLU(negative_slope=slope, name=f"{name}_{index}_leaky")(x)
        else:
            x = keras.layers.Dense(units, activation="relu", name=f"{name}_{index}")(x)
    return x


@keras.saving.register_keras_serializable(package="qmodels")
class ParticleOutputs(keras.layers.Layer):
    """Raw numbers (n, N, 4) -> (n, N, 3): softmax over the particles, η, and atan2(fourth, third) for φ."""

    def call(self, raw: Any) -> Any:
        fraction = keras.ops.softmax(raw[..., 0], axis=1)
        phi = keras.ops.arctan2(raw[..., 3], raw[..., 2])
        return keras.ops.stack([fraction, raw[..., 1], phi], axis=-1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], 3)
