"""Distances between samples of events that networks are trained by: sliced Wasserstein, by sorting.

In one dimension the transport that costs least takes the k-th smallest to the k-th smallest. Which event goes where is
found by NumPy, which sorts faster than TensorFlow does, and taken as given: the gradient of what the transport costs is
then exact, as the derivative of an optimum by its arguments is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf

from qmodels.types import Floats32, Ints32

REGION_EDGES = (0.5, 1.5)
"""|η| at which the electron's resolution changes in the detector's card."""
ALONG = 0.67
"""Half width of what a pair gains along the beam over that of what it has in one direction across, in PYTHIA's showers.
It is the one number here of events whose partners are known."""
_SOFT = 1e-6


def four_momenta(momenta: tf.Tensor) -> tf.Tensor:
    """Particles (n, 8) of momenta (n, 6): E = |p|."""
    parts = []
    for start in (0, 3):
        vector = momenta[:, start : start + 3]
        parts += [vector, tf.sqrt(tf.reduce_sum(vector * vector, 1, keepdims=True) + _SOFT)]
    return tf.concat(parts, 1)


def sliced_distance(a: tf.Tensor, b: tf.Tensor, slices: int, seed: tf.Tensor) -> tf.Tensor:
    """Mean squared W2 of the projections of samples (n, d) on ``slices`` random directions, that of the paper."""
    directions = tf.random.stateless_normal((slices, a.shape[1]), seed)
    directions /= tf.norm(directions, axis=1, keepdims=True)
    projected = tf.matmul(directions, a, transpose_b=True)
    return _cost(projected, tf.matmul(directions, b, transpose_b=True), _by_rank)


def pair_features(particles: tf.Tensor) -> tf.Tensor:
    """Transverse momentum and mass of the pair, (n, 3) in GeV."""
    total = particles[:, :4] + particles[:, 4:]
    mass = tf.sqrt(tf.maximum(total[:, 3] ** 2 - tf.reduce_sum(total[:, :3] ** 2, 1), 1.0))
    return tf.concat([total[:, :2], mass[:, None]], 1)


def regional_mass_distance(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """Squared W2 of the pair's mass among the pairs of the same two regions of |η|, mean over the events of ``a``.

    The detector measures each region with a resolution of its own. Pooled over all regions, the masses of a sample can
    be right while every region is wrong; within one they cannot.
    """
    masses = [pair_features(particles)[:, 2] for particles in (a, b)]
    target = tf.numpy_function(
        _within_regions,
        [tf.stop_gradient(masses[0]), masses[1], tf.stop_gradient(a), b],
        tf.float32,
        stateful=False,
    )
    return tf.reduce_mean((masses[0] - tf.ensure_shape(target, masses[0].shape)) ** 2)


def recoil_distance(made: tf.Tensor, source: tf.Tensor, target: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
    """Squared W2 of what pairs gain along the beam, from ``source`` to ``made``, and ``ALONG`` of ``target``'s across.

    Gained where the pair of ``source`` does not move along the beam. Events without partners tell what a pair has
    across, for it started with nothing, and hardly what it gains along: their rapidities lie too widely.
    """
    pairs = [particles[:, :4] + particles[:, 4:] for particles in (made, source)]
    (_, _, along, energy), (_, _, old_along, old_energy) = (tf.unstack(pair, axis=1) for pair in pairs)
    at_rest = tf.sqrt(tf.maximum(old_energy**2 - old_along**2, 1.0))
    gained = (along * old_energy - energy * old_along) / at_rest
    return sliced_distance(gained[:, None], ALONG * (target[:, :1] + target[:, 4:5]), 1, seed)


def direction_distance(a: tf.Tensor, b: tf.Tensor) -> tf.Tensor:
    """The paper's anchor: 1 - cos of the angle between the electrons of paired events, mean."""
    first, second = a[:, :3], b[:, :3]
    lengths = tf.norm(first, axis=1) * tf.norm(second, axis=1)
    return tf.reduce_mean(1.0 - tf.reduce_sum(first * second, 1) / tf.maximum(lengths, _SOFT))


def _cost(a: tf.Tensor, b: tf.Tensor, plan: Callable[..., Any]) -> tf.Tensor:
    target = tf.numpy_function(plan, [tf.stop_gradient(a), tf.stop_gradient(b)], tf.float32, stateful=False)
    return tf.reduce_mean((a - tf.ensure_shape(target, a.shape)) ** 2)


def _by_rank(a: Floats32, b: Floats32) -> Floats32:
    """For each value of ``a`` (slices, n) the one of ``b`` of the same rank."""
    target = np.empty_like(a)
    for row, first, second in zip(target, a, b, strict=True):  # one slice at a time stays in the cache
        row[np.argsort(first)] = np.sort(second)
    return target


def _within_regions(mass_a: Floats32, mass_b: Floats32, a: Floats32, b: Floats32) -> Floats32:
    """For each mass of ``a`` the quantile of ``b`` of the same rank among the pairs of the same regions.

    Pairs of regions that ``b`` lacks stay where they are.
    """
    regions_a, regions_b = _pair_regions(a), _pair_regions(b)
    target = mass_a.copy()
    for region in np.unique(regions_a):
        here = np.flatnonzero(regions_a == region)
        there = np.sort(mass_b[regions_b == region])
        if there.size:
            place = (np.arange(here.size) + 0.5) / here.size * there.size - 0.5
            target[here[np.argsort(mass_a[here])]] = np.interp(place, np.arange(there.size), there)
    return target


def _pair_regions(particles: Floats32) -> Ints32:
    """The two regions of |η| of each pair as one number, whichever electron is in which."""
    momenta = particles.reshape(-1, 2, 4)
    eta = np.arcsinh(np.abs(momenta[..., 2]) / np.maximum(np.hypot(momenta[..., 0], momenta[..., 1]), _SOFT))
    regions = np.sort(np.digitize(eta, REGION_EDGES), axis=1).astype(np.int32)
    return regions[:, 0] * (len(REGION_EDGES) + 1) + regions[:, 1]
