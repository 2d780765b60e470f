"""Collisions from PYTHIA 8 that may pass the lepton filter, as lists of stable particles.

A lepton above 22 GeV is rare where it comes from the decay of a b or c hadron: one event in a hundred. So the costly
parts are made once and used more often. Every parton shower is made into hadrons once, and those hadrons that hold a
heavy quark, which are few, decay again and again by themselves; only where a lepton comes out does the rest of the
event decay too. How often they decay is drawn such that its mean is in proportion to the weight that PYTHIA gives the
event (it makes more of high pT, where leptons are less rare), so that the events kept all weigh the same. Some share
their shower and hadrons, and differ in the decays: about one in ten. Every event is turned by an angle of its own.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from hls.machine.extras import not_installed
from qmodels.anomaly.processes import COLLISION, COMMON, Process
from qmodels.errors import ModelDataError
from qmodels.types import Floats64

if TYPE_CHECKING:
    from pythia8mc import Event, Pythia

LEPTON_PT, LEPTON_ETA = 22.0, 3.0
"""An event needs a lepton beyond these, in GeV, before the detector; its filter asks for 23 GeV."""
_PARTON_PT, _PARTON_ETA = 22.0, 3.5
_HADRON_PT, _HADRON_ETA = 23.0, 3.3
"""What may bring forth such a lepton."""
_DECAYS = 30.0
"""Mean number of decays of an event of weight 1."""
_LARGEST_CODE = 100_000
_TRIES = 100_000
LEPTONS, TAU, NEUTRINOS = (11, 13), 15, (12, 14, 16)
_FROM_STRING = 83
"""PYTHIA's status of a hadron that a string left."""


def collisions(process: Process, seed: int) -> Iterator[Floats64]:
    """Collisions of ``process`` without end: rows (px, py, pz, E in GeV, PDG code) of all stable particles.

    The generators are made afresh, because PYTHIA's depend on their past: the same seed gives the same collisions.

    Raises:
        ModelDataError: PYTHIA is not installed, refuses a setting or gives no event.
    """
    random = np.random.default_rng(seed)
    made = _redecayed(process, seed, random) if process.heavy_flavour else _plain(process, seed)
    for particles in made:
        yield _turned(particles, random.uniform(-math.pi, math.pi))


def _plain(process: Process, seed: int) -> Iterator[Floats64]:
    """With every step of an event taken once."""
    pythia = _generator((*COLLISION, *process.settings), seed)
    while True:
        for _ in range(_TRIES):
            if pythia.next() and _hopeful(pythia.event, (4, 5, *LEPTONS, TAU)) and pythia.forceHadronLevel():
                break
        else:
            raise ModelDataError(f"PYTHIA gave no event of {process.name!r} in {_TRIES:,} tries")
        if any(_is_hard_lepton(particle) for particle in pythia.event):
            yield _stable(pythia.event)


def _redecayed(process: Process, seed: int, random: np.random.Generator) -> Iterator[Floats64]:
    """With the decays of heavy hadrons taken as often as the event's weight says."""
    pythia = _generator((*COLLISION, *process.settings), seed)
    hadrons, heavy_decays, decays = (
        _generator(("ProcessLevel:all = off", *settings), seed + 1 + n)
        for n, settings in enumerate((("HadronLevel:Decay = off",), (), ()))
    )
    _let_only_heavy_decay(heavy_decays)
    while True:
        if not pythia.next() or not _hopeful(pythia.event, (4, 5)):
            continue
        times = int(_DECAYS * pythia.infoPython().weight() + random.random())
        if not times:
            continue
        hadrons.event.assign(pythia.event)
        if not hadrons.forceHadronLevel():
            continue
        final = [p for p in hadrons.event if p.isFinal()]
        heavy = [p for p in final if _is_heavy(p.idAbs()) and p.pT() > _HADRON_PT and abs(p.eta()) < _HADRON_ETA]
        for _ in range(times if heavy else 0):
            _refill(heavy_decays.event, heavy)
            if heavy_decays.moreDecays() and any(_is_hard_lepton(p) for p in heavy_decays.event):
                others = {p.index() for p in final} - {p.index() for p in heavy}
                decayed = [p for p in heavy_decays.event if p.isFinal()]
                _refill(decays.event, [*(hadrons.event[index] for index in sorted(others)), *decayed])
                if decays.moreDecays():
                    yield _stable(decays.event)


def _refill(event: Event, particles: list[Any]) -> None:
    event.reset()
    for particle in particles:
        event.append(particle.id(), _FROM_STRING, 0, 0, particle.p(), particle.m())


def _generator(settings: tuple[str, ...], seed: int) -> Pythia:
    try:
        import pythia8mc
    except ImportError as error:
        raise ModelDataError(not_installed("pythia8mc")) from error
    pythia = pythia8mc.Pythia("", False)
    for line in (*COMMON, *settings, "Random:setSeed = on", f"Random:seed = {seed}"):
        if not pythia.readString(line):
            raise ModelDataError(f"PYTHIA {pythia8mc.__file__} does not know the setting {line!r}")
    if not pythia.init():
        raise ModelDataError(f"PYTHIA cannot start with the settings {', '.join(settings)}")
    return pythia


def _let_only_heavy_decay(pythia: Pythia) -> None:
    data = pythia.particleData
    for code in range(1, _LARGEST_CODE):
        if data.isParticle(code) and data.mayDecay(code) and not _is_heavy(code):
            data.mayDecay(code, False)


def _is_heavy(code: int) -> bool:
    """Whether a particle is a hadron with a b or c quark, or the τ that it may decay to."""
    return code == TAU or any(code // place % 10 in (4, 5) for place in (10, 100, 1000))


def _hopeful(event: Event, codes: tuple[int, ...]) -> bool:
    """Whether a parton that a lepton may come from is hard enough."""
    return any(
        p.idAbs() in codes and p.isFinal() and p.pT() > _PARTON_PT and abs(p.eta()) < _PARTON_ETA for p in event
    )


def _is_hard_lepton(particle: Any) -> bool:
    return (
        particle.idAbs() in LEPTONS
        and particle.isFinal()
        and particle.pT() > LEPTON_PT
        and abs(particle.eta()) < LEPTON_ETA
    )


def _stable(event: Event) -> Floats64:
    rows = [(p.px(), p.py(), p.pz(), p.e(), p.id()) for p in event if p.isFinal()]
    return np.array(rows, np.float64).reshape(-1, 5)


def _turned(particles: Floats64, angle: float) -> Floats64:
    """Turned about the beam."""
    x, y = particles[:, 0].copy(), particles[:, 1].copy()
    particles[:, 0] = x * math.cos(angle) - y * math.sin(angle)
    particles[:, 1] = x * math.sin(angle) + y * math.cos(angle)
    return particles
