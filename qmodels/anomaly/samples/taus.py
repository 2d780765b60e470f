"""Decays of τ leptons by whether they give an electron or a muon, which is drawn first.

Of what a τ decays to, PYTHIA chooses by branching fractions alone, and the directions then by its spin, which takes
milliseconds. A decay without a lepton that is going to be thrown away need not be made.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pythia8mc import Pythia

ELECTRON, MUON, TAU = 11, 13, 15
_OFF, _ON, _OF_PARTICLES, _OF_ANTIPARTICLES = range(4)
"""PYTHIA's modes of a decay channel."""


class Taus:
    """The τ leptons of a generator: every decay of them stays as likely as it is."""

    def __init__(self, pythia: Pythia) -> None:
        self._pythia = pythia
        entry = pythia.particleData.findParticle(TAU)
        channels = [entry.channel(index) for index in range(entry.sizeChannels())]
        self._to_leptons = [channel for channel in channels if _is_leptonic(channel)]
        self._to_hadrons = [channel for channel in channels if not _is_leptonic(channel)]
        ratios = [sum(channel.bRatio() for channel in some) for some in (self._to_leptons, channels)]
        self._share = ratios[0] / ratios[1]

    def decay(self, random: np.random.Generator, *, only_to_leptons: bool) -> bool:
        """Let those of the event decay; or, ``only_to_leptons``, not if no electron or muon comes out.

        Returns whether they have decayed.
        """
        codes = [particle.id() for particle in self._pythia.event if particle.idAbs() == TAU and particle.isFinal()]
        if not only_to_leptons or len(set(codes)) < len(codes):  # two of a charge cannot be told apart
            self._pythia.moreDecays()
            return True
        leptonic = {code for code in codes if random.random() < self._share}
        if not leptonic:
            return False
        self._set(self._to_leptons, leptonic)
        self._set(self._to_hadrons, set(codes) - leptonic)
        self._pythia.moreDecays()
        self._set([*self._to_leptons, *self._to_hadrons], {TAU, -TAU})
        return True

    @staticmethod
    def _set(channels: list[Any], codes: set[int]) -> None:
        modes = {(True, True): _ON, (True, False): _OF_PARTICLES, (False, True): _OF_ANTIPARTICLES}
        mode = modes.get((TAU in codes, -TAU in codes), _OFF)
        for channel in channels:
            channel.onMode(mode)


def _is_leptonic(channel: Any) -> bool:
    return any(abs(channel.product(place)) in (ELECTRON, MUON) for place in range(channel.multiplicity()))
