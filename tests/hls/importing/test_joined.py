"""Weights in one file and the architecture in another: one network, or a refusal with a cure that works."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from hls.emulation import emulate
from hls.errors import ModelFileError
from hls.importing import import_keras
from hls.project.build import build
from hls.project.new_project import create_project
from hls.project.project_file import read_project
from tests.hls.importing.files import activation, layer, port, tensor, write

Q4 = "quantized_bits(4,1,alpha=1)"
KERNEL = [[0.5, 1.0], [-0.25, 1.5]]
EVENTS = np.array([[1.0, -2.0], [0.5, 1.75]])
ANSWERS = EVENTS @ np.array(KERNEL)


def whole(folder: Path) -> Path:
    """A model of Keras 3 in one file."""
    dense = layer("QDense", "d", tensor("q"), units=2, kernel_quantizer=Q4, use_bias=False)
    return write(folder / "whole.keras", [port("x", 2), activation("q", Q4, "x"), dense], "d", {"d": [KERNEL]})


def weights_of_keras3(folder: Path) -> Path:
    path = folder / "m.weights.h5"
    path.write_bytes(zipfile.ZipFile(whole(folder)).read("model.weights.h5"))
    return path


def weights_of_keras2(folder: Path) -> Path:
    """As ``save_weights`` of Keras 2 leaves them: a group for every layer, empty ones too."""
    path = folder / "w.h5"
    with h5py.File(path, "w") as file:
        file.attrs["layer_names"] = ["x", "q", "d"]
        for name in ("x", "q", "d"):
            file.create_group(name).attrs["weight_names"] = ["d/kernel:0"] if name == "d" else []
        file["d/d/kernel:0"] = np.array(KERNEL, np.float32)
    return path


def architecture(folder: Path) -> Path:
    path = folder / "m.json"
    path.write_bytes(zipfile.ZipFile(whole(folder)).read("config.json"))
    return path


BOTH = pytest.mark.parametrize("weights", [weights_of_keras2, weights_of_keras3])


@BOTH
def test_weights_alone_are_refused_with_a_cure_that_works(weights: Callable[[Path], Path], tmp_path: Path) -> None:
    path, described = weights(tmp_path), architecture(tmp_path)
    with pytest.raises(ModelFileError, match=r"weights alone; write model.to_json\(\).*--architecture FILE.json"):
        import_keras(path)
    assert np.array_equal(emulate(import_keras(path, architecture=described), EVENTS), ANSWERS)
    assert np.array_equal(emulate(import_keras(path, architecture=whole(tmp_path)), EVENTS), ANSWERS)


@BOTH
def test_a_project_of_two_files(weights: Callable[[Path], Path], tmp_path: Path) -> None:
    options: dict[str, Any] = {"backend": "vitis", "clock_ns": 5, "input_type": None, "parent": tmp_path}
    path, described = weights(tmp_path), architecture(tmp_path)
    folder = create_project("mine", path, "xcvu13p-flga2577-2-e", **options, architecture=described)
    project = read_project(folder)
    assert project.file.model.architecture == "architecture.json"
    before = project.source_hash()
    assert not build(folder, witnesses=["emulator"], events=50).failed
    text = (folder / "architecture.json").read_text()
    (folder / "architecture.json").write_text(text.replace(Q4, "quantized_bits(5,2,alpha=1)"))
    assert project.source_hash() != before
    assert str(import_keras(project.model_file()).edges["x"].type) == "ap_fixed<5,3>"


@pytest.mark.parametrize(
    ("weights", "other", "message"),
    [
        ("whole.keras", "m.json", "Keras writes weights as HDF5"),
        ("m.weights.h5", "m.weights.h5", "holds no architecture, weights alone"),
        ("m.weights.h5", "other.json", r"other.json: has no layers d, whose weights are in .*m.weights.h5; give it"),
        ("w.h5", "other.json", r"other.json: has no layers d, whose weights are in .*w.h5; give it"),
        ("m.weights.h5", "none.json", "no such model file"),
        ("m.weights.h5", "text.json", "neither JSON nor a model file; write what"),
        ("m.weights.h5", "list.json", "no Keras architecture"),
        ("full.h5", "m.json", "holds an architecture of its own; leave m.json out"),
    ],
)
def test_files_that_do_not_go_together(weights: str, other: str, message: str, tmp_path: Path) -> None:
    weights_of_keras3(tmp_path), weights_of_keras2(tmp_path)
    text = architecture(tmp_path).read_text()
    (tmp_path / "other.json").write_text(text.replace('"d"', '"e"'))
    (tmp_path / "text.json").write_text("{'class_name': ...")
    (tmp_path / "list.json").write_text("[1, 2]")
    with h5py.File(tmp_path / "full.h5", "w") as file:
        file.attrs["model_config"] = text
    with pytest.raises(ModelFileError, match=message):
        import_keras(tmp_path / weights, architecture=tmp_path / other)


@pytest.mark.parametrize("weights", [b"\x89HDF\r\n\x1a\n", b""])
def test_damaged_weights(weights: bytes, tmp_path: Path) -> None:
    path = tmp_path / "w.h5"
    path.write_bytes(weights)
    with pytest.raises(ModelFileError, match=r"truncated or damaged|not; name the file of save_weights"):
        import_keras(path, architecture=architecture(tmp_path))


def test_weights_of_fewer_layers(tmp_path: Path) -> None:
    path, described = weights_of_keras3(tmp_path), json.loads(architecture(tmp_path).read_text())
    more = layer("QDense", "e", tensor("d"), units=2, kernel_quantizer=Q4, use_bias=False)
    described["config"]["layers"].append({"name": "e", **more})
    described["config"]["output_layers"] = [["e", 0, 0]]
    (tmp_path / "more.json").write_text(json.dumps(described))
    with pytest.raises(ModelFileError, match=r"layer 'e'.*has 0 weight arrays"):
        import_keras(path, architecture=tmp_path / "more.json")
