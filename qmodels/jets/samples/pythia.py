"""Jets from PYTHIA 8: pairs of quarks, gluons, W, Z or top quarks of 1 TeV, clustered by FastJet.

The public data set was made from the same five processes by MadGraph, at a transverse momentum of 1 TeV within one per
cent, and decayed and showered by PYTHIA with the Monash tune and the underlying event (arXiv:1709.08705, 1804.06913).
Here PYTHIA makes the hard process too, in the same window. There is no detector.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from qmodels.errors import ModelDataError
from qmodels.generation.clustering import silence_fastjet
from qmodels.generation.pythia import programs, started_pythia
from qmodels.types import Floats64

if TYPE_CHECKING:
    from pythia8mc import Event, Pythia

GENERATOR_VERSION = 1
"""Raised whenever the same seed would give other jets with the same PYTHIA."""

RADIUS = 0.8
PT_WINDOW = (800.0, 1600.0)
"""GeV: what radiation takes out of a jet, or adds to it, may not leave this."""

_COMMON = (
    "Beams:eCM = 13000.",
    "PhaseSpace:pTHatMin = 990.",
    "PhaseSpace:pTHatMax = 1010.",
    "ParticleDecays:limitTau0 = on",
    "ParticleDecays:tau0Max = 10.",  # mm: the particles that a tracker would call stable
)
_HADRONIC_W = ("24:onMode = off", "24:onIfAny = 1 2 3 4 5")

SETTINGS: dict[str, tuple[str, ...]] = {
    "g": ("HardQCD:gg2gg = on", "HardQCD:qqbar2gg = on"),
    "q": ("HardQCD:gg2qqbar = on", "HardQCD:qq2qq = on", "HardQCD:qqbar2qqbarNew = on"),
    "w": ("WeakDoubleBoson:ffbar2WW = on", *_HADRONIC_W),
    "z": (
        "WeakDoubleBoson:ffbar2gmZgmZ = on",
        "WeakZ0:gmZmode = 2",
        "23:onMode = off",
        "23:onIfAny = 1 2 3 4 5",
    ),
    "t": ("Top:gg2ttbar = on", "Top:qqbar2ttbar = on", *_HADRONIC_W),
}
"""PYTHIA settings of each class; all W and Z decay to quarks."""

FAILED = "PYTHIA failed"
OUT_OF_WINDOW = f"no jet of {PT_WINDOW[0]:.0f} to {PT_WINDOW[1]:.0f} GeV along the particle"
_TRIES = 100
_OUTGOING = (5, 6)
"""Places of the two outgoing particles in PYTHIA's hard process."""


@dataclass(frozen=True, eq=False)
class Jet:
    """``momenta`` (n, 4) of its constituents, rows of px, py, pz, E in GeV.

    ``passed_over`` says why each particle of the hard process since the last jet gave none.
    """

    momenta: Floats64
    passed_over: tuple[str, ...] = ()


def generator_name() -> str:
    """The programs behind a jet, with their versions; ModelDataError if one is not installed."""
    return programs("pythia8mc", "fastjet")


def jets(name: str, seed: int) -> Iterator[Jet]:
    """Jets of the class ``name``, without end: of each outgoing particle the jet that is nearest to it.

    A fresh generator is made, because PYTHIA's depends on its past: the same seed gives the same jets.

    Raises:
        ModelDataError: PYTHIA is not installed, refuses a setting or cannot generate.
    """
    pythia = started_pythia(name, (*_COMMON, *SETTINGS[name]), seed)
    passed_over: list[str] = []
    made = failures = 0
    while True:
        if not pythia.next():
            failures += 1
            if failures > _TRIES + made:
                raise ModelDataError(f"PYTHIA gave up on jets of class {name!r} with seed {seed} after {made} jets")
            passed_over.append(FAILED)
            continue
        for found in _near_outgoing(pythia):
            if found is None:
                passed_over.append(OUT_OF_WINDOW)
            else:
                made += 1
                yield Jet(found, tuple(passed_over))
                passed_over = []


def _near_outgoing(pythia: Pythia) -> list[Floats64 | None]:
    """For both outgoing particles the constituents of the hard jet along it, if there is one."""
    import fastjet

    silence_fastjet()
    momenta = _visible(pythia.event)
    particles = []
    for index, row in enumerate(momenta.tolist()):
        particle = fastjet.PseudoJet(*row)
        particle.set_user_index(index)
        particles.append(particle)
    sequence = fastjet.ClusterSequence(particles, fastjet.JetDefinition(fastjet.antikt_algorithm, RADIUS))
    hard = [jet for jet in sequence.inclusive_jets(PT_WINDOW[0]) if jet.pt() <= PT_WINDOW[1]]
    found: list[Floats64 | None] = []
    for place in _OUTGOING:
        outgoing = pythia.process[place]
        axis = fastjet.PseudoJet(outgoing.px(), outgoing.py(), outgoing.pz(), outgoing.e())
        near = [jet for jet in hard if jet.delta_R(axis) < RADIUS]
        nearest = min(near, key=lambda jet: jet.delta_R(axis), default=None)
        found.append(None if nearest is None else momenta[[part.user_index() for part in nearest.constituents()]])
    return found


def _visible(event: Event) -> Floats64:
    rows = []
    for i in range(event.size()):
        particle = event[i]
        if particle.isFinal() and particle.isVisible() and particle.pT() > 0.0 and math.isfinite(particle.eta()):
            rows.append((particle.px(), particle.py(), particle.pz(), particle.e()))
    return np.array(rows, np.float64).reshape(-1, 4)
