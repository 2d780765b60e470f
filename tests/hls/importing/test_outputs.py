"""Outputs that a project states: logits, or the index of the largest, of files of any format."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from hls.emulation import Emulator, emulate
from hls.errors import ProjectError, UnsupportedError
from hls.hls4ml_project import HlsProject
from hls.importing import Statements, import_keras, import_model
from hls.project.new_project import create_project
from hls.project.project_file import read_project
from hls.witnesses import Task
from hls.witnesses.indices import as_stated
from hls.witnesses.qonnx import QonnxWitness
from tests.hls.importing.files import layer, tensor
from tests.hls.importing.onnx_checks import chain, quant
from tests.hls.importing.onnx_files import Step
from tests.hls.importing.test_heads import ALL, dense, ending, model
from tests.hls.importing.tree_files import FIRST, SECOND, written, xgboost

INDEX = Statements(outputs="argmax")
RIGHT = np.argmax(ALL, axis=1)[:, None]


@pytest.mark.parametrize("last", [[dense("o", "linear")], *ending("softmax"), *ending("sigmoid")])
def test_of_every_event_the_first_of_the_largest(last: list[dict[str, Any]], tmp_path: Path) -> None:
    path = model(tmp_path, last)
    graph = import_keras(path, outputs="argmax")
    assert np.array_equal(emulate(graph, ALL), RIGHT)
    assert str(graph.edges[graph.outputs[0]].type) == "ap_ufixed<2,2>"
    assert graph.notes[-1] == "output 'o' is the index of the largest of its values, the first of equal ones"
    assert np.array_equal(emulate(import_keras(path, outputs="logits"), ALL), ALL)


def test_an_output_of_one_value_stays_as_it_is(tmp_path: Path) -> None:
    first = layer("Cropping1D", "c", tensor("r"), cropping=[0, 2])
    layers = [layer("Reshape", "r", tensor("q"), target_shape=[3, 1]), first, layer("Flatten", "p", tensor("c"))]
    path = model(tmp_path, [dense("o", "linear"), *layers], [["p", 0, 0], ["o", 0, 0]])
    value, index = emulate(import_keras(path, outputs="argmax"), ALL)
    assert np.array_equal(value, ALL[:, :1])
    assert np.array_equal(index, RIGHT)


def test_of_onnx_with_a_softmax_and_without(tmp_path: Path) -> None:
    x = np.array([[1.0, -2.5, 0.75], [0.0, 2.0, 2.0], [-3.0, -2.0, -1.0]])
    for last in ([], [Step("Softmax", ("q",), "y")]):
        path = chain((1, 3), quant("x", "q" if last else "y", signed=1, narrow=0, rounding_mode="ROUND"), *last).write(
            tmp_path / "m.onnx"
        )
        stated = Statements("ap_fixed<6,4>", outputs="argmax")
        graph = import_model(path, stated)
        assert Emulator(graph).evaluate(x)[0].ravel().tolist() == [0, 1, 2]
        task = Task(graph, path, cast(HlsProject, None), statements=stated)
        assert QonnxWitness(task).run([np.ldexp(x, 2).astype(np.int64)]).raw[0].ravel().tolist() == [0, 1, 2]


def test_of_trees(tmp_path: Path) -> None:
    """The scores of (0, 0) are 1 and 0.5, of (0, 0.5) -2 and 0.5."""
    path = written(tmp_path / "m.json", xgboost(FIRST, SECOND, classes=2, base="[0E0,0E0]", objective="multi:softprob"))
    graph = import_model(path, Statements("ap_fixed<8,4>", outputs="argmax"))
    assert Emulator(graph).evaluate(np.array([[0.0, 0.0], [0.0, 0.5]]))[0].ravel().tolist() == [0, 1]


@pytest.mark.parametrize(
    ("stated", "message"),
    [
        ({"outputs": "class"}, "outputs 'class' is not known here; choose one of logits, argmax"),
        ({"outputs": "argmax", "softmax": "table"}, 'beside softmax = "table".*state one of them'),
        ({"outputs": "logits", "softmax": "argmax"}, 'beside softmax = "argmax".*state one of them'),
    ],
)
def test_what_is_stated_must_be_one_thing(stated: dict[str, str], message: str, tmp_path: Path) -> None:
    path = model(tmp_path, [dense("o", "softmax")])
    with pytest.raises(UnsupportedError, match=message):
        import_keras(path, **stated)
    with pytest.raises(UnsupportedError, match=message):
        import_model(path, Statements(**stated))


def test_one_score_has_no_largest(tmp_path: Path) -> None:
    path = chain((1, 1), quant("x", "y")).write(tmp_path / "m.onnx")
    with pytest.raises(UnsupportedError, match=r"no output of the network has two values or more.*leave outputs"):
        import_model(path, Statements("ap_fixed<6,4>", outputs="argmax"))


def test_a_project_states_it(tmp_path: Path) -> None:
    options: dict[str, Any] = {"backend": "vitis", "clock_ns": 5, "input_type": None, "outputs": "argmax"}
    path = model(tmp_path, [dense("o", "linear")])
    folder = create_project("a", path, "xcvu13p-flga2577-2-e", parent=tmp_path, **options)
    assert read_project(folder).file.model.statements() == INDEX
    toml = folder / "project.toml"
    toml.write_text(toml.read_text().replace('outputs = "argmax"', 'outputs = "class"'))
    with pytest.raises(ProjectError, match=r"\[model\] outputs = 'class'.*'logits' or 'argmax'"):
        read_project(folder)


def test_frameworks_give_the_first_of_equal_ones_and_leave_single_values() -> None:
    given = [np.array([[1, 3, 3], [2, 2, 1]], np.float32), np.array([[0.5], [7.0]], np.float32)]
    assert [array.tolist() for array in as_stated(given, INDEX)] == [[[1], [0]], [[0.5], [7.0]]]
    assert as_stated(given, Statements(outputs="logits"))[0] is given[0]
