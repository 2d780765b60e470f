"""Operators that choose, part or normalize, of Keras and of ONNX: the largest, its index, parts, tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from hls.emulation import Emulator, emulate
from hls.errors import ModelFileError
from hls.importing import Statements, import_keras, import_model
from tests.hls.importing.files import layer, operator, port, tensor, write

RAW = np.random.default_rng(7).integers(-16, 16, (300, 6, 4))
RAW[:100] = np.sign(RAW[:100])  # ties
X: npt.NDArray[np.float32] = (RAW / 4).astype(np.float32)


def of_keras(kind: str, folder: Path, *outputs: int, **config: Any) -> list[npt.NDArray[np.float64]]:
    layers = [port("x", 6, 4), operator(kind, "o", tensor("x"), **config)]
    refs = [["o", 0, number] for number in outputs or (0,)]
    graph = import_keras(write(folder / "m.keras", layers, refs if len(refs) > 1 else refs[0]), "ap_fixed<5,3>")
    found = emulate(graph, X)
    return found if isinstance(found, list) else [found]


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axis", [1, 2, -1])
def test_indices_of_keras(axis: int, keepdims: bool, tmp_path: Path) -> None:
    for kind, right in (("Argmax", np.argmax), ("Argmin", np.argmin)):
        (found,) = of_keras(kind, tmp_path, axis=axis, keepdims=keepdims)
        assert np.array_equal(found, right(X, axis=axis, keepdims=keepdims))


def test_the_largest_one_and_its_index(tmp_path: Path) -> None:
    value, index = of_keras("TopK", tmp_path, 0, 1, k=1, sorted=True)
    assert np.array_equal(value, X.max(axis=-1, keepdims=True))
    assert np.array_equal(index, X.argmax(axis=-1, keepdims=True))


def test_parts_of_keras_also_where_some_are_unused(tmp_path: Path) -> None:
    first, last = of_keras("Split", tmp_path, 0, 2, indices_or_sections=[1, -2], axis=1)
    assert np.array_equal(first, X[:, :1])
    assert np.array_equal(last, X[:, -2:])
    (third,) = of_keras("Split", tmp_path, 2, indices_or_sections=3, axis=-2)
    assert np.array_equal(third, X[:, 4:])
    (row,) = of_keras("Unstack", tmp_path, 3, num=None, axis=1)
    assert np.array_equal(row, X[:, 3])


def test_parts_that_are_none(tmp_path: Path) -> None:
    for stated in (4, [3, 3]):
        with pytest.raises(ModelFileError, match=r"4 equal parts of an axis of 6|part 1 of 3 holds nothing"):
            of_keras("Split", tmp_path, 1, indices_or_sections=stated, axis=1)


def of_onnx(folder: Path, nodes: list[Any], outputs: str = "y", **constants: Any) -> list[npt.NDArray[np.float64]]:
    port_ = helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, 6, 4])
    ends = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    held = [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()]
    graph = helper.make_graph(nodes, "g", [port_], ends, held)
    path = folder / "m.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=8), path)
    return list(Emulator(import_model(path, Statements("ap_fixed<5,3>"))).evaluate(X))


node = helper.make_node


@pytest.mark.parametrize("keepdims", [0, 1])
@pytest.mark.parametrize("axis", [1, 2, -1])
def test_indices_of_onnx(axis: int, keepdims: int, tmp_path: Path) -> None:
    for kind, right in (("ArgMax", np.argmax), ("ArgMin", np.argmin)):
        (found,) = of_onnx(tmp_path, [node(kind, ["x"], ["y"], axis=axis, keepdims=keepdims)])
        assert np.array_equal(found, right(X, axis=axis, keepdims=bool(keepdims)))


@pytest.mark.parametrize("largest", [0, 1])
def test_the_largest_or_least_of_onnx(largest: int, tmp_path: Path) -> None:
    top = node("TopK", ["x", "k"], ["v", "i"], axis=1, largest=largest)
    value, index = of_onnx(tmp_path, [top], "vi", k=np.array([1]))
    assert np.array_equal(value, (X.max if largest else X.min)(axis=1, keepdims=True))
    assert np.array_equal(index, (X.argmax if largest else X.argmin)(axis=1, keepdims=True))


def test_parts_of_onnx(tmp_path: Path) -> None:
    first, last = of_onnx(tmp_path, [node("Split", ["x", "s"], ["a", "b", "c"], axis=1)], "ac", s=np.array([1, 3, 2]))
    assert np.array_equal(first, X[:, :1])
    assert np.array_equal(last, X[:, 4:])
    parts = of_onnx(tmp_path, [node("Split", ["x"], list("abcd"), axis=-1, num_outputs=4)], "abcd")
    assert all(np.array_equal(part, X[:, :, n : n + 1]) for n, part in enumerate(parts))
    shares = [node("Split", ["w"], ["p", "q"], axis=0, num_outputs=2), node("MatMul", ["x", "q"], ["y"])]
    weights = np.arange(16, dtype=np.float32).reshape(8, 2)
    assert np.array_equal(of_onnx(tmp_path, shares, w=weights)[0], X @ weights[4:])


@pytest.mark.parametrize(
    ("nodes", "right"),
    [
        ([node("ReduceMin", ["x"], ["y"], axes=[1], keepdims=0)], X.min(axis=1)),
        ([node("Abs", ["x"], ["y"])], np.abs(X)),
        ([node("Max", ["x", "n", "h"], ["y"])], np.maximum(X, 0.5)),
        ([node("Neg", ["x"], ["z"]), node("Max", ["x", "z"], ["y"])], np.abs(X)),
        ([node("Neg", ["x"], ["z"]), node("Min", ["h", "x", "z"], ["y"])], np.minimum(-np.abs(X), 0.5)),
    ],
)
def test_extremes_of_onnx(nodes: list[Any], right: Any, tmp_path: Path) -> None:
    (found,) = of_onnx(tmp_path, nodes, h=np.float32(0.5), n=np.array([-1.0], np.float32))
    assert np.array_equal(found, right)


FUNCTIONS: dict[str, Any] = {
    "Softplus": lambda x: np.log1p(np.exp(x)),
    "Sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "Exp": np.exp,
    "Softsign": lambda x: x / (1 + np.abs(x)),
    "Elu": lambda x: np.where(x > 0, x, 0.5 * np.expm1(x)),
}


@pytest.mark.parametrize("zero", [-100, 0])
@pytest.mark.parametrize("kind", FUNCTIONS)
def test_a_function_and_its_quantizer_are_one_table(kind: str, zero: int, tmp_path: Path) -> None:
    """Rounded once, in steps of 1/16 with a zero point and without, and behind a maximum that reads the steps."""
    options = {"alpha": 0.5} if kind == "Elu" else {}
    steps = [node(kind, ["x"], ["f"], **options), node("QuantizeLinear", ["f", "s", "z"], ["q"])]
    last = [node("DequantizeLinear", ["q", "s", "z"], ["d"]), node("ReduceMax", ["d"], ["y"], axes=[1], keepdims=0)]
    (found,) = of_onnx(tmp_path, steps + last, s=np.float32(0.0625), z=np.int8(zero))
    rounded = np.clip(np.rint(FUNCTIONS[kind](X.astype(np.float64)) * 16), -128 - zero, 127 - zero) / 16
    assert np.array_equal(found, rounded.max(axis=1))


@pytest.mark.parametrize(
    ("config", "right"),
    [
        (
            {"axis": [-1], "mean": [1.0, 2, 3, 0.5], "variance": [4.0, 16, 1, 0.25]},
            (X - [1, 2, 3, 0.5]) / [2, 4, 1, 0.5],
        ),
        (
            {"axis": [1], "mean": [0.5] * 6, "variance": [4.0] * 5 + [1.0]},
            (X - 0.5) / np.array([2.0] * 5 + [1.0])[:, None],
        ),
        ({"axis": None, "mean": 2.0, "variance": 16.0, "invert": True}, X * 4 + 2),
        ({"axis": [-1]}, (X - [1, -1, 0, 2]) / [8, 0.5, 1, 2]),
    ],
)
def test_a_normalization_by_powers_of_two(config: dict[str, Any], right: Any, tmp_path: Path) -> None:
    """As stated, along any axes, turned round, and as adapted."""
    adapted = {} if "mean" in config else {"o": [[1, -1, 0, 2], [64, 0.25, 1, 4], 7]}
    path = write(
        tmp_path / "m.keras", [port("x", 6, 4), layer("Normalization", "o", tensor("x"), **config)], "o", adapted
    )
    assert np.array_equal(emulate(import_keras(path, "ap_fixed<5,3>"), X), right)


def test_a_normalization_that_knows_no_mean(tmp_path: Path) -> None:
    cases: list[tuple[dict[str, Any], str]] = [
        ({}, "neither adapted nor told"),
        ({"mean": [0.0], "variance": [-1.0]}, "below zero"),
    ]
    for config, told in cases:
        path = write(tmp_path / "m.keras", [port("x", 4), layer("Normalization", "o", tensor("x"), **config)], "o")
        with pytest.raises(ModelFileError, match=told):
            import_keras(path, "ap_fixed<5,3>")
