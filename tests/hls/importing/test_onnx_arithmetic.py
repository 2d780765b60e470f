"""Operators of ONNX that compute, each against its definition in numpy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hls.emulation import Emulator
from hls.graph import nodes
from hls.importing import import_model
from tests.hls.importing.onnx_checks import W, chain, exact, quant
from tests.hls.importing.onnx_files import Step


class TestArithmetic:
    @pytest.mark.parametrize("slope", [[0.25], [[0.5], [0.25], [-1.0]], np.full((3, 4), 0.375).tolist()])
    def test_a_slope_below_zero_a_channel(self, slope: Any, tmp_path: Path) -> None:
        exact(chain((1, 3, 4), quant("x", "q"), Step("PRelu", ("q", "f"), "y"), f=slope), tmp_path)

    def test_a_square(self, tmp_path: Path) -> None:
        exact(chain((1, 3), quant("x", "q"), Step("Pow", ("q", "two"), "y"), two=2.0), tmp_path)

    @pytest.mark.parametrize(
        ("kind", "first"),
        [(kind, first) for kind in ("Add", "Sub", "Mul") for first in (True, False)] + [("Div", True)],
    )
    def test_constants_beside_a_tensor(self, kind: str, first: bool, tmp_path: Path) -> None:
        names = ("q", "c") if first else ("c", "q")
        file = chain((1, 3), quant("x", "q"), Step(kind, names, "y"), c=[2.0, -0.5, 4.0])
        exact(file, tmp_path)

    def test_a_constant_for_each_channel_of_channels_first(self, tmp_path: Path) -> None:
        steps = (quant("x", "q"), Step("Mul", ("q", "c"), "m"), Step("Add", ("m", "d"), "y"))
        exact(chain((1, 3, 2), *steps, c=[[2.0], [0.5], [-1.0]], d=np.arange(6).reshape(3, 2) / 2), tmp_path)

    def test_dense_layers_of_both_spellings(self, tmp_path: Path) -> None:
        steps = (
            quant("x", "q"), quant("W", "w"), Step("MatMul", ("q", "w"), "m"), Step("Add", ("m", "c"), "a"),
            Step("Relu", ("a",), "r"), quant("r", "p", bits="b3", signed=0),
            Step("Gemm", ("p", "V", "c2"), "y", {"transB": 1}),
        )  # fmt: skip
        graph, _ = exact(chain((None, 2), *steps, W=W, c=[0.5, 1.0, -1.0], V=W, c2=[0.25, 1.0]), tmp_path)
        assert sum(isinstance(node, nodes.Dense) for node in graph) == 2

    def test_gemm_with_its_factors(self, tmp_path: Path) -> None:
        steps = (quant("x", "q"), Step("Gemm", ("q", "W", "c"), "y", {"alpha": 0.5, "beta": 2.0}))
        exact(chain((1, 2), *steps, W=W, c=[0.5, 1.0, -1.0]), tmp_path)

    def test_two_tensors(self, tmp_path: Path) -> None:
        steps = (
            quant("x", "q"), Step("Neg", ("q",), "n"), Step("Mul", ("q", "n"), "p"),
            Step("Sub", ("p", "q"), "d"), Step("Concat", ("d", "q"), "y", {"axis": 1}),
        )  # fmt: skip
        exact(chain((1, 3), *steps), tmp_path)

    def test_normalization_relu_and_quantizer_are_one_line_and_one_rounding(self, tmp_path: Path) -> None:
        steps = (
            quant("x", "q"), Step("BatchNormalization", ("q", "g", "h", "m", "v"), "n", {"epsilon": 0.0}),
            Step("Relu", ("n",), "r"), quant("r", "y", bits="b3", signed=0),
        )  # fmt: skip
        arrays = {"g": [1.0, -2.0, 0.5], "h": [0.5, 0.0, 1.0], "m": [1.0, 2.0, 0.0], "v": [4.0, 1.0, 0.25]}
        graph, _ = exact(chain((1, 3), *steps, **arrays), tmp_path)
        assert [type(node) for node in graph] == [nodes.Input, nodes.Scale, nodes.Quantize]

    def test_leaky_relu_and_clip(self, tmp_path: Path) -> None:
        steps = (
            quant("x", "q"), Step("LeakyRelu", ("q",), "l", {"alpha": 0.1015625}),
            Step("Clip", ("l", "low", "high"), "y"),
        )  # fmt: skip
        exact(chain((1, 3), *steps, low=-0.125, high=3.0), tmp_path)

    @pytest.mark.parametrize("kind", ["Max", "Min"])
    @pytest.mark.parametrize("ends", [0.25, [0.25, -1.0, 2.0], [[[0.5], [-0.5]]]])
    def test_the_larger_and_the_smaller_of_a_tensor_and_constants(self, kind: str, ends: Any, tmp_path: Path) -> None:
        exact(chain((1, 2, 3), quant("x", "q"), Step(kind, ("q", "e"), "y"), e=ends), tmp_path)

    @pytest.mark.parametrize(("low", "high"), [(-np.inf, 0.5), (-0.5, np.inf), (-3.4e38, 3.4e38), (-1e25, 1e25)])
    def test_ends_that_no_value_reaches(self, low: float, high: float, tmp_path: Path) -> None:
        exact(chain((1, 3), quant("x", "q"), Step("Clip", ("q", "l", "h"), "y"), l=low, h=high), tmp_path)

    def test_a_clip_beyond_all_values(self, tmp_path: Path) -> None:
        graph = import_model(
            chain((1, 1), quant("x", "q"), Step("Clip", ("q", "l"), "y"), l=1e25).write(tmp_path / "m")
        )
        assert Emulator(graph).evaluate([[1.5]])[0].tolist() == [[float(np.float32(1e25))]]
