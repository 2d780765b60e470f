"""What a detector like CMS makes of a top pair, and the paper's selection: one electron, missing momentum, four jets.

Resolutions and efficiencies are those of ``qmodels.detector``, the electron is measured as in Z → e⁺e⁻. Photons and
muons are asked to be isolated here, as Delphes asks it: jets are full of others. A muon that is not seen is missing, no
muon is clustered, and jets with too little pT, or too far forward, count for the missing momentum alone. That has a
component along the beam, too, as Delphes gives it an η.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qmodels.detector import cms
from qmodels.detector.hadrons import directed, smeared_jets, smeared_soft
from qmodels.detector.parameters import Efficiency
from qmodels.detector.response import rotated, seen, smeared_track
from qmodels.generation.clustering import anti_kt_jets
from qmodels.simulation import measuring as pairs
from qmodels.simulation.collisions import VISIBLE_ETA
from qmodels.simulation.measuring import HAS_PHOTON, NOT_ISOLATED, NOT_SEEN
from qmodels.simulation.pairs import Mask
from qmodels.simulation.ttbar.layout import (
    ELECTRON_PT,
    FIRST_JET,
    JET_ETA,
    JET_PT,
    MEASURED_MASSES,
    PARTICLES,
    inside,
    ordered,
    with_energies,
)
from qmodels.types import Floats32, Floats64

POSITRON, SECOND, HAS_MUON = "a positron", "a second electron", "a muon"
FEWER, MORE, OUTSIDE = "fewer than four jets", "more than four jets", "outside the thresholds"
_ELECTRON, _MUON, _PHOTON = 11, 13, 22
_JETS = PARTICLES - FIRST_JET
_TRUE_ELECTRON_PT = 7.0
"""GeV: below it no electron is measured above the threshold."""
_TRUE_JET_PT = 8.0
"""GeV: below it no jet is (2.3 standard deviations)."""
_MUON_PT = 10.0


def measured(visible: Floats64, random: np.random.Generator) -> Floats32 | str:
    """x (24,) as measured, or why the event is not selected.

    ``visible`` (n, 5) are stable particles as of :class:`qmodels.simulation.ttbar.collisions.Collision`.
    """
    rows = directed(visible[:, :4])
    near = np.abs(rows[:, 1]) < VISIBLE_ETA
    # pT, η, φ, E and PDG code: the columns of qmodels.simulation.collisions
    seen_of = np.concatenate([rows, visible[:, 3:]], axis=1)[near]
    electron = _electron(seen_of, random)
    if isinstance(electron, str):
        return electron
    place, electron_pt, in_cell = electron
    muons = _smeared_muons(seen_of, random)
    rest = ~in_cell & (np.abs(seen_of[:, 4]) != _MUON)
    rest[place] = False
    if _isolated(seen_of, np.flatnonzero(muons[1]), cms.MUON_ISOLATION, random, cms.MUON_EFFICIENCY).any():
        return HAS_MUON
    if _has_photon(seen_of, rest, random):
        return HAS_PHOTON
    jets, soft = _jets(visible[near], seen_of, rest, random)
    hard = jets[(jets[:, 0] > JET_PT) & (np.abs(jets[:, 1]) < JET_ETA)]
    if len(hard) != _JETS:
        return FEWER if len(hard) < _JETS else MORE
    angles = [float(rotated(random, seen_of[place, column], pairs.ANGLE)) for column in (1, 2)]
    lepton = np.array([[electron_pt, *angles]])
    missing = -sum(_vectors(objects).sum(axis=0) for objects in (lepton, muons[0], jets, soft))
    momenta = np.concatenate([_vectors(lepton), missing[None], _vectors(hard)])
    x = ordered(with_energies(momenta[None], MEASURED_MASSES))
    # the angle of the electron is measured, too, and numbers are rounded
    return x[0] if inside(x)[0] else OUTSIDE


def _electron(rows: Floats64, random: np.random.Generator) -> tuple[int, float, Mask] | str:
    """Place and measured pT of the one electron that there is, and which photons are measured with it; or why not."""
    candidates = np.flatnonzero((np.abs(rows[:, 4]) == _ELECTRON) & (rows[:, 0] > _TRUE_ELECTRON_PT))
    electrons = rows[candidates]
    apart = pairs.distances(electrons, rows)
    in_cell = (apart < pairs.CELL) & (np.abs(rows[:, 4]) == _PHOTON)
    pt = pairs.measured_pt(electrons, (in_cell * rows[:, 3]).sum(axis=1), random)
    good = seen(random, pt, electrons[:, 1], cms.ELECTRON_TRACKING, cms.ELECTRON_EFFICIENCY) & (pt > ELECTRON_PT)
    if not good.any():
        return NOT_SEEN
    summed = (apart < cms.ISOLATION_RADIUS) & (rows[:, 0] > cms.ISOLATION_PT) & ~in_cell
    around = (summed * rows[:, 0]).sum(axis=1) - electrons[:, 0]
    found = np.flatnonzero(good & (around < cms.ELECTRON_ISOLATION * pt))
    if len(found) != 1:
        return SECOND if len(found) else NOT_ISOLATED
    (one,) = found
    if electrons[one, 4] < 0:
        return POSITRON
    return int(candidates[one]), float(pt[one]), in_cell[one]


def _smeared_muons(rows: Floats64, random: np.random.Generator) -> tuple[Floats64, Mask]:
    """Muons with a track as measured, and which of ``rows`` may be told as a muon."""
    muon = np.abs(rows[:, 4]) == _MUON
    muon[muon] = seen(random, rows[muon, 0], rows[muon, 1], cms.MUON_TRACKING)
    tracks = rows[muon, :3].copy()
    tracks[:, 0] = smeared_track(random, tracks[:, 0], tracks[:, 1], cms.MUON_RESOLUTION)
    told = muon.copy()
    told[muon] = tracks[:, 0] > _MUON_PT
    return tracks, told


def _isolated(
    rows: Floats64,
    places: npt.NDArray[np.intp],
    most: float,
    random: np.random.Generator,
    *efficiencies: Efficiency,
) -> Mask:
    """Which of the rows at ``places`` are seen, with no more than ``most`` of their pT around them."""
    chosen = rows[places]
    apart = pairs.distances(chosen, rows)
    beside = (apart < cms.ISOLATION_RADIUS) & (rows[:, 0] > cms.ISOLATION_PT)
    beside &= (apart >= pairs.CELL) | (np.abs(rows[:, 4]) != _PHOTON)  # what is in one cell is measured as one
    beside[np.arange(len(places)), places] = False
    found: Mask = seen(random, chosen[:, 0], chosen[:, 1], *efficiencies)
    return found & ((beside * rows[:, 0]).sum(axis=1) < most * chosen[:, 0])


def _has_photon(rows: Floats64, rest: Mask, random: np.random.Generator) -> bool:
    hard = rest & (rows[:, 4] == _PHOTON) & (rows[:, 0] > pairs.PHOTON_PT) & (np.abs(rows[:, 1]) < pairs.PHOTON_ETA)
    isolated = _isolated(rows, np.flatnonzero(hard), cms.ELECTRON_ISOLATION, random)
    return bool((random.random(int(isolated.sum())) < pairs.PHOTON_EFFICIENCY).any())


def _jets(visible: Floats64, rows: Floats64, rest: Mask, random: np.random.Generator) -> tuple[Floats64, Floats64]:
    """pT, η and φ of jets, and of what is in none, as measured."""
    jets, clustered = anti_kt_jets(visible[rest, :4], pairs.JET_RADIUS, _TRUE_JET_PT)
    loose = np.flatnonzero(rest)[~clustered]
    soft = smeared_soft(rows[loose, :3], np.abs(rows[loose, 4]).astype(np.int64), random)
    return smeared_jets(directed(jets), random), soft


def _vectors(rows: Floats64) -> Floats64:
    """(n, 3) momenta of pT, η and φ."""
    pt, eta, phi = rows[:, :3].T
    return np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta)], axis=1)
