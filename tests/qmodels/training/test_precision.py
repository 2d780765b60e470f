"""Learned bits: values worked by hand, gradients, the resource term, its pruning, settling."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt
import pytest
import tensorflow as tf
from qkeras import QActivation, QDense

from qmodels.errors import ModelDataError
from qmodels.product_layers import PairProducts, all_pairs, independent_pairs
from qmodels.training.loop import Fitted, Schedule, fit
from qmodels.training.precision.bit_pruning import prune_bits
from qmodels.training.precision.charge import Charge
from qmodels.training.precision.finish import places, snap
from qmodels.training.precision.quantizer import DIGITS_PER_BIT, learned_bits
from qmodels.training.precision.resources import (
    BIAS_LUTS,
    COVERED,
    DIGIT_LUTS,
    PRODUCT_LUTS,
    RELU_LUTS,
    SUM_BITS,
    ResourceTerm,
    measure_reach,
)
from qmodels.training.precision.task import ChargedTask, quantizers


def values(quantizer: learned_bits, x: npt.ArrayLike) -> Any:
    return np.asarray(quantizer(np.asarray(x, np.float32))).tolist()


def test_nearest_is_half_to_even_and_floor_is_down() -> None:
    assert values(learned_bits(1), [0.25, 0.75, -0.25, 1.3]) == [0.0, 1.0, 0.0, 1.5]
    assert values(learned_bits(1, rounding="floor"), [0.25, 0.75, -0.25, 1.3]) == [0.0, 0.5, -0.5, 1.0]
    assert values(learned_bits(-1), [1.0, 3.1, 5.0]) == [0.0, 4.0, 4.0]


def test_saturation_ends_one_step_below_the_power_of_two() -> None:
    assert values(learned_bits(2, integer=1), [9.0, -9.0, 1.8]) == [1.75, -2.0, 1.75]
    assert values(learned_bits(2, integer=1, signed=False, rounding="floor"), [9.0, -9.0, 0.9]) == [1.75, 0.0, 0.75]


def test_gradients_pass_to_the_number_and_by_its_error_to_the_bits() -> None:
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
    (1.0, 0, 1), (1.0, 3, 4), (-0.5, 1, 1), (0.875, 3, 3), (4.0, -2, 1), (1.96, 2, 4),
])  # fmt: skip
def test_a_weight_has_a_digit_and_some_more_from_the_leading_one_to_the_last_place(
    weight: float, fraction: int, bits: float
) -> None:
    digits = float(learned_bits(fraction).weight_digits(tf.constant(weight)))
    assert digits == pytest.approx(1 + DIGITS_PER_BIT * (bits - 1), abs=1e-5)


@pytest.mark.parametrize(("weight", "fraction"), [(0.0, 5), (0.05, 3), (-1.0, -1)])
def test_a_weight_that_rounds_to_zero_has_no_digits(weight: float, fraction: int) -> None:
    assert float(learned_bits(fraction).weight_digits(tf.constant(weight))) == 0.0


def test_digits_charge_small_weights_and_the_bits_of_large_ones() -> None:
    quantizer, weights = learned_bits(6, (2,)), tf.constant([0.01, -2.0])
    with tf.GradientTape() as tape:
        tape.watch(weights)
        total = tf.reduce_sum(quantizer.weight_digits(weights))
    to_weights, to_bits = tape.gradient(total, [weights, quantizer.fraction.value])
    # |weight| 2**6 is 0.64, less than a digit, and 128.
    np.testing.assert_allclose(to_bits, [0.64 / 1.64, DIGITS_PER_BIT * 128 / 129], rtol=1e-5)
    np.testing.assert_allclose(to_weights, np.array([64 / 1.64, -DIGITS_PER_BIT * 64 / 129]) / np.log(2), rtol=1e-5)


def test_training_does_not_exceed_the_most_bits() -> None:
    quantizer = learned_bits([3.0, 3.0], most=4)
    keras.optimizers.SGD(1.0).apply([tf.constant([-5.0, 5.0])], [quantizer.fraction])
    assert np.asarray(quantizer.fraction).tolist() == [4.0, -2.0]
    assert learned_bits.from_config(quantizer.get_config()).most == 4


def test_channels_of_a_relu_saturate_each_by_itself() -> None:
    quantizer = learned_bits([2, 1, -1], (3,), "floor", integer=[1, 3, 0], signed=False)
    kept = [[1.75, 7.5, 0.0], [0.0, 0.0, 0.0], [0.75, 0.5, 0.0]]  # a channel without bits is zero
    for same in (quantizer, learned_bits.from_config(quantizer.get_config())):
        assert values(same, [[9.0, 9.0, 9.0], [-9.0, -9.0, -9.0], [0.9, 0.9, 0.9]]) == kept


def test_integer_bits_of_channels_follow_all_but_the_rarest_events() -> None:
    """The first channel has one event far out, half as many as may saturate; the second has twenty."""
    start = keras.Input((2,))
    relu = learned_bits(3, (2,), "floor", integer=[5, 5], signed=False)
    model = keras.Model(start, QActivation(relu, name="relu")(start))
    sample = np.full((round(2 / (1 - COVERED)), 2), (0.75, 0.25), np.float32)
    sample[0, 0] = sample[:20, 1] = 100.0
    measure_reach(model, sample)
    assert relu.get_config()["integer"] == [0, 7]
    assert np.asarray(relu.activation_bits()).tolist() == [3.0, 10.0]
    assert np.asarray(model(sample[:1])).tolist() == [[0.875, 100.0]]


@pytest.mark.parametrize("options", [
    {"fraction": 30}, {"fraction": float("nan")}, {"fraction": [1, 2], "shape": (3,)}, {"rounding": "up"},
    {"fraction": [1, 2], "integer": 1}, {"fraction": [1, 2], "rounding": "floor", "integer": [1, 2]},
    {"fraction": [1, 2], "rounding": "floor", "integer": [1, 2, 3], "signed": False},
    {"fraction": [1, 2], "rounding": "floor", "integer": [1.5, 2.0], "signed": False},
    {"fraction": [1, 2], "rounding": "floor", "integer": [1, 25], "signed": False},
])  # fmt: skip
def test_what_cannot_be_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ModelDataError, match="learned_bits"):
        learned_bits(**options)


def network(kernel_bits: int = 1) -> keras.Model:
    pairs = all_pairs(2)
    start = keras.Input((2,))
    x = QActivation(learned_bits(2, integer=1), name="port")(start)
    x = QActivation(learned_bits(3, (3,), "floor"), name="products")(PairProducts(pairs)(x))
    x = QDense(1, use_bias=False, kernel_quantizer=learned_bits(kernel_bits, (3, 1)), name="form")(x)
    return keras.Model(start, x)


def adding(bits: float) -> float:
    """LUTs of adding a number of ``bits`` once."""
    return DIGIT_LUTS * (bits + SUM_BITS * bits / (bits + 1))


def test_products_cost_bits_times_bits_and_unread_ones_are_free() -> None:
    model = network()
    model.set_weights([np.array([[1.0], [0.0], [-0.5]], np.float32)])
    model.get_layer("port").activation.reach.assign(2.0)  # 4 bits in all
    model.get_layer("products").activation.reach.assign([1.0, 1.0, 2.0])
    two_bits = 1 + DIGITS_PER_BIT
    expected = {
        "weights": two_bits * adding(3 + 1) + 0 + 1 * adding(3 + 2),
        "biases": 0.0,
        "activations": 0.0,  # products without ReLU: wires
        "products": PRODUCT_LUTS * 4 * 4 * (two_bits / (two_bits + 1) + 0 + 1 / 2),
    }
    term = ResourceTerm(model)
    assert {name: float(part) for name, part in term.parts().items()} == pytest.approx(expected, rel=1e-5)
    assert float(term()) == pytest.approx(sum(expected.values()), rel=1e-5)


def test_layers_are_charged_at_each_position_and_for_the_channels_that_have_bits() -> None:
    def kernel() -> learned_bits:
        return learned_bits(0, (2, 2))

    start = keras.Input((3, 2))
    x = QActivation(learned_bits(2, integer=1), name="port")(start)
    x = QDense(2, kernel_quantizer=kernel(), bias_quantizer=learned_bits(1, (2,)), name="first")(x)
    relu = learned_bits([1, -2], (2,), "floor", integer=[2, 1], signed=False)
    x = QDense(2, use_bias=False, kernel_quantizer=kernel(), name="last")(QActivation(relu, name="relu")(x))
    model = keras.Model(start, x)
    model.set_weights([np.eye(2), np.array([1.5, 0.0]), np.ones((2, 2))])
    model.get_layer("port").activation.reach.assign(2.0)
    relu.reach.assign([2.0, 1.0])
    expected = {
        "weights": 3 * 2 * adding(4) + 3 * 2 * adding(3),
        "biases": 3 * BIAS_LUTS * (1 + DIGITS_PER_BIT),
        "activations": 3 * RELU_LUTS * 3,
        "products": 0.0,
    }
    found = {name: float(part) for name, part in ResourceTerm(model).parts().items()}
    assert found == pytest.approx(expected, rel=1e-5)


def test_bits_of_channels_are_those_of_every_position_that_is_flattened() -> None:
    start, factor = keras.Input((2, 3)), keras.Input((6,))
    x = QActivation(learned_bits([0.0, 1.0, 2.0]), name="port")(start)
    y = QActivation(learned_bits(3), name="factor")(factor)
    model = keras.Model([start, factor], keras.layers.Multiply()([keras.layers.Flatten()(x), y]))
    model.get_layer("port").activation.reach.assign([1.0, 1.0, 1.0])
    model.get_layer("factor").activation.reach.assign(1.0)
    found = float(ResourceTerm(model).parts()["products"])
    assert found == pytest.approx(PRODUCT_LUTS * 4 * 2 * (1 + 2 + 3), rel=1e-5)


def test_the_reach_holds_what_was_seen_sign_included() -> None:
    model = network()
    measure_reach(model, np.array([[1.5, -1.5], [0.25, 0.75]], np.float32))
    assert float(model.get_layer("port").activation.reach.value) == 2.0
    assert np.asarray(model.get_layer("products").activation.reach).tolist() == [2.0, 3.0, 2.0]


def test_settling_takes_the_bits_that_buy_nothing() -> None:
    """The loss wants both weights equal, whatever they are: together they lose all bits but one."""
    model = network(kernel_bits=6)
    model.set_weights([np.array([[0.984375], [0.0], [0.984375]], np.float32)])
    cost = ResourceTerm(model)
    x = np.random.default_rng(1).normal(0, 1, (200, 2)).astype(np.float32)
    measure_reach(model, x)

    def loss() -> float:
        kernel = model.get_layer("form")
        first, _, last = np.asarray(kernel.kernel_quantizer_internal(kernel.kernel.value))[:, 0]
        return 1e3 * abs(first - last) + (1e3 if first == 0 else 0)

    def charge() -> float:
        return 1e-3 * float(cost())

    before = loss() + charge()
    assert prune_bits(model, loss, charge) < before
    kernel = model.get_layer("form")
    assert np.asarray(kernel.kernel_quantizer_internal(kernel.kernel.value))[:, 0].tolist() == [1.0, 0.0, 1.0]


def test_settling_never_brings_the_loss_above_its_limit() -> None:
    """What the network says is worth less than its bits, so without a limit nothing is left of it."""
    x = np.ones((1, 2), np.float32)

    def settled(limit: float) -> float:
        model = network(kernel_bits=4)
        model.set_weights([np.array([[0.9375], [0.0], [0.0]], np.float32)])
        measure_reach(model, x)
        cost = ResourceTerm(model)
        prune_bits(model, lambda: abs(float(model(x)[0, 0]) - 0.9375), lambda: float(cost()), limit=limit)
        return float(model(x)[0, 0])

    assert settled(np.inf) == 0.0
    assert settled(0.5) == 1.0
    assert settled(0.0) == 0.9375


def test_a_checkpoint_of_another_charge_is_refused(tmp_path: Path) -> None:
    sample = np.random.default_rng(1).normal(0, 1, (64, 2)).astype(np.float32)

    def run(charge: list[float], resume: bool) -> Fitted:
        model = network(kernel_bits=4)
        model.set_weights([np.full((3, 1), 0.5, np.float32)])

        class Task:
            label, events = "toy", 64
            variables = model.trainable_variables

            def epoch_data(self, epoch: int) -> tuple[np.ndarray, ...]:
                return (sample,)

            def loss(self, *batch: tf.Tensor) -> tf.Tensor:
                return tf.reduce_mean(model(batch[0]) ** 2)

            def validate(self) -> tuple[float, None]:
                return 0.0, None

        task = ChargedTask(Task(), model, charge, sample)
        return fit(task, Schedule(1, 32, 1e-3, 1), checkpoint=tmp_path / "toy.npz", resume=resume)

    run([1e-4], False)
    assert len(run([1e-4], True).history) == 1
    with pytest.raises(ModelDataError, match=r"other options \(charge: \[0.0001\] there, \[0.001\] now\)"):
        run([1e-3], True)


class _Killed(Exception):
    """Stands for the end of a process."""


def test_a_resumed_training_saturates_where_an_uninterrupted_one_does(tmp_path: Path) -> None:
    """The second ReLU's range is measured behind the first one's, which saturates where the epoch before left it."""

    def trained(kill_after: int | None, resume: bool) -> list[Any]:
        keras.utils.set_random_seed(3)
        sample = np.random.default_rng(1).normal(size=(64, 2)).astype(np.float32)
        x = start = keras.Input((2,))
        for _ in range(2):
            x = QDense(4, kernel_quantizer=learned_bits(6), bias_quantizer=learned_bits(6))(x)
            x = QActivation(learned_bits([4.0] * 4, integer=[0] * 4, signed=False, rounding="floor"))(x)
        model = keras.Model(start, x)

        class Task:
            label, events, variables = "grow", 64, model.trainable_variables

            def epoch_data(self, epoch: int) -> tuple[npt.NDArray[np.float32], ...]:
                return (sample,)

            def loss(self, inputs: tf.Tensor) -> tf.Tensor:
                return -tf.reduce_mean(model(inputs))

            def validate(self) -> tuple[float, None]:
                return 0.0, None

        def report(state: Any) -> None:
            if state.epoch == kill_after:
                raise _Killed

        task = ChargedTask(Task(), model, [0.0] * 4, sample)
        fit(
            task,
            Schedule(4, 16, 0.3, 1, keep_best=False),
            checkpoint=tmp_path / "c.npz",
            resume=resume,
            progress=report,
        )
        return [np.asarray(v).tolist() for v in (*task.variables, *task.state)]

    whole = trained(None, resume=False)
    with pytest.raises(_Killed):
        trained(2, resume=False)
    assert trained(None, resume=True) == whole


def test_snapping_keeps_the_function_and_one_number_of_bits() -> None:
    model = network()
    model.set_weights([np.array([[0.26], [0.49], [1.7]], np.float32)])
    model.get_layer("form").kernel_quantizer_internal.set_bits([[2], [1], [0]])
    x = np.random.default_rng(1).normal(0, 1, (200, 2)).astype(np.float32)
    before = np.asarray(model(x))
    snap(model)
    np.testing.assert_array_equal(np.asarray(model(x)), before)
    assert model.get_weights()[0][:, 0].tolist() == [0.25, 0.5, 2.0]
    assert quantizers(model)[-1].get_config()["fraction"] == 2


def test_places() -> None:
    assert [places(np.array(v, np.float32)) for v in ([0.0], [3.0, 0.5], [0.375])] == [0, 1, 3]


def test_a_charge_rises_geometrically_and_stays() -> None:
    assert Charge(1e-6, 1e-4, 0.6).over(5) == pytest.approx([1e-6, 1e-5, 1e-4, 1e-4, 1e-4])
    assert Charge(1e-6, 1e-4, 0.6).over(1) == pytest.approx([1e-6])


def test_products_that_others_make_up_are_left_out() -> None:
    """On the mass shell E E = x x + y y, and z is minus x: of 10 products, 5 say it all."""
    x, y = np.random.default_rng(1).normal(0, 1, (2, 500))
    rows = np.stack([np.hypot(x, y), x, y, -x], axis=1).astype(np.float32)
    assert independent_pairs(rows) == [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2)]
