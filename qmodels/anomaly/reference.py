"""The float networks: an autoencoder, and the encoder and decoder of a VAE."""

from __future__ import annotations

import keras

from qmodels.anomaly.layout import FEATURES, INPUTS, OBJECTS
from qmodels.anomaly.networks import FILTERS, HIDDEN, LATENTS, WINDOW


def build_autoencoder() -> keras.Model:
    """Inputs (n, 57) to what is made of them after three latents (n, 57)."""
    return _dense("autoencoder", INPUTS, (HIDDEN, LATENTS, HIDDEN, INPUTS))


def build_convolutional_autoencoder() -> keras.Model:
    """The same by convolutions along the objects, whose weights are those of every place."""
    start = keras.Input((INPUTS,), name="event")
    x = keras.layers.Reshape((OBJECTS, len(FEATURES)), name="objects")(start)
    x = keras.layers.Conv1D(FILTERS, WINDOW, padding="same", activation="relu", name="convolution_1")(x)
    x = keras.layers.Flatten(name="flat")(x)
    x = keras.layers.Dense(LATENTS, name="latents")(x)
    x = keras.layers.Dense(OBJECTS * FILTERS, activation="relu", name="dense_2")(x)
    x = keras.layers.Reshape((OBJECTS, FILTERS), name="channels")(x)
    x = keras.layers.Conv1D(len(FEATURES), WINDOW, padding="same", name="convolution_2")(x)
    return keras.Model(start, keras.layers.Flatten(name="made")(x), name="autoencoder")


def build_encoder(outputs: str) -> keras.Model:
    """Inputs (n, 57) to the means, or the logarithms of the variances, of three latents (n, 3)."""
    return _dense(outputs, INPUTS, (HIDDEN, LATENTS))


def build_decoder() -> keras.Model:
    """Latents (n, 3) to inputs (n, 57)."""
    return _dense("decoder", LATENTS, (HIDDEN, INPUTS))


def _dense(name: str, inputs: int, units: tuple[int, ...]) -> keras.Model:
    """Dense layers with a ReLU behind every second: latents and outputs are of either sign."""
    x = start = keras.Input((inputs,), name="event")
    for index, width in enumerate(units, start=1):
        activation = "relu" if width == HIDDEN else "linear"
        x = keras.layers.Dense(width, activation=activation, name=f"{name}_{index}")(x)
    return keras.Model(start, x, name=name)
