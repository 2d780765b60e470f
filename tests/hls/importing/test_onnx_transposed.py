"""ONNX's ConvTranspose: by hand, against its definition in numpy, and against ONNX Runtime."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hls.emulation import Emulator
from hls.graph import nodes
from hls.importing import Statements, import_model
from tests.hls.importing.onnx_checks import chain, exact, quant
from tests.hls.importing.onnx_files import File, Step
from tests.hls.importing.onnx_reference import run

LINE: dict[str, Any] = {"pads": [1, 1], "strides": [2], "output_padding": [1]}
PLANE: dict[str, Any] = {"pads": [1, 0, 2, 1], "strides": [2, 3], "dilations": [2, 1]}
CASES = {
    "as a decoder of PyTorch doubles": ((1, 2, 4), (2, 3, 3), LINE),
    "and the other one": ((1, 2, 3, 2), (2, 3, 4, 4), {"pads": [1, 1, 1, 1], "strides": [2, 2]}),
    "windows side by side": ((1, 1, 3, 2), (1, 2, 2, 2), {"strides": [2, 2]}),
    "groups, dilation and pads": ((1, 4, 3, 2), (4, 3, 3, 2), {**PLANE, "group": 2}),
    "each channel by itself": ((1, 3, 4), (3, 1, 4), {"strides": [2], "group": 3, "pads": [1, 1]}),
    "a window shorter than its stride": ((1, 1, 3), (1, 1, 1), {"strides": [3], "output_padding": [2]}),
    "pads beyond the window": ((1, 1, 5), (1, 1, 2), {"strides": [2], "pads": [3, 2]}),
    "strides of one": ((1, 2, 3, 3), (2, 2, 2, 3), {"pads": [0, 1, 1, 1]}),
}


def values(*shape: int) -> Any:
    return np.random.default_rng(2).integers(-4, 5, shape) * 0.25


@pytest.mark.parametrize("name", CASES)
def test_every_option(name: str, tmp_path: Path) -> None:
    shape, kernel, options = CASES[name]
    outputs = kernel[1] * options.get("group", 1)
    steps = (quant("x", "q"), Step("ConvTranspose", ("q", "k", "c"), "t", options), Step("Relu", ("t",), "y"))
    exact(chain(shape, *steps, k=values(*kernel), c=values(outputs)), tmp_path, events=20)


def emulated(options: dict[str, Any], path: Path) -> list[float]:
    """Of two positions, 1 and 2, and a kernel of three."""
    file = File((1, 1, 2), [Step("ConvTranspose", ("x", "k"), "y", options)], {"k": np.array([[[1.0, 10.0, 100.0]]])})
    graph = import_model(file.write(path / "m.onnx"), Statements("ap_fixed<6,6>"))
    found: list[float] = Emulator(graph).evaluate(np.array([[[1.0, 2.0]]]))[0].ravel().tolist()
    return found


@pytest.mark.parametrize(
    ("options", "right"),
    [
        ({}, [1, 12, 120, 200]),
        ({"strides": [2]}, [1, 10, 102, 20, 200]),
        ({"strides": [2], "dilations": [2]}, [1, 0, 12, 0, 120, 0, 200]),
        ({"strides": [2], "output_padding": [1], "pads": [1, 1]}, [10, 102, 20, 200]),
        ({"strides": [2], "auto_pad": "SAME_UPPER"}, [1, 10, 102, 20]),
        ({"strides": [2], "auto_pad": "SAME_LOWER"}, [10, 102, 20, 200]),
        ({"strides": [2], "output_shape": [4]}, [10, 102, 20, 200]),
        ({"strides": [2], "output_shape": [4], "auto_pad": "SAME_UPPER"}, [1, 10, 102, 20]),
        ({"strides": [2], "output_shape": [6]}, [1, 10, 102, 20, 200, 0]),
        ({"strides": [2], "output_padding": [1], "auto_pad": "SAME_UPPER"}, [10, 102, 20, 200]),
    ],
)
def test_two_positions_by_hand(options: dict[str, Any], right: list[int], tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    assert emulated(options, tmp_path) == right
    file = tmp_path / "named.onnx"
    step = Step("ConvTranspose", ("x", "k"), "y", options)
    constants = {"k": np.array([[[1.0, 10.0, 100.0]]])}
    File((1, 1, 2), [step], constants, stated={"y": (1, 1, None)}).write(file)
    (wanted,) = onnxruntime.InferenceSession(str(file)).run(None, {"x": np.array([[[1.0, 2.0]]], np.float32)})
    assert wanted.ravel().tolist() == right


def test_a_scale_for_each_output_stays_outside_of_the_products(tmp_path: Path) -> None:
    """Along the axis on which ONNX has the outputs of this operator, the second: the weights are steps still."""
    steps = np.array([[[1, -2, 3], [2, 0, -1]]], np.int8)
    scale, convolved = np.array([0.3, 0.7], np.float32), Step("ConvTranspose", ("q", "k"), "y", {"strides": [2]})
    weights = Step("DequantizeLinear", ("K", "t", "o"), "k", {"axis": 1})
    file = chain((1, 1, 3), quant("x", "q"), weights, convolved, K=steps, t=scale, o=np.zeros(2, np.int8))
    graph = import_model(file.write(tmp_path / "m.onnx"), Statements("ap_fixed<6,4>"))
    conv = next(node for node in graph if isinstance(node, nodes.Conv))
    assert conv.kernel.integers[::-1, 0].T.tolist() == steps[0].tolist()
    x = np.array([[[1.0, -2.0, 0.25]]])
    plain = chain((1, 1, 3), quant("x", "q"), convolved, k=steps * scale[:, None])
    assert Emulator(graph).evaluate(x)[0] == pytest.approx(run(plain, x))
