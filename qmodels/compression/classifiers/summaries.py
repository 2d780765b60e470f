"""Summaries of an event that neither the order of its particles, nor a turn about the beam, nor a mirror changes.

What trees are given in place of particles: how pT is shared, where it lies, pairs, and jets. pT counts in units of H_T,
so H_T itself is withheld; the number of particles is not.
"""

from __future__ import annotations

import numpy as np

from qmodels.compression.inputs import multiplicity
from qmodels.types import Floats, Floats32

LEADING = 8
"""Particles, the hardest, that are told one by one."""
JETS, JET_RADII = 4, (0.4, 1.0)
PAIR_RADII = (0.03, 0.06, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6, 0.8, 1.2, 1.8, 2.6)
PAIR_MASSES = (1e-4, 3e-4, 1e-3, 2e-3, 4e-3, 8e-3, 1.6e-2, 3.2e-2, 6.4e-2, 0.128)
"""Edges of the bins in ΔR and in mass/H_T; the last bin of each is open."""
_QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9)
_LEADING_SUMS = (1, 2, 3, 5, 10, 20, 30, 40)
_BLOCK = 256


def summaries(clouds: Floats32) -> Floats32:
    """Summaries (n, 181) of clouds (n, N, 3) of (pT/H_T, η, φ), padded where the first is 0."""
    starts = range(0, len(clouds), _BLOCK)
    return np.concatenate([_block(_by_falling_pt(clouds[start : start + _BLOCK])) for start in starts])


def _by_falling_pt(clouds: Floats32) -> Floats32:
    """The order of a decoder's particles is its own."""
    order = np.argsort(-clouds[:, :, 0], axis=1, kind="stable")
    return np.take_along_axis(clouds, order[:, :, None], axis=1)


def _block(clouds: Floats32) -> Floats32:
    pt, eta, phi = np.moveaxis(clouds, -1, 0)
    far, mass = _pairs(pt, eta, phi)
    parts = [
        _sharing(pt),
        _shape(pt, eta, phi),
        _leading(pt, eta, phi),
        _pair_spectra(pt, far, mass),
        _neighbours(pt, far, mass),
        *(_jets(pt, eta, phi, far, radius) for radius in JET_RADII),
    ]
    return np.concatenate(parts, axis=1).astype(np.float32)


def _pairs(pt: Floats, eta: Floats, phi: Floats) -> tuple[Floats, Floats]:
    """ΔR and mass/H_T (n, N, N) of every two particles, taken as massless."""
    eta_gap = eta[:, :, None] - eta[:, None, :]
    phi_gap = _turn(phi[:, :, None] - phi[:, None, :])
    energy = pt[:, :, None] * pt[:, None, :]
    # cosh a - cos b without the loss of digits for particles close by
    apart = 2.0 * (np.sinh(0.5 * eta_gap) ** 2 + np.sin(0.5 * phi_gap) ** 2)
    return np.sqrt(eta_gap**2 + phi_gap**2), np.sqrt(2.0 * energy * apart)


def _turn(phi: Floats) -> Floats:
    return np.abs(np.mod(phi + np.pi, 2.0 * np.pi) - np.pi)


def _sharing(pt: Floats) -> Floats:
    """How many share H_T, and how evenly."""
    total = np.cumsum(pt, axis=1)
    last = pt.shape[1] - 1
    sums = [total[:, min(count - 1, last)] for count in _LEADING_SUMS]
    entropy = -(pt * np.log(np.maximum(pt, 1e-12))).sum(axis=1)
    shared = [(total < part).sum(axis=1) for part in (0.25, 0.5, 0.75, 0.9)]
    spread = np.sqrt((pt**2).sum(axis=1))
    softest = [np.quantile(pt, q, axis=1) for q in _QUANTILES]
    return np.stack([multiplicity(pt), *sums, *shared, entropy, spread, (pt**3).sum(axis=1), *softest], axis=1)


def _shape(pt: Floats, eta: Floats, phi: Floats) -> Floats:
    """Where pT lies: in η, about the beam (balance, two and three arms), and the mass of all."""
    middle = (pt * eta).sum(axis=1)
    width = np.sqrt((pt * (eta - middle[:, None]) ** 2).sum(axis=1))
    arms = [np.abs((pt * np.exp(1j * order * phi)).sum(axis=1)) for order in (1, 2, 3, 4)]
    counted = [np.abs(((pt > 0) * np.exp(1j * order * phi)).mean(axis=1)) for order in (1, 2, 3)]
    energy, along = ((pt * f(eta)).sum(axis=1) for f in (np.cosh, np.sinh))
    mass = np.sqrt(np.maximum(energy**2 - along**2 - arms[0] ** 2, 0.0))
    central = [(pt * (np.abs(eta) < edge)).sum(axis=1) for edge in (0.5, 1.0, 1.5, 2.0)]
    return np.stack([np.abs(middle), width, *arms, *counted, energy, np.abs(along), mass, *central], axis=1)


def _leading(pt: Floats, eta: Floats, phi: Floats) -> Floats:
    """The hardest particles: pT/H_T, |η|, and where they lie as seen from the hardest."""
    pt, eta, phi = (values[:, :LEADING] for values in (pt, eta, phi))
    gaps = [(pt > 0) * gap for gap in (np.abs(eta - eta[:, :1]), _turn(phi - phi[:, :1]))]
    return np.concatenate([pt, np.abs(eta), *(gap[:, 1:] for gap in gaps)], axis=1)


def _pair_spectra(pt: Floats, far: Floats, mass: Floats) -> Floats:
    """Pairs in bins of ΔR, counted and weighted by the product of their pT, and in bins of mass; moments of ΔR."""
    upper = np.triu(np.ones(far.shape[1:], np.bool_), 1)
    weight = (pt[:, :, None] * pt[:, None, :])[:, upper]
    real, far, mass = weight > 0, far[:, upper], mass[:, upper]
    spectra = [
        *_histogram(far, PAIR_RADII, weight),
        *_histogram(far, PAIR_RADII, real / np.maximum(real.sum(axis=1, keepdims=True), 1)),
        *_histogram(mass, PAIR_MASSES, real / np.maximum(real.sum(axis=1, keepdims=True), 1)),
    ]
    moments = [(weight * far**power).sum(axis=1) for power in (0.2, 0.5, 1.0, 2.0)]
    return np.stack([*spectra, *moments, mass.max(axis=1, initial=0.0)], axis=1)


def _histogram(values: Floats, edges: tuple[float, ...], weight: Floats) -> list[Floats]:
    """Sums of ``weight`` per event in the bins below each edge and above the last."""
    below = [(weight * (values < edge)).sum(axis=1) for edge in edges]
    return [np.asarray(part) for part in np.diff([np.zeros(len(values)), *below, weight.sum(axis=1)], axis=0)]


def _neighbours(pt: Floats, far: Floats, mass: Floats) -> Floats:
    """The nearest other particle of each: spread of ΔR and of the mass of the two, and both for the hardest."""
    count = far.shape[1]
    absent = pt <= 0
    far = np.where(absent[:, :, None] | absent[:, None, :] | np.eye(count, dtype=np.bool_), np.inf, far)
    nearest = np.argmin(far, axis=2)[:, :, None]
    gap, pair = (np.take_along_axis(values, nearest, axis=2)[:, :, 0] for values in (far, mass))
    alone = ~np.isfinite(gap)
    gap, pair = np.where(alone, 0.0, gap), np.where(alone, 0.0, pair)
    spreads = [np.quantile(values, q, axis=1) for values in (gap, pair) for q in _QUANTILES]
    weighted = [(pt * gap).sum(axis=1), (pt * pair).sum(axis=1)]
    return np.concatenate([np.stack([*spreads, *weighted], axis=1), gap[:, :LEADING], pair[:, :LEADING]], axis=1)


def _jets(pt: Floats, eta: Floats, phi: Floats, far: Floats, radius: float) -> Floats:
    """Cones about the hardest particle, then about the hardest that is left: pT, particles, width, mass, place."""
    left = pt.copy()
    rows = np.arange(len(pt))
    found: list[Floats] = []
    first: tuple[Floats, Floats] | None = None
    for _ in range(JETS):
        seed = np.argmax(left, axis=1)
        inside = left * (far[rows, seed] < radius)
        jet = inside.sum(axis=1)
        width = (inside * far[rows, seed]).sum(axis=1) / np.maximum(jet, 1e-9)
        momentum = [(inside * part).sum(axis=1) for part in (np.cosh(eta), np.cos(phi), np.sin(phi), np.sinh(eta))]
        mass = np.sqrt(np.maximum(momentum[0] ** 2 - sum(part**2 for part in momentum[1:]), 0.0))
        found += [jet, (inside > 0).sum(axis=1), width, mass]
        axis = eta[rows, seed], phi[rows, seed]
        if first is not None:
            found += [np.abs(axis[0] - first[0]), _turn(axis[1] - first[1])]
        first = first or axis
        left = np.where(inside > 0, 0.0, left)
    return np.stack([np.asarray(values, np.float64) for values in found], axis=1)
