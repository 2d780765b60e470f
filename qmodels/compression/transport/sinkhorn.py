"""The distance between a collision and its reconstruction: squared 2-Wasserstein transport, by annealed Sinkhorn.

The ground cost is ΔR² = Δη² + Δφ² with Δφ wrapped, masses are pT fractions, and the value is the *sharp* Sinkhorn loss
S = Σ P·ΔR² (Cuturi, arXiv:1306.0895; no entropy term, no debiasing), the distortion of the β-VAE of collisions. For its
value alone, without TensorFlow, see :mod:`qmodels.compression.transport.distortion`.
"""

from __future__ import annotations

import functools
import math
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from qmodels.compression.transport.gradient import mass_gradient

Tensor = Any
TINY = 1e-30
# Two kernels of 16 events of 50 particles stay in a core's second-level cache; a whole batch would not.
BLOCK = 16
# Of a lengthened step, in natural logarithms of a scaling.
LONGEST = 5.0


@dataclass(frozen=True)
class Annealing:
    """How ε falls, in units of R²: `stages` values from `first` to `last`, with `iterations` Sinkhorn updates at each.

    `relaxation` above 1 lengthens every step but the last of a stage, which converges several times faster (Thibault
    et al., arXiv:1711.01851); at 1.9 it may not converge. `gradient_steps` counts the conjugate-gradient steps of the
    mass gradient.
    """

    first: float = 1.0
    last: float = 0.01
    stages: int = 10
    iterations: int = 10
    relaxation: float = 1.0
    gradient_steps: int = 20

    @property
    def epsilons(self) -> list[float]:
        """The values of ε, a geometric series."""
        steps = max(self.stages - 1, 1)
        return [self.first * (self.last / self.first) ** (k / steps) for k in range(self.stages)]


PUBLISHED = Annealing()
ACCURATE = Annealing(iterations=40, relaxation=1.8)


@tf.autograph.experimental.do_not_convert
def sinkhorn_distortion(a: Tensor, x: Tensor, b: Tensor, y: Tensor, annealing: Annealing = PUBLISHED) -> Tensor:
    """Sharp Sinkhorn loss per event, shape (events,), in units of R².

    `a` (events, n) are the masses and `x` (events, n, 2) the (η, φ) of the collision; `b` (events, m) and `y`
    (events, m, 2) those of the reconstruction, all float32 or all float64. Each event's masses sum to one; particles of
    zero mass take no part. An event's value does not depend on the other events of the batch. Differentiable in `b`
    (implicitly) and in `y` (at a fixed plan); `a` and `x` count as constants. Fastest inside
    `tf.function(jit_compile=True)`.
    """
    a, x = tf.stop_gradient(a), tf.stop_gradient(x)
    b, y = tf.convert_to_tensor(b), tf.convert_to_tensor(y)

    @tf.custom_gradient
    def distortion(b: Tensor, y: Tensor) -> tuple[Tensor, Any]:
        value, f, g = _in_blocks(functools.partial(_forward, annealing=annealing), 3, a, x, b, y)

        def gradient(upstream: Tensor) -> tuple[Tensor, Tensor]:
            masses, positions = _in_blocks(functools.partial(_backward, annealing=annealing), 2, x, y, f, g)
            return upstream[:, None] * masses, upstream[:, None, None] * positions

        return value, gradient

    return distortion(b, y)


def _in_blocks(function: Any, outputs: int, *arrays: Tensor) -> list[Tensor]:
    """`function` over blocks of events; the last one is filled with events of zero mass, which are cut off again."""
    events = tf.shape(arrays[0])[0]
    blocks = -(-events // BLOCK)

    def split(array: Tensor) -> Tensor:
        filled = tf.pad(array, [[0, blocks * BLOCK - events]] + [[0, 0]] * (array.shape.rank - 1))
        return tf.reshape(filled, tf.concat([[blocks, BLOCK], tf.shape(array)[1:]], axis=0))

    parts = tuple(split(array) for array in arrays)
    done = tf.map_fn(lambda block: function(*block), parts, fn_output_signature=(arrays[0].dtype,) * outputs)
    return [tf.reshape(t, tf.concat([[blocks * BLOCK], tf.shape(t)[2:]], axis=0))[:events] for t in done]


def _forward(a: Tensor, x: Tensor, b: Tensor, y: Tensor, annealing: Annealing) -> tuple[Tensor, Tensor, Tensor]:
    cost = _cost(*_differences(x, y))
    f, g = _potentials(a, b, cost, annealing)
    return tf.reduce_sum(_kernel(f, g, cost, annealing.last) * cost, axis=(1, 2)), f, g


def _backward(x: Tensor, y: Tensor, f: Tensor, g: Tensor, annealing: Annealing) -> tuple[Tensor, Tensor]:
    eta, phi = _differences(x, y)
    cost = _cost(eta, phi)
    plan = _kernel(f, g, cost, annealing.last)
    positions = 2 * tf.stack([tf.reduce_sum(plan * eta, axis=1), tf.reduce_sum(plan * phi, axis=1)], axis=-1)
    return mass_gradient(plan, cost, f, g, annealing.gradient_steps), positions


def _differences(x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """y - x for every pair, (events, n, m) each for η and φ, the latter in [-π, π]."""
    difference = y[:, None, :, :] - x[:, :, None, :]
    phi = difference[..., 1]
    return difference[..., 0], phi - 2 * math.pi * tf.round(phi / (2 * math.pi))


def _cost(eta: Tensor, phi: Tensor) -> Tensor:
    return eta * eta + phi * phi


def _kernel(f: Tensor, g: Tensor, cost: Tensor, epsilon: Tensor | float) -> Tensor:
    """exp((f + g - M)/ε): the kernel of the next updates, and after the last of them the plan."""
    return tf.exp((f[:, :, None] + g[:, None, :] - cost) / epsilon)


def _potentials(a: Tensor, b: Tensor, cost: Tensor, annealing: Annealing) -> tuple[Tensor, Tensor]:
    """Dual potentials f (events, n) and g (events, m) after the last stage; the rows of their plan sum to `a`."""
    epsilons = tf.constant(annealing.epsilons, cost.dtype)

    def stage(k: Tensor, f: Tensor, g: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        kernel = _kernel(f, g, cost, epsilons[k])
        done = tf.cast(k == 0, tf.int32)  # `_first_update` is one of the first stage
        u, v = _scalings(a, b, kernel, annealing.iterations - done, annealing.relaxation)
        return k + 1, f + epsilons[k] * _log(u), g + epsilons[k] * _log(v)

    start = (tf.constant(0), *_first_update(a, b, cost, annealing.first))
    _, f, g = tf.while_loop(lambda k, f, g: k < annealing.stages, stage, start)
    return f, g


def _scalings(a: Tensor, b: Tensor, kernel: Tensor, updates: Tensor, relaxation: float) -> tuple[Tensor, Tensor]:
    """u and v with which diag(u) K diag(v) has the row sums `a` exactly and the column sums `b` nearly."""

    def longer(new: Tensor, old: Tensor) -> Tensor:
        # Limited, since a step that is wrong by orders of magnitude (ε has just changed) must not be lengthened.
        return new * tf.exp((relaxation - 1) * tf.clip_by_value(_log(new) - _log(old), -LONGEST, LONGEST))

    def update(k: Tensor, u: Tensor, v: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        columns = b / tf.maximum(tf.einsum("bij,bi->bj", kernel, u), TINY)
        v = columns if relaxation == 1 else longer(columns, v)
        rows = a / tf.maximum(tf.einsum("bij,bj->bi", kernel, v), TINY)
        return k + 1, rows if relaxation == 1 else longer(rows, u), v

    start = (tf.constant(1), tf.ones_like(a), tf.ones_like(b))
    _, u, _ = tf.while_loop(lambda k, u, v: k < updates, update, start)
    v = b / tf.maximum(tf.einsum("bij,bi->bj", kernel, u), TINY)
    return a / tf.maximum(tf.einsum("bij,bj->bi", kernel, v), TINY), v


def _first_update(a: Tensor, b: Tensor, cost: Tensor, epsilon: float) -> tuple[Tensor, Tensor]:
    """One update from f = 0 in the log domain: then no row or column of the kernel underflows, however far apart."""
    g = epsilon * (_log(b) - tf.reduce_logsumexp(-cost / epsilon, axis=1))
    f = epsilon * (_log(a) - tf.reduce_logsumexp((g[:, None, :] - cost) / epsilon, axis=2))
    return f, g


def _log(value: Tensor) -> Tensor:
    return tf.math.log(tf.maximum(value, TINY))
