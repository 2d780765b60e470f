"""Jets, and what is in none, as the detector measures them: rows of pT in GeV, η and φ."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qmodels.detector import cms
from qmodels.detector.response import smeared_energy
from qmodels.types import Floats64

_TRACKER = 2.5
_ELECTRON = 11
_PHOTONS = (22, 111)
"""A π⁰ is left whole: a calorimeter does not tell its two photons apart."""
_CHARGED = (211, 321, 2212, 3112, 3222, 3312, 3334)


def directed(momenta: Floats64) -> Floats64:
    """pT, η, φ of (px, py, pz, E)."""
    px, py, pz, _ = momenta.T
    pt = np.hypot(px, py)
    return np.stack([pt, np.arcsinh(pz / np.maximum(pt, 1e-9)), np.arctan2(py, px)], axis=1)


def smeared_jets(true: Floats64, random: np.random.Generator) -> Floats64:
    """Jets (n, 3), their pT measured."""
    measured = true.copy()
    measured[:, 0] = smeared_energy(random, true[:, 0], true[:, 1], cms.JET_RESOLUTION)
    return measured


def smeared_soft(true: Floats64, code: npt.NDArray[np.int64], random: np.random.Generator) -> Floats64:
    """What is in no jet, by the absolute PDG ``code`` of each: tracks as they are, whose widths are small beside the
    rest, photons and hadrons by energy."""
    tracked = np.isin(code, (*_CHARGED, _ELECTRON)) & (np.abs(true[:, 1]) < _TRACKER)
    energy = true[:, 0] * np.cosh(true[:, 1])
    measured = true.copy()
    photon = np.isin(code, _PHOTONS)
    for group, resolution in ((photon, cms.ECAL_RESOLUTION), (~photon, cms.HCAL_RESOLUTION)):
        rows = group & ~tracked
        measured[rows, 0] *= smeared_energy(random, energy[rows], true[rows, 1], resolution) / energy[rows]
    return measured
