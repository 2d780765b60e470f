"""Odd files that ONNX allows: each is what ONNX Runtime makes of it, or what the specification says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hls.emulation import Emulator
from hls.importing import Statements, import_model
from tests.hls.importing.onnx_checks import chain, like_onnxruntime, quant
from tests.hls.importing.onnx_files import File, Step


def values(*shape: int) -> npt.NDArray[np.float64]:
    return np.ldexp(np.random.default_rng(1).integers(-3, 4, shape).astype(np.float64), -2)


@pytest.mark.parametrize("options", [{}, {"beta": 2.0}, {"alpha": 0.5, "beta": -1.0}, {"transB": 1, "beta": 0.0}])
def test_gemm_adds_a_tensor_times_beta(options: dict[str, Any], tmp_path: Path) -> None:
    steps = (Step("Relu", ("x",), "r"), Step("Gemm", ("x", "w", "r"), "y", options))
    like_onnxruntime(File((1, 3), steps, {"w": values(3, 3)}, stated={"y": (1, 3)}), tmp_path)


def test_gemm_of_a_transposed_tensor(tmp_path: Path) -> None:
    steps = (Step("Transpose", ("x",), "t", {"perm": [1, 0]}), Step("Gemm", ("t", "w"), "y", {"transA": 1}))
    like_onnxruntime(File((1, 3), steps, {"w": values(3, 2)}, stated={"y": (1, 2)}), tmp_path)


@pytest.mark.parametrize(
    ("length", "window", "stride", "pads"),
    [(5, 2, 2, [0, 0]), (4, 2, 2, [0, 1]), (6, 2, 3, [0, 0]), (7, 2, 3, [0, 0]), (6, 2, 3, [1, 1]), (5, 3, 2, [1, 1])],
)
def test_a_last_window_that_would_begin_behind_the_input_is_none(
    length: int, window: int, stride: int, pads: list[int], tmp_path: Path
) -> None:
    options = {"kernel_shape": [window], "strides": [stride], "pads": pads, "ceil_mode": 1}
    like_onnxruntime(File((1, 2, length), (Step("MaxPool", ("x",), "y", options),), {}), tmp_path)


@pytest.mark.parametrize("divisor", [3, -4])
def test_a_quotient_of_integers_is_cut_off(divisor: int, tmp_path: Path) -> None:
    steps = (Step("Cast", ("x",), "i", {"to": 6}), Step("Div", ("i", "d"), "q"), Step("Cast", ("q",), "y", {"to": 1}))
    like_onnxruntime(File((1, 4), steps, {"d": np.array([divisor], np.int32)}), tmp_path, input_type="ap_fixed<9,6>")


def test_a_constant_longer_than_an_axis_of_one_element(tmp_path: Path) -> None:
    steps = (Step("Mul", ("x", "c"), "m"), Step("Less", ("x", "d"), "l"), Step("Where", ("l", "m", "z"), "y"))
    constants: dict[str, npt.ArrayLike] = {"c": values(2, 1), "d": [[0.5], [-1.0]], "z": 0.25}
    like_onnxruntime(File((1, 1, 3), steps, constants, stated={"y": (1, 2, 3)}), tmp_path)


@pytest.mark.parametrize("kind", ["Sum", "Mean"])
def test_any_number_of_terms(kind: str, tmp_path: Path) -> None:
    steps = (Step("Relu", ("x",), "r"), Step(kind, ("x", "r", "c", "x"), "y"))
    like_onnxruntime(File((1, 3), steps, {"c": values(3)}), tmp_path)


@pytest.mark.parametrize("kind", ["ReduceL1", "ReduceSumSquare"])
def test_sums_of_functions(kind: str, tmp_path: Path) -> None:
    like_onnxruntime(File((1, 2, 3), (Step(kind, ("x",), "y", {"axes": [2], "keepdims": 0}),), {}), tmp_path)


def test_no_axes_are_none_where_that_is_stated(tmp_path: Path) -> None:
    like_onnxruntime(File((1, 3), (Step("ReduceSum", ("x",), "y", {"noop_with_empty_axes": 1}),), {}), tmp_path)


def test_pads_of_the_axes_that_are_listed(tmp_path: Path) -> None:
    constants: dict[str, npt.ArrayLike] = {"p": np.array([1, 2]), "z": 0.0, "a": np.array([-1])}
    file = File((1, 2, 3), (Step("Pad", ("x", "p", "z", "a"), "y"),), constants, opset=18)
    like_onnxruntime(file, tmp_path)


def test_operators_that_no_output_comes_from_are_left_out(tmp_path: Path) -> None:
    """They would be refused, and read the port beside its quantizer."""
    steps = (Step("Det", ("x",), "d"), Step("Softmax", ("d",), "soft"), quant("x", "y"))
    graph = import_model(chain((1, 4), *steps).write(tmp_path / "m.onnx"))
    assert str(graph.port("x").type) == "ap_fixed<6,4>"


@pytest.mark.parametrize(
    ("shape", "axis", "constant"), [((1, 3, 3), 1, [[1.0], [2.0], [-1.0]]), ((1, 2, 3), -1, [1.0, 2.0, -1.0])]
)
def test_the_axis_that_files_of_old_name(
    shape: tuple[int, ...], axis: int, constant: npt.ArrayLike, tmp_path: Path
) -> None:
    """Of opset 6, which ONNX Runtime does not run: ``axis`` is the first of the constant's."""
    old = File(shape, (Step("Mul", ("x", "c"), "y", {"broadcast": 1, "axis": axis}),), {"c": [1.0, 2.0, -1.0]}, opset=6)
    graph = import_model(old.write(tmp_path / "m.onnx"), Statements("ap_fixed<6,4>"))
    x = np.arange(1.0, 1 + np.prod(shape)).reshape(shape) / 4
    assert np.array_equal(Emulator(graph).evaluate(x)[0], x * np.asarray(constant))
