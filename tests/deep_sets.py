"""A small Deep Sets encoder in QKeras: two inputs, a network shared by the particles, a sum, two outputs."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from qkeras import QActivation, QDense, quantized_bits, quantized_relu

from qmodels.layers import GlobalSumPooling1D


def dense(units: int, name: str) -> QDense:
    """6-bit weights and biases."""
    weights = quantized_bits(6, 0, alpha=1)
    return QDense(units, kernel_quantizer=weights, bias_quantizer=weights, name=name)


def encoder(particles: int = 16, width: int = 16, latents: int = 3, divisor: int = 4, seed: int = 1) -> keras.Model:
    """Inputs ``particles`` (n, 4) and ``log10_beta`` (1,), outputs ``mean`` and ``log_variance`` (latents,)."""
    start, beta = keras.Input((particles, 4), name="particles"), keras.Input((1,), name="log10_beta")
    x = QActivation(quantized_bits(8, 1, alpha=1), name="particles_q")(start)
    for index in (1, 2):
        x = QActivation(quantized_relu(6, 2), name=f"phi_{index}_q")(dense(width, f"phi_{index}")(x))
    x = GlobalSumPooling1D(divisor, name="sum")(x)
    x = QActivation(quantized_relu(8, 4), name="sum_q")(x)
    x = keras.layers.Concatenate(name="with_beta")([x, QActivation(quantized_bits(8, 3, alpha=1), name="beta_q")(beta)])
    x = QActivation(quantized_relu(6, 3), name="rho_q")(dense(width, "rho")(x))
    outputs = [
        QActivation(quantized_bits(10, 4, alpha=1), name=name)(dense(latents, f"{name}_dense")(x))
        for name in ("mean", "log_variance")
    ]
    model = keras.Model([start, beta], outputs, name="encoder")
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        layer.set_weights([rng.uniform(-0.7, 0.7, w.shape) for w in layer.get_weights()])
    return model


def save_encoder(path: Path, **options: int) -> Path:
    """The encoder in a file."""
    encoder(**options).save(path)
    return path
