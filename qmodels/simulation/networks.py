"""Float networks: that of the paper, and the residual one that starts at identity. Five ports in, momenta out."""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np

from qmodels.simulation.particles import DIMENSIONS, ELECTRON_NOISE, MOMENTA, NOISE, PARTICLES, RECOIL_NOISE
from qmodels.types import Floats32

HIDDEN = 16
"""Features behind a gain, and behind the shift."""
PAPER_HIDDEN = 128
SMALL = 0.02
"""Spread of the last layers' weights before training: what they add is next to nothing."""


@dataclass(frozen=True)
class Ports:
    """The inputs of every network here, as ``qmodels.simulation.particles.ports`` has them."""

    momenta: keras.KerasTensor
    energies: keras.KerasTensor
    shares: keras.KerasTensor
    noise: keras.KerasTensor
    recoil: keras.KerasTensor

    @property
    def all(self) -> list[keras.KerasTensor]:
        """In the order of the network."""
        return [self.momenta, self.energies, self.shares, self.noise, self.recoil]


def new_ports() -> Ports:
    """Inputs of a new network."""
    return Ports(
        keras.Input((PARTICLES, DIMENSIONS), name="momenta"),
        keras.Input((PARTICLES, 1), name="energies"),
        keras.Input((PARTICLES, 1), name="shares"),
        keras.Input((PARTICLES, ELECTRON_NOISE), name="noise"),
        keras.Input((RECOIL_NOISE,), name="recoil"),
    )


def residual(name: str, hidden: int = HIDDEN) -> keras.Model:
    """Momenta times (1 + gain of their electron) plus its share of a recoil: what a calorimeter and a boost do.

    The gain is worked out for each electron alone, from noise of its own, with the same weights. A network that sees
    both at once can smear one for the other, and have every distribution of unpaired events right but that of an
    electron's response. A boost of the pair moves each electron by its part of the energy, to first order. The network
    starts next to the identity, so that events lie where they belong before the first step, and no anchor has to bring
    them there.
    """
    ports = new_ports()
    small = keras.initializers.RandomNormal(0.0, SMALL)
    electron = keras.layers.Concatenate(name="electron")([ports.momenta, ports.energies, ports.noise])
    x = keras.layers.Dense(hidden, "relu", name="electron_hidden")(electron)
    gain = keras.layers.Dense(1, kernel_initializer=small, name="gain")(x)
    gains = keras.layers.Concatenate(name="gains")([gain] * DIMENSIONS)
    scaled = keras.layers.Multiply(name="scaled")([ports.momenta, gains])
    momenta = keras.layers.Flatten(name="flat_momenta")(ports.momenta)
    energies = keras.layers.Flatten(name="flat_energies")(ports.energies)
    pair = keras.layers.Concatenate(name="pair")([momenta, energies, ports.recoil])
    x = keras.layers.Dense(hidden, "relu", name="pair_hidden")(pair)
    shift = keras.layers.Dense(DIMENSIONS, kernel_initializer=small, name="shift")(x)
    pushed = keras.layers.Multiply(name="pushed")([repeated_shares(ports.shares), repeated_shift(shift)])
    scaled = keras.layers.Flatten(name="flat_scaled")(scaled)
    return keras.Model(ports.all, keras.layers.Add(name="moved")([momenta, scaled, pushed]), name=name)


def repeated_shares(shares: keras.KerasTensor) -> keras.KerasTensor:
    """That of an electron for each of its momenta."""
    return keras.layers.Flatten(name="flat_shares")(keras.layers.Concatenate(name="parts")([shares] * DIMENSIONS))


def repeated_shift(shift: keras.KerasTensor) -> keras.KerasTensor:
    """The pair's for both electrons."""
    return keras.layers.Concatenate(name="shifts")([shift] * PARTICLES)


def paper(name: str, source: Floats32, target: Floats32, hidden: int = PAPER_HIDDEN) -> keras.Model:
    """The paper's: noise whose mean and width depend on the event, one hidden layer, no residual.

    ``source`` (n, 8) and ``target`` (n, 6) tell mean and spread of what it reads and writes, in the units of the ports.
    """
    ports = new_ports()
    told = (ports.momenta, ports.energies, ports.noise)
    flat = [keras.layers.Flatten(name=f"flat_{port.name}")(port) for port in told]
    seen = keras.layers.Concatenate(name="particles")(flat[:2])
    normal = keras.layers.Concatenate(name="noises")([flat[2], ports.recoil])
    spread = source.std(axis=0)
    x = keras.layers.Rescaling(_listed(1 / spread), _listed(-source.mean(axis=0) / spread), name="standard")(seen)
    y = keras.layers.Dense(hidden, "relu", name="noise_hidden")(x)
    mean = keras.layers.Dense(NOISE, name="noise_mean")(y)
    width = keras.layers.Dense(NOISE, "softplus", bias_initializer="ones", name="noise_width")(y)
    noise = keras.layers.Add(name="conditional")([mean, keras.layers.Multiply(name="drawn")([width, normal])])
    y = keras.layers.Dense(hidden, "relu", name="hidden")(keras.layers.Concatenate(name="seen")([x, noise]))
    y = keras.layers.Dense(len(MOMENTA), name="momentum")(y)
    y = keras.layers.Rescaling(_listed(target.std(axis=0)), _listed(target.mean(axis=0)), name="units")(y)
    return keras.Model(ports.all, y, name=name)


def _listed(values: Floats32) -> list[float]:
    return [float(value) for value in np.asarray(values, np.float64)]
