"""Encoder and decoder as functions of events. What a decoder gives is put in order of pT."""

from __future__ import annotations

from typing import Any

import numpy as np

from qmodels.simulation.ttbar.layout import LATENT_MASSES, MEASURED_MASSES, from_port, ordered, ports
from qmodels.types import Firmware, Floats32, Floats64


def encoded(network: Firmware, x: Floats32, noise: Floats32) -> Floats32:
    """z̃ (n, 24) that a network makes of ``x``."""
    return from_port(_run(network, x, noise), LATENT_MASSES)


def decoded(network: Firmware, z: Floats32, noise: Floats32) -> Floats32:
    """x̃ (n, 24) of ``z``, inside the thresholds and outside."""
    return ordered(from_port(_run(network, z, noise), MEASURED_MASSES))


def _run(network: Firmware, particles: Floats32, noise: Floats32) -> Floats64:
    inputs: Any = ports(particles, noise)
    made: Any = network(inputs)
    return np.asarray(made[0] if isinstance(made, list | tuple) else made, np.float64)
