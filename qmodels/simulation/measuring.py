"""What a detector like CMS makes of Z → e⁺e⁻: two electrons measured, and the paper's selection of such events.

Resolutions and efficiencies are those of ``qmodels.detector``; here is the order in which they act, that of Delphes:
calorimeter cells, tracks, the best of both, efficiency, isolation, and then no photon and no jet beside.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from qmodels.detector import cms
from qmodels.detector.response import combined, rotated, seen, smeared_energy, smeared_track
from qmodels.simulation.collisions import CODE, ELECTRON, ENERGY, ETA, PHI, PT
from qmodels.types import Floats64

PHOTON = 22
CELL = 0.02
"""ΔR of one cell of the calorimeter: photons in it are measured with the electron."""
PHOTON_PT, PHOTON_ETA, PHOTON_EFFICIENCY = 10.0, 2.5, 0.9
"""A photon beyond these is seen, as often as in the card on average over its regions (PhotonEfficiency)."""
JET_RADIUS = 0.5
ANGLE = 1e-3
"""Resolution in η and in φ, of a track. The card has none; a guess, small beside what showers do."""

NOT_SEEN, NOT_ISOLATED, HAS_PHOTON, HAS_JET = "electron not seen", "electron not isolated", "a photon", "a jet"


def measured(visible: Floats64, random: np.random.Generator) -> Floats64 | str:
    """(8,) electron and positron as measured, or why the event is not selected.

    ``visible`` (n, 5) are final particles as of :class:`qmodels.simulation.collisions.Collision`.
    """
    hardest = [_hardest(visible, code) for code in (ELECTRON, -ELECTRON)]
    if None in hardest:
        return NOT_SEEN
    electrons = visible[np.array(hardest, np.int64)]
    others = np.delete(visible, np.array(hardest, np.int64), axis=0)
    apart = distances(electrons, others)
    in_cell = (apart < CELL) & (np.abs(others[:, CODE]) == PHOTON)
    pt = measured_pt(electrons, (in_cell * others[:, ENERGY]).sum(axis=1), random)
    if not seen(random, pt, electrons[:, ETA], cms.ELECTRON_TRACKING, cms.ELECTRON_EFFICIENCY).all():
        return NOT_SEEN
    around = (apart < cms.ISOLATION_RADIUS) & (others[:, PT] > cms.ISOLATION_PT) & ~in_cell
    if ((around * others[:, PT]).sum(axis=1) > cms.ELECTRON_ISOLATION * pt).any():
        return NOT_ISOLATED
    rest = others[~in_cell.any(axis=0)]
    if _has_photon(rest, random):
        return HAS_PHOTON
    if _has_jet(rest):
        return HAS_JET
    return four_momenta(pt, *(rotated(random, electrons[:, column], ANGLE) for column in (ETA, PHI)))


def _hardest(visible: Floats64, code: int) -> int | None:
    mine = np.flatnonzero(visible[:, CODE] == code)
    return int(mine[np.argmax(visible[mine, PT])]) if mine.size else None


def distances(electrons: Floats64, others: Floats64) -> Floats64:
    """ΔR of each of the others to each electron, (2, n)."""
    turn = others[None, :, PHI] - electrons[:, None, PHI]
    turn = (turn + np.pi) % (2 * np.pi) - np.pi
    return np.hypot(others[None, :, ETA] - electrons[:, None, ETA], turn)


def measured_pt(electrons: Floats64, beside: Floats64, random: np.random.Generator) -> Floats64:
    """pT by track and calorimeter together; ``beside`` is the energy of photons in the same cells."""
    pt, eta = electrons[:, PT], electrons[:, ETA]
    stretch = np.cosh(eta)
    relative = cms.ELECTRON_TRACK_RESOLUTION.at(pt, eta)
    deposited = electrons[:, ENERGY] + beside
    track = smeared_track(random, pt, eta, cms.ELECTRON_TRACK_RESOLUTION) * stretch
    cells = smeared_energy(random, deposited, eta, cms.ECAL_RESOLUTION)
    best = combined(track, relative * pt * stretch, cells, cms.ECAL_RESOLUTION.at(deposited, eta))
    return best / stretch


def _has_photon(rest: Floats64, random: np.random.Generator) -> bool:
    hard = (rest[:, CODE] == PHOTON) & (rest[:, PT] > PHOTON_PT) & (np.abs(rest[:, ETA]) < PHOTON_ETA)
    return bool((random.random(int(hard.sum())) < PHOTON_EFFICIENCY).any())


def _has_jet(rest: Floats64) -> bool:
    if rest[:, PT].sum() <= cms.JET_THRESHOLD:
        return False
    import fastjet

    momenta = four_momenta(rest[:, PT], rest[:, ETA], rest[:, PHI]).reshape(-1, 4)
    momenta[:, 3] = rest[:, ENERGY]
    definition = fastjet.JetDefinition(fastjet.antikt_algorithm, JET_RADIUS)
    clustered = fastjet.ClusterSequence([fastjet.PseudoJet(*row) for row in momenta.tolist()], definition)
    return bool(len(clustered.inclusive_jets(cms.JET_THRESHOLD)))


def four_momenta(pt: Floats64, eta: Floats64, phi: Floats64) -> Floats64:
    """(px, py, pz, E) of light particles, one after the other."""
    parts: list[npt.NDArray[np.float64]] = [pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta)]
    return np.stack(parts, axis=1).ravel()
