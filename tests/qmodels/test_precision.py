"""Learned bits: values worked by hand, gradients, the resource term, its pruning, settling."""

from __future__ import annotations

import keras
import numpy as np
import pytest
import tensorflow as tf
from qkeras import QActivation, QDense

from qmodels.errors import ModelDataError
from qmodels.precision.finish import places, snap
from qmodels.precision.quantizer import learned_bits
from qmodels.precision.resources import ResourceTerm, measure_reach
from qmodels.precision.settle import settle
from qmodels.precision.task import Charge, quantizers
from qmodels.product_layers import PairProducts, all_pairs, independent_pairs


def values(quantizer, x):
    return np.asarray(quantizer(np.asarray(x, np.float32))).tolist()


def test_nearest_is_half_to_even_and_floor_is_down():
    assert values(learned_bits(1), [0.25, 0.75, -0.25, 1.3]) == [0.0, 1.0, 0.0, 1.5]
    assert values(learned_bits(1, rounding="floor"), [0.25, 0.75, -0.25, 1.3]) == [0.0, 0.5, -0.5, 1.0]
    assert values(learned_bits(-1), [1.0, 3.1, 5.0]) == [0.0, 4.0, 4.0]


def test_saturation_ends_one_step_below_the_power_of_two():
    assert values(learned_bits(2, integer=1), [9.0, -9.0, 1.8]) == [1.75, -2.0, 1.75]
    assert values(learned_bits(2, integer=1, signed=False, rounding="floor"), [9.0, -9.0, 0.9]) == [1.75, 0.0, 0.75]


def test_gradients_pass_to_the_number_and_by_its_error_to_the_bits():
    quantizer = learned_bits([2.0, 3.0])
    x = tf.constant([[0.3, 0.3], [0.6, 0.7]])
    with tf.GradientTape() as tape:
        tape.watch(x)
        total = tf.reduce_sum(quantizer(x))
    to_x, to_bits = tape.gradient(total, [x, quantizer.fraction.value])
    assert to_x.numpy().tolist() == [[1.0, 1.0], [1.0, 1.0]]
    errors = np.array([(0.3 - 0.25) + (0.6 - 0.5), (0.3 - 0.25) + (0.7 - 0.75)])
    np.testing.assert_allclose(to_bits, np.log(2) * errors, atol=1e-6)


@pytest.mark.parametrize(("weight", "fraction", "bits"), [
    (0.0, 5, 0), (0.05, 3, 0), (1.0, 0, 1), (1.0, 3, 4), (-0.5, 1, 1), (0.875, 3, 3), (4.0, -2, 1), (1.96, 2, 4),
])  # fmt: skip
def test_weight_bits_reach_from_the_leading_one_to_the_last_place(weight, fraction, bits):
    assert float(learned_bits(fraction).weight_bits(tf.constant(weight))) == pytest.approx(bits, abs=1e-5)


def test_weight_bits_charge_small_weights_and_the_bits_of_large_ones():
    quantizer, weights = learned_bits(6, (2,)), tf.constant([0.01, -2.0])
    with tf.GradientTape() as tape:
        tape.watch(weights)
        total = tf.reduce_sum(quantizer.weight_bits(weights))
    to_weights, to_bits = tape.gradient(total, [weights, quantizer.fraction.value])
    assert to_weights[0] > 10 * abs(to_weights[1])
    assert to_weights[1] < 0
    assert 0 < to_bits[0] < to_bits[1] <= 1


@pytest.mark.parametrize("options", [
    {"fraction": 30}, {"fraction": float("nan")}, {"fraction": [1, 2], "shape": (3,)}, {"rounding": "up"},
    {"fraction": [1, 2], "integer": 1},
])  # fmt: skip
def test_what_cannot_be_is_refused(options):
    with pytest.raises(ModelDataError, match="learned_bits"):
        learned_bits(**options)


def network(kernel_bits=1):
    pairs = all_pairs(2)
    start = keras.Input((2,))
    x = QActivation(learned_bits(2, integer=1), name="port")(start)
    x = QActivation(learned_bits(3, (3,), "floor"), name="products")(PairProducts(pairs)(x))
    x = QDense(1, use_bias=False, kernel_quantizer=learned_bits(kernel_bits, (3, 1)), name="form")(x)
    return keras.Model(start, x)


def test_the_cost_is_bits_times_bits_and_unread_products_are_free():
    model = network()
    model.set_weights([np.array([[1.0], [0.0], [-0.5]], np.float32)])
    model.get_layer("port").activation.reach.assign(2.0)  # 4 bits in all
    model.get_layer("products").activation.reach.assign([1.0, 1.0, 2.0])
    weights = 2 * (3 + 1) + 0 + 1 * (3 + 2)
    products = 4 * 4 * (2 / 3) + 0 + 4 * 4 * (1 / 2)
    assert float(ResourceTerm(model)()) == pytest.approx(weights + products, rel=1e-4)


def test_the_reach_holds_what_was_seen_sign_included():
    model = network()
    measure_reach(model, np.array([[1.5, -1.5], [0.25, 0.75]], np.float32))
    assert float(model.get_layer("port").activation.reach.value) == 2.0
    assert np.asarray(model.get_layer("products").activation.reach).tolist() == [2.0, 3.0, 2.0]


def test_settling_takes_the_bits_that_buy_nothing():
    """The loss wants both weights equal, whatever they are: together they lose all bits but one."""
    model = network(kernel_bits=6)
    model.set_weights([np.array([[0.984375], [0.0], [0.984375]], np.float32)])
    cost = ResourceTerm(model)
    x = np.random.default_rng(1).normal(0, 1, (200, 2)).astype(np.float32)
    measure_reach(model, x)

    def objective():
        kernel = model.get_layer("form")
        first, _, last = np.asarray(kernel.kernel_quantizer_internal(kernel.kernel.value))[:, 0]
        return 1e3 * abs(first - last) + (1e3 if first == 0 else 0) + 1e-3 * float(cost())

    before = objective()
    assert settle(model, objective) < before
    kernel = model.get_layer("form")
    assert np.asarray(kernel.kernel_quantizer_internal(kernel.kernel.value))[:, 0].tolist() == [1.0, 0.0, 1.0]


def test_snapping_keeps_the_function_and_one_number_of_bits():
    model = network()
    model.set_weights([np.array([[0.26], [0.49], [1.7]], np.float32)])
    model.get_layer("form").kernel_quantizer_internal.set_bits([[2], [1], [0]])
    x = np.random.default_rng(1).normal(0, 1, (200, 2)).astype(np.float32)
    before = np.asarray(model(x))
    snap(model)
    np.testing.assert_array_equal(np.asarray(model(x)), before)
    assert model.get_weights()[0][:, 0].tolist() == [0.25, 0.5, 2.0]
    assert quantizers(model)[-1].get_config()["fraction"] == 2


def test_places():
    assert [places(np.array(v, np.float32)) for v in ([0.0], [3.0, 0.5], [0.375])] == [0, 1, 3]


def test_a_charge_rises_geometrically_and_stays():
    assert Charge(1e-6, 1e-4, 0.6).over(5) == pytest.approx([1e-6, 1e-5, 1e-4, 1e-4, 1e-4])
    assert Charge(1e-6, 1e-4, 0.6).over(1) == pytest.approx([1e-6])


def test_products_that_others_make_up_are_left_out():
    """On the mass shell E E = x x + y y, and z is minus x: of 10 products, 5 say it all."""
    x, y = np.random.default_rng(1).normal(0, 1, (2, 500))
    rows = np.stack([np.hypot(x, y), x, y, -x], axis=1).astype(np.float32)
    assert independent_pairs(rows) == [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2)]
