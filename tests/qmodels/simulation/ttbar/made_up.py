"""Top pairs without a generator: decays of the right masses, boosted, and jets that are quarks smeared."""

from __future__ import annotations

import numpy as np

from qmodels.simulation.pairs import Pairs
from qmodels.simulation.ttbar.kinematics import TOP_MASS, W_MASS
from qmodels.simulation.ttbar.layout import (
    LATENT_MASSES,
    MEASURED_MASSES,
    inside,
    momenta_of,
    ordered,
    with_energies,
)
from qmodels.types import Floats32, Floats64


def decayed(parent: Floats64, masses: tuple[float, float], random: np.random.Generator) -> tuple[Floats64, Floats64]:
    """Two bodies of each four-momentum (n, 4), by px, py, pz and E."""
    mass = np.sqrt(parent[:, 3] ** 2 - (parent[:, :3] ** 2).sum(axis=1))
    first, second = masses
    energy = (mass**2 + first**2 - second**2) / (2 * mass)
    cos, phi = random.uniform(-1, 1, len(parent)), random.uniform(0, 2 * np.pi, len(parent))
    across = np.sqrt(1 - cos**2)
    direction = np.stack([across * np.cos(phi), across * np.sin(phi), cos], axis=1)
    momentum = np.sqrt(np.maximum(energy**2 - first**2, 0.0))[:, None] * direction
    velocity, gamma = parent[:, :3] / parent[:, 3:], parent[:, 3] / mass
    along = (velocity * momentum).sum(axis=1)
    moved = momentum + velocity * (gamma**2 / (gamma + 1) * along + gamma * energy)[:, None]
    one = np.concatenate([moved, (gamma * (energy + along))[:, None]], axis=1)
    return one, parent - one


def quarks(n: int, seed: int = 1, b_mass: float = 4.7) -> Floats32:
    """z (n, 24), of top quarks of some 100 GeV back to back."""
    random = np.random.default_rng(seed)
    momentum = random.normal(0.0, (70.0, 70.0, 150.0), (n, 3))
    tops = [
        np.concatenate([p, np.sqrt((p**2).sum(axis=1) + TOP_MASS**2)[:, None]], axis=1) for p in (momentum, -momentum)
    ]
    (w_plus, b), (w_minus, b_bar) = (decayed(top, (W_MASS, b_mass), random) for top in tops)
    up, down = decayed(w_plus, (0.0, 0.0), random)
    electron, neutrino = decayed(w_minus, (0.0, 0.0), random)
    momenta = np.stack([one[:, :3] for one in (electron, neutrino, b, b_bar, up, down)], axis=1)
    return with_energies(momenta, LATENT_MASSES)


def top_pairs(n: int, seed: int = 1, smearing: float = 0.1) -> Pairs:
    """``n`` pairs, of which x passes the thresholds."""
    random = np.random.default_rng(seed + 1000)
    z = quarks(4 * n + 100, seed)
    gains = 1 + smearing * random.normal(size=(len(z), 6, 1))
    x = ordered(with_energies(momenta_of(z) * gains, MEASURED_MASSES))
    kept = np.flatnonzero(inside(x))[:n]
    assert len(kept) == n
    return Pairs(z[kept], x[kept])
