"""Collisions from PYTHIA 8: the bb̄ background, B → K S(→ μμ), and dark showers from Higgs decays.

The two signals are those of Sec. 4 of the paper. It leaves parameters of the hidden valley open; the choices here
are listed in ``docs/how-it-works/compression-events.md`` with the reasons.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from qmodels.compression.samples.selection import COLUMNS
from qmodels.errors import ModelDataError
from qmodels.generation.pythia import programs, started_pythia
from qmodels.types import Floats64

if TYPE_CHECKING:
    from pythia8mc import Event, Pythia


GENERATOR_VERSION = 1
"""Raised whenever the same seed would give other collisions with the same PYTHIA."""

_COMMON = (
    "Beams:eCM = 13000.",
    "ParticleDecays:limitTau0 = on",
    "ParticleDecays:tau0Max = 10.",  # mm: the particles that a tracker would call stable
)
_BOTTOM = ("HardQCD:hardbbbar = on",)
_SCALAR = 9900035
# Only the b̄ side is forced, so an event has one S in most cases. onMode 3 keeps Standard Model decays on the other.
_FORCED_DECAYS = tuple(
    line
    for meson, kaon in ((511, 311), (521, 321), (531, 333))
    for line in (f"{meson}:onMode = 3", f"{meson}:addChannel = 2 1.0 0 {kaon} {_SCALAR}")
)


def _b_to_ks(mass: str) -> tuple[str, ...]:
    """Settings for an S of this mass in GeV."""
    return (
        *_BOTTOM,
        "PhaseSpace:pTHatMin = 10.",
        f"{_SCALAR}:all = S void 1 0 0 {mass} 0. 0. 0. 0.",
        f"{_SCALAR}:isResonance = off",
        f"{_SCALAR}:mayDecay = on",
        f"{_SCALAR}:oneChannel = 1 1.0 0 13 -13",
        *_FORCED_DECAYS,
    )


SETTINGS: dict[str, tuple[str, ...]] = {
    "background": (
        *_BOTTOM,
        "PhaseSpace:pTHatMin = 4.",
        # Events at 1/pT³ of the weight of low pT, used unweighted: the spectrum covers that of both signals.
        "PhaseSpace:bias2Selection = on",
        "PhaseSpace:bias2SelectionPow = 3.",
        "PhaseSpace:bias2SelectionRef = 10.",
    ),
    "b-to-ks": _b_to_ks("0.4"),
    "b-to-ks-1gev": _b_to_ks("1.0"),
    "hidden-valley": (
        "HiggsSM:gg2H = on",
        "25:m0 = 125.",
        "25:onMode = off",
        "25:addChannel = 1 1.0 102 4900101 -4900101",
        "HiddenValley:Ngauge = 3",
        "HiddenValley:nFlav = 2",
        "HiddenValley:FSR = on",
        "HiddenValley:fragment = on",
        "HiddenValley:spinFv = 0",
        "HiddenValley:alphaOrder = 1",
        "HiddenValley:setLambda = on",  # without it Lambda is ignored since PYTHIA 8.309
        "HiddenValley:Lambda = 1.0",
        "HiddenValley:pTminFSR = 1.1",
        "HiddenValley:probVector = 0.5",
        "4900101:m0 = 0.4",
        *(f"{meson}:m0 = 1.0" for meson in (4900111, 4900211, 4900221, 4900331)),
        *(f"{meson}:m0 = 2.5" for meson in (4900113, 4900213)),
        "999999:all = Aprime void 3 0 0 0.4 0. 0. 0. 0.",
        "999999:isResonance = off",
        "999999:mayDecay = on",
        # Lepton phase space and a rho pole in the pion form factor, at 0.4 GeV.
        "999999:oneChannel = 1 0.468 0 11 -11",
        "999999:addChannel = 1 0.452 0 13 -13",
        "999999:addChannel = 1 0.080 0 211 -211",
        "4900111:onMode = off",
        "4900111:addChannel = 1 1.0 0 999999 999999",
        "4900113:onMode = off",
        "4900113:addChannel = 1 0.5 0 4900111 4900111",
        "4900113:addChannel = 1 0.5 0 4900211 -4900211",
        "4900213:onMode = off",
        "4900213:addChannel = 1 1.0 0 4900211 4900111",
        "4900211:onMode = off",
    ),
}
"""PYTHIA settings of each sample."""

BACKGROUND = "background"
SIGNALS = ("b-to-ks", "hidden-valley")
"""Class 0 and class 1 of every classifier."""
WITH_SCALAR = ("b-to-ks", "b-to-ks-1gev")
"""Samples of which every event has an S."""
NO_SCALAR = "no b hadron that decays to S"
FAILED = "PYTHIA failed"
_TRIES = 100


@dataclass(frozen=True, eq=False)
class Collision:
    """``particles`` (n, 4): the visible final ones within the acceptance, rows of pT in GeV, η, φ, PDG code.

    ``passed_over`` says why each of the generator's events since the last collision is none.
    """

    particles: Floats64
    passed_over: tuple[str, ...] = ()


def generator_name() -> str:
    """The programs behind an event, with their versions; ModelDataError if one is not installed."""
    return programs("pythia8mc", "fastjet")


def collisions(sample: str, n: int, seed: int, particle_pt: float, max_eta: float | None) -> Iterator[Collision]:
    """``n`` collisions of ``sample`` with the particles above ``particle_pt`` (GeV) and within ``max_eta``.

    A fresh generator is made, because PYTHIA's depends on its past: the same seed gives the same collisions.

    Raises:
        ModelDataError: PYTHIA is not installed, refuses a setting or cannot generate; there is no such sample.
    """
    pythia = started_pythia(find_sample(sample), (*_COMMON, *SETTINGS[sample]), seed)
    acceptance = math.inf if max_eta is None else max_eta
    failures = 0
    for made in range(n):
        passed_over: list[str] = []
        while why := _next(pythia, sample):
            passed_over.append(why)
            failures += why == FAILED
            if failures > _TRIES + n:
                raise ModelDataError(f"PYTHIA gave up on sample {sample!r} with seed {seed} after {made} events")
        yield Collision(_visible(pythia.event, particle_pt, acceptance), tuple(passed_over))


def find_sample(sample: str) -> str:
    """``sample`` if it is one of those that there are, else ModelDataError."""
    if sample not in SETTINGS:
        raise ModelDataError(f"no sample is called {sample!r}; choose one of {', '.join(SETTINGS)}")
    return sample


def _next(pythia: Pythia, sample: str) -> str | None:
    """Why the generator's next event is none of the sample, if it is not."""
    if not pythia.next():
        return FAILED
    # Where neither b hadron was one of those forced to decay to S.
    return NO_SCALAR if sample in WITH_SCALAR and not _has_scalar(pythia.event) else None


def _has_scalar(event: Event) -> bool:
    return any(event[i].id() == _SCALAR for i in range(event.size()))


def _visible(event: Event, particle_pt: float, max_eta: float) -> Floats64:
    rows = []
    for i in range(event.size()):
        particle = event[i]
        if particle.isFinal() and particle.isVisible():
            pt, eta = particle.pT(), particle.eta()
            if pt > particle_pt and abs(eta) < max_eta:
                rows.append((pt, eta, particle.phi(), particle.id()))
    return np.array(rows, np.float64).reshape(-1, COLUMNS)
