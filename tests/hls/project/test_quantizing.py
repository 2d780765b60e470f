"""Plain networks to QKeras files, which Keras computes as the graph does."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from hls import emulate, import_keras
from hls.cli.app import app


@pytest.mark.slow
def test_from_a_float_network_to_a_file_that_qkeras_computes_alike(tmp_path: Path) -> None:
    import keras

    rng = np.random.default_rng(2)
    inputs = keras.Input((6,), name="particles")
    x = keras.layers.BatchNormalization(name="scale")(inputs)
    x = keras.layers.Dense(8, name="first")(x)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.Activation("relu", name="relu")(x)
    y = keras.layers.Dense(8, activation="tanh", name="second")(x)
    x = keras.layers.Add(name="skip")([x, y])
    outputs = keras.layers.Dense(3, activation="softmax", name="out")(x)
    net = keras.Model(inputs, outputs)
    for spec in net.layers:
        spec.set_weights([np.abs(rng.normal(1, 0.3, w.shape)) if "norm" in spec.name or spec.name == "scale" else
                          rng.normal(0, 0.5, w.shape) for w in spec.get_weights()])  # fmt: skip
    net.save(tmp_path / "float.keras")
    events = rng.normal(size=(3000, 6)).astype(np.float32)
    np.save(tmp_path / "x.npy", events)
    np.save(tmp_path / "y.npy", net.predict(events, verbose=0).argmax(axis=1))
    out = tmp_path / "small.keras"
    arguments = ["--events", tmp_path / "x.npy", "--labels", tmp_path / "y.npy", "--bits", "8"]
    arguments += ["--out", out, "--plot", tmp_path / "bits.png", "--json"]
    done = CliRunner().invoke(app, ["quantize", str(tmp_path / "float.keras"), *map(str, arguments)])
    assert done.exit_code == 0, done.output
    answer = json.loads(done.stdout)
    assert set(answer["metrics"]) == {"error", "flips", "auc_loss", "accuracy_loss"}
    assert answer["metrics"]["accuracy_loss"] < 0.03
    assert (tmp_path / "bits.png").read_bytes().startswith(b"\x89PNG")
    graph = import_keras(out)
    from hls.witnesses.framework_worker import custom_objects

    quantized_net = keras.models.load_model(out, custom_objects=custom_objects(), compile=False)
    assert np.array_equal(emulate(graph, events), quantized_net(events, training=False).numpy())


@pytest.mark.slow
def test_convolutions_of_every_kind_and_operators_are_quantized(tmp_path: Path) -> None:
    import keras
    from keras import layers, ops

    keras.utils.set_random_seed(1)  # of some networks every ReLU is dead
    inputs = keras.Input((4, 4, 2), name="image")
    x = layers.SeparableConv2D(3, 2, activation="relu")(inputs)
    x = layers.BatchNormalization()(layers.Conv2DTranspose(2, 2, strides=2)(x))
    x = layers.Activation("leaky_relu")(x)
    x = layers.DepthwiseConv1D(3)(layers.Reshape((12, 6))(x))
    x = layers.SeparableConv1D(2, 3, depth_multiplier=2)(ops.concatenate([ops.abs(x), ops.tanh(x)], axis=-1))
    x = ops.min(ops.relu(x) * 0.5 + 1.0, axis=1)
    net = keras.Model(inputs, layers.Dense(2)(layers.Dense(4, activation="relu")(x)))
    net.save(tmp_path / "plain.keras")
    events = np.random.default_rng(0).normal(size=(300, 4, 4, 2)).astype(np.float32)
    np.save(tmp_path / "events.npy", events)
    out = tmp_path / "quantized.keras"
    words = ["quantize", tmp_path / "plain.keras", "--events", tmp_path / "events.npy", "--out", out, "--bits", 14]
    result = CliRunner().invoke(app, [*map(str, words), "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["metrics"]["error"] < 0.01
    wanted = np.asarray(net(events, training=False))
    found = emulate(import_keras(out), events)
    assert np.abs(found - wanted).max() < 0.05 * wanted.std()


@pytest.mark.slow
def test_recurrent_layers_are_quantized_and_qkeras_computes_them_alike(tmp_path: Path) -> None:
    import keras
    from keras import layers

    from hls.witnesses.framework_worker import custom_objects

    keras.utils.set_random_seed(1)
    inputs = keras.Input((3, 2), name="hits")
    x = layers.Bidirectional(layers.LSTM(2, return_sequences=True))(inputs)
    net = keras.Model(inputs, layers.Dense(1)(layers.SimpleRNN(2)(x)))
    net.set_weights([2 * array for array in net.get_weights()])  # of signals that are not lost in roundings
    net.save(tmp_path / "plain.keras")
    events = np.random.default_rng(0).normal(size=(300, 3, 2)).astype(np.float32)
    np.save(tmp_path / "events.npy", events)
    out = tmp_path / "quantized.keras"
    words = ["quantize", tmp_path / "plain.keras", "--events", tmp_path / "events.npy", "--out", out, "--bits", 10]
    result = CliRunner().invoke(app, [*map(str, words), "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["metrics"]["error"] < 0.1
    quantized_net = keras.models.load_model(out, custom_objects=custom_objects(), compile=False)
    assert np.array_equal(emulate(import_keras(out), events), quantized_net(events, training=False).numpy())
