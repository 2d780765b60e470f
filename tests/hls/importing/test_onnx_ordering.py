"""ONNX's TopK, Hardmax and CumSum."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hls.emulation import Emulator
from hls.importing import Statements, import_model
from hls.importing.formats import plain_model
from tests.hls.importing.onnx_checks import like_onnxruntime
from tests.hls.importing.onnx_files import File, Step


def of(kind: str, *more: str, **options: Any) -> File:
    constants = {name: np.array([int(name)]) if kind == "TopK" else np.array(int(name)) for name in more}
    return File((1, 5, 4), (Step(kind, ("x", *more), "y", options),), constants, stated={"y": (1, None, None)})


@pytest.mark.parametrize("axis", [1, -1])
@pytest.mark.parametrize("largest", [0, 1])
@pytest.mark.parametrize("count", ["2", "4"])
def test_the_largest_few(count: str, largest: int, axis: int, tmp_path: Path) -> None:
    file = of("TopK", count, axis=axis, largest=largest)
    step = Step("TopK", file.steps[0].inputs, "y", file.steps[0].options, more=("i",))
    like_onnxruntime(File(file.shape, (step,), file.constants, stated=file.stated), tmp_path)


@pytest.mark.parametrize("axis", [1, 2])
def test_one_at_the_largest(axis: int, tmp_path: Path) -> None:
    _, found = like_onnxruntime(of("Hardmax", axis=axis), tmp_path, input_type="ap_fixed<3,3>")  # ties
    assert (found.sum(axis=axis) == 1).all()


def test_one_at_the_first_of_equal_ones(tmp_path: Path) -> None:
    graph = import_model(
        File((1, 3), (Step("Hardmax", ("x",), "y"),), {}).write(tmp_path / "m"), Statements("ap_fixed<6,4>")
    )
    assert Emulator(graph).evaluate([[1.0, 2.5, 2.5]])[0].tolist() == [[0.0, 1.0, 0.0]]


@pytest.mark.parametrize("options", [{}, {"exclusive": 1}, {"reverse": 1}, {"exclusive": 1, "reverse": 1}])
@pytest.mark.parametrize("axis", ["1", "2", "-1"])
def test_running_sums(axis: str, options: dict[str, int], tmp_path: Path) -> None:
    like_onnxruntime(of("CumSum", axis, **options), tmp_path)


def test_running_sums_of_constants(tmp_path: Path) -> None:
    """1 2 3 added up, beside the input."""
    steps = (Step("CumSum", ("c", "0"), "s", {"exclusive": 1}), Step("Add", ("x", "s"), "y"))
    file = File((1, 3), steps, {"c": [1.0, 2.0, 3.0], "0": np.array(0)}).write(tmp_path / "m")
    assert Emulator(import_model(file, Statements("ap_fixed<6,4>"))).evaluate([[0.5] * 3])[0].tolist() == [
        [0.5, 1.5, 3.5]
    ]


def test_a_plain_network_sorts_by_keras(tmp_path: Path) -> None:
    model = plain_model(of("TopK", "2", axis=1).write(tmp_path / "m.onnx"))
    assert "ops.Sort" in [layer.class_name for layer in model.layers.values()]
