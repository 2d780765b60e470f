"""Reading model files without Keras: files of old, and files that are no models."""

from __future__ import annotations

import json
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from hls.emulation import emulate
from hls.errors import ModelFileError, UnsupportedError
from hls.importing import import_keras, import_model

DATA = Path(__file__).parent.parent / "data"
KERAS2 = DATA / "qkeras09_keras2.h5"


def test_a_model_of_qkeras_on_keras_2() -> None:
    """Saved, and its outputs computed, by QKeras 0.9.0 on TensorFlow 2.15."""
    with np.load(DATA / "qkeras09_keras2_events.npz") as stored:
        graph = import_keras(KERAS2)
        scores = emulate(graph, {name: stored[name] for name in graph.inputs})
        assert (scores == stored["scores"]).all()
    assert graph.inputs == ("particles", "globals")
    assert graph.output_names == ("scores",)


def test_a_sequential_model_without_input_quantizer() -> None:
    path = DATA / "qkeras09_sequential.h5"
    with pytest.raises(UnsupportedError, match=r'input_type = "ap_fixed<16,6>" under \[model\] in project.toml'):
        import_keras(path)
    graph = import_keras(path, input_type="ap_fixed<10,4>")
    assert str(graph.edges[graph.inputs[0]].type) == "ap_fixed<10,4>"


@pytest.mark.parametrize("text", ["float", "ap_fixed<0,0>", "ap_fixed<16>", "ap_fixed<8,3>; rm"])
def test_input_type_must_be_a_type(text: str) -> None:
    with pytest.raises(UnsupportedError, match="is no fixed-point type"):
        import_keras(DATA / "qkeras09_sequential.h5", input_type=text)


def test_importing_needs_no_tensorflow() -> None:
    code = f"import sys, hls; hls.import_keras({str(KERAS2)!r}); assert not {{'tensorflow','keras'}} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match="no such model file"):
        import_keras(tmp_path / "nothing.h5")


def test_not_a_model(tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    path.write_text("not a model")
    with pytest.raises(ModelFileError, match=r"neither HDF5 nor a \.keras archive"):
        import_keras(path)


@pytest.mark.parametrize("keep", [9, 200, 5000, 20000])
def test_truncated_h5(keep: int, tmp_path: Path) -> None:
    path = tmp_path / "model.h5"
    path.write_bytes(KERAS2.read_bytes()[:keep])
    with pytest.raises(ModelFileError, match="truncated or damaged"):
        import_keras(path)


def test_truncated_keras_archive(tmp_path: Path) -> None:
    path = tmp_path / "model.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "{" + " " * 500)
    with pytest.raises(ModelFileError, match="truncated or damaged"):
        import_keras(path)
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ModelFileError, match="truncated or damaged"):
        import_keras(path)


def test_weights_without_architecture(tmp_path: Path) -> None:
    path = tmp_path / "weights.h5"
    with h5py.File(path, "w") as store:
        store["kernel"] = np.zeros(3)
    with pytest.raises(ModelFileError, match="holds no architecture"):
        import_keras(path)


@pytest.fixture
def changed(tmp_path: Path) -> Any:
    """Copies the Keras 2 model with its architecture or weights changed."""

    def change(edit: Any = None, weight: float | None = None) -> Path:
        path = tmp_path / "model.h5"
        path.write_bytes(KERAS2.read_bytes())
        with h5py.File(path, "r+") as store:
            architecture = json.loads(store.attrs["model_config"])
            if edit:
                edit({layer["name"]: layer for layer in architecture["config"]["layers"]})
                store.attrs["model_config"] = json.dumps(architecture)
            if weight is not None:
                store["model_weights/phi/phi/kernel:0"][0, 0, 0] = weight
        return path

    return change


@pytest.mark.parametrize("weight", [np.nan, np.inf, -np.inf])
def test_weights_that_are_no_numbers(changed: Any, weight: float) -> None:
    with pytest.raises(ModelFileError, match="'phi/kernel:0' of layer 'phi' is NaN or infinite in 1 places"):
        import_keras(changed(weight=weight))


def test_lambda_is_refused_and_never_executed(changed: Any) -> None:
    def edit(layers: dict[str, Any]) -> None:
        layers["phi_relu"]["class_name"] = "Lambda"
        layers["phi_relu"]["config"]["function"] = ["raise SystemExit", None, None]

    with pytest.raises(UnsupportedError, match="layer 'phi_relu' is a Lambda layer"):
        import_keras(changed(edit))


def test_pickled_function_is_refused(changed: Any) -> None:
    def edit(layers: dict[str, Any]) -> None:
        layers["rho"]["config"]["activation"] = {"class_name": "__lambda__", "config": {"value": "4wEAAAA="}}

    with pytest.raises(UnsupportedError, match="'rho' holds a pickled Python function"):
        import_keras(changed(edit))


def test_unknown_layer_is_named(changed: Any) -> None:
    def edit(layers: dict[str, Any]) -> None:
        layers["phi_relu"]["class_name"] = "Mystery"

    with pytest.raises(UnsupportedError, match="layer 'phi_relu': class Mystery is not supported"):
        import_keras(changed(edit))


def test_contradicting_shapes_are_named(changed: Any) -> None:
    def edit(layers: dict[str, Any]) -> None:
        layers["particles"]["config"]["batch_input_shape"] = [None, 6, 5]

    with pytest.raises(ModelFileError, match="layer 'phi'"):
        import_keras(changed(edit))


def test_unknown_length_is_refused(changed: Any) -> None:
    def edit(layers: dict[str, Any]) -> None:
        layers["particles"]["config"]["batch_input_shape"] = [None, None, 4]

    with pytest.raises(UnsupportedError, match="firmware needs every size fixed"):
        import_keras(changed(edit))


def test_a_number_without_an_axis_is_refused(changed: Any) -> None:
    def edit(layers: dict[str, Any]) -> None:
        layers["particles"]["config"]["batch_input_shape"] = [None]

    with pytest.raises(UnsupportedError, match=r"'particles' is one number an event, .* Input\(shape=\(1,\)\)"):
        import_keras(changed(edit))


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"\x1c\0\0\0TFL3\0\0", "of TensorFlow Lite, .*bring the Keras model"),
        (b"\x80\x02}q\0.", "of PyTorch or another pickle, .*torch.onnx.export"),
        (b"\x80\x04\x95\x10\0\0\0\0\0\0\0\x8c\x0fsklearn.ensemble", "never executed, of scikit-learn, .*conifer"),
        (b"\x80\x05}q\0.", "of PyTorch or another pickle, .*torch.onnx.export"),
        (b"PK\x03\x04" + bytes(26) + b"archive/data.pkl", "of PyTorch or another pickle, .*torch.onnx.export"),
        (b'{"class_name": "Functional"}', "an architecture without weights; .*--architecture"),
        (b"\x08\x01\x12\x02", "the graph of a TensorFlow SavedModel"),
        (b"anything", "of no format that is known here|neither HDF5"),
    ],
    ids=[
        "TensorFlow Lite", "pickle", "scikit-learn", "another pickle", "PyTorch", "architecture", "SavedModel",
        "nothing",
    ],
)  # fmt: skip
def test_files_of_others_are_told_apart(content: bytes, told: str, tmp_path: Path) -> None:
    file = tmp_path / "model.bin"
    file.write_bytes(content)
    with pytest.raises(ModelFileError, match=told):
        import_model(file)
    with pytest.raises(ModelFileError, match=told):
        import_keras(file)


def test_a_file_of_another_reader_is_named(tmp_path: Path) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(b"\x08\x08\x12\x00")
    with pytest.raises(ModelFileError, match=r"of ONNX .*hls\.import_model"):
        import_keras(path)


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (("saved_model.pb", "keras_metadata.pb"), r"tf_keras\.models\.load_model"),
        (("saved_model.pb",), "without layers, as model.export"),
        ((), "a folder, not a model file"),
    ],
)
def test_folders(files: tuple[str, ...], told: str, tmp_path: Path) -> None:
    for name in files:
        (tmp_path / name).touch()
    with pytest.raises(ModelFileError, match=told):
        import_model(tmp_path)
