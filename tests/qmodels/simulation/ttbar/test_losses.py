"""What counts of a restricted decoder, and how it is moved; numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from qmodels.simulation.ttbar import layout
from qmodels.simulation.ttbar.kinematics import latent_masses, mass, transverse_mass
from qmodels.simulation.ttbar.layout import LATENT_MASSES, momenta_of, transverse
from tests.qmodels.simulation.ttbar.made_up import quarks, top_pairs

pytestmark = pytest.mark.slow  # TensorFlow takes seconds to start


def test_transport_goes_by_rank_among_those_that_count() -> None:
    from qmodels.simulation.ttbar.losses import transport

    made = np.array([[3, 1, 2, 9]], np.float32)
    counted = np.array([1, 0, 1, 1], np.float32)
    assert transport(made, np.array([[30, 10, 20]], np.float32), counted).tolist() == [[20, 1, 10, 30]]
    # two of three: the quantiles of a quarter and of three quarters
    few = transport(made, np.array([[30, 10, 20]], np.float32), np.array([1, 0, 1, 0], np.float32))
    assert few.tolist() == [[27.5, 1, 12.5, 9]]
    assert transport(made, np.array([[7]], np.float32), counted).tolist() == [[7, 1, 7, 7]]
    assert transport(made, np.array([[7]], np.float32), np.zeros(4, np.float32)).tolist() == made.tolist()


def test_where_all_count_the_distance_is_the_unrestricted() -> None:
    import tensorflow as tf

    from qmodels.simulation.losses import sliced_distance
    from qmodels.simulation.ttbar.losses import restricted_sliced_distance

    a, b = (tf.constant(quarks(300, seed)) for seed in (1, 2))
    seed = tf.constant([3, 4])
    all_of_it = restricted_sliced_distance(a, b, tf.ones(300), 16, seed)
    assert float(all_of_it) == pytest.approx(float(sliced_distance(a, b, 16, seed)), rel=1e-5)
    assert float(restricted_sliced_distance(a, b, tf.zeros(300), 16, seed)) == 0.0


def test_events_outside_are_not_moved() -> None:
    import tensorflow as tf

    from qmodels.simulation.ttbar.losses import restricted_sliced_distance, restricted_square

    a, b = tf.Variable(quarks(40, 1)), tf.constant(quarks(40, 2))
    counted = tf.constant([0.0, 1.0] * 20)
    with tf.GradientTape(persistent=True) as tape:
        sliced = restricted_sliced_distance(a, b, counted, 8, tf.constant([1, 2]))
        square = restricted_square(a, b, counted, tf.reduce_mean(counted))
    for loss in (sliced, square):
        moved = np.abs(np.asarray(tape.gradient(loss, a))).sum(axis=1)
        assert (moved[::2] == 0.0).all()
        assert (moved[1::2] > 0.0).all()


def test_the_square_of_what_passes_is_divided_by_the_fraction() -> None:
    import tensorflow as tf

    from qmodels.simulation.ttbar.losses import restricted_square

    made, true = tf.constant([[1.0, 3.0], [5.0, 5.0]]), tf.zeros((2, 2))
    # one event counts, of mean square 5; half of both is 2.5, and the decoder passes a quarter
    assert float(restricted_square(made, true, tf.constant([1.0, 0.0]), tf.constant(0.25))) == 10.0


def test_tensors_compute_what_arrays_do() -> None:
    import tensorflow as tf

    from qmodels.simulation.ttbar import losses

    z = np.concatenate([quarks(300), top_pairs(100).x])
    rows = tf.reshape(tf.constant(z), (-1, 6, 4))
    assert np.array_equal(np.asarray(losses.inside(rows)) == 1.0, layout.inside(z))
    assert 0 < layout.inside(z).sum() < len(z)
    assert np.array_equal(np.asarray(losses.ordered(rows)).reshape(-1, 24), layout.ordered(z))
    momenta = tf.constant(momenta_of(z).reshape(-1, 18), tf.float32)
    made = np.asarray(losses.four_momenta(momenta, LATENT_MASSES)).reshape(-1, 24)
    assert made == pytest.approx(layout.with_energies(momenta_of(z), LATENT_MASSES), rel=1e-4, abs=1e-2)
    true = latent_masses(quarks(300))
    features = np.asarray(losses.latent_features(rows))[:300]
    assert features[:, :6] == pytest.approx(transverse(quarks(300)), rel=1e-4, abs=1e-2)
    assert features[:, 6] == pytest.approx(true["m_jj"], abs=0.2)
    assert features[:, 7] == pytest.approx(true["m_jjj"], abs=0.2)
    assert features[:, 9] == pytest.approx(true["m_blv"], abs=0.2)
    seen = np.asarray(losses.measured_features(rows))[300:]
    vectors = z[300:].reshape(-1, 6, 4).astype(np.float64)
    assert seen[:, 6] == pytest.approx(mass(vectors[:, 2] + vectors[:, 3]), abs=0.5)
    assert seen[:, 15] == pytest.approx(mass(vectors[:, 3:].sum(axis=1)), abs=0.5)
    assert seen[:, 16] == pytest.approx(transverse_mass(z[300:]), abs=0.2)
