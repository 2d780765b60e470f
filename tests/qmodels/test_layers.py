"""The sum over particles: exact, the same for any order of them, and back from a file as it was."""

from __future__ import annotations

import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import pytest

from qmodels.errors import ModelDataError
from qmodels.layers import GlobalSumPooling1D

pytestmark = pytest.mark.slow


def test_by_hand() -> None:
    """Three particles of two channels, their sums (6, -2.5) divided by four."""
    particles = np.array([[[1, -2], [2, 0.5], [3, -1]]], np.float32)
    assert GlobalSumPooling1D(4)(particles).numpy().tolist() == [[1.5, -0.625]]
    assert GlobalSumPooling1D()(particles).numpy().tolist() == [[6, -2.5]]


def test_the_order_of_the_particles_changes_no_bit() -> None:
    """Sums up to 50 * 2^18 = 0.8 * 2^24 in units of the last bit, where float32 still has every integer."""
    rng = np.random.default_rng(1)
    raw = rng.integers(-(1 << 18), 1 << 18, (200, 50, 3))
    particles = (raw / 2**10).astype(np.float32)
    layer = GlobalSumPooling1D(32)
    first = layer(particles).numpy()
    assert (first == raw.sum(axis=1) / 2**15).all()
    assert (layer(particles[:, rng.permutation(50)]).numpy() == first).all()


def test_gradient_is_one_over_the_divisor() -> None:
    import tensorflow as tf

    particles = tf.Variable(np.ones((2, 5, 3), np.float32))
    with tf.GradientTape() as tape:
        total = tf.reduce_sum(GlobalSumPooling1D(8)(particles))
    assert (tape.gradient(total, particles).numpy() == 0.125).all()


@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_survives_a_file(suffix: str, tmp_path: Path) -> None:
    start = keras.Input((5, 2))
    model = keras.Model(start, GlobalSumPooling1D(16, name="total")(start))
    model.save(tmp_path / f"model.{suffix}")
    loaded = keras.models.load_model(tmp_path / f"model.{suffix}")
    assert loaded.get_layer("total").divisor == 16
    assert loaded.output_shape == (None, 2)


@pytest.mark.parametrize("divisor", [0, -2, 3, 48, 1.5])
def test_divisors_that_are_no_power_of_two_are_refused(divisor: float) -> None:
    with pytest.raises(ModelDataError, match=rf"layer 'total': divisor={divisor} .* take 1, 2, 4, 8"):
        GlobalSumPooling1D(divisor, name="total")  # type: ignore[arg-type]


def test_an_input_without_particles_is_refused() -> None:
    with pytest.raises(ModelDataError, match=r"layer 'total'.*\(n, particles, channels\)"):
        GlobalSumPooling1D(name="total")(keras.Input((7,)))
