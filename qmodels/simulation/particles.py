"""Two electrons as eight numbers, and what is worked out from them. Light: no TensorFlow.

An event is a row (px, py, pz, E) of the electron and then of the positron, in GeV: at parton level, which the paper
calls theory space z, or as a detector measured it, x. Networks read and write momenta in units that are powers of two,
so that on a chip they only move the binary point; the energy follows from momentum and mass, outside the network.
"""

from __future__ import annotations

import numpy as np

from qmodels.types import Floats, Floats32, Floats64

COLUMNS = ("px_e", "py_e", "pz_e", "E_e", "px_p", "py_p", "pz_p", "E_p")
MOMENTA = (0, 1, 2, 4, 5, 6)
ENERGIES = (3, 7)
MOMENTUM_UNITS = (32.0, 32.0, 128.0, 32.0, 32.0, 128.0)
"""GeV of one unit of each momentum."""
ENERGY_UNIT = 128.0
PARTICLES, DIMENSIONS = 2, 3
ELECTRON_NOISE, RECOIL_NOISE = 2, 3
NOISE = PARTICLES * ELECTRON_NOISE + RECOIL_NOISE
"""Standard normal numbers that an event takes: for each electron, and for what the pair recoils against."""

Z_MASS, WINDOW = 91.19, 37.4
"""GeV: events count within 15 widths of the Z, as MadGraph's ``bwcutoff`` has it. A single one of a TeV would outweigh
all others in a squared distance."""


def pair_mass(particles: Floats) -> Floats64:
    """Invariant mass of each pair in ``particles`` (n, 8), GeV."""
    total = particles[:, :4].astype(np.float64) + particles[:, 4:]
    return np.sqrt(np.maximum(total[:, 3] ** 2 - (total[:, :3] ** 2).sum(axis=1), 0.0))


def pair_pt(particles: Floats) -> Floats64:
    """Transverse momentum of each pair, GeV."""
    return np.hypot(*(particles[:, (0, 1)].astype(np.float64) + particles[:, (4, 5)]).T)


def pseudorapidity(particles: Floats) -> Floats64:
    """η of both electrons, (n, 2)."""
    momenta = particles.reshape(-1, 2, 4).astype(np.float64)
    return np.arcsinh(momenta[..., 2] / np.maximum(np.hypot(momenta[..., 0], momenta[..., 1]), 1e-9))


def with_energies(momenta: Floats) -> Floats32:
    """(n, 8) particles of momenta (n, 6) in GeV; electrons are light enough that E = |p|."""
    vectors = momenta.reshape(-1, 2, 3).astype(np.float64)
    energies = np.sqrt((vectors**2).sum(axis=2, keepdims=True))
    return np.concatenate([vectors, energies], axis=2).reshape(-1, 8).astype(np.float32)


def ports(particles: Floats, noise: Floats) -> dict[str, Floats32]:
    """What a network reads of ``particles`` (n, 8) and standard normal ``noise`` (n, NOISE), by its ports' names."""
    momenta = (particles[:, MOMENTA] / np.array(MOMENTUM_UNITS)).astype(np.float32)
    energies = (particles[:, ENERGIES] / ENERGY_UNIT).astype(np.float32)
    shares = energies / energies.sum(axis=1, keepdims=True)
    noise = np.asarray(noise, np.float32)
    return {
        "momenta": momenta.reshape(-1, PARTICLES, DIMENSIONS),
        "energies": energies.reshape(-1, PARTICLES, 1),
        "shares": shares.reshape(-1, PARTICLES, 1),
        "noise": noise[:, :-RECOIL_NOISE].reshape(-1, PARTICLES, ELECTRON_NOISE),
        "recoil": noise[:, -RECOIL_NOISE:],
    }


def from_port(momenta: Floats) -> Floats32:
    """(n, 8) particles in GeV of a network's output (n, 6)."""
    return with_energies(np.asarray(momenta, np.float64) * np.array(MOMENTUM_UNITS))


def normal_noise(events: int, seed: int, stream: int, numbers: int = NOISE) -> Floats32:
    """The noise of a seed: (events, numbers) independent standard normal ones; streams of one seed are unrelated."""
    random = np.random.default_rng(np.random.SeedSequence([seed, stream]))
    return random.standard_normal((events, numbers), dtype=np.float32)
