"""The Sinkhorn loss: cases worked by hand, the published iteration, exact transport, and finite differences."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from qmodels.compression.transport import distortion
from qmodels.compression.transport.sinkhorn import ACCURATE, PUBLISHED, Annealing, sinkhorn_distortion

pytestmark = pytest.mark.slow
Floats = npt.NDArray[Any]
Clouds = tuple[Floats, Floats, Floats, Floats]


def clouds(events: int, particles: int, seed: int, spread: float = 0.3) -> Clouds:
    """Random events of `particles` and reconstructions of them, positions off by `spread` and masses by a third."""
    random = np.random.default_rng(seed)
    a = random.exponential(size=(events, particles)) ** 2
    b = a * np.exp(0.3 * random.normal(size=a.shape))
    x = np.stack([random.normal(size=a.shape), random.uniform(-math.pi, math.pi, a.shape)], axis=-1)
    y = x + spread * random.normal(size=x.shape)
    return a / a.sum(1, keepdims=True), x, b / b.sum(1, keepdims=True), y


@functools.cache
def traced(annealing: Annealing, compiled: bool = False, dtype: str = "float64") -> Any:
    """S and its two gradients; one trace serves every shape."""
    import tensorflow as tf

    masses, positions = tf.TensorSpec([None, None], dtype), tf.TensorSpec([None, None, 2], dtype)
    signature = None if compiled else [masses, positions, masses, positions]

    @tf.function(jit_compile=compiled, input_signature=signature)
    def run(a: Any, x: Any, b: Any, y: Any) -> Any:
        with tf.GradientTape() as tape:
            tape.watch([b, y])
            s = sinkhorn_distortion(a, x, b, y, annealing)
        return s, *tape.gradient(s, [b, y])

    return run


def gradients(a: Any, x: Any, b: Any, y: Any, annealing: Annealing = PUBLISHED) -> list[Floats]:
    import tensorflow as tf

    return [v.numpy() for v in traced(annealing)(*[tf.constant(v, tf.float64) for v in (a, x, b, y)])]


def value(a: Any, x: Any, b: Any, y: Any, annealing: Annealing = PUBLISHED) -> Floats:
    return gradients(a, x, b, y, annealing)[0]


def joined(a: Floats, x: Floats, b: Floats, y: Floats) -> tuple[Floats, Floats]:
    """The two clouds as (events, particles, 3)."""
    return np.concatenate([a[..., None], x], axis=-1), np.concatenate([b[..., None], y], axis=-1)


def published(a: Floats, x: Floats, b: Floats, y: Floats) -> tuple[Floats, Floats]:
    """The annealed scaling iteration of the paper's authors (u last, the plan raised to ε/ε' for the next stage).

    Returns S and the gradient of S with respect to y at that plan.
    """
    difference = y[:, None] - x[:, :, None]
    difference[..., 1] = (difference[..., 1] + math.pi) % (2 * math.pi) - math.pi
    cost = np.sum(difference**2, axis=-1)
    epsilons = np.geomspace(1.0, 0.01, 10)
    plan = np.exp(-cost)
    for stage, epsilon in enumerate(epsilons):
        if stage:
            plan **= epsilons[stage - 1] / epsilon
        u = np.full(a.shape, 1 / a.shape[1])
        for _ in range(10):
            v = b / (np.einsum("eij,ei->ej", plan, u) + 1e-100)
            u = a / (np.einsum("eij,ej->ei", plan, v) + 1e-100)
        plan = u[:, :, None] * plan * v[:, None, :]
    return np.einsum("eij,eij->e", plan, cost), 2 * np.einsum("eij,eijk->ejk", plan, difference)


def test_one_particle_costs_its_distance_squared() -> None:
    s, masses, positions = gradients([[1.0]], [[[0.5, 1.0]]], [[1.0]], [[[0.2, 1.4]]])
    assert s == pytest.approx([0.25])
    assert masses == pytest.approx(np.zeros((1, 1)))  # the masses sum to one: none to move
    assert positions[0, 0] == pytest.approx([-0.6, 0.8])


def test_phi_goes_round() -> None:
    near_seam = ([[1.0]], [[[0.0, math.pi - 0.1]]], [[1.0]], [[[0.0, -math.pi + 0.2]]])
    assert value(*near_seam) == pytest.approx([0.09])
    _, _, positions = gradients(*near_seam)
    assert positions[0, 0] == pytest.approx([0.0, 0.6])


def test_order_does_not_matter() -> None:
    points = [[[0.0, 0.0], [2.0, 1.0]]]
    assert value([[0.3, 0.7]], points, [[0.7, 0.3]], [[[2.0, 1.0], [0.0, 0.0]]]) == pytest.approx([0.0], abs=1e-12)
    a, x, b, y = clouds(3, 7, seed=1)
    order = np.random.default_rng(2).permutation(7)
    assert value(a, x, b[:, order], y[:, order]) == pytest.approx(value(a, x, b, y), rel=1e-12)
    assert value(a[:, order], x[:, order], b, y) == pytest.approx(value(a, x, b, y), rel=1e-12)


def test_a_share_that_must_move() -> None:
    """0.2 of the mass goes from one particle to the other, 3 apart in η: S = 0.2 · 9."""
    x = [[[0.0, 0.0], [3.0, 0.0]]]
    assert value([[0.6, 0.4]], x, [[0.4, 0.6]], x, ACCURATE) == pytest.approx([1.8], rel=1e-4)


def test_an_event_costs_nothing_to_itself_but_the_smear_of_epsilon() -> None:
    a, x, _, _ = clouds(8, 20, seed=3)
    s = value(a, x, a, x, ACCURATE)
    assert (s >= 0).all()
    assert (s < ACCURATE.last).all()


def test_is_the_published_iteration() -> None:
    for spread in (0.1, 3.0):
        events = clouds(20, 50, seed=4, spread=spread)
        (expected, at_fixed_plan), (s, _, positions) = published(*events), gradients(*events)
        assert s == pytest.approx(expected, rel=1e-9)
        assert positions == pytest.approx(at_fixed_plan, rel=1e-6, abs=1e-9)
        in_float32 = traced(PUBLISHED, dtype="float32")(*[v.astype(np.float32) for v in events])[0].numpy()
        assert in_float32 == pytest.approx(expected, rel=2e-3)
        assert distortion.sinkhorn(*joined(*events)) == pytest.approx(expected, rel=1e-9)


def test_accurate_annealing_reaches_exact_transport() -> None:
    a, x, b, y = clouds(40, 20, seed=5)
    exact = distortion.exact(*joined(a, x, b, y))
    short, accurate = value(a, x, b, y) - exact, value(a, x, b, y, ACCURATE) - exact
    assert np.abs(accurate).mean() < 0.01 * exact.mean()
    assert short.mean() < 0  # the column marginal is missed, so mass that should move does not
    assert np.abs(accurate).mean() < np.abs(short).mean() / 10


def test_an_event_does_not_depend_on_its_batch() -> None:
    events = tuple(v.astype(np.float32) for v in clouds(37, 10, seed=6))
    whole = traced(PUBLISHED, dtype="float32")(*events)[0].numpy()
    alone = [traced(PUBLISHED, dtype="float32")(*[v[k : k + 1] for v in events])[0].numpy()[0] for k in (0, 15, 16, 36)]
    assert whole[[0, 15, 16, 36]].tolist() == alone


@pytest.mark.parametrize("annealing", [PUBLISHED, ACCURATE], ids=["published", "accurate"])
def test_hard_events_in_float32_give_numbers(annealing: Annealing) -> None:
    """Padding, tiny and coincident masses, one particle, and clouds at opposite ends of the detector; compiled."""
    a, x, b, y = clouds(6, 12, seed=7)
    a[0, 4:], x[0, 4:] = 0, 0
    a[1], b[1] = np.eye(12)[0], np.eye(12)[3]
    x[2], y[2] = x[2, :1], x[2, :1]
    y[3, :, 0], x[3, :, 0] = -5, 5
    b[4, :6] = 1e-38
    x[5, :, 0], y[5, :, 0] = np.where(np.arange(12) % 2, 5, -5), np.where(np.arange(12) < 3, 5, -5)
    a, b = a / a.sum(1, keepdims=True), b / b.sum(1, keepdims=True)
    arrays = [v.astype(np.float32) for v in (a, x, b, y)]
    s, masses, positions = traced(annealing, compiled=True)(*arrays)
    for found in (s, masses, positions):
        assert np.isfinite(found).all()
    assert s.numpy()[2] == pytest.approx(0, abs=1e-6)
    assert s.numpy()[3] == pytest.approx(distortion.exact(*joined(*[v[3:4] for v in arrays]))[0], rel=0.02)


CONVERGED = Annealing(last=0.1, stages=3, iterations=2000, relaxation=1.5, gradient_steps=40)


def test_mass_gradient_is_the_derivative_of_the_converged_loss() -> None:
    a, x, b, y = clouds(4, 6, seed=8)
    _, masses, _ = gradients(a, x, b, y, CONVERGED)
    assert masses.sum(1) == pytest.approx(np.zeros(4), abs=1e-12)
    step = 1e-5 * b[:, :1]
    for particle in range(1, 6):
        way = np.zeros_like(b)
        way[:, 0], way[:, particle] = -1, 1
        up, down = (value(a, x, b + sign * step * way, y, CONVERGED) for sign in (1, -1))
        assert np.sum(masses * way, axis=1) == pytest.approx((up - down) / (2 * step[:, 0]), abs=1e-6)


def test_both_gradients_lead_to_the_event() -> None:
    """The first-order change along the two negative gradients is the change that happens."""
    events = clouds(5, 8, seed=11)
    a, x, b, y = events
    s, masses, positions = gradients(*events, CONVERGED)
    step = 1e-3 * b.min()
    after = value(a, x, b - step * masses, y - step * positions, CONVERGED)
    assert (after < s).all()
