"""Models in a model become their layers, whoever counted their calls and named their weights. Values by hand."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from hls.emulation import emulate
from hls.errors import ModelFileError, UnsupportedError
from hls.importing import import_keras
from tests.hls.importing.files import activation, layer, port, tensor, write

DOUBLE, TRIPLE = np.array([[2.0]]), np.array([[3.0]])


def dense(name: str, source: str) -> dict[str, Any]:
    return layer("Dense", name, tensor(source), units=1, use_bias=False)


def model_of(name: str, layers: list[dict[str, Any]], outputs: Any, *calls: Any) -> dict[str, Any]:
    """A Functional model in the place of a layer, called once with each of ``calls``."""
    inputs = [[entry["config"]["name"], 0, 0] for entry in layers if entry["class_name"] == "InputLayer"]
    named = [{"name": entry["config"]["name"], **entry} for entry in layers]
    config = {"name": name, "layers": named, "input_layers": inputs, "output_layers": outputs}
    nodes = [{"args": [arguments], "kwargs": {"mask": [None, None]}} for arguments in calls]
    return {"class_name": "Functional", "module": "keras", "config": config, "inbound_nodes": nodes}


def read(name: str, call: int, index: int = 0) -> dict[str, Any]:
    return {"class_name": "__keras_tensor__", "config": {"keras_history": [name, call, index]}}


def test_a_model_called_twice_on_what_it_gave(tmp_path: Path) -> None:
    """y = 2 a and what it was given, b; then of (y, a): outputs 2 y = 4 a, and a through both calls untouched."""
    inner = model_of("m", [port("a", 1), port("b", 1), dense("d", "a")], [["d", 0, 0], ["b", 0, 0]],
                     [tensor("q"), tensor("r")], [read("m", 0, 0), tensor("q")])  # fmt: skip
    layers = [port("x", 1), port("z", 1), activation("q", "quantized_bits(6,3,alpha=1)", "x")]
    layers += [activation("r", "quantized_bits(6,3,alpha=1)", "z"), inner]
    # Keras 3 counts calls from 0 in calls, and from 1 in outputs.
    path = write(tmp_path / "model.keras", layers, [["m", 2, 0], ["m", 2, 1], ["m", 1, 1]])
    with_weights(path, {"m": {"d": [DOUBLE]}})
    graph = import_keras(path)
    found = emulate(graph, [np.array([[1.5]]), np.array([[-2.0]])])
    assert [output.tolist() for output in found] == [[[6.0]], [[1.5]], [[-2.0]]]
    assert {"m.d@0", "m.d@1"} <= set(graph.layers)


def with_weights(path: Path, models: dict[str, dict[str, list[Any]]]) -> None:
    """The weights of a ``.keras`` file replaced by those of the layers of models, as Keras 3 nests their groups."""
    store = io.BytesIO()
    with h5py.File(store, "w") as file:
        for number, (model, layers) in enumerate(models.items()):
            group = file.create_group(f"layers/functional_{number}")
            group.create_group("vars").attrs["name"] = model
            for place, (name, arrays) in enumerate(layers.items()):
                held = group.create_group(f"layers/dense_{place}/vars")
                held.attrs["name"] = name
                for index, values in enumerate(arrays):
                    held[str(index)] = values
    with zipfile.ZipFile(path) as archive:
        config = archive.read("config.json")
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", config)
        archive.writestr("model.weights.h5", store.getvalue())


def keras2_file(path: Path) -> Path:
    """x -> q -> Sequential "s" of Dense "d" and a Sequential "t" of another "d"; as Keras 2 writes it."""

    def entry(kind: str, name: str, *source: Any, **config: Any) -> dict[str, Any]:
        return {"class_name": kind, "name": name, "config": {"name": name, **config}, "inbound_nodes": list(source)}

    def plain(kind: str, name: str, **config: Any) -> dict[str, Any]:
        return {"class_name": kind, "config": {"name": name, **config}}

    second = plain(
        "Sequential", "t", layers=[plain("Dense", "e", units=1, use_bias=False, batch_input_shape=[None, 1])]
    )
    first = [
        plain("InputLayer", "i", batch_input_shape=[None, 1]),
        plain("Dense", "d", units=1, use_bias=False),
        second,
    ]
    layers = [
        entry("InputLayer", "x", batch_input_shape=[None, 1]),
        entry("QActivation", "q", [["x", 0, 0, {}]], activation="quantized_bits(6,3,alpha=1)"),
        entry("Sequential", "s", [["q", 0, 0, {}]], layers=first),
        entry("QActivation", "o", [["s", 1, 0, {}]], activation="quantized_bits(8,5,alpha=1)"),
    ]
    config = {"name": "net", "layers": layers, "input_layers": [["x", 0, 0]], "output_layers": [["o", 0, 0]]}
    with h5py.File(path, "w") as file:
        file.attrs["model_config"] = json.dumps({"class_name": "Functional", "config": config})
        group = file.create_group("model_weights/s")
        group.attrs["weight_names"] = np.array([b"e/kernel:0", b"s/d/kernel:0"])
        group["e/kernel:0"], group["s/d/kernel:0"] = TRIPLE, DOUBLE
    return path


def test_weights_of_nested_layers_are_found_by_name(tmp_path: Path) -> None:
    graph = import_keras(keras2_file(tmp_path / "model.h5"))
    assert emulate(graph, np.array([[1.25]]))[0].tolist() == [7.5]
    assert {"s.d", "s.t.e"} <= set(graph.layers)


@pytest.mark.parametrize(
    ("call", "outputs", "message"),
    [
        ([tensor("q"), tensor("q")], [["m", 1, 0]], "1 inputs and is called with 2"),
        ([tensor("q")], [["m", 1, 1]], "no output 1"),
        ([tensor("q")], [["m", 7, 0]], "no output 0 of call"),
        ([read("m", 0, 0)], [["m", 1, 0]], "reads its own output|not in the file"),
    ],
)
def test_calls_that_no_keras_writes(call: Any, outputs: Any, message: str, tmp_path: Path) -> None:
    for last in ("a", "r"):
        inner = model_of("m", [port("a", 1), layer("ReLU", "r", tensor("a"))], [[last, 0, 0]], call)
        layers = [port("x", 1), activation("q", "quantized_bits(6,3,alpha=1)", "x"), inner]
        with pytest.raises(ModelFileError, match=message):
            import_keras(write(tmp_path / "model.keras", layers, outputs))


def test_a_damaged_model_in_a_model_is_told_by_its_name(tmp_path: Path) -> None:
    inner = model_of("m", [port("a", 1), layer("ReLU", "r", tensor("a"))], [["r", 0, 0]], [tensor("q")])
    inner["config"]["layers"][1] = {"class_name": "ReLU"}
    layers = [port("x", 1), activation("q", "quantized_bits(6,3,alpha=1)", "x"), inner]
    with pytest.raises(ModelFileError, match=r"model 'm': no Keras architecture: config\.layers\.1"):
        import_keras(write(tmp_path / "model.keras", layers, [["m", 1, 0]]))


def test_a_layer_in_a_model_is_refused_by_its_whole_name(tmp_path: Path) -> None:
    inner = model_of("m", [port("a", 1), layer("ConvLSTM1D", "r", tensor("a"))], [["r", 0, 0]], [tensor("q")])
    layers = [port("x", 1), activation("q", "quantized_bits(6,3,alpha=1)", "x"), inner]
    with pytest.raises(UnsupportedError, match=r"layer 'm\.r': class ConvLSTM1D"):
        import_keras(write(tmp_path / "model.keras", layers, [["m", 1, 0]]))
