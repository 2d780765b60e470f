"""The same name or file of several versions of Keras: what wrote it says what it computes."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pytest
from qkeras import QActivation, quantized_bits

from hls.emulation import emulate
from hls.errors import ModelFileError, UnsupportedError
from hls.importing import import_keras
from hls.importing.formats import plain_model
from hls.project.quantizing.normal_form import normal_form
from hls.witnesses.framework_worker import restore_functions
from tests.hls.importing.files import activation, layer, port, tensor, write

Q8 = "quantized_bits(8,3,alpha=1)"  # steps of 1/16 up to 8
FINE = "quantized_relu(8,1)"  # steps of 1/128 up to 2
EVENT = [-4.0, -1.0, 0.5, 1.0]


def rewritten(path: Path, version: str) -> Path:
    """A ``.keras`` file as that Keras would have written it, or HDF5."""
    if path.suffix == ".keras":
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr("metadata.json", json.dumps({"keras_version": version}))
    else:
        with h5py.File(path, "a") as file:
            file.attrs["keras_version"] = version
    return path


def of_function(folder: Path, version: str, *entries: dict[str, Any]) -> Path:
    layers = [port("x", 4), activation("q", Q8, "x"), *entries]
    return rewritten(write(folder / "m.keras", layers, entries[-1]["config"]["name"]), version)


HARD = layer("Activation", "h", tensor("q"), activation="hard_sigmoid")


@pytest.mark.parametrize(
    ("version", "steps"),
    [
        ("2.12.0", [0, 38, 77, 90]),  # -0.3 is cut off; 0.3, 0.6 and 0.7 are 38.4, 76.8 and 89.6 of 1/128
        ("2.4.0-tf", [0, 38, 77, 90]),
        ("3.9.2", [0, 43, 75, 85]),  # a third, 3.5 / 6 and two thirds are 42.7, 74.7 and 85.3
    ],
)
def test_hard_sigmoid_is_that_of_the_keras_that_wrote_the_file(version: str, steps: list[int], tmp_path: Path) -> None:
    graph = import_keras(of_function(tmp_path, version, HARD, activation("o", FINE, "h")))
    assert (emulate(graph, [EVENT])[0] * 128).tolist() == steps


def test_hard_sigmoid_of_qkeras_is_its_own_whichever_keras_wrote_the_file(tmp_path: Path) -> None:
    graph = import_keras(of_function(tmp_path, "2.12.0", activation("o", "hard_sigmoid", "q")))
    assert emulate(graph, [EVENT])[0].tolist() == [0.0, 0.0, 0.75, 1.0]  # x / 2 + 1 / 2


def test_hard_sigmoid_of_keras_2_is_quantized_as_a_line_and_its_ends(tmp_path: Path) -> None:
    path = rewritten(write(tmp_path / "m.keras", [port("x", 4), {**HARD, **over("x")}], "h"), "2.12.0")
    layers = normal_form(plain_model(path)).model.layers.values()
    assert [(one.class_name, dict(one.config)) for one in layers][1:] == [
        ("Rescaling", {"scale": 0.2, "offset": 0.5}),
        ("ReLU", {"max_value": 1.0}),
    ]


def over(source: str) -> dict[str, Any]:
    return {"inbound_nodes": [{"args": [tensor(source)], "kwargs": {}}]}


def test_the_witness_gives_layers_of_keras_2_their_hard_sigmoid() -> None:
    ports = keras.Input((4,))
    inner = keras.Sequential([keras.Input((4,)), keras.layers.Activation("hard_sigmoid")])
    model = keras.Model(ports, inner(keras.layers.Activation("relu")(ports)))
    restore_functions(keras, model)
    found = np.asarray(model(np.array([EVENT], np.float32)))[0]
    assert np.allclose(found, [0.5, 0.5, 0.6, 0.7], atol=1e-7)


def test_options_nested_too_deep_to_look_through_are_told(tmp_path: Path) -> None:
    path = file_of_keras2(tmp_path / "m.h5", "d", whole=True)
    with h5py.File(path, "a") as file:
        file.attrs["keras_version"] = "2.12.0"
        deep = f'"units": 1, "more": {"[" * 600}{"]" * 600}'
        file.attrs["model_config"] = str(file.attrs["model_config"]).replace('"units": 1', deep)
    with pytest.raises(ModelFileError, match="nested too deep"):
        import_keras(path)


def test_numbers_that_early_keras_2_wrote_as_arrays(tmp_path: Path) -> None:
    slope = layer("LeakyReLU", "o", tensor("q"), alpha={"type": "ndarray", "value": 0.25})
    graph = import_keras(of_function(tmp_path, "2.0.8", slope))
    assert emulate(graph, [EVENT])[0].tolist() == [-1.0, -0.25, 0.5, 1.0]


@pytest.mark.parametrize("kind", ["BatchNormalizationV1", "SyncBatchNormalization"])
def test_normalizations_that_differ_in_training_alone(kind: str, tmp_path: Path) -> None:
    normalized = layer(kind, "o", tensor("q"), axis=[1], epsilon=0.25, scale=False, center=False)
    weights = {"o": [np.array([1.0, 0, 0, 0.5]), np.full(4, 3.75)]}
    path = write(tmp_path / "m.keras", [port("x", 4), activation("q", Q8, "x"), normalized], "o", weights)
    assert emulate(import_keras(path), [EVENT])[0].tolist() == [-2.5, -0.5, 0.25, 0.25]  # half of x - mean


def file_of_keras2(path: Path, name: str, *, whole: bool) -> Path:
    """HDF5 of Keras 2 by hand: a dense layer called ``name`` in a model, or its weights alone."""
    entries = [
        {"class_name": "InputLayer", "config": {"name": "x", "batch_input_shape": [None, 2]}},
        {"class_name": "QActivation", "config": {"name": "q", "activation": Q8}},
        {"class_name": "QDense", "config": {"name": name, "units": 1, "kernel_quantizer": Q8, "bias_quantizer": Q8}},
    ]
    config = json.dumps({"class_name": "Sequential", "config": {"name": "m", "layers": entries}})
    with h5py.File(path, "w") as file:
        root = file.create_group("model_weights") if whole else file
        for layer_name in ("q", name):
            root.create_group(layer_name).attrs["weight_names"] = []
        arrays = {f"{name}/kernel:0": [[0.5], [-0.25]], f"{name}/bias:0": [1.0]}
        for weight, values in arrays.items():
            root[name].create_dataset(weight, data=np.array(values, np.float32))
        root[name].attrs["weight_names"] = [weight.encode() for weight in arrays]
        if whole:
            file.attrs["model_config"] = config
    path.with_suffix(".json").write_text(config, encoding="utf-8")
    return path


@pytest.mark.parametrize("name", ["d", "block/d", "block/1/d"])
def test_names_of_keras_2_with_slashes(name: str, tmp_path: Path) -> None:
    """As those of its own DenseNet, "conv1/bn", which HDF5 takes for groups in groups."""
    whole = import_keras(file_of_keras2(tmp_path / "m.h5", name, whole=True))
    alone = file_of_keras2(tmp_path / "w.h5", name, whole=False)
    joined = import_keras(alone, architecture=alone.with_suffix(".json"))
    for graph in (whole, joined):
        assert emulate(graph, [[1.5, -2.0]]).tolist() == [[2.25]]  # 0.75 + 0.5 + 1


@pytest.mark.parametrize(
    ("kind", "told"),
    [
        (lambda: keras.layers.SimpleRNN(2, activation="relu", return_state=True), "return_state=True is not supported"),
        (
            lambda: keras.layers.Bidirectional(keras.layers.SimpleRNN(2, activation="relu"), merge_mode=None),
            "merge_mode=None has two outputs; use 'concat'",
        ),
    ],
)
@pytest.mark.parametrize("last", [True, False])
def test_a_layer_of_two_outputs_is_told_as_such(kind: Any, told: str, last: bool) -> None:
    """The file holds all that its second output needs."""
    ports = keras.Input((3, 2))
    outputs = kind()(QActivation(quantized_bits(4, 1, alpha=1))(ports))
    model = keras.Model(ports, outputs if last else keras.layers.Add()(outputs))
    with pytest.raises(UnsupportedError, match=told):
        import_keras(model)


def quantized_by(mode: str) -> Any:
    model = keras.Sequential([keras.Input((4,)), QActivation(quantized_bits(8, 3, alpha=1)), keras.layers.Dense(2)])
    model.layers[-1].quantize(mode)
    return model


@pytest.mark.parametrize("suffix", ["", ".h5", ".keras"])
@pytest.mark.parametrize("mode", ["int8", "int4", "float8"])
def test_what_keras_quantized_itself_is_refused(mode: str, suffix: str, tmp_path: Path) -> None:
    """Its arrays are codes and their scales, which once came in as weights (keras-team/keras#21378)."""
    model = quantized_by(mode)
    if suffix:
        model.save(tmp_path / f"m{suffix}")
    with pytest.raises(UnsupportedError, match=rf"was quantized by Keras's model.quantize\('{mode}'\)"):
        import_keras(tmp_path / f"m{suffix}" if suffix else model)
    if suffix:
        with pytest.raises(UnsupportedError, match="give the model as it was before that"):
            normal_form(plain_model(tmp_path / f"m{suffix}"))


def updated(kind: Any, shape: tuple[int, ...]) -> tuple[Any, Any]:
    """A model whose last layer has a low-rank update, and its outputs for an event."""
    last = kind()
    model = keras.Sequential([keras.Input(shape), QActivation(quantized_bits(8, 3, alpha=1)), last])
    last.enable_lora(1)
    for number, weight in enumerate(model.weights):
        weight.assign((np.arange(weight.shape.num_elements()).reshape(weight.shape) + number) % 5 / 4 - 0.5)
    event = np.arange(np.prod(shape)).reshape(1, *shape) / 4
    return model, event


@pytest.mark.parametrize(
    ("kind", "shape"), [(lambda: keras.layers.Dense(2), (3,)), (lambda: keras.layers.Conv1D(2, 2), (4, 3))]
)
def test_a_low_rank_update_is_part_of_the_kernel(kind: Any, shape: tuple[int, ...], tmp_path: Path) -> None:
    model, event = updated(kind, shape)
    right = np.asarray(model(event.astype(np.float32)))  # sums of few multiples of a power of two, exact in float32
    assert (emulate(import_keras(model), event) == right).all()
    model.save(tmp_path / "m.keras")
    assert (emulate(import_keras(tmp_path / "m.keras"), event) == right).all()
    model.save(tmp_path / "m.h5")
    with pytest.raises(ModelFileError, match=r"low-rank update .*model.save\('model.keras'\), which adds the two"):
        import_keras(tmp_path / "m.h5")


def test_the_list_of_a_sharded_save_is_told(tmp_path: Path) -> None:
    model, _ = updated(lambda: keras.layers.Dense(2), (3,))
    model.save_weights(tmp_path / "m.weights.json", max_shard_size=1e-7)
    (tmp_path / "m.json").write_text(model.to_json(), encoding="utf-8")
    with pytest.raises(ModelFileError, match=r"several files .*save the weights in one"):
        import_keras(tmp_path / "m.weights.json", architecture=tmp_path / "m.json")
