"""Collisions from PYTHIA 8 that may pass the lepton filter, as lists of stable particles.

Most collisions have no such lepton, so each is given up as soon as that is known, and what is costly is done last:

- Partons come first. Where none of a shower's may bring forth a hard lepton, nothing more is made of it.
- τ leptons decay before there are hadrons, of which they do not know; and whether one goes to an electron or a muon is
  drawn before it decays, for its spin takes PYTHIA longer than all the rest.
- A hard muon is rare where it comes from a b or c hadron. Of those hadrons that are hard enough, one or two an event,
  hundreds of decays are looked at (``heavy_decays``), and only where a muon comes out does the rest of the event decay
  too. How many of these are kept is drawn such that its mean is in proportion to the weight that PYTHIA gives the event
  (it makes more of high pT, where muons are less rare): so the events kept all weigh the same. One in three of
  QCD, one in eight of the background, shares its shower and hadrons with another, and differs in the decays.

Every event is turned by an angle of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from qmodels.anomaly.samples.heavy_decays import FROM_STRING, HeavyDecays, Rows, rows_of
from qmodels.anomaly.samples.processes import COLLISION, COMMON, Process
from qmodels.anomaly.samples.taus import ELECTRON, MUON, TAU, Taus
from qmodels.errors import ModelDataError
from qmodels.generation.pythia import started_pythia
from qmodels.types import Floats64

if TYPE_CHECKING:
    from pythia8mc import Event, Particle, Pythia

_QUARKS = (4, 5)
_HOPEFUL = frozenset({*_QUARKS, ELECTRON, MUON, TAU})
_CUTS = {ELECTRON: (19.0, 2.5), MUON: (22.0, 2.1)}
"""By code, the pT in GeV and |η| of a lepton that the detector may see above the 23 GeV of its filter: its resolution
is 0.3 GeV for a muon, and up to 1.4 GeV for an electron."""
_PARTON_PT, _PARTON_ETA = 19.0, 3.0
_HADRON_PT, _HADRON_ETA = 22.0, 2.6
"""What may bring forth such a lepton, and such a muon."""
_LOOKED_AT = 400
"""Decays of each event's heavy hadrons that are looked at,"""
_KEPT = 400.0
"""and mean number of decays that are kept of an event of weight 1, if all had a hard muon."""
_TRIES = 100_000
_KEEP_SHOWER = "HadronLevel:all = off"
"""Hadrons are made, and decay, when they are asked for."""


def collisions(process: Process, seed: int) -> Iterator[Floats64]:
    """Collisions of ``process`` without end: rows (px, py, pz, E in GeV, PDG code) of all stable particles.

    The generators are made afresh, because PYTHIA's depend on their past: the same seed gives the same collisions.

    Raises:
        ModelDataError: PYTHIA is not installed, refuses a setting or gives no event.
    """
    random = np.random.default_rng(seed)
    make = _redecayed if process.heavy_flavour else _hadronized
    for particles in make(process, seed, random):
        yield _turned(particles, random.uniform(-math.pi, math.pi))


@dataclass(frozen=True)
class _Hope:
    """What a shower may have a hard lepton of: one that is there, a τ, or a b or c quark."""

    lepton: bool
    tau: bool
    quark: bool

    @staticmethod
    def of(partons: Iterable[Particle]) -> _Hope:
        found = [p for p in partons if p.idAbs() in _HOPEFUL and p.isFinal() and p.pT() > _PARTON_PT]
        codes = {p.idAbs() for p in found if abs(p.eta()) < _PARTON_ETA}
        return _Hope(any(map(_is_hard_lepton, found)), TAU in codes, bool(codes.intersection(_QUARKS)))


def _showers(process: Process, seed: int) -> Iterator[tuple[Pythia, _Hope]]:
    """The generator, each time that it has partons of which a hard lepton may come."""
    pythia = started_pythia(process.name, (*COMMON, *COLLISION, _KEEP_SHOWER, *process.settings), seed)
    while True:
        for _ in range(_TRIES):
            if pythia.next():
                hope = _Hope.of(pythia.event)
                if hope.quark or (not process.heavy_flavour and (hope.lepton or hope.tau)):
                    break
        else:
            raise ModelDataError(f"PYTHIA gave no event of {process.name!r} with hope of a lepton in {_TRIES:,} tries")
        yield pythia, hope


def _hadronized(process: Process, seed: int, random: np.random.Generator) -> Iterator[Rows]:
    """What is left of events with a hard lepton, τ leptons having decayed as often as the process says."""
    taus: Taus | None = None
    for pythia, hope in _showers(process, seed):
        taus = taus or Taus(pythia)
        partons = type(pythia.event)(pythia.event)
        for _ in range(1 if hope.lepton else process.decayed):
            pythia.event.assign(partons)
            found = hope.lepton
            if hope.tau and not found and taus.decay(random, only_to_leptons=not hope.quark):
                found = any(map(_is_hard_lepton, _from(pythia.event, partons.size())))
            if not found and not hope.quark:
                continue
            if pythia.forceHadronLevel() and (found or any(map(_is_hard_lepton, pythia.event))):
                yield _stable(pythia.event)


def _redecayed(process: Process, seed: int, random: np.random.Generator) -> Iterator[Rows]:
    """What is left of events with a hard muon of their heavy hadrons, as many of each as its weight says."""
    hadrons, heavy, decays = (
        started_pythia(process.name, (*COMMON, "ProcessLevel:all = off", *settings), seed + 1 + n)
        for n, settings in enumerate((("HadronLevel:Decay = off",), (), ()))
    )
    heavy_decays = HeavyDecays(heavy)
    for pythia, _ in _showers(process, seed):
        weight, partons = pythia.infoPython().weight(), pythia.event.size()
        hadrons.event.assign(pythia.event)
        if not hadrons.forceHadronLevel():
            continue
        made = _from(hadrons.event, partons)
        hard = {p.index(): p for p in made if p.idAbs() in heavy_decays.codes and _is_hard_hadron(p)}
        if not hard:
            continue
        found, left = heavy_decays.with_muon(rows_of(hard.values()), _LOOKED_AT, _CUTS[MUON], random)
        kept = int(_KEPT * weight * found / _LOOKED_AT + random.random())
        for products in islice(left, kept):
            rest = rows_of(p for p in hadrons.event if p.isFinal() and p.index() not in hard)
            _refill(decays, np.concatenate([rest, products]))
            if decays.moreDecays():
                yield _stable(decays.event)


def _from(event: Event, start: int) -> Iterator[Particle]:
    """The particles of an event from number ``start`` on."""
    return (event[index] for index in range(start, event.size()))


def _refill(pythia: Pythia, particles: Rows) -> None:
    pythia.event.reset()
    masses = np.sqrt(np.maximum(particles[:, 3] ** 2 - np.sum(particles[:, :3] ** 2, axis=1), 0.0))
    for (px, py, pz, energy, code), mass in zip(particles.tolist(), masses.tolist(), strict=True):
        pythia.event.append(int(code), FROM_STRING, 0, 0, px, py, pz, energy, mass)


def _is_hard_hadron(particle: Particle) -> bool:
    return particle.isFinal() and particle.pT() > _HADRON_PT and abs(particle.eta()) < _HADRON_ETA


def _is_hard_lepton(particle: Particle) -> bool:
    cuts = _CUTS.get(particle.idAbs())
    return cuts is not None and particle.isFinal() and particle.pT() > cuts[0] and abs(particle.eta()) < cuts[1]


def _stable(event: Event) -> Rows:
    return rows_of(p for p in event if p.isFinal())


def _turned(particles: Floats64, angle: float) -> Floats64:
    """Turned about the beam."""
    x, y = particles[:, 0].copy(), particles[:, 1].copy()
    particles[:, 0] = x * math.cos(angle) - y * math.sin(angle)
    particles[:, 1] = x * math.sin(angle) + y * math.cos(angle)
    return particles
