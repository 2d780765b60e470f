"""A last softmax or sigmoid: left out or read as an index where that is stated, refused with that cure where not."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any, cast

import keras
import numpy as np
import numpy.typing as npt
import pytest
import qkeras

from hls.emulation import Emulator, emulate
from hls.errors import FirmwareError, UnsupportedError
from hls.hls4ml_project import HlsProject
from hls.importing import Statements, import_keras
from hls.project.new_project import create_project
from hls.project.project_file import read_project
from hls.witnesses import Task
from hls.witnesses.framework_worker import argmax
from hls.witnesses.qkeras import QKerasWitness
from tests.hls.importing.files import activation, layer, operator, port, tensor, write

IDENTITY = [np.eye(3)]
Q3 = "quantized_bits(3,2,alpha=1)"
ALL: npt.NDArray[np.float64] = np.array(list(itertools.product(range(-4, 4), repeat=3)), float)
"""Every event of three numbers of three bits: ties of two and of three among them."""


def dense(name: str, function: str) -> dict[str, Any]:
    return layer("QDense", name, tensor("q"), units=3, kernel_quantizer=Q3, use_bias=False, activation=function)


def ending(function: str) -> list[list[dict[str, Any]]]:
    """The last layer in each way that people write it."""
    return [
        [dense("o", function)],
        [layer("Activation", "o", tensor("q"), activation=function)],
        [activation("o", function, "q")],
        [operator("Softmax" if function == "softmax" else "Sigmoid", "o", tensor("q"))],
        *([[layer("Softmax", "o", tensor("q"), axis=-1)]] if function == "softmax" else []),
    ]


def model(folder: Path, last: list[dict[str, Any]], outputs: Any = "o") -> Path:
    layers = [port("x", 3), activation("q", Q3, "x"), *last]
    return write(
        folder / "m.keras", layers, outputs, {e["config"]["name"]: IDENTITY for e in last if "units" in str(e)}
    )


@pytest.mark.parametrize("last", ending("softmax"))
def test_a_last_softmax_is_refused_with_a_cure_that_works(last: list[dict[str, Any]], tmp_path: Path) -> None:
    path = model(tmp_path, last)
    with pytest.raises(UnsupportedError, match=r"'o'.*softmax = \"drop\" under \[model\].*--softmax drop"):
        import_keras(path)
    dropped = import_keras(path, softmax="drop")
    assert np.array_equal(emulate(dropped, ALL), ALL)
    assert dropped.notes[-1] == "layer 'o': its softmax is left to software, so the output is what it would read"


@pytest.mark.parametrize("last", ending("sigmoid"))
def test_a_last_sigmoid_likewise(last: list[dict[str, Any]], tmp_path: Path) -> None:
    path = model(tmp_path, last)
    with pytest.raises(UnsupportedError, match=r"'o'.*sigmoid = \"drop\" under \[model\].*--sigmoid drop"):
        import_keras(path)
    assert np.array_equal(emulate(import_keras(path, sigmoid="drop"), ALL), ALL)


def test_the_index_of_the_largest_is_numpys_for_every_event(tmp_path: Path) -> None:
    graph = import_keras(model(tmp_path, [dense("o", "softmax")]), softmax="argmax")
    assert np.array_equal(emulate(graph, ALL), np.argmax(ALL, axis=1)[:, None])
    assert str(graph.edges[graph.outputs[0]].type) == "ap_ufixed<2,2>"
    assert "index of the largest score, the first of equal ones" in graph.notes[-1]


@pytest.mark.parametrize(
    ("classes", "type_"),
    [(2, "quantized_relu(1,0)"), (4, "quantized_bits(2,1,alpha=1)"), (7, "quantized_bits(4,1,alpha=1)")],
)
def test_however_many_classes_on_a_grid_of_fractions(classes: int, type_: str, tmp_path: Path) -> None:
    layers = [port("x", 4, classes), activation("q", type_, "x"), layer("Softmax", "o", tensor("q"), axis=-1)]
    graph = import_keras(write(tmp_path / "m.keras", layers, "o"), softmax="argmax")
    port_type = graph.edges[graph.inputs[0]].type
    raw = np.random.default_rng(1).integers(port_type.raw_min, port_type.raw_max, (300, 4, classes), endpoint=True)
    right = np.argmax(raw, axis=-1, keepdims=True)
    assert np.array_equal(Emulator(graph).run([raw])[0], right)
    assert len(np.unique(right)) == classes


def test_only_the_outputs_that_end_in_one(tmp_path: Path) -> None:
    path = model(tmp_path, [dense("o", "softmax"), dense("p", "linear")], [["p", 0, 0], ["o", 0, 0]])
    scores, index = emulate(import_keras(path, softmax="argmax"), ALL)
    assert np.array_equal(scores, ALL)
    assert np.array_equal(index, np.argmax(ALL, axis=1)[:, None])


@pytest.mark.parametrize(
    ("last", "stated", "message"),
    [
        ([dense("o", "linear")], {"softmax": "drop"}, "'drop' is stated, and no output.*leave the statement out"),
        ([dense("o", "softmax")], {"sigmoid": "drop"}, "no output of the network is the sigmoid"),
        (
            [dense("o", "softmax")],
            {"softmax": "tables"},
            "softmax 'tables' is not known here; choose one of drop, argmax, table",
        ),
        ([dense("o", "sigmoid")], {"sigmoid": "argmax"}, "sigmoid 'argmax' is not known here; choose one of drop"),
        ([layer("Softmax", "o", tensor("q"), axis=1)], {"softmax": "argmax"}, "softmax over axis 1, and only the last"),
        ([dense("s", "softmax"), activation("o", Q3, "s")], {"softmax": "drop"}, "no output of the network is the"),
    ],
)
def test_what_is_stated_must_be_of_use(
    last: list[dict[str, Any]], stated: dict[str, str], message: str, tmp_path: Path
) -> None:
    with pytest.raises(UnsupportedError, match=message):
        import_keras(model(tmp_path, last), **stated)


@pytest.mark.parametrize("classes", [1, 129])
def test_an_index_needs_scores_to_compare(classes: int, tmp_path: Path) -> None:
    layers = [port("x", classes), activation("q", Q3, "x"), layer("Softmax", "o", tensor("q"), axis=-1)]
    path = write(tmp_path / "m.keras", layers, "o")
    with pytest.raises(UnsupportedError, match=rf'compares 2 to 128.*here are {classes}; softmax = "drop"'):
        import_keras(path, softmax="argmax")
    assert import_keras(path, softmax="drop").outputs


def test_a_project_states_it(tmp_path: Path) -> None:
    path = model(tmp_path, [dense("o", "softmax")])
    options: dict[str, Any] = {"backend": "vitis", "clock_ns": 5, "input_type": None, "parent": tmp_path}
    with pytest.raises(FirmwareError, match="--softmax drop"):
        create_project("mine", path, "xcvu13p-flga2577-2-e", **options)
    folder = create_project("mine", path, "xcvu13p-flga2577-2-e", **options, softmax="argmax")
    assert read_project(folder).file.model.statements() == Statements(softmax="argmax")


def test_qkeras_gives_the_first_of_equal_ones() -> None:
    assert argmax(np.array([[1, 3, 3], [2, 2, 1]], np.float32)).tolist() == [[1], [0]]


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["drop", "argmax", "table"])
def test_qkeras_computes_the_same(mode: str, tmp_path: Path) -> None:
    """The last function as an argument of a layer, as a layer, and as a QKeras layer, in one model."""
    inputs = keras.Input((3,), name="x")
    q = qkeras.QActivation("quantized_bits(6,3,alpha=1)")(inputs)
    logits = qkeras.QDense(4, kernel_quantizer="quantized_bits(4,1,alpha=1)", use_bias=False)
    fused = qkeras.QDense(4, kernel_quantizer="quantized_bits(4,1,alpha=1)", use_bias=False, activation="softmax")
    ends = [fused(q), keras.layers.Softmax()(logits(q)), keras.layers.Activation("softmax")(q)]
    path = tmp_path / "m.keras"
    keras.Model(inputs, ends).save(path)
    stated = Statements(softmax=mode)
    graph = import_keras(path, softmax=mode)
    raw = np.random.default_rng(2).integers(-32, 32, (200, 3))
    task = Task(graph, path, cast(HlsProject, None), statements=stated)
    for ours, theirs in zip(Emulator(graph).run([raw]), QKerasWitness(task).run([raw]).raw, strict=True):
        assert np.array_equal(ours, theirs)
