"""Distances between top pairs that networks are trained by. Of a decoder only what is inside the thresholds counts."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from qmodels.simulation.ttbar.layout import (
    DIMENSIONS,
    ELECTRON,
    ELECTRON_ETA,
    ELECTRON_PT,
    FIRST_JET,
    JET_ETA,
    JET_PT,
    MISSING,
    PARTICLES,
)
from qmodels.types import Floats32

_SOFT = 1e-6
_LEAST_MASS = 1.0
_JETS = range(FIRST_JET, PARTICLES)
_JET_GROUPS = (*combinations(_JETS, 2), *combinations(_JETS, 3))
_QUARK_GROUPS = ((4, 5), (2, 4, 5), (0, 1), (0, 1, 3))


def four_momenta(momenta: tf.Tensor, masses: tuple[float, ...]) -> tf.Tensor:
    """Particles (n, 6, 4) of momenta (n, 18) in GeV."""
    vectors = tf.reshape(momenta, (-1, PARTICLES, DIMENSIONS))
    squared = tf.reduce_sum(vectors * vectors, 2) + tf.constant([mass**2 + _SOFT for mass in masses], tf.float32)
    return tf.concat([vectors, tf.sqrt(squared)[..., None]], 2)


def transverse(particles: tf.Tensor) -> tf.Tensor:
    """pT of each particle."""
    return tf.sqrt(tf.reduce_sum(particles[..., :2] ** 2, -1) + _SOFT)


def ordered(particles: tf.Tensor) -> tf.Tensor:
    """The same events (n, 6, 4), the jets of each from the hardest on."""
    jets = particles[:, FIRST_JET:]
    order = tf.argsort(tf.stop_gradient(transverse(jets)), axis=1, direction="DESCENDING", stable=True)
    return tf.concat([particles[:, :FIRST_JET], tf.gather(jets, order, axis=1, batch_dims=1)], 1)


def inside(particles: tf.Tensor) -> tf.Tensor:
    """1 for events (n, 6, 4) that pass every threshold, else 0; as ``layout.inside``, and without a gradient."""
    particles = tf.stop_gradient(particles)
    pt, along = transverse(particles), tf.abs(particles[..., 2])
    electron = (pt[:, ELECTRON] > ELECTRON_PT) & (along[:, ELECTRON] < pt[:, ELECTRON] * float(np.sinh(ELECTRON_ETA)))
    jets, far = pt[:, FIRST_JET:], along[:, FIRST_JET:]
    good = tf.reduce_all((jets > JET_PT) & (far < jets * float(np.sinh(JET_ETA))), 1)
    return tf.cast(electron & good, tf.float32)


def measured_features(x: tf.Tensor) -> tf.Tensor:
    """Of events as measured: all pT, the masses of two and of three jets, and the transverse mass of the electron."""
    return tf.concat([transverse(x), _masses(x, _JET_GROUPS), _lepton_mass(x)[:, None]], 1)


def latent_features(z: tf.Tensor) -> tf.Tensor:
    """Of the hard process: all pT, and the masses of both W and both top quarks."""
    return tf.concat([transverse(z), _masses(z, _QUARK_GROUPS)], 1)


def _masses(particles: tf.Tensor, groups: tuple[tuple[int, ...], ...]) -> tf.Tensor:
    """Invariant mass of each group of places, (n, groups)."""
    # One product: TensorFlow sums the terms of longer sums in an order that differs from graph to graph.
    members = tf.constant([[float(place in group) for place in range(PARTICLES)] for group in groups])
    total = tf.einsum("gp,npc->ngc", members, particles)
    squared = total[..., 3] ** 2 - tf.reduce_sum(total[..., :3] ** 2, -1)
    return tf.sqrt(tf.maximum(squared, _LEAST_MASS))


def _lepton_mass(x: tf.Tensor) -> tf.Tensor:
    pt = transverse(x)
    along = tf.reduce_sum(x[:, ELECTRON, :2] * x[:, MISSING, :2], 1)
    return tf.sqrt(tf.maximum(2.0 * (pt[:, ELECTRON] * pt[:, MISSING] - along), _LEAST_MASS))


def restricted_square(made: tf.Tensor, true: tf.Tensor, counted: tf.Tensor, fraction: tf.Tensor) -> tf.Tensor:
    """The paper's loss of what comes back: the mean square over all numbers, of ``counted`` events alone.

    It is divided by the ``fraction`` of what the decoder makes of z that is inside.
    """
    squares = tf.reduce_mean((made - true) ** 2, 1)
    return tf.reduce_mean(squares * counted) / fraction


def restricted_sliced_distance(
    made: tf.Tensor, true: tf.Tensor, counted: tf.Tensor, slices: int, seed: tf.Tensor
) -> tf.Tensor:
    """Mean squared W2 of projections of the ``counted`` events of ``made`` (n, d) and of ``true`` (m, d).

    Of the gradient as ``qmodels.simulation.losses.sliced_distance``; which events count has none.
    """
    directions = tf.random.stateless_normal((slices, made.shape[1]), seed)
    directions /= tf.norm(directions, axis=1, keepdims=True)
    projected = tf.matmul(directions, made, transpose_b=True)
    others = tf.matmul(directions, true, transpose_b=True)
    target = tf.numpy_function(
        transport, [tf.stop_gradient(projected), others, tf.stop_gradient(counted)], tf.float32, stateful=False
    )
    costs = (projected - tf.ensure_shape(target, projected.shape)) ** 2 * counted
    return tf.reduce_sum(costs) / (slices * tf.maximum(tf.reduce_sum(counted), 1.0))


def transport(made: Floats32, true: Floats32, counted: Floats32) -> Floats32:
    """For each value of ``made`` (slices, n) the quantile of ``true`` (slices, m) of its rank, among the ``counted``.

    The others stay where they are.
    """
    here: npt.NDArray[np.intp] = np.flatnonzero(counted)
    target = made.copy()
    if here.size:
        values = np.sort(true, axis=1)
        place = np.clip((np.arange(here.size) + 0.5) / here.size * true.shape[1] - 0.5, 0.0, true.shape[1] - 1.0)
        low = np.minimum(place.astype(np.intp), max(true.shape[1] - 2, 0))
        part = (place - low).astype(np.float32)
        high = np.minimum(low + 1, true.shape[1] - 1)
        quantiles = values[:, low] * (1.0 - part) + values[:, high] * part
        ranks = np.argsort(made[:, here], axis=1)
        np.put_along_axis(target, here[ranks], quantiles, axis=1)
    return target
