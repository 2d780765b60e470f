"""What is worked out of a top pair: the paper's reconstruction of W bosons and top quarks, and other masses."""

from __future__ import annotations

from itertools import permutations

import numpy as np

from qmodels.simulation.ttbar.layout import ELECTRON, FIRST_JET, MISSING, PARTICLES, transverse
from qmodels.types import Floats, Floats64

W_MASS, TOP_MASS = 80.4, 172.5
"""GeV, by which jets are assigned, as in the paper,"""
_WIDTHS = {"w": 10.0, "leptonic": 5.0, "hadronic": 15.0}
"""and by which distances from them are measured."""
ASSIGNMENTS = tuple(
    (hadronic, leptonic, *sorted({0, 1, 2, 3} - {hadronic, leptonic}))
    for hadronic, leptonic in permutations(range(4), 2)
)
"""Which jets are the b of the hadronic top quark, that of the leptonic one, and the two of the W."""


def mass(vectors: Floats) -> Floats64:
    """Invariant mass of four-momenta (..., 4)."""
    vectors = np.asarray(vectors, np.float64)
    return np.asarray(np.sqrt(np.maximum(vectors[..., 3] ** 2 - (vectors[..., :3] ** 2).sum(axis=-1), 0.0)))


def transverse_mass(particles: Floats) -> Floats64:
    """Of the electron and what is missing, or the neutrino."""
    pt, rows = transverse(particles), np.asarray(particles, np.float64).reshape(-1, PARTICLES, 4)
    along = (rows[:, ELECTRON, :2] * rows[:, MISSING, :2]).sum(axis=1)
    return np.asarray(np.sqrt(np.maximum(2.0 * (pt[:, ELECTRON] * pt[:, MISSING] - along), 0.0)))


def latent_masses(z: Floats) -> dict[str, Floats64]:
    """Of the hard process, where it is known which quark is whose."""
    rows = np.asarray(z, np.float64).reshape(-1, PARTICLES, 4)
    electron, neutrino, b, b_bar, up, down = rows.swapaxes(0, 1)
    return {
        "m_jj": mass(up + down),
        "m_jjj": mass(b + up + down),
        "m_T": transverse_mass(z),
        "m_blv": mass(b_bar + electron + neutrino),
        "m_tt": mass(rows.sum(axis=1)),
    }


def measured_masses(x: Floats) -> dict[str, Floats64]:
    """As the paper reconstructs them: the assignment of jets that lies nearest to a W and two top quarks."""
    rows = np.asarray(x, np.float64).reshape(-1, PARTICLES, 4)
    lepton, jets = rows[:, ELECTRON] + neutrino(rows[:, ELECTRON], rows[:, MISSING]), rows[:, FIRST_JET:]
    hadronic_b, leptonic_b, first, second = np.array(ASSIGNMENTS).T
    w = jets[:, first] + jets[:, second]
    hadronic, leptonic = w + jets[:, hadronic_b], lepton[:, None] + jets[:, leptonic_b]
    found = {"w": mass(w), "hadronic": mass(hadronic), "leptonic": mass(leptonic)}
    wanted = {"w": W_MASS, "hadronic": TOP_MASS, "leptonic": TOP_MASS}
    chi2 = sum(((found[name] - wanted[name]) / width) ** 2 for name, width in _WIDTHS.items())
    best = np.argmin(chi2, axis=1)[:, None]

    def chosen(values: Floats64) -> Floats64:
        return np.asarray(np.take_along_axis(values, best, axis=1)[:, 0])

    return {
        "m_jj": chosen(found["w"]),
        "m_jjj": chosen(found["hadronic"]),
        "m_T": transverse_mass(x),
        "m_blv": chosen(found["leptonic"]),
        "m_tt": chosen(mass(hadronic + leptonic)),
    }


def neutrino(electron: Floats64, missing: Floats64) -> Floats64:
    """(n, 4) of the transverse momentum that is ``missing`` and the W's mass with the ``electron``.

    Of two solutions the one that is less along the beam; where there is none, the real part of both.
    """
    across = (electron[:, :2] * missing[:, :2]).sum(axis=1)
    squared = (missing[:, :2] ** 2).sum(axis=1)
    half = W_MASS**2 / 2.0 + across
    a = np.maximum((electron[:, :2] ** 2).sum(axis=1), 1e-9)
    middle = half * electron[:, 2] / a
    root = np.sqrt(np.maximum(middle**2 - (electron[:, 3] ** 2 * squared - half**2) / a, 0.0))
    along = np.where(middle > 0.0, middle - root, middle + root)
    return np.stack([missing[:, 0], missing[:, 1], along, np.sqrt(squared + along**2)], axis=1)
