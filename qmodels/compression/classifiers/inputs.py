"""What a classifier of collisions is given: clouds in numbers of order one.

The published classifiers took (pT/H_T, η, φ) as they are. With tens of thousands of events instead of hundreds of
thousands that trains badly: fractions of 0.02 hardly move a network, and φ jumps at ±π. ``scaled`` is what is used.
"""

from __future__ import annotations

import numpy as np

from qmodels.types import Floats32

MUON_GEV = 10.0
"""Unit of the muons' pT; that of a particle's fraction is 1/N, its mean."""


def scaled(clouds: Floats32) -> Floats32:
    """Features (n, N, 4) = (N·pT/H_T, η, cos φ, sin φ) of clouds (n, N, 3) of (pT/H_T, η, φ); padding is all zeros."""
    fraction, eta, phi = np.moveaxis(np.asarray(clouds, np.float32), -1, 0)
    return _features(fraction * np.float32(clouds.shape[1]), eta, phi)


def scaled_muons(muons: Floats32) -> Floats32:
    """Features (n, 2, 4) = (pT/10 GeV, η, cos φ, sin φ) of muons (n, 2, 3) of (pT in GeV, η, φ)."""
    pt, eta, phi = np.moveaxis(np.asarray(muons, np.float32), -1, 0)
    return _features(pt / np.float32(MUON_GEV), eta, phi)


def moved(features: Floats32, rng: np.random.Generator) -> Floats32:
    """Features (n, N, 4) of the same events, each turned about the beam by an angle of its own, and mirrored in η and
    in φ as often as not: what no physics here tells apart. Padding stays zero.
    """
    angle = rng.uniform(-np.pi, np.pi, (len(features), 1)).astype(np.float32)
    mirrors = rng.choice(np.array([-1.0, 1.0], np.float32), (2, len(features), 1))
    pt, eta, cos, sin = np.moveaxis(features, -1, 0)
    sin = sin * mirrors[1]
    turned = cos * np.cos(angle) - sin * np.sin(angle), sin * np.cos(angle) + cos * np.sin(angle)
    return np.stack([pt, eta * mirrors[0], *turned], axis=-1)


def _features(pt: Floats32, eta: Floats32, phi: Floats32) -> Floats32:
    present = pt > 0
    return np.stack([pt, eta * present, np.cos(phi) * present, np.sin(phi) * present], axis=-1)
