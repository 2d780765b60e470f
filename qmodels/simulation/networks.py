"""Float networks: that of the paper, and the residual one that starts at identity. Three ports in, momenta out."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np

from qmodels.simulation.particles import MOMENTA, NOISE
from qmodels.types import Floats32

HIDDEN = 32
PAPER_HIDDEN = 128
SMALL = 0.02
"""Spread of the last layers' weights before training: what they add is next to nothing."""
PARTICLES, DIMENSIONS = 2, 3


@dataclass(frozen=True)
class Ports:
    """The three inputs of every network here, in the units of ``qmodels.simulation.particles``."""

    momenta: keras.KerasTensor
    energies: keras.KerasTensor
    noise: keras.KerasTensor

    @property
    def all(self) -> list[keras.KerasTensor]:
        """In the order of the network."""
        return [self.momenta, self.energies, self.noise]


def new_ports() -> Ports:
    """Inputs of a new network."""
    sizes = {"momenta": len(MOMENTA), "energies": PARTICLES, "noise": NOISE}
    return Ports(**{name: keras.Input((size,), name=name) for name, size in sizes.items()})


def residual(name: str, hidden: int = HIDDEN) -> keras.Model:
    """Momenta times (1 + gain of their electron) plus a shift of the pair, all of one hidden layer that sees the noise.

    The gain is what a calorimeter does, the shift what a recoil does; it is the same for both electrons. With a shift
    for each the mass of the pair can be smeared by it, at the wrong η, and nothing in unpaired events tells. It starts
    next to the identity, so that events lie where they belong before the first step, and no anchor has to bring them.
    """
    ports = new_ports()
    x = keras.layers.Concatenate(name="ports")(ports.all)
    x = keras.layers.Dense(hidden, "relu", name="hidden")(x)
    small = keras.initializers.RandomNormal(0.0, SMALL)
    gains = [keras.layers.Dense(1, kernel_initializer=small, name=f"gain_{who}")(x) for who in ("e", "p")]
    spread = keras.layers.Concatenate(name="gains")([gain for gain in gains for _ in range(DIMENSIONS)])
    scaled = keras.layers.Multiply(name="scaled")([ports.momenta, spread])
    shift = keras.layers.Dense(DIMENSIONS, kernel_initializer=small, name="shift")(x)
    shifts = keras.layers.Concatenate(name="shifts")([shift] * PARTICLES)
    return keras.Model(ports.all, keras.layers.Add(name="moved")([ports.momenta, scaled, shifts]), name=name)


def paper(name: str, source: Floats32, target: Floats32, hidden: int = PAPER_HIDDEN) -> keras.Model:
    """The paper's: noise whose mean and width depend on the event, one hidden layer, no residual.

    ``source`` (n, 8) and ``target`` (n, 6) tell mean and spread of what it reads and writes, in the units of the ports.
    """
    ports = new_ports()
    seen = keras.layers.Concatenate(name="particles")([ports.momenta, ports.energies])
    spread = source.std(axis=0)
    x = keras.layers.Rescaling(_listed(1 / spread), _listed(-source.mean(axis=0) / spread), name="standard")(seen)
    told = keras.layers.Dense(hidden, "relu", name="noise_hidden")(x)
    mean = keras.layers.Dense(NOISE, name="noise_mean")(told)
    width = keras.layers.Dense(NOISE, "softplus", bias_initializer="ones", name="noise_width")(told)
    noise = keras.layers.Add(name="conditional")([mean, keras.layers.Multiply(name="drawn")([width, ports.noise])])
    y = keras.layers.Dense(hidden, "relu", name="hidden")(keras.layers.Concatenate(name="seen")([x, noise]))
    y = keras.layers.Dense(len(MOMENTA), name="momentum")(y)
    y = keras.layers.Rescaling(_listed(target.std(axis=0)), _listed(target.mean(axis=0)), name="units")(y)
    return keras.Model(ports.all, y, name=name)


def _listed(values: Floats32) -> list[float]:
    return [float(value) for value in np.asarray(values, np.float64)]
