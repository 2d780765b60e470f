"""The topology of the encoder, written once: whoever makes its layers decides on their arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import keras

from qmodels.compression.presets import Preset
from qmodels.layers import GlobalSumPooling1D

FEATURES = 4


class EncoderLayers(Protocol):
    """Makes the layers of an encoder: float ones, quantized ones, or ones whose widths are learned."""

    def particles(self, x: keras.KerasTensor) -> keras.KerasTensor:
        """Features (n, N, 4) as the encoder takes them."""

    def log10_beta(self, x: keras.KerasTensor) -> keras.KerasTensor:
        """log₁₀β (n, 1) as the encoder takes it."""

    def hidden(self, x: keras.KerasTensor, units: int, name: str) -> keras.KerasTensor:
        """A dense layer and its activation."""

    def pooled(self, x: keras.KerasTensor) -> keras.KerasTensor:
        """The sum over the particles (n, units) as the event network takes it."""

    def output(self, x: keras.KerasTensor, units: int, name: str) -> keras.KerasTensor:
        """A dense layer without activation; ``name`` is what the output is called."""


def lay_out(preset: Preset, count: int, layers: EncoderLayers) -> keras.Model:
    """Encoder: ``particles`` (n, N, 4) and ``log10_beta`` (n, 1) -> ``mean`` (n, L) and ``log_variance`` (n, L)."""
    particles = keras.Input((count, FEATURES), name="particles")
    log10_beta = keras.Input((1,), name="log10_beta")
    x = stack(layers.particles(particles), preset.particle, "particle", layers.hidden)
    x = GlobalSumPooling1D(preset.divisor, name="pool")(x)
    x = layers.pooled(x)
    x = keras.layers.Concatenate(name="with_beta")([x, layers.log10_beta(log10_beta)])
    x = stack(x, preset.event, "event", layers.hidden)
    outputs = [layers.output(x, preset.latents, name) for name in ("mean", "log_variance")]
    return keras.Model([particles, log10_beta], outputs, name="encoder")


def stack(
    x: keras.KerasTensor,
    widths: Sequence[int],
    name: str,
    hidden: Callable[[keras.KerasTensor, int, str], keras.KerasTensor],
) -> keras.KerasTensor:
    """Hidden layers of these ``widths``, called ``name``_1, ``name``_2, ..."""
    for index, units in enumerate(widths, start=1):
        x = hidden(x, units, f"{name}_{index}")
    return x
