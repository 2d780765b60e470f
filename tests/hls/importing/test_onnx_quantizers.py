"""Quantizers of QONNX, FINN and ONNX itself, each against its definition in numpy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hls.emulation import Emulator, emulate
from hls.errors import UnsupportedError
from hls.graph import nodes
from hls.importing import Statements, import_model
from tests.hls.importing.onnx_checks import KERNEL, NUMBERS, W, chain, exact, quant
from tests.hls.importing.onnx_files import BREVITAS, File, Step
from tests.hls.importing.onnx_reference import ROUNDINGS, run


class TestQuantizers:
    @pytest.mark.parametrize("mode", ROUNDINGS)
    @pytest.mark.parametrize("signed", [0, 1])
    @pytest.mark.parametrize("scale", [1.0, 0.75, 1.3125])
    def test_every_rounding_with_and_without_a_power_of_two(
        self, mode: str, signed: int, scale: float, tmp_path: Path
    ) -> None:
        steps = (quant("x", "y", scale="t", bits="b3", rounding_mode=mode, signed=signed, narrow=1),)
        exact(chain((1, 4), *steps, t=scale), tmp_path)

    @pytest.mark.parametrize(
        ("mode", "wanted"),
        [
            ("ROUND", [0, 0, 1, 2, 0, 0, -1, -2, 3]),
            ("FLOOR", [0, 0, 0, 1, -1, -1, -1, -2, 3]),
            ("CEIL", [1, 1, 1, 2, 0, 0, 0, -1, 3]),
            ("DOWN", [0, 0, 0, 1, 0, 0, 0, -1, 3]),
            ("UP", [1, 1, 1, 2, -1, -1, -1, -2, 3]),
            ("HALF_UP", [0, 1, 1, 2, 0, -1, -1, -2, 3]),
            ("HALF_DOWN", [0, 0, 1, 1, 0, 0, -1, -1, 3]),
        ],
    )
    def test_the_port_rounds_as_its_quantizer_does(self, mode: str, wanted: list[int], tmp_path: Path) -> None:
        step = quant("x", "y", scale="t", bits="b3", rounding_mode=mode, signed=1, narrow=0)
        graph = import_model(chain((1, 9), step, t=1.0).write(tmp_path / "m.onnx"))
        (y,) = Emulator(graph).evaluate(np.array([[0.3, 0.5, 0.7, 1.5, -0.3, -0.5, -0.7, -1.5, 9.0]]))
        assert y.tolist() == [wanted]
        assert [(str(graph.port("x").type), len(list(graph)))] == [("ap_fixed<3,3>", 1)]

    @pytest.mark.parametrize("mode", [*ROUNDINGS, "DOWN", "half_even"])
    @pytest.mark.parametrize(("signed", "narrow"), [(0, 0), (0, 1), (1, 0), (1, 1)])
    def test_events_between_the_steps_of_a_port_are_those_of_qonnx(
        self, mode: str, signed: int, narrow: int, tmp_path: Path
    ) -> None:
        qonnx = pytest.importorskip("qonnx.custom_op.general.quant")
        step = quant("x", "y", bits="b3", rounding_mode=mode, signed=signed, narrow=narrow)
        graph = import_model(chain((1, 2), step).write(tmp_path / "m.onnx"))
        quarters = np.arange(-64, 65, dtype=np.float32) / 16
        x = np.stack([quarters, np.random.default_rng(2).uniform(-2, 2, 129).astype(np.float32)], axis=-1)
        scale, zero, bits = np.float32(0.25), np.float32(0), np.array(3, np.float32)
        wanted = qonnx.quant(x, scale, zero, bits, signed, narrow, mode.replace("ROUND_TO_ZERO", "DOWN"))
        assert np.array_equal(Emulator(graph).evaluate(x)[0], wanted)

    @pytest.mark.parametrize("zero", [1.0, 2.0])
    def test_a_zero_point_moves_ties_too(self, zero: float, tmp_path: Path) -> None:
        exact(chain((1, 4), quant("x", "y", scale="t", zero="o", bits="b3"), t=0.5, o=zero), tmp_path)

    def test_a_scale_for_each_channel(self, tmp_path: Path) -> None:
        steps = (quant("x", "q", scale="t", bits="b3"), Step("Conv", ("q", "k"), "y"))
        kernel = KERNEL[:, :, :, 0]
        exact(chain((1, 3, 5), *steps, t=[[[0.5], [0.75], [0.25]]], k=kernel), tmp_path)

    def test_scales_of_weights_stay_outside_of_the_products(self, tmp_path: Path) -> None:
        scale = np.float32(0.0884)
        weights = np.asarray(scale * np.array([[1, -2, 3], [0, 1, -1]], np.float32), np.float32)
        path = chain(
            (1, 2), quant("x", "q"), quant("W", "w", scale="t", bits="b3"), Step("MatMul", ("q", "w"), "y"),
            W=weights, t=scale,
        ).write(tmp_path / "m.onnx")  # fmt: skip
        graph = import_model(path)
        dense = next(node for node in graph if isinstance(node, nodes.Dense))
        assert dense.kernel.integers.tolist() == [[1, -2, 3], [0, 1, -1]]
        (y,) = Emulator(graph).evaluate(np.array([[1.0, 0.0]]))
        assert y.tolist() == [[float(scale), -2 * float(scale), 3 * float(scale)]]

    def test_bipolar_values_and_weights(self, tmp_path: Path) -> None:
        steps = (
            Step("BipolarQuant", ("x", "one"), "q", {}, BREVITAS),
            Step("BipolarQuant", ("W", "half"), "w", {}, BREVITAS),
            Step("Gemm", ("q", "w", "c"), "g"), Step("BipolarQuant", ("g", "half"), "y", {}, BREVITAS),
        )  # fmt: skip
        exact(chain((1, 2), *steps, W=W, c=[0.5, -0.25, 0.0], one=1.0, half=0.75), tmp_path)

    def test_bipolar_behind_a_normalization_that_turns_around(self, tmp_path: Path) -> None:
        steps = (
            Step("Mul", ("x", "g"), "m"), Step("Add", ("m", "h"), "a"),
            Step("BipolarQuant", ("a", "one"), "y", {}, BREVITAS),
        )  # fmt: skip
        exact(chain((1, 4), *steps, g=[-0.3, 0.0, 2.0, 0.0], h=[0.7, -1.0, 1.0, 0.0], one=1.0), tmp_path)

    def test_thresholds(self, tmp_path: Path) -> None:
        step = Step("MultiThreshold", ("x", "t"), "y", {"out_scale": 0.5, "out_bias": -1.0}, "qonnx.custom_op.general")
        thresholds = [[-2.0, 0.0, 1.5], [-3.0, -0.3, 2.0]]
        exact(chain((1, 2, 3, 2), step, t=thresholds), tmp_path)

    def test_truncation_behind_an_average(self, tmp_path: Path) -> None:
        steps = (
            quant("x", "q"), Step("AveragePool", ("q",), "p", {"kernel_shape": [2, 2], "strides": [2, 2]}),
            Step("Mul", ("p", "four"), "m"), Step("Trunc", ("m", "s", "z", "b8", "b"), "y", {}, BREVITAS),
        )  # fmt: skip
        exact(chain((1, 2, 4, 4), *steps, four=4.0), tmp_path)

    def test_quantize_and_dequantize_of_onnx_itself(self, tmp_path: Path) -> None:
        zero, none = np.array(3, np.int8), np.array(0, np.int8)
        steps = (
            Step("QuantizeLinear", ("x", "t", "o"), "i"), Step("DequantizeLinear", ("i", "t", "o"), "q"),
            Step("DequantizeLinear", ("W", "t", "n"), "w"), Step("MatMul", ("q", "w"), "y"),
        )  # fmt: skip
        weights = np.array([[1, -7, 3], [2, 0, 5]], np.int8)
        exact(chain((1, 2), *steps, t=0.375, o=zero, n=none, W=weights), tmp_path)

    def test_onnx_rounds_before_it_adds_the_zero_point(self, tmp_path: Path) -> None:
        """Half of all inputs are ties here, which QONNX's Quant, that rounds the sum, takes the other way."""
        odd = np.array(3, np.int8)
        steps = (Step("QuantizeLinear", ("x", "t", "o"), "i"), Step("DequantizeLinear", ("i", "t", "o"), "y"))
        _, found = exact(chain((1, 2), *steps, t=0.5, o=odd), tmp_path)
        _, other = exact(chain((1, 2), quant("x", "y", "t", "b8", "o"), t=0.5, o=3.0), tmp_path)
        assert not np.array_equal(found, other)

    @pytest.mark.parametrize("axis", [1, -1])
    def test_weights_are_quantized_a_channel_each(self, axis: int, tmp_path: Path) -> None:
        """As onnxruntime writes float weights and Brevitas those of less than 8 bits."""
        scale, zero = ("t", "o"), np.array([0, 1, -2], np.int8)
        steps = (
            Step("QuantizeLinear", ("W", *scale), "i", {"axis": axis}), Step("Clip", ("i", "low", "high"), "c"),
            Step("DequantizeLinear", ("c", *scale), "w", {"axis": axis}), Step("MatMul", ("x", "w"), "y"),
        )  # fmt: skip
        ends = {"low": np.array(-2, np.int8), "high": np.array(2, np.int8)}
        exact(chain((1, 2), *steps, W=W, t=[0.25, 0.5, 0.375], o=zero, **ends), tmp_path)

    @pytest.mark.parametrize(("kind", "factor"), [("Mul", [0.3, 0.7, 1.5]), ("Div", [3.0, 0.7, 1.5])])
    def test_a_scale_beside_the_quantizer_of_weights(self, kind: str, factor: list[float], tmp_path: Path) -> None:
        """As QONNX's ExtractQuantScaleZeroPt leaves it: the weights are steps still, and each channel has a scale."""
        steps = (quant("W", "q"), Step(kind, ("q", "f"), "w"), Step("MatMul", ("x", "w"), "y"))
        file = chain((1, 2), *steps, W=W, f=factor)
        graph = import_model(file.write(tmp_path / "m.onnx"), Statements("ap_fixed<6,4>"))
        x = np.array([[1.0, 0.0], [-2.0, 0.25]])
        assert Emulator(graph).evaluate(x)[0] == pytest.approx(run(file, x))

    def test_a_type_stated_instead_of_a_zero_point(self, tmp_path: Path) -> None:
        steps = (
            Step("QuantizeLinear", ("x", "t"), "i", {"output_dtype": 3}), Step("DequantizeLinear", ("i", "t"), "y"),
        )  # fmt: skip
        graph = import_model(chain((1, 2), *steps, t=0.25).write(tmp_path / "m.onnx"), Statements("ap_fixed<6,4>"))
        assert Emulator(graph).evaluate(np.array([[-8.0, 7.75]]))[0].tolist() == [[-8.0, 7.75]]

    def test_the_port_takes_the_type_of_the_quantizer_that_reads_it(self, tmp_path: Path) -> None:
        graph, _ = exact(chain((1, 4), quant("x", "y", bits="b3", narrow=1)), tmp_path, input_type=None)
        port = graph.port(graph.inputs[0])
        assert (str(port.type), port.raw_min, port.raw_max) == ("ap_fixed<3,1>", -3, 3)

    @pytest.mark.parametrize(
        ("zero", "ends", "kind"),
        [
            (np.array(0, np.int8), (-128, 127), "ap_fixed<8,6>"),
            (np.array(0, np.uint8), (0, 255), "ap_ufixed<8,6>"),
            (np.array(128, np.uint8), (-128, 127), "ap_fixed<8,6>"),
            (np.array(3, np.int8), (-131, 124), "ap_fixed<9,7>"),
            (None, (0, 255), "ap_ufixed<8,6>"),
        ],
    )
    def test_the_port_takes_the_integers_that_onnx_itself_makes_of_it(
        self, zero: Any, ends: tuple[int, int], kind: str, tmp_path: Path
    ) -> None:
        names = ("t",) if zero is None else ("t", "o")
        steps = (Step("QuantizeLinear", ("x", *names), "i"), Step("DequantizeLinear", ("i", *names), "y"))
        file = chain((1, 4), *steps, t=0.25, o=np.array(0, np.uint8) if zero is None else zero)
        graph = import_model(file.write(tmp_path / "m.onnx"))
        port = graph.port(graph.inputs[0])
        assert (str(port.type), (port.raw_min, port.raw_max)) == (kind, ends)
        found = emulate(graph, [[0.125, 0.375, -1000.0, 1000.0]])[0] * 4  # 0.5 and 1.5 steps are ties, to even
        assert found.tolist() == [0.0, 2.0, *ends]

    @pytest.mark.parametrize("step", [0.3, float(np.float32(0.1))])
    def test_integers_of_other_steps_give_the_port_no_type(self, step: float, tmp_path: Path) -> None:
        steps = (Step("QuantizeLinear", ("x", "t", "o"), "i"), Step("DequantizeLinear", ("i", "t", "o"), "y"))
        file = chain((1, 4), *steps, t=step, o=np.array(0, np.int8)).write(tmp_path / "m.onnx")
        with pytest.raises(UnsupportedError, match="no quantizer with a scale that is a power of two"):
            import_model(file)

    @pytest.mark.parametrize(
        ("annotation", "kind"),
        [("INT4", "ap_fixed<4,4>"), ("UINT3", "ap_ufixed<3,3>"), ("FIXED<5,2>", "ap_fixed<5,2>")],
    )
    def test_finns_note_of_a_type_is_taken(self, annotation: str, kind: str, tmp_path: Path) -> None:
        steps = [Step("Neg", ["x"], "n"), quant("n", "y")]
        graph, _ = exact(File((1, 3), steps, NUMBERS, annotation), tmp_path, input_type=None)
        assert str(graph.port(graph.inputs[0]).type) == kind
