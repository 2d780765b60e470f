"""The paper's network for top pairs: what it reads plus a change that a residual block works out of it and of noise."""

from __future__ import annotations

import keras

from qmodels.simulation.networks import SMALL
from qmodels.simulation.ttbar.layout import NOISE, PARTICLES

HIDDEN = 64
DEPTH = 2
"""Layers in the residual block."""


def residual(name: str, hidden: int = HIDDEN, *, normalised: bool = False) -> keras.Model:
    """Momenta (n, 18) in, momenta out: 42 → ``hidden`` → (ReLU → ``hidden``) twice, residual → 18, added to what came.

    ``normalised`` has batch normalisation before each ReLU, as the paper has. It starts next to the identity, in the
    units of the ports, which are powers of two and do for the standardisation of the paper.
    """
    ports = [
        keras.Input((NOISE,), name="momenta"),
        keras.Input((PARTICLES,), name="energies"),
        keras.Input((NOISE,), name="noise"),
    ]
    first = keras.layers.Dense(hidden, name="first")(keras.layers.Concatenate(name="read")(ports))
    x = first
    for index in range(DEPTH):
        if normalised:
            x = keras.layers.BatchNormalization(name=f"normal_{index}")(x)
        x = keras.layers.ReLU(name=f"relu_{index}")(x)
        x = keras.layers.Dense(hidden, name=f"inner_{index}")(x)
    x = keras.layers.Add(name="block")([first, x])
    change = keras.layers.Dense(NOISE, kernel_initializer=keras.initializers.RandomNormal(0.0, SMALL), name="change")(x)
    return keras.Model(ports, keras.layers.Add(name="moved")([ports[0], change]), name=name)
