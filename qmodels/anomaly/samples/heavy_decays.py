"""Muons of b and c hadrons: decays made at rest, each used in many directions.

A muon above 22 GeV comes from one such hadron in hundreds, and letting each decay hundreds of times took two thirds of
the time that QCD needs. What a hadron decays to in its own frame depends neither on how fast it is nor, as PYTHIA
decays hadrons, on any direction. So some hundred decays of each kind are made at rest, anew in every block of events;
a hadron of an event takes one of them, turned at random and boosted along, as often as is needed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.spatial.transform import Rotation

from qmodels.anomaly.samples.taus import MUON, TAU
from qmodels.types import Floats64

if TYPE_CHECKING:
    from pythia8mc import Pythia

FROM_STRING = 83
"""PYTHIA's status of a hadron that a string left."""
_LARGEST_CODE = 100_000
_MOST, _AT_ONCE = 400, 40
"""Decays that are made of each kind of hadron, and how many of them each time that one is met."""

Rows = Floats64
"""Particles (n, 5): px, py, pz, E in GeV and the PDG code."""


@dataclass(eq=False)
class _Kind:
    """Decays at rest of one kind of hadron: what comes out, and the momenta (decays, 4) of the hardest two muons."""

    products: list[Rows] = field(default_factory=list)
    muons: Floats64 = field(default_factory=lambda: np.zeros((0, 2, 4)))

    def add(self, products: list[Rows]) -> None:
        muons = np.zeros((len(products), 2, 4))
        for row, made in zip(muons, products, strict=True):
            found = made[np.abs(made[:, 4]) == MUON]
            hardest = found[np.argsort(-found[:, 3])][:2, :4]
            row[: len(hardest)] = hardest
        self.products += products
        self.muons = np.concatenate([self.muons, muons])


class HeavyDecays:
    """Decays of hadrons with a b or c quark, by a generator in which from now on only those decay, and τ leptons."""

    def __init__(self, pythia: Pythia) -> None:
        self._pythia = pythia
        self._kinds: dict[int, _Kind] = {}
        self.codes = _let_only_heavy_decay(pythia)
        """The codes of what holds a b or c quark and decays."""

    def with_muon(
        self, hadrons: Rows, times: int, cut: tuple[float, float], random: np.random.Generator
    ) -> tuple[int, Iterator[Rows]]:
        """How many of ``times`` decays of all ``hadrons`` have a muon of pT and |η| within ``cut``, and what those
        leave, in random order."""
        taken = [_Taken.drawn(self._of(int(abs(row[4]))), row, times, random) for row in hadrons]
        passed = np.flatnonzero(np.any([one.passes(cut) for one in taken], axis=0))

        def leave() -> Iterator[Rows]:
            for index in random.permutation(passed):
                yield np.concatenate([self._conjugated(one.products(int(index), random), one.hadron) for one in taken])

        return len(passed), leave()

    def _of(self, code: int) -> _Kind:
        kind = self._kinds.setdefault(code, _Kind())
        if len(kind.products) < _MOST:
            kind.add([self._decay(code) for _ in range(_AT_ONCE)])
        return kind

    def _decay(self, code: int) -> Rows:
        event, mass = self._pythia.event, self._pythia.particleData.m0(code)
        event.reset()
        event.append(code, FROM_STRING, 0, 0, 0.0, 0.0, 0.0, mass, mass)
        self._pythia.moreDecays()
        return rows_of(p for p in event if p.isFinal())

    def _conjugated(self, products: Rows, hadron: Floats64) -> Rows:
        """With antiparticles for particles, where the hadron is one."""
        if hadron[4] < 0:
            has = [self._pythia.particleData.hasAnti(int(abs(code))) for code in products[:, 4]]
            products[has, 4] *= -1
        return products


@dataclass(frozen=True, eq=False)
class _Taken:
    """Decays that a hadron of an event takes, and how those with a muon are turned."""

    hadron: Floats64
    kind: _Kind
    decays: npt.NDArray[np.int64]
    with_muon: npt.NDArray[np.int64]
    turns: Rotation

    @staticmethod
    def drawn(kind: _Kind, hadron: Floats64, times: int, random: np.random.Generator) -> _Taken:
        decays = random.integers(len(kind.products), size=times)
        with_muon = np.flatnonzero(kind.muons[decays, 0, 3] > 0)
        return _Taken(hadron, kind, decays, with_muon, Rotation.random(len(with_muon), rng=random))

    def passes(self, cut: tuple[float, float]) -> npt.NDArray[np.bool_]:
        """Which of the decays have such a muon."""
        passed = np.zeros(len(self.decays), np.bool_)
        for muons in np.moveaxis(self.kind.muons[self.decays[self.with_muon]], 1, 0):
            muon = _boosted(muons, self.turns, self.hadron)
            pt = np.hypot(muon[:, 0], muon[:, 1])
            passed[self.with_muon] |= (pt > cut[0]) & (np.abs(muon[:, 2]) < np.sinh(cut[1]) * pt)
        return passed

    def products(self, index: int, random: np.random.Generator) -> Rows:
        """What decay number ``index`` leaves."""
        rest = self.kind.products[self.decays[index]]
        place = int(np.searchsorted(self.with_muon, index))
        found = place < len(self.with_muon) and self.with_muon[place] == index
        turn = self.turns[place] if found else Rotation.random(rng=random)
        return np.concatenate([_boosted(rest[:, :4], turn, self.hadron), rest[:, 4:]], axis=1)


def rows_of(particles: Iterable[Any]) -> Rows:
    """PYTHIA's particles as rows."""
    rows = [(p.px(), p.py(), p.pz(), p.e(), p.id()) for p in particles]
    return np.array(rows, np.float64).reshape(-1, 5)


def _boosted(momenta: Floats64, turn: Rotation, hadron: Floats64) -> Floats64:
    """Momenta (n, 4) in the frame of a hadron, turned in it, then as they are in that of the event."""
    turned = turn.apply(momenta[:, :3])
    velocity = hadron[:3] / hadron[3]
    gamma = 1.0 / np.sqrt(1.0 - velocity @ velocity)
    along = turned @ velocity
    moving = turned + np.outer(gamma * (gamma / (gamma + 1.0) * along + momenta[:, 3]), velocity)
    return np.column_stack([moving, gamma * (momenta[:, 3] + along)])


def _let_only_heavy_decay(pythia: Pythia) -> frozenset[int]:
    """The codes of what holds a b or c quark, which with the τ are all that decay from now on."""
    data = pythia.particleData
    codes = [code for code in range(1, _LARGEST_CODE) if data.isParticle(code) and data.mayDecay(code)]
    heavy = {code for code in codes if any(code // place % 10 in (4, 5) for place in (10, 100, 1000))}
    for code in codes:
        if code != TAU and code not in heavy:
            data.mayDecay(code, False)
    return frozenset(heavy)
