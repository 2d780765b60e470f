"""Collisions from PYTHIA 8 that may pass the lepton filter, as lists of stable particles.

A muon above 22 GeV is rare where it comes from the decay of a b or c hadron: one event in two hundred. So the costly
parts are made once and used more often. Every parton shower is made into hadrons once, and those hadrons that hold a
heavy quark and are hard enough, one or two, decay again and again by themselves; only where a muon comes out does the
rest of the event decay too. How often they decay is drawn such that its mean is in proportion to the weight that PYTHIA
gives the event (it makes more of high pT, where muons are less rare), so that the events kept all weigh the same. Some
share their shower and hadrons, and differ in the decays: about one in ten. Every event is turned by an angle of its
own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from qmodels.anomaly.samples.processes import COLLISION, COMMON, Process
from qmodels.errors import ModelDataError
from qmodels.generation.pythia import started_pythia
from qmodels.types import Floats64

if TYPE_CHECKING:
    from pythia8mc import Event, Pythia

ELECTRON, MUON, TAU = 11, 13, 15
_CUTS = {ELECTRON: (19.0, 2.5), MUON: (22.0, 2.1)}
"""By code, the pT in GeV and |η| of a lepton that the detector may see above the 23 GeV of its filter: its resolution
is 0.3 GeV for a muon, and up to 1.4 GeV for an electron."""
_PARTON_PT, _PARTON_ETA = 19.0, 3.0
_HADRON_PT, _HADRON_ETA = 22.0, 2.6
"""What may bring forth such a lepton, and such a muon."""
_DECAYS = 250.0
"""Mean number of decays of an event of weight 1."""
_TRIES = 100_000
_LARGEST_CODE = 100_000
_FROM_STRING = 83
"""PYTHIA's status of a hadron that a string left."""
_KEEP_SHOWER = "HadronLevel:all = off"
"""Hadrons are made, and decay, when they are asked for."""


def collisions(process: Process, seed: int) -> Iterator[Floats64]:
    """Collisions of ``process`` without end: rows (px, py, pz, E in GeV, PDG code) of all stable particles.

    The generators are made afresh, because PYTHIA's depend on their past: the same seed gives the same collisions.

    Raises:
        ModelDataError: PYTHIA is not installed, refuses a setting or gives no event.
    """
    random = np.random.default_rng(seed)
    showers = _showers(process, seed)
    made = _redecayed(process, showers, seed, random) if process.heavy_flavour else _hadronized(process, showers)
    for event in made:
        yield _turned(_stable(event), random.uniform(-math.pi, math.pi))


def _showers(process: Process, seed: int) -> Iterator[Pythia]:
    """The generator, each time that it has partons of which a hard lepton may come."""
    pythia = started_pythia(process.name, (*COMMON, *COLLISION, _KEEP_SHOWER, *process.settings), seed)
    wanted = (4, 5) if process.heavy_flavour else (4, 5, ELECTRON, MUON, TAU)
    while True:
        for _ in range(_TRIES):
            if pythia.next() and _is_hopeful(pythia.event, wanted):
                break
        else:
            raise ModelDataError(f"PYTHIA gave no event of {process.name!r} with hope of a lepton in {_TRIES:,} tries")
        yield pythia


def _hadronized(process: Process, showers: Iterator[Pythia]) -> Iterator[Event]:
    """Events with every shower made into hadrons as often as the process says."""
    for pythia in showers:
        partons = type(pythia.event)(pythia.event)
        for _ in range(process.hadronized):
            pythia.event.assign(partons)
            if pythia.forceHadronLevel() and any(_is_hard_lepton(particle) for particle in pythia.event):
                yield pythia.event


def _redecayed(process: Process, showers: Iterator[Pythia], seed: int, random: np.random.Generator) -> Iterator[Event]:
    """Events with the decays of hard heavy hadrons taken as often as the event's weight says."""
    hadrons, heavy_decays, decays = (
        started_pythia(process.name, (*COMMON, "ProcessLevel:all = off", *settings), seed + 1 + n)
        for n, settings in enumerate((("HadronLevel:Decay = off",), (), ()))
    )
    heavy_codes = _let_only_heavy_decay(heavy_decays)
    for pythia in showers:
        times = int(_DECAYS * pythia.infoPython().weight() + random.random())
        if not times:
            continue
        hadrons.event.assign(pythia.event)
        if not hadrons.forceHadronLevel():
            continue
        heavy = [p for p in hadrons.event if p.idAbs() in heavy_codes and _is_hard_hadron(p)]
        for _ in range(times if heavy else 0):
            _refill(heavy_decays.event, heavy)
            if heavy_decays.moreDecays() and any(p.idAbs() == MUON and _is_hard_lepton(p) for p in heavy_decays.event):
                decayed = {p.index() for p in heavy}
                rest = [p for p in hadrons.event if p.isFinal() and p.index() not in decayed]
                _refill(decays.event, [*rest, *(p for p in heavy_decays.event if p.isFinal())])
                if decays.moreDecays():
                    yield decays.event


def _refill(event: Event, particles: Sequence[Any]) -> None:
    event.reset()
    for particle in particles:
        event.append(particle.id(), _FROM_STRING, 0, 0, particle.p(), particle.m())


def _let_only_heavy_decay(pythia: Pythia) -> frozenset[int]:
    """The codes of what holds a b or c quark, which with the τ are all that decay from now on."""
    data = pythia.particleData
    codes = [code for code in range(1, _LARGEST_CODE) if data.isParticle(code) and data.mayDecay(code)]
    heavy = {code for code in codes if any(code // place % 10 in (4, 5) for place in (10, 100, 1000))}
    for code in codes:
        if code != TAU and code not in heavy:
            data.mayDecay(code, False)
    return frozenset(heavy)


def _is_hopeful(event: Event, codes: tuple[int, ...]) -> bool:
    """Whether a parton that a lepton may come from is hard enough."""
    return any(p.idAbs() in codes and p.isFinal() and p.pT() > _PARTON_PT and abs(p.eta()) < _PARTON_ETA for p in event)


def _is_hard_hadron(particle: Any) -> bool:
    return particle.isFinal() and particle.pT() > _HADRON_PT and abs(particle.eta()) < _HADRON_ETA


def _is_hard_lepton(particle: Any) -> bool:
    cuts = _CUTS.get(particle.idAbs())
    return cuts is not None and particle.isFinal() and particle.pT() > cuts[0] and abs(particle.eta()) < cuts[1]


def _stable(event: Event) -> Floats64:
    rows = [(p.px(), p.py(), p.pz(), p.e(), p.id()) for p in event if p.isFinal()]
    return np.array(rows, np.float64).reshape(-1, 5)


def _turned(particles: Floats64, angle: float) -> Floats64:
    """Turned about the beam."""
    x, y = particles[:, 0].copy(), particles[:, 1].copy()
    particles[:, 0] = x * math.cos(angle) - y * math.sin(angle)
    particles[:, 1] = x * math.sin(angle) + y * math.cos(angle)
    return particles
