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
from qmodels.detector.hadrons import directed, smeared_jets, smeared_soft
from qmodels.detector.response import seen, smeared_energy, smeared_track
from qmodels.generation.clustering import anti_kt_jets
from qmodels.types import Floats32, Floats64

NO_LEPTON = f"no electron or muon above {FILTER_PT:g} GeV is seen"
RADIUS = 0.4
_TRUE_JET_PT = 8.0
"""GeV: below it no jet is measured above the threshold (2.3 standard deviations)."""
_ACCEPTANCE = 5.0
_ELECTRON, _MUON, _NEUTRINOS = 11, 13, (12, 14, 16)

Mask = npt.NDArray[np.bool_]


def observe(particles: Floats64, random: np.random.Generator) -> Floats32 | str:
    """The event (19, 3) of pT in GeV, η and φ that is measured of ``particles``; or why there is none.

    ``particles`` (n, 5) are rows of px, py, pz, E in GeV and the PDG code.
    """
    momenta, code = particles[:, :4], np.abs(particles[:, 4]).astype(np.int64)
    direction = directed(momenta)
    visible = ~np.isin(code, _NEUTRINOS) & (np.abs(direction[:, 1]) < _ACCEPTANCE)
    electron = _isolated_electrons(direction, code, visible)
    electron[electron] = seen(
        random, direction[electron, 0], direction[electron, 1], cms.ELECTRON_TRACKING, cms.ELECTRON_EFFICIENCY
    )
    muon = visible & (code == _MUON)
    muon[muon] = seen(random, direction[muon, 0], direction[muon, 1], cms.MUON_TRACKING, cms.MUON_EFFICIENCY)
    electrons = _smeared_electrons(direction[electron], momenta[electron, 3], random)
    muons = _smeared_muons(direction[muon], random)
    if not _has_lepton(electrons, muons):
        return NO_LEPTON
    # An electron that is not told as one is clustered; a muon that is not seen is missing.
    rest = visible & ~electron & (code != _MUON)
    jets, inside = anti_kt_jets(momenta[rest], RADIUS, _TRUE_JET_PT)
    measured = smeared_jets(directed(jets), random)
    loose = np.flatnonzero(rest)[~inside]
    soft = smeared_soft(direction[loose], code[loose], random)

    rows = np.zeros((OBJECTS, 3), np.float32)
    for kind, objects in ((ELECTRONS, electrons), (MUONS, muons), (JETS, measured)):
        fill(rows, kind, _accepted(objects, kind))
    missing = -np.sum([_transverse(objects) for objects in (electrons, muons, measured, soft)], axis=0)
    rows[MISSING.first] = (np.hypot(*missing), 0.0, np.arctan2(missing[1], missing[0]))
    return rows


def _isolated_electrons(direction: Floats64, code: npt.NDArray[np.int64], visible: Mask) -> Mask:
    found = np.zeros(len(code), np.bool_)
    summed = visible & (direction[:, 0] > cms.ISOLATION_PT) & (code != _MUON)
    for index in np.flatnonzero(visible & (code == _ELECTRON) & (direction[:, 0] > ELECTRONS.pt)):
        pt, eta, phi = direction[index]
        distance = np.hypot(direction[:, 1] - eta, np.remainder(direction[:, 2] - phi + np.pi, 2 * np.pi) - np.pi)
        around = direction[summed & (distance < cms.ISOLATION_RADIUS), 0].sum() - pt
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
