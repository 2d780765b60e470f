"""What a detector makes of a collision: stable particles to nineteen objects, or why there is no event.

Resolutions and efficiencies are those of ``qmodels.detector.cms``, with the source of each; what is asked of an object
is the public data set's (``layout``). Leptons are told as a Level-1 trigger tells them: an electron only where the
calorimeter shows nothing around it, a muon wherever there is one.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qmodels.anomaly.layout import ELECTRONS, FILTER_PT, JETS, MISSING, MUONS, OBJECTS, Kind, fill
from qmodels.detector import cms
from qmodels.detector.response import seen, smeared_energy, smeared_track
from qmodels.generation.clustering import anti_kt_jets
from qmodels.types import Floats32, Floats64

NO_LEPTON = f"no electron or muon above {FILTER_PT:g} GeV is seen"
RADIUS = 0.4
_TRUE_JET_PT = 8.0
"""GeV: below it no jet is measured above the threshold (2.3 standard deviations)."""
_ACCEPTANCE, _TRACKER = 5.0, 2.5
_ELECTRON, _MUON, _NEUTRINOS = 11, 13, (12, 14, 16)
_PHOTONS = (22, 111)
"""A π⁰ is left whole: a calorimeter does not tell its two photons apart."""
_CHARGED = (211, 321, 2212, 3112, 3222, 3312, 3334)

Mask = npt.NDArray[np.bool_]


def observe(particles: Floats64, random: np.random.Generator) -> Floats32 | str:
    """The event (19, 3) of pT in GeV, η and φ that is measured of ``particles``; or why there is none.

    ``particles`` (n, 5) are rows of px, py, pz, E in GeV and the PDG code.
    """
    momenta, code = particles[:, :4], np.abs(particles[:, 4]).astype(np.int64)
    directed = _directed(momenta)
    visible = ~np.isin(code, _NEUTRINOS) & (np.abs(directed[:, 1]) < _ACCEPTANCE)
    electron = _isolated_electrons(directed, code, visible)
    electron[electron] = seen(
        random, directed[electron, 0], directed[electron, 1], cms.ELECTRON_TRACKING, cms.ELECTRON_EFFICIENCY
    )
    muon = visible & (code == _MUON)
    muon[muon] = seen(random, directed[muon, 0], directed[muon, 1], cms.MUON_TRACKING, cms.MUON_EFFICIENCY)
    electrons = _smeared_electrons(directed[electron], momenta[electron, 3], random)
    muons = _smeared_muons(directed[muon], random)
    if not _has_lepton(electrons, muons):
        return NO_LEPTON
    # An electron that is not told as one is clustered; a muon that is not seen is missing.
    rest = visible & ~electron & (code != _MUON)
    jets, inside = anti_kt_jets(momenta[rest], RADIUS, _TRUE_JET_PT)
    measured = _smeared_jets(_directed(jets), random)
    loose = np.flatnonzero(rest)[~inside]
    soft = _smeared_soft(directed[loose], code[loose], random)

    rows = np.zeros((OBJECTS, 3), np.float32)
    for kind, objects in ((ELECTRONS, electrons), (MUONS, muons), (JETS, measured)):
        fill(rows, kind, _accepted(objects, kind))
    missing = -np.sum([_transverse(objects) for objects in (electrons, muons, measured, soft)], axis=0)
    rows[MISSING.first] = (np.hypot(*missing), 0.0, np.arctan2(missing[1], missing[0]))
    return rows


def _directed(momenta: Floats64) -> Floats64:
    """pT, η, φ of (px, py, pz, E)."""
    px, py, pz, _ = momenta.T
    pt = np.hypot(px, py)
    return np.stack([pt, np.arcsinh(pz / np.maximum(pt, 1e-9)), np.arctan2(py, px)], axis=1)


def _isolated_electrons(directed: Floats64, code: npt.NDArray[np.int64], visible: Mask) -> Mask:
    found = np.zeros(len(code), np.bool_)
    summed = visible & (directed[:, 0] > cms.ISOLATION_PT) & (code != _MUON)
    for index in np.flatnonzero(visible & (code == _ELECTRON) & (directed[:, 0] > ELECTRONS.pt)):
        pt, eta, phi = directed[index]
        distance = np.hypot(directed[:, 1] - eta, np.remainder(directed[:, 2] - phi + np.pi, 2 * np.pi) - np.pi)
        around = directed[summed & (distance < cms.ISOLATION_RADIUS), 0].sum() - pt
        found[index] = around < cms.ELECTRON_ISOLATION * pt
    return found


def _has_lepton(electrons: Floats64, muons: Floats64) -> bool:
    kinds = ((ELECTRONS, electrons), (MUONS, muons))
    return any((_accepted(objects, kind)[:, 0] >= FILTER_PT).any() for kind, objects in kinds)


def _accepted(objects: Floats64, kind: Kind) -> Floats64:
    return objects[(objects[:, 0] >= kind.pt) & (np.abs(objects[:, 1]) < kind.max_eta)]


def _transverse(objects: Floats64) -> Floats64:
    """The sum of px and py."""
    pt, _, phi = objects.T
    return np.array([pt @ np.cos(phi), pt @ np.sin(phi)])


def _smeared_electrons(true: Floats64, energy: Floats64, random: np.random.Generator) -> Floats64:
    measured = true.copy()
    measured[:, 0] *= smeared_energy(random, energy, true[:, 1], cms.ECAL_RESOLUTION) / energy
    return measured


def _smeared_muons(true: Floats64, random: np.random.Generator) -> Floats64:
    measured = true.copy()
    measured[:, 0] = smeared_track(random, true[:, 0], true[:, 1], cms.MUON_RESOLUTION)
    return measured


def _smeared_jets(true: Floats64, random: np.random.Generator) -> Floats64:
    measured = true.copy()
    measured[:, 0] = smeared_energy(random, true[:, 0], true[:, 1], cms.JET_RESOLUTION)
    return measured


def _smeared_soft(true: Floats64, code: npt.NDArray[np.int64], random: np.random.Generator) -> Floats64:
    """What is in no jet: tracks as they are, whose widths are small beside the rest, photons and hadrons by energy."""
    tracked = np.isin(code, (*_CHARGED, _ELECTRON)) & (np.abs(true[:, 1]) < _TRACKER)
    energy = true[:, 0] * np.cosh(true[:, 1])
    measured = true.copy()
    photon = np.isin(code, _PHOTONS)
    for group, resolution in ((photon, cms.ECAL_RESOLUTION), (~photon, cms.HCAL_RESOLUTION)):
        rows = group & ~tracked
        measured[rows, 0] *= smeared_energy(random, energy[rows], true[rows, 1], resolution) / energy[rows]
    return measured
