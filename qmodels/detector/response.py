"""What the detector makes of true objects: arrays of any shape, one draw each."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qmodels.detector.parameters import CalorimeterResolution, Efficiency, TrackResolution
from qmodels.types import Floats, Floats64


def seen(rng: np.random.Generator, pt: Floats, eta: Floats, *efficiencies: Efficiency) -> npt.NDArray[np.bool_]:
    """Which of the objects are seen, each of the ``efficiencies`` being met on its own."""
    probability = np.ones(np.shape(pt))
    for efficiency in efficiencies:
        probability *= efficiency.at(pt, eta)
    return np.asarray(rng.random(np.shape(pt)) < probability)


def smeared_track(rng: np.random.Generator, pt: Floats, eta: Floats, resolution: TrackResolution) -> Floats64:
    """pT as a track measures it: log-normal about the true one, as Delphes draws it, and so never below zero."""
    return log_normal(rng, pt, resolution.at(pt, eta) * pt)


def smeared_energy(
    rng: np.random.Generator, energy: Floats, eta: Floats, resolution: CalorimeterResolution
) -> Floats64:
    """The energy as a calorimeter measures it, log-normal as well."""
    return log_normal(rng, energy, resolution.at(energy, eta))


def log_normal(rng: np.random.Generator, mean: Floats, width: Floats) -> Floats64:
    """Draws with this mean and standard deviation; the mean itself, 0, where it is 0."""
    mean, width = np.asarray(mean, np.float64), np.asarray(width, np.float64)
    relative = np.divide(width, mean, out=np.zeros(np.broadcast(mean, width).shape), where=mean > 0)
    variance = np.log1p(relative**2)
    return np.asarray(mean * np.exp(np.sqrt(variance) * rng.standard_normal(variance.shape) - variance / 2))


def combined(first: Floats, first_width: Floats, second: Floats, second_width: Floats) -> Floats64:
    """The mean of two measurements of one quantity, each weighted by the inverse square of its width."""
    weight = np.asarray(first_width, np.float64) ** -2
    other = np.asarray(second_width, np.float64) ** -2
    return np.asarray((first * weight + second * other) / (weight + other))


def rotated(rng: np.random.Generator, angle: Floats, width: float) -> Floats64:
    """η or φ as measured: Gaussian of this width about the true one."""
    return np.asarray(angle + width * rng.standard_normal(np.shape(angle)))
