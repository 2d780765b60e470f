"""The emulator against QKeras itself, to the last bit, over random networks and every quantizer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
import qkeras
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hls.emulation import Emulator
from hls.errors import UnsupportedError
from hls.importing import import_keras
from hls.verification.float32_error import output_spans
from hls.witnesses.framework_worker import custom_objects
from tests.hls.importing import networks as nets

pytestmark = [
    pytest.mark.slow,
    # Keras draws initial weights while a strategy builds a model; every test overwrites them from its own seed.
    pytest.mark.filterwarnings("ignore:Do not use the `random` module inside strategies"),
]
SETTINGS = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)


def assert_equal_bits(model: Any, source: Any, seed: int = 0, count: int = 64) -> None:
    arrays = nets.events(model, seed, count)
    graph = import_keras(source)
    emulated = Emulator(graph).evaluate(arrays)
    for expected, got in zip(nets.predict(model, arrays), emulated, strict=True):
        assert got.shape == expected.shape
        assert (got == expected).all(), f"{(got != expected).sum()} of {got.size} values differ"


@SETTINGS
@given(nets.mlps(), st.integers(0, 2**31))
def test_random_dense_networks(model: Any, seed: int) -> None:
    nets.randomize(model, seed)
    assert_equal_bits(model, model, seed)


@SETTINGS
@given(nets.image_networks(), st.integers(0, 2**31))
def test_random_image_networks(model: Any, seed: int) -> None:
    nets.randomize(model, seed)
    assert_equal_bits(model, model, seed)


@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_files_say_what_memory_says(suffix: str, tmp_path: Path) -> None:
    inputs = keras.Input((5,), name="x")
    x = nets.activation(nets.INPUT)(inputs)
    for number, kernel in enumerate(nets.WEIGHTS):
        x = nets.dense(5, kernel)(x)
        x = nets.activation(nets.ACTIVATIONS[number % 4])(x)
    model = keras.Model(inputs, x)
    nets.randomize(model, 1)
    path = tmp_path / f"model.{suffix}"
    model.save(path)
    assert import_keras(path).digest() == import_keras(model).digest()
    assert_equal_bits(model, path)


@pytest.mark.parametrize("text", nets.ACTIVATIONS)
def test_each_activation_over_every_value_of_a_wide_input(text: str) -> None:
    inputs = keras.Input((1,), name="x")
    model = keras.Model(inputs, nets.activation(text)(nets.activation("quantized_bits(12,3,alpha=1)")(inputs)))
    x = (np.arange(-2048, 2048)[:, None] / 256).astype(np.float32)
    assert (Emulator(import_keras(model)).evaluate(x)[0] == nets.predict(model, [x])[0]).all()


def test_the_upper_bound_acts_only_where_qkeras_lets_it(tmp_path: Path) -> None:
    inputs = keras.Input((1,), name="x")
    bounded = qkeras.quantized_relu(6, 3, relu_upper_bound=6, is_quantized_clip=False)
    model = keras.Model(inputs, qkeras.QActivation(bounded)(nets.activation("quantized_bits(12,4,alpha=1)")(inputs)))
    x = np.array([[5.5], [6.0], [6.5], [15.0]], np.float32)
    assert Emulator(import_keras(model)).evaluate(x)[0].ravel().tolist() == [5.5, 6.0, 6.0, 6.0]
    # QKeras does not save is_quantized_clip, so the model it reads back has no such bound, and neither has ours.
    model.save(tmp_path / "model.keras")
    again = keras.models.load_model(tmp_path / "model.keras")
    emulated = Emulator(import_keras(tmp_path / "model.keras")).evaluate(x)[0]
    assert (emulated == nets.predict(again, [x])[0]).all()
    assert emulated.max() == 7.875


def test_a_clip_of_values_beside_a_clip_of_weights_is_read_by_the_witness(tmp_path: Path) -> None:
    """Keras saves ops.clip by the name of QKeras's constraint."""
    inputs = keras.Input((1,), name="x")
    x = keras.ops.clip(nets.activation("quantized_bits(6,3,alpha=1)")(inputs), -1.0, 0.75)
    dense = qkeras.QDense(1, "quantized_bits(4,0,alpha=1)", kernel_constraint=qkeras.qlayers.Clip(-1, 1))
    model = keras.Model(inputs, dense(x))
    dense.set_weights([np.array([[0.5]]), np.array([0.25])])
    path = tmp_path / "model.keras"
    model.save(path)
    again = keras.models.load_model(path, custom_objects=custom_objects(), compile=False)
    x = np.array([[-2.0], [0.25], [5.0]], np.float32)
    assert nets.predict(again, [x])[0].ravel().tolist() == [-0.25, 0.375, 0.625]
    assert Emulator(import_keras(path)).evaluate(x)[0].ravel().tolist() == [-0.25, 0.375, 0.625]


@pytest.mark.parametrize("length", [2, 3, 5, 6, 7, 8, 12])
@pytest.mark.parametrize("windowed", [False, True])
def test_averages_over_any_count(length: int, windowed: bool) -> None:
    inputs = keras.Input((length, 2), name="x")
    pool = keras.layers.AveragePooling1D(length) if windowed else keras.layers.GlobalAveragePooling1D()
    x = pool(nets.activation("quantized_bits(5,2,alpha=1)")(inputs))
    model = keras.Model(inputs, nets.activation("quantized_bits(4,2,alpha=1)")(x))
    rng = np.random.default_rng(length)
    events = (rng.integers(-16, 16, (20000, length, 2)) / 4).astype(np.float32)
    graph = import_keras(model)
    assert graph.float32_inexact() == ()
    assert (Emulator(graph).evaluate(events)[0] == np.asarray(model(events))).all()


@pytest.mark.parametrize(
    ("shape", "window", "strides"), [((5, 7, 2), (3, 2), None), ((5, 4, 3), 3, (1, 2)), ((7, 5, 2), (4, 5), (3, 1))]
)
def test_averages_over_fewer_values_at_the_border(shape: Any, window: Any, strides: Any) -> None:
    inputs = keras.Input(shape, name="x")
    x = keras.layers.AveragePooling2D(window, strides, padding="same")(nets.activation(nets.INPUT)(inputs))
    model = keras.Model(inputs, nets.activation("quantized_bits(6,2,alpha=1)")(x))
    assert import_keras(model).float32_inexact() == ()
    assert_equal_bits(model, model, count=2000)


@pytest.mark.parametrize("padding", ["valid", "same"])
@pytest.mark.parametrize(("window", "strides"), [((3, 3), (2, 2)), ((4, 1), (1, 2)), ((5, 4), (2, 3))])
def test_transposed_convolutions(padding: str, window: Any, strides: Any) -> None:
    inputs = keras.Input((3, 4, 2), name="x")
    x = nets.activation(nets.INPUT)(inputs)
    options = {"strides": strides, "padding": padding, "bias": nets.BIASES[0]}
    kernels = (nets.WEIGHTS[0], "quantized_bits(4,0,alpha='auto_po2')")
    outputs = [nets.conv(qkeras.QConv2DTranspose, 3, window, kernel=kernel, **options)(x) for kernel in kernels]
    model = keras.Model(inputs, outputs)
    nets.randomize(model, 5)
    assert_equal_bits(model, model)


def test_merges_shapes_and_shared_layers() -> None:
    left, right = keras.Input((4, 3), name="left"), keras.Input((4, 3), name="right")
    shared = nets.dense(6, activation="quantized_relu(5,2)")
    a, b = (shared(nets.activation(nets.INPUT)(x)) for x in (left, right))
    product = keras.layers.Multiply()([a, b])
    difference = keras.layers.Subtract()([a, keras.layers.Add()([a, b, a])])
    joined = keras.layers.Concatenate(axis=1)([product, difference])
    x = keras.layers.Permute((2, 1))(keras.layers.Dropout(0.5)(keras.layers.GaussianNoise(1.0)(joined)))
    x = nets.activation("quantized_bits(8,4,alpha=1)")(keras.layers.Reshape((-1, 12))(x))
    model = keras.Model([left, right], [x, difference, nets.dense(2)(keras.layers.Flatten()(x))])
    nets.randomize(model, 4)
    assert_equal_bits(model, model)
    assert len(import_keras(model).notes) == 2  # Dropout and GaussianNoise left out, and said so


@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_models_in_a_model(suffix: str, tmp_path: Path) -> None:
    left, right = keras.Input((4,), name="left"), keras.Input((4,), name="right")
    normal = keras.layers.BatchNormalization(name="normal")(right)
    pair = [nets.activation("quantized_bits(6,2,alpha=1)")(x) for x in (nets.dense(4, name="dense")(left), normal)]
    twice = keras.Model([left, right], [*pair, left], name="twice")

    def chain(name: str, *layers: Any) -> Any:
        last = nets.activation("quantized_relu(4,2)")
        return keras.Sequential([keras.Input((4,)), *layers, nets.dense(4, name="dense"), last], name=name)

    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    p, q = (nets.activation(nets.INPUT)(x) for x in (a, b))
    first = twice([p, q])
    second = twice([first[1], p])
    total = keras.layers.Add()([chain("outer", chain("inner"))(second[0]), chain("other")(first[0]), second[2]])
    model = keras.Model([a, b], [total, second[1], first[2]])
    for number, layer in enumerate(model.layers):
        nets.randomize(layer if hasattr(layer, "layers") else keras.Sequential([layer]), number)
    path = tmp_path / f"model.{suffix}"
    model.save(path)
    assert import_keras(path).digest() == import_keras(model).digest()
    assert_equal_bits(model, path)


def test_merges_broadcast_like_keras() -> None:
    wide, narrow, flat = (
        keras.Input((4, 3), name="wide"),
        keras.Input((1, 3), name="narrow"),
        keras.Input((3,), name="flat"),
    )
    a, b, c = (nets.activation(nets.INPUT)(x) for x in (wide, narrow, flat))
    added = keras.layers.Add()([a, b])
    model = keras.Model([wide, narrow, flat], [added, keras.layers.Multiply()([a, c])])
    assert_equal_bits(model, model)


def test_extremes_means_and_what_moves_values() -> None:
    inputs, other = keras.Input((4, 6, 3), name="x"), keras.Input((6, 1), name="other")
    a, b = nets.activation(nets.INPUT)(inputs), nets.activation("quantized_bits(5,1,alpha=1)")(other)
    most, least = keras.layers.Maximum()([a, b, a]), keras.layers.Minimum()([a, b])
    mean = nets.activation("quantized_bits(6,2,alpha=1)")(keras.layers.Average()([most, least, a]))
    up = keras.layers.UpSampling2D((2, 3))(keras.layers.ZeroPadding2D(((1, 0), (2, 1)))(mean))
    cropped = keras.layers.Cropping2D(((2, 1), (0, 4)))(up)
    rows = keras.layers.UpSampling1D(2)(keras.layers.ZeroPadding1D(1)(keras.layers.Cropping1D((0, 2))(cropped[:, 1])))
    repeated = keras.layers.RepeatVector(3)(rows[..., 1])
    sliced = keras.ops.maximum(cropped[:, 1::2, -3:, ::-1], 0.25)
    model = keras.Model([inputs, other], [most, least, cropped, repeated, sliced])
    assert import_keras(model).float32_inexact() == ()
    assert_equal_bits(model, model)


def test_batch_normalization_is_one_multiply_add_a_channel() -> None:
    inputs = keras.Input((4,), name="x")
    x = nets.dense(6)(nets.activation(nets.INPUT)(inputs))
    x = nets.activation("quantized_bits(6,2,alpha=1)")(keras.layers.BatchNormalization()(x))
    x = qkeras.QBatchNormalization()(nets.dense(3)(x))
    model = keras.Model(inputs, nets.activation("quantized_relu(6,2)")(x))
    nets.randomize(model, 2)
    assert_equal_bits(model, model, count=4096)


def test_the_sigmoid_of_quantized_relu_is_refused() -> None:
    inputs = keras.Input((4,), name="x")
    model = keras.Model(inputs, nets.activation("quantized_relu(6,2,1)")(nets.activation(nets.INPUT)(inputs)))
    with pytest.raises(UnsupportedError, match="use_sigmoid"):
        import_keras(model)


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (lambda: nets.dense(2, "quantized_bits(1,0,alpha='auto')"), "alpha='auto'.*use binary"),
        (lambda: nets.activation("quantized_linear(4,0,alpha=1.5)"), "alpha=1.5.*only a quotient by a power of two"),
        (lambda: keras.layers.Dense(2), "has no kernel_quantizer"),
        (lambda: nets.activation("quantized_bits(4,0,alpha='auto_po2')"), "depends on the batch"),
        (lambda: nets.activation("quantized_ulaw(1)"), "quantized_ulaw"),
        (lambda: keras.layers.Activation("softmax"), "softmax.*in software"),
        (lambda: keras.layers.UnitNormalization(), "class UnitNormalization is not supported"),
        (lambda: nets.activation("bernoulli()"), "bernoulli"),
    ],
)
def test_refused_by_name(layer: Any, message: str) -> None:
    inputs = keras.Input((4,), name="x")
    x = nets.activation(nets.INPUT)(inputs)
    model = keras.Model(inputs, layer()(x))
    with pytest.raises(UnsupportedError, match=message):
        import_keras(model)


SCALED = [
    "quantized_bits(4,0,1,alpha='auto')", "quantized_bits(5,2,1,alpha='auto')", "quantized_linear(4,0,alpha='auto')",
    "quantized_linear(3,1,keep_negative=False,alpha='auto')", "quantized_linear(4,0)", "quantized_linear(1,0)",
    "quantized_linear(4,0,alpha=0.3)", "binary(alpha='auto')", "binary(use_01=1,alpha='auto')", "ternary(alpha='auto')",
    "stochastic_binary()", "stochastic_binary(alpha='auto')", "stochastic_ternary()", "stochastic_ternary(alpha=1)",
]  # fmt: skip


def assert_within_float32(model: Any, seed: int) -> float:
    """Every number of QKeras's lies where its own roundings may have taken it; returns the share that is elsewhere."""
    graph = import_keras(model)
    port = graph.edges[graph.inputs[0]]
    shape = (2000, *port.shape)
    raw = np.random.default_rng(seed).integers(port.type.raw_min, port.type.raw_max, shape, endpoint=True)
    theirs = nets.predict(model, [np.ldexp(raw, -port.fraction).astype(np.float32)])[0].astype(np.float64)
    (span,) = output_spans(graph, [raw])
    low, high = (np.ldexp(end.astype(np.float64), -span.fraction) for end in (span.low, span.high))
    assert ((low <= theirs) & (theirs <= high)).all()
    ours = np.ldexp(Emulator(graph).run([raw])[0].astype(np.float64), -graph.edges[graph.outputs[0]].fraction)
    return float((ours != theirs).mean())


@pytest.mark.parametrize("quantizer", SCALED)
def test_scales_that_are_no_powers_of_two(quantizer: str) -> None:
    inputs = keras.Input((9,), name="x")
    x = nets.dense(5, quantizer)(nets.activation("quantized_bits(8,2,alpha=1)")(inputs))
    model = keras.Model(inputs, nets.activation("quantized_bits(10,4,alpha=1)")(x))
    nets.randomize(model, 4)
    assert assert_within_float32(model, 5) < 0.01


def test_scales_of_convolutions() -> None:
    inputs, auto = keras.Input((6, 6, 3), name="x"), "quantized_bits(4,0,1,alpha='auto')"
    x = nets.activation("quantized_bits(8,2,alpha=1)")(inputs)
    x = qkeras.QSeparableConv2D(4, 2, depthwise_quantizer=auto, pointwise_quantizer=auto, use_bias=False)(x)
    x = nets.activation("quantized_bits(9,3,alpha=1)")(x)
    x = qkeras.QConv2DTranspose(3, 2, kernel_quantizer=auto, use_bias=False)(x)
    x = nets.activation("quantized_bits(9,3,alpha=1)")(x)
    x = qkeras.QDepthwiseConv2D(2, depth_multiplier=2, depthwise_quantizer=auto, use_bias=False)(x)
    model = keras.Model(inputs, nets.activation("quantized_bits(10,4,alpha=1)")(x))
    nets.randomize(model, 4)
    assert assert_within_float32(model, 5) < 0.01


@pytest.mark.parametrize(
    "quantizer",
    [
        qkeras.quantized_hswish(6, 1),
        qkeras.quantized_hswish(10, 3, 1, alpha=1, relu_shift=2, relu_upper_bound=4),
        qkeras.quantized_ulaw(6, 0),
        qkeras.quantized_ulaw(4, 1, 1, 63.0),
    ],
)
def test_quantizers_that_are_tables(quantizer: Any) -> None:
    inputs = keras.Input((4,), name="x")
    model = keras.Model(inputs, qkeras.QActivation(quantizer)(nets.activation("quantized_bits(12,3,alpha=1)")(inputs)))
    assert_within_float32(model, 3)


FOUR_BITS = "quantized_bits(4,0,1,alpha=1)"
CELL: dict[str, Any] = {
    "activation": "quantized_tanh(5,use_real_tanh=1)",
    "recurrent_activation": "quantized_sigmoid(5,use_real_sigmoid=1)",
    "kernel_quantizer": FOUR_BITS,
    "recurrent_quantizer": FOUR_BITS,
    "bias_quantizer": FOUR_BITS,
    "state_quantizer": "quantized_bits(8,2,alpha=1)",
}


@pytest.mark.parametrize(
    "layer",
    [
        lambda: qkeras.QLSTM(3, return_sequences=True, **CELL),
        lambda: qkeras.QLSTM(3, **{**CELL, "activation": "quantized_tanh", "recurrent_activation": "hard_sigmoid"}),
        lambda: qkeras.QGRU(3, reset_after=True, **CELL),
        lambda: qkeras.QGRU(3, reset_after=False, go_backwards=True, **CELL),
        lambda: qkeras.QBidirectional(qkeras.QGRU(2, return_sequences=True, **CELL)),
    ],
    ids=["LSTM", "hard LSTM", "GRU", "GRU of old, backwards", "both directions"],
)
@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_recurrent_layers(layer: Any, suffix: str, tmp_path: Path) -> None:
    inputs = keras.Input((4, 2), name="x")
    model = keras.Model(inputs, layer()(nets.activation("quantized_bits(5,1,alpha=1)")(inputs)))
    nets.randomize(model, 1)
    model.save(tmp_path / f"m.{suffix}")
    assert import_keras(model).digest() == import_keras(tmp_path / f"m.{suffix}").digest()
    assert_equal_bits(model, tmp_path / f"m.{suffix}", count=500)


def test_an_average_that_nothing_rounds_is_refused() -> None:
    inputs = keras.Input((3, 2), name="x")
    x = keras.layers.GlobalAveragePooling1D()(nets.activation(nets.INPUT)(inputs))
    with pytest.raises(UnsupportedError, match="no finite binary expansion"):
        import_keras(keras.Model(inputs, nets.dense(1)(x)))
