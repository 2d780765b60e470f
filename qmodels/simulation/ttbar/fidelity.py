"""What a simulator of top pairs is worth: its events beside true ones of a half that it never saw.

Of what the decoder makes only events inside the thresholds are compared, as in the paper, and their part is told. The
*floor* is what true events of the first half reach. *Identity* is no network at all: quarks taken for jets.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from qmodels.simulation import fidelity
from qmodels.simulation.distances import SLICES, Distance, distance, sliced_wasserstein
from qmodels.simulation.fidelity import Made
from qmodels.simulation.pairs import Mask, Pairs
from qmodels.simulation.ttbar.kinematics import latent_masses, measured_masses
from qmodels.simulation.ttbar.layout import (
    FIRST_JET,
    LATENT_MASSES,
    LATENT_NAMES,
    MEASURED_MASSES,
    MEASURED_NAMES,
    MISSING,
    PARTICLES,
    inside,
    momenta_of,
    normal_noise,
    ordered,
    transverse,
    with_energies,
)
from qmodels.simulation.ttbar.running import decoded, encoded
from qmodels.types import Fidelity, Firmware, Floats, Floats32, Floats64

Observables = Callable[[Floats32], dict[str, tuple[Floats, Floats64]]]
"""Of events, by name: values and edges of a histogram."""
_WITHOUT_MISSING = [index for index in range(4 * PARTICLES) if index not in (4 * MISSING + 2, 4 * MISSING + 3)]

PT_BINS = np.array([*range(0, 200, 10), 220, 250, 300, 400], np.float64)
MOMENTUM_BINS: dict[str, Floats64] = {
    "p_y": np.array([-300, *range(-200, 201, 10), 300], np.float64),
    "p_z": np.array([-1000, *range(-500, 501, 25), 1000], np.float64),
    "E": np.array([*range(0, 500, 20), 600, 1000], np.float64),
}
MASS_BINS: dict[str, Floats64] = {
    "m_jj": np.arange(40.0, 161.0, 4.0),
    "m_jjj": np.arange(100.0, 301.0, 5.0),
    "m_T": np.arange(0.0, 161.0, 5.0),
    "m_blv": np.arange(100.0, 301.0, 5.0),
    "m_tt": np.arange(300.0, 1001.0, 20.0),
}
"""Edges in GeV."""


@dataclass(frozen=True)
class Sample:
    """One kind of events beside true ones: the ``part`` that is inside the thresholds, and of it the sliced distance.

    That is in GeV², and ``across`` the same without the missing momentum along the beam. Observables go by name.
    """

    part: float
    sliced: float
    across: float
    observables: dict[str, Distance]


@dataclass(frozen=True)
class Figures:
    """All that is told of one pair of networks. ``noise_spread`` is of the hardest jet's pT."""

    encoded: Sample
    restored: Sample
    simulated: Sample
    noise_spread: float


def made_by(encoder: Firmware, decoder: Firmware, half: Pairs, seed: int) -> Made:
    """What both make of a half, with the noise of ``seed``."""
    return fidelity.made_by(partial(encoded, encoder), partial(decoded, decoder), half, seed, normal_noise)


def identity(half: Pairs) -> Made:
    """What no network makes of a half: quarks for jets in order of pT, the neutrino for what is missing, and back."""
    jets = ordered(with_energies(momenta_of(half.z), MEASURED_MASSES))
    return Made(with_energies(momenta_of(half.x), LATENT_MASSES), half.x, jets, jets)


def figures(made: Made, other: Pairs, slices: int = SLICES) -> Figures:
    """All figures of what was ``made`` of one half, compared with the ``other``."""
    both = inside(made.simulated) & inside(made.again)
    first, second = (transverse(events[both])[:, FIRST_JET] for events in (made.simulated, made.again))
    spread = (first - second) / np.maximum((first + second) / 2.0, 1.0) / np.sqrt(2.0)
    return Figures(
        encoded=_sample(made.encoded, other.z, np.ones(len(made.encoded), np.bool_), latent_observables, slices),
        restored=_sample(made.restored, other.x, inside(made.restored), measured_observables, slices),
        simulated=_sample(made.simulated, other.x, inside(made.simulated), measured_observables, slices),
        noise_spread=float(np.std(spread)) if both.any() else float("nan"),
    )


def latent_observables(z: Floats32) -> dict[str, tuple[Floats, Floats64]]:
    """Values and edges by name: of all particles pT, of b what the paper shows, and masses."""
    return _observables(z, LATENT_NAMES, "b", latent_masses(z))


def measured_observables(x: Floats32) -> dict[str, tuple[Floats, Floats64]]:
    """The same of what is measured: of the hardest jet what the paper shows, and reconstructed masses."""
    return _observables(x, MEASURED_NAMES, "jet1", measured_masses(x))


def _observables(
    particles: Floats32, names: tuple[str, ...], shown: str, masses: dict[str, Floats64]
) -> dict[str, tuple[Floats, Floats64]]:
    pt, rows = transverse(particles), particles.reshape(-1, PARTICLES, 4)[:, FIRST_JET]
    found: dict[str, tuple[Floats, Floats64]] = {f"pT {name}": (pt[:, i], PT_BINS) for i, name in enumerate(names)}
    found |= {f"{what} {shown}": (rows[:, i], MOMENTUM_BINS[what]) for i, what in enumerate(("p_y", "p_z", "E"), 1)}
    return found | {name: (values, MASS_BINS[name]) for name, values in masses.items()}


def _sample(
    made: Floats32,
    true: Floats32,
    counted: Mask,
    observables: Observables,
    slices: int,
) -> Sample:
    part, some = float(np.mean(counted)), made[counted]
    theirs = observables(true)
    if not len(some):
        nothing = Distance(float("nan"), float("nan"), float("nan"))
        return Sample(part, float("nan"), float("nan"), dict.fromkeys(theirs, nothing))
    ours = observables(some)
    told = {name: distance(ours[name][0], values, bins) for name, (values, bins) in theirs.items()}
    across = sliced_wasserstein(some[:, _WITHOUT_MISSING], true[:, _WITHOUT_MISSING], slices)
    return Sample(part, sliced_wasserstein(some, true, slices), across, told)


def metrics(reference: Figures | None, firmware: Figures, truth: Figures) -> Fidelity:
    """The figures that a build tells; ``truth`` are those of the true events."""

    def metric(value: Callable[[Figures], float], unit: str) -> dict[str, object]:
        known = None if reference is None else value(reference)
        return {"reference": known, "firmware": value(firmware), "unit": unit}

    def ks(name: str) -> Callable[[Figures], float]:
        return lambda figures: figures.simulated.observables[name].ks

    return {
        "simulated_sw": metric(lambda f: f.simulated.sliced, "GeV²"),
        "simulated_sw_floor_ratio": metric(lambda f: f.simulated.sliced / truth.simulated.sliced, "1"),
        "simulated_inside": metric(lambda f: f.simulated.part, "1"),
        "simulated_jet_pt_ks": metric(ks("pT jet1"), "1"),
        "simulated_mjj_ks": metric(ks("m_jj"), "1"),
        "simulated_mjjj_ks": metric(ks("m_jjj"), "1"),
        "simulated_mt_ks": metric(ks("m_T"), "1"),
        "encoded_sw": metric(lambda f: f.encoded.sliced, "GeV²"),
        "noise_spread": metric(lambda f: f.noise_spread, "of pT"),
    }
