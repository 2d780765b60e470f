"""Six particles as 24 numbers, the thresholds of what is measured, and the networks' ports. Light: no TensorFlow.

An event is six rows (px, py, pz, E) in GeV: z has e⁻, ν̄, b, b̄, u and d̄ of t → b u d̄ and t̄ → b̄ e⁻ ν̄, x the electron,
the missing momentum and four jets, the hardest first. Networks write momenta alone; whoever reads a decoder works the
energies out and puts the jets in order, as a detector does, which knows no other order.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qmodels.detector import cms
from qmodels.simulation.particles import normal_noise as noise_of
from qmodels.types import Floats, Floats32, Floats64

PARTICLES, DIMENSIONS = 6, 3
COLUMNS = PARTICLES * 4
NOISE = PARTICLES * DIMENSIONS
"""Standard normal numbers that an event takes, as in the paper."""
LATENT_NAMES = ("e", "nu", "b", "bbar", "u", "dbar")
MEASURED_NAMES = ("e", "missing", "jet1", "jet2", "jet3", "jet4")
ELECTRON, MISSING, FIRST_JET = 0, 1, 2
"""Places of the particles."""
LATENT_MASSES = (0.0, 0.0, 4.7, 4.7, 0.0, 0.0)
"""GeV, those of the paper; what is measured has none."""
MEASURED_MASSES = (0.0,) * PARTICLES

ELECTRON_PT, ELECTRON_ETA = 10.0, 2.5
JET_PT, JET_ETA = cms.JET_THRESHOLD, 4.5
"""What is measured lies beyond these pT (GeV) and within these |η|, and nothing is asked of the missing momentum."""

MOMENTUM_UNITS = (64.0, 64.0, 128.0)
"""GeV of one unit of a momentum: powers of two, which a chip has for nothing."""
ENERGY_UNIT = 128.0


def momenta_of(particles: Floats) -> Floats64:
    """(n, 6, 3) of particles (n, 24)."""
    return np.asarray(particles, np.float64).reshape(-1, PARTICLES, 4)[..., :DIMENSIONS]


def transverse(particles: Floats) -> Floats64:
    """pT of each particle, (n, 6) in GeV."""
    vectors = momenta_of(particles)
    return np.hypot(vectors[..., 0], vectors[..., 1])


def with_energies(momenta: Floats, masses: tuple[float, ...]) -> Floats32:
    """(n, 24) particles of momenta (n, 6, 3) or (n, 18) in GeV and their masses."""
    vectors = np.asarray(momenta, np.float64).reshape(-1, PARTICLES, DIMENSIONS)
    energies = np.sqrt((vectors**2).sum(axis=2) + np.square(masses))
    return np.concatenate([vectors, energies[..., None]], axis=2).reshape(-1, COLUMNS).astype(np.float32)


def ordered(particles: Floats32) -> Floats32:
    """The same events, the jets of each from the hardest on."""
    rows = particles.reshape(-1, PARTICLES, 4)
    order = np.argsort(-transverse(particles)[:, FIRST_JET:], axis=1, kind="stable")
    jets = np.take_along_axis(rows[:, FIRST_JET:], order[..., None], axis=1)
    return np.concatenate([rows[:, :FIRST_JET], jets], axis=1).reshape(-1, COLUMNS)


def inside(particles: Floats) -> npt.NDArray[np.bool_]:
    """Which events pass every threshold: only those are ever measured."""
    vectors, pt = momenta_of(particles), transverse(particles)
    electron, jets = pt[:, ELECTRON], pt[:, FIRST_JET:]
    # |η| < limit is |pz| < pT sinh(limit), without a division by a pT of 0
    along = np.abs(vectors[..., 2])
    good: npt.NDArray[np.bool_] = (
        (electron > ELECTRON_PT)
        & (along[:, ELECTRON] < electron * np.sinh(ELECTRON_ETA))
        & ((jets > JET_PT) & (along[:, FIRST_JET:] < jets * np.sinh(JET_ETA))).all(axis=1)
    )
    return good


def ports(particles: Floats, noise: Floats) -> dict[str, Floats32]:
    """What a network reads of ``particles`` (n, 24) and standard normal ``noise`` (n, NOISE), by its ports' names."""
    rows = np.asarray(particles).reshape(-1, PARTICLES, 4)
    momenta = (rows[..., :DIMENSIONS] / np.array(MOMENTUM_UNITS)).astype(np.float32)
    return {
        "momenta": momenta.reshape(-1, NOISE),
        "energies": (rows[..., DIMENSIONS] / ENERGY_UNIT).astype(np.float32),
        "noise": np.asarray(noise, np.float32),
    }


def from_port(momenta: Floats, masses: tuple[float, ...]) -> Floats32:
    """(n, 24) particles in GeV of a network's output (n, 18)."""
    vectors = np.asarray(momenta, np.float64).reshape(-1, PARTICLES, DIMENSIONS)
    return with_energies(vectors * np.array(MOMENTUM_UNITS), masses)


def normal_noise(events: int, seed: int, stream: int) -> Floats32:
    """As :func:`qmodels.simulation.particles.normal_noise`, (events, NOISE)."""
    return noise_of(events, seed, stream, NOISE)
