"""What a simulator is worth: its events beside true ones, with noise of a known seed, on a half that it never saw.

One half of the events is simulated, the other is what the result is compared with, as in the paper. Two rows tell what
a figure means: the *floor*, which true events of the first half reach, and *identity*, which does nothing at all.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from scipy import stats

from qmodels.simulation.distances import BINS, SLICES, Distance, distance, observables, sliced_wasserstein
from qmodels.simulation.pairs import Pairs
from qmodels.simulation.particles import from_port, normal_noise, pair_pt, ports, pseudorapidity
from qmodels.types import Fidelity, Firmware, Floats, Floats32, Floats64

Network = Callable[[Floats32, Floats32], Floats32]
"""From particles (n, 8) in GeV and noise to particles."""

ETA_EDGES = (0.0, 0.5, 1.5, 2.5)
"""Regions of |η| in which the response is told."""
_CENTRAL = (0.16, 0.84)
Noise = Callable[[int, int, int], Floats32]
"""From events, seed and stream to noise."""
_ENCODE, _RESTORE, _SIMULATE, _AGAIN = range(20, 24)
"""Streams of noise."""


@dataclass(frozen=True, eq=False)
class Made:
    """What networks make of events: z̃ of x, x̃ of z̃, x̃′ of z, and x̃′ once more with other noise."""

    encoded: Floats32
    restored: Floats32
    simulated: Floats32
    again: Floats32

    def take(self, rows: slice) -> Made:
        """Of some of the events."""
        return Made(self.encoded[rows], self.restored[rows], self.simulated[rows], self.again[rows])


@dataclass(frozen=True)
class Sample:
    """One kind of events beside true ones: sliced Wasserstein (GeV²), each observable, and KS of the pair's pT."""

    sliced: float
    observables: dict[str, Distance]
    pair_pt_ks: float


@dataclass(frozen=True)
class Response:
    """Half width of the central 68 % of the positron's E'/E by ``ETA_EDGES``, and the part that noise alone has."""

    width: tuple[float, ...]
    noise: tuple[float, ...]


@dataclass(frozen=True)
class Figures:
    """All that is told of one pair of networks. ``angle_mrad``: median angle between a positron before and after.

    ``recoil``: half widths, in GeV, of what the pair gains along the beam and has in one direction across."""

    encoded: Sample
    restored: Sample
    simulated: Sample
    response: Response
    noise_spread: float
    angle_mrad: float
    recoil: tuple[float, float]


def network_of(firmware: Firmware) -> Network:
    """A network of ports as one of particles."""

    def simulate(particles: Floats32, noise: Floats32) -> Floats32:
        inputs: Any = ports(particles, noise)
        made: Any = firmware(inputs)
        return from_port(np.asarray(made[0] if isinstance(made, list | tuple) else made))

    return simulate


def made_by(encoder: Network, decoder: Network, half: Pairs, seed: int, drawn: Noise = normal_noise) -> Made:
    """What both make of a half, or of all, with the noise of ``seed``: that of the first events is always the same."""
    noise = {stream: drawn(len(half), seed, stream) for stream in (_ENCODE, _RESTORE, _SIMULATE, _AGAIN)}
    encoded = encoder(half.x, noise[_ENCODE])
    return Made(
        encoded,
        decoder(encoded, noise[_RESTORE]),
        decoder(half.z, noise[_SIMULATE]),
        decoder(half.z, noise[_AGAIN]),
    )


def identity(half: Pairs) -> Made:
    """What no network makes of a half."""
    return Made(half.x, half.x, half.z, half.z)


def floor(half: Pairs) -> Made:
    """The true events of a half: its partners, which nobody could tell from those of the other half."""
    return Made(half.z, half.x, half.x, half.x)


def figures(made: Made, half: Pairs, other: Pairs, slices: int = SLICES) -> Figures:
    """All figures of what was ``made`` of ``half``, compared with the ``other``."""
    energy = half.z[:, 7]
    spread = (made.simulated[:, 7] - made.again[:, 7]) / energy / np.sqrt(2.0)
    return Figures(
        encoded=_sample(made.encoded, other.z, slices),
        restored=_sample(made.restored, other.x, slices),
        simulated=_sample(made.simulated, other.x, slices),
        response=response(made, half),
        noise_spread=float(np.std(spread)),
        angle_mrad=1e3 * float(np.median(angles(made.simulated, half.z))),
        recoil=(_half_width(gained_along(made.simulated, half.z)), _half_width(_total(made.simulated)[:, 0])),
    )


def response(made: Made, half: Pairs) -> Response:
    """Of the positron's energy, by region of its true |η|; nan for a region without events."""
    eta = np.abs(pseudorapidity(half.z)[:, 1])
    energy = half.z[:, 7]
    ratio, noise = made.simulated[:, 7] / energy, (made.simulated[:, 7] - made.again[:, 7]) / energy / np.sqrt(2.0)
    widths, spreads = [], []
    for low, high in pairwise(ETA_EDGES):
        here = (eta >= low) & (eta < high)
        widths.append(_half_width(ratio[here]))
        spreads.append(float(np.std(noise[here])) if here.any() else float("nan"))
    return Response(tuple(widths), tuple(spreads))


def gained_along(particles: Floats32, others: Floats32) -> Floats64:
    """What pairs have along the beam, in GeV, where the pair of ``others`` of the same event does not move along it."""
    after, before = _total(particles), _total(others)
    at_rest = np.sqrt(before[:, 3] ** 2 - before[:, 2] ** 2)
    return np.asarray((after[:, 2] * before[:, 3] - after[:, 3] * before[:, 2]) / at_rest)


def _total(particles: Floats32) -> Floats64:
    return particles[:, :4].astype(np.float64) + particles[:, 4:]


def _half_width(values: Floats) -> float:
    """Of the central 68 %; nan of no values."""
    if not values.size:
        return float("nan")
    low, high = np.quantile(values, _CENTRAL)
    return float(high - low) / 2


def angles(particles: Floats32, others: Floats32) -> Floats64:
    """Angle between the positrons of paired events, in radians."""
    first, second = (events[:, 4:7].astype(np.float64) for events in (particles, others))
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    second /= np.linalg.norm(second, axis=1, keepdims=True)
    # By the chord: the arc cosine of nearly 1 has no digits left.
    return np.asarray(2.0 * np.arcsin(np.clip(np.linalg.norm(first - second, axis=1) / 2.0, 0.0, 1.0)))


def metrics(reference: Figures | None, firmware: Figures, truth: Figures) -> Fidelity:
    """The figures that a build tells; ``truth`` are those of the true events."""

    def metric(value: Callable[[Figures], float], unit: str) -> dict[str, object]:
        known = None if reference is None else value(reference)
        return {"reference": known, "firmware": value(firmware), "unit": unit}

    def observable(name: str) -> Callable[[Figures], Distance]:
        return lambda figures: figures.simulated.observables[name]

    return {
        "simulated_sw": metric(lambda f: f.simulated.sliced, "GeV²"),
        "simulated_sw_floor_ratio": metric(lambda f: f.simulated.sliced / truth.simulated.sliced, "1"),
        "simulated_py_chi2": metric(lambda f: observable("p_y")(f).chi2, "1"),
        "simulated_e_ks": metric(lambda f: observable("E")(f).ks, "1"),
        "simulated_mee_ks": metric(lambda f: observable("M_ee")(f).ks, "1"),
        "simulated_pair_pt_ks": metric(lambda f: f.simulated.pair_pt_ks, "1"),
        "encoded_sw": metric(lambda f: f.encoded.sliced, "GeV²"),
        "noise_spread": metric(lambda f: f.noise_spread, "of E"),
        "angle_excess": metric(lambda f: f.angle_mrad - truth.angle_mrad, "mrad"),
    }


def _sample(made: Floats32, true: Floats32, slices: int) -> Sample:
    ours, theirs = observables(made), observables(true)
    told = {name: distance(ours[name], theirs[name], bins) for name, bins in BINS.items()}
    return Sample(sliced_wasserstein(made, true, slices), told, _ks(pair_pt(made), pair_pt(true)))


def _ks(a: Floats, b: Floats) -> float:
    return float(stats.ks_2samp(a, b).statistic)
