"""What the paper does to a collision before the network sees it: two muons out, the rest clustered to 50 at most."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from qmodels.errors import ModelDataError
from qmodels.generation.clustering import silence_fastjet
from qmodels.types import Floats32, Floats64, Ints32

_F = TypeVar("_F", np.float32, np.float64)

MAX_PARTICLES = 50
RADIUS = 1.0
COLUMNS = 4  # pT in GeV, η, φ, PDG code


@dataclass(frozen=True)
class Selection:
    """Cuts: pT in GeV above, |η| below; ``max_eta`` None is no cut on the particles that are not muons.

    ``muons`` asks for a μ⁺ and a μ⁻; the hardest of each are removed.
    """

    particle_pt: float = 0.5
    max_eta: float | None = 2.5
    muon_pt: float = 1.0
    muon_eta: float = 2.5
    muons: bool = True

    def __post_init__(self) -> None:
        for name in ("particle_pt", "max_eta", "muon_pt", "muon_eta"):
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and value >= 0):
                raise ModelDataError(f"cut {name} is {value}; give a number from 0 up")


SELECTIONS = {"desk": Selection(), "published": Selection(particle_pt=0.0, max_eta=None, muon_pt=4.5)}
"""Ours, and the one of the paper's authors."""


@dataclass(frozen=True, eq=False)
class Selected:
    """``particles`` (50, 3) of pT in GeV, η, φ in ±π, by falling pT, padded with zeros; ``muons`` (2, 3), μ⁻ first.

    ``visible`` particles there were before they were clustered.
    """

    particles: Floats64
    muons: Floats64
    visible: int


@dataclass(frozen=True, eq=False)
class Rows:
    """Selected events, n of them: ``particles`` (n, 50, 3), ``muons`` (n, 2, 3) and ``visible`` (n,)."""

    particles: Floats32
    muons: Floats32
    visible: Ints32

    def first(self, most: int) -> Rows:
        """The first ``most`` of them."""
        return Rows(self.particles[:most], self.muons[:most], self.visible[:most])


def rows_of(events: Sequence[Selected]) -> Rows:
    """``events`` as arrays, which may be of none."""
    return Rows(
        np.array([event.particles for event in events], np.float32).reshape(-1, MAX_PARTICLES, 3),
        np.array([event.muons for event in events], np.float32).reshape(-1, 2, 3),
        np.array([event.visible for event in events], np.int32),
    )


def select(particles: Floats64, selection: Selection) -> Selected | str:
    """The event that remains of ``particles`` (n, 4), rows of (pT, η, φ, PDG code), or why there is none."""
    particles = particles[_accepted(particles, selection)]
    muons = np.zeros((2, 3))
    if selection.muons:
        minus, plus = (_hardest(particles, code, selection) for code in (13, -13))
        if minus is None or plus is None:
            return "no pair of muons"
        chosen = [minus, plus]
        muons = particles[chosen, :3]
        particles = np.delete(particles, chosen, axis=0)
    if not len(particles):
        return "no particles"
    return Selected(cluster(particles[:, :3], MAX_PARTICLES, MAX_PARTICLES), muons, len(particles))


def _accepted(particles: Floats64, selection: Selection) -> npt.NDArray[np.bool_]:
    accepted = particles[:, 0] > selection.particle_pt
    if selection.max_eta is not None:
        accepted &= np.abs(particles[:, 1]) < selection.max_eta
    return accepted


def _hardest(particles: Floats64, code: int, selection: Selection) -> int | None:
    wanted = (particles[:, 3] == code) & (particles[:, 0] > selection.muon_pt)
    candidates = np.flatnonzero(wanted & (np.abs(particles[:, 1]) < selection.muon_eta))
    return int(candidates[np.argmax(particles[candidates, 0])]) if candidates.size else None


def wrapped(phi: npt.NDArray[_F]) -> npt.NDArray[_F]:
    """Angles φ in radians, those outside ±π wrapped into it; the others keep every bit.

    >>> wrapped(np.array([1.5, 4.0])).round(4).tolist()
    [1.5, -2.2832]
    """
    # π as float32 is larger than π: what was rounded to it is not outside.
    outside = np.abs(phi) > np.float32(np.pi)
    return np.where(outside, np.mod(phi + np.pi, 2 * np.pi) - np.pi, phi).astype(phi.dtype)


def cluster(particles: Floats64, most: int, rows: int) -> Floats64:
    """At most ``most`` exclusive kT clusters (R = 1) of massless ``particles`` (n, 3), in ``rows`` zero-padded rows.

    Particles that are few enough stay as they are. The sum of pT after clustering is the event's H_T.
    """
    if len(particles) > most:
        particles = _exclusive_kt(particles, most)
    ordered = particles[np.argsort(-particles[:, 0], kind="stable")]
    out = np.zeros((rows, 3))
    out[: len(ordered)] = ordered
    return out


def _exclusive_kt(particles: Floats64, most: int) -> Floats64:
    import fastjet

    silence_fastjet()
    pt, eta, phi = particles.T
    momenta = np.stack([pt * np.cos(phi), pt * np.sin(phi), pt * np.sinh(eta), pt * np.cosh(eta)], axis=1)
    jets = [fastjet.PseudoJet(*row) for row in momenta.tolist()]
    sequence = fastjet.ClusterSequence(jets, fastjet.JetDefinition(fastjet.kt_algorithm, RADIUS))
    return np.array([(jet.pt(), jet.eta(), jet.phi_std()) for jet in sequence.exclusive_jets(most)])
