"""ONNX files: each operator against its definition in numpy, what is refused, and damage."""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hls.emulation import Emulator
from hls.errors import FirmwareError, ModelFileError, UnsupportedError
from hls.graph import Edge, FixedGraph, nodes
from hls.importing import Statements, import_model
from hls.importing.onnx.narrowing import narrowest
from tests.hls.importing.onnx_files import BREVITAS, CHANNELS_LAST, QUANTIZED, File, Step, attribute, entry
from tests.hls.importing.onnx_reference import ROUNDINGS, run

Options = Mapping[str, Any]


def quant(source: str, output: str, scale: str = "s", bits: str = "b", zero: str = "z", **options: Any) -> Step:
    return Step("Quant", (source, scale, zero, bits), output, options, BREVITAS)


NUMBERS: dict[str, npt.ArrayLike] = {"s": 0.25, "z": 0.0, "b": 6.0, "b3": 3.0, "b8": 8.0}


def exact(
    file: File, path: Path, *, input_type: str | None = "ap_fixed<6,4>", events: int = 200
) -> tuple[FixedGraph, npt.NDArray[Any]]:
    """The graph, which gives what numpy gives over random values of the port and over its ends."""
    graph = import_model(file.write(path / "m.onnx"), Statements(input_type))
    port = graph.port(graph.inputs[0])
    raw = np.random.default_rng(0).integers(port.raw_min, port.raw_max + 1, (events, *port.shape))
    raw[0], raw[1] = port.raw_min, port.raw_max
    x = np.ldexp(raw.astype(np.float64), -port.type.fraction)
    found, wanted = Emulator(graph).evaluate(x)[0], run(file, x)
    assert found.shape == wanted.shape
    assert np.array_equal(found, wanted)
    assert np.unique(found).size > 1
    return graph, found


def chain(shape: Sequence[int | None], /, *steps: Step, **constants: npt.ArrayLike) -> File:
    return File(shape, steps, {**NUMBERS, **constants})


W = np.array([[0.5, -1.25, 2.0], [1.0, 0.25, -0.75]])
KERNEL = np.random.default_rng(3).integers(-4, 5, (4, 3, 3, 2)) * 0.25


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


class TestQuantizers:
    @pytest.mark.parametrize("mode", ROUNDINGS)
    @pytest.mark.parametrize("signed", [0, 1])
    @pytest.mark.parametrize("scale", [1.0, 0.75, 1.3125])
    def test_every_rounding_with_and_without_a_power_of_two(
        self, mode: str, signed: int, scale: float, tmp_path: Path
    ) -> None:
        steps = (quant("x", "y", scale="t", bits="b3", rounding_mode=mode, signed=signed, narrow=1),)
        exact(chain((1, 4), *steps, t=scale), tmp_path)

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
        ("annotation", "kind"),
        [("INT4", "ap_fixed<4,4>"), ("UINT3", "ap_ufixed<3,3>"), ("FIXED<5,2>", "ap_fixed<5,2>")],
    )
    def test_finns_note_of_a_type_is_taken(self, annotation: str, kind: str, tmp_path: Path) -> None:
        steps = [Step("Neg", ["x"], "n"), quant("n", "y")]
        graph, _ = exact(File((1, 3), steps, NUMBERS, annotation), tmp_path, input_type=None)
        assert str(graph.port(graph.inputs[0]).type) == kind


class TestShapes:
    @pytest.mark.parametrize("groups", [1, 2, 4])
    def test_convolutions_of_channels_first(self, groups: int, tmp_path: Path) -> None:
        options: Options = {"group": groups, "pads": [1, 0, 2, 1], "strides": [2, 1], "dilations": [1, 2]}
        kernel = np.random.default_rng(1).integers(-4, 5, (4, 4 // groups, 3, 2)) * 0.25
        steps = (
            quant("x", "q"), Step("Conv", ("q", "k", "c"), "p", options), Step("Relu", ("p",), "r"),
            quant("r", "y", bits="b8"),
        )  # fmt: skip
        exact(chain((1, 4, 5, 6), *steps, k=kernel, c=[0.5, -1.0, 2.0, 0.0]), tmp_path, events=20)

    def test_convolutions_of_channels_last(self, tmp_path: Path) -> None:
        kernel = KERNEL.transpose(0, 2, 3, 1)
        steps = (quant("x", "q"), Step("Conv", ("q", "k"), "y", {}, CHANNELS_LAST))
        graph, _ = exact(chain((1, 4, 5, 3), *steps, k=kernel), tmp_path, events=20)
        assert not any(isinstance(node, nodes.Transpose) for node in graph)

    def test_between_convolutions_nothing_is_transposed(self, tmp_path: Path) -> None:
        steps = (
            quant("x", "q"), Step("Conv", ("q", "k"), "c"), Step("MaxPool", ("c",), "p", {"kernel_shape": [2, 2]}),
            quant("p", "r", bits="b8"), Step("Conv", ("r", "l"), "d"), Step("Flatten", ("d",), "f"),
            Step("MatMul", ("f", "V"), "y"),
        )  # fmt: skip
        constants = {
            "k": KERNEL,
            "l": KERNEL.transpose(1, 0, 2, 3)[:, :, :1, :1],
            "V": np.arange(-12, 12).reshape(24, 1),
        }
        graph, _ = exact(chain((1, 3, 5, 6), *steps, **constants), tmp_path, events=20)
        assert sum(isinstance(node, nodes.Transpose) for node in graph) == 2  # of the port, and before Flatten

    def test_a_transpose_back_and_forth_takes_no_node(self, tmp_path: Path) -> None:
        steps = (
            quant("x", "q"), Step("Transpose", ("q",), "t", {"perm": [0, 2, 1]}), Step("Conv", ("t", "k"), "c"),
            Step("Transpose", ("c",), "y", {"perm": [0, 2, 1]}),
        )  # fmt: skip
        graph, _ = exact(chain((1, 6, 3), *steps, k=KERNEL[..., 0]), tmp_path)
        assert not any(node.wiring for node in graph)

    def test_averages_over_nine(self, tmp_path: Path) -> None:
        steps = (quant("x", "q"), Step("GlobalAveragePool", ("q",), "p"), quant("p", "r"), Step("Flatten", ("r",), "y"))
        exact(chain((1, 4, 3, 3), *steps), tmp_path)

    def test_a_mean_over_an_axis_in_the_middle(self, tmp_path: Path) -> None:
        steps = (quant("x", "q"), Step("ReduceMean", ("q",), "p", {"axes": [1], "keepdims": 0}), quant("p", "y"))
        exact(chain((1, 3, 4), *steps), tmp_path)

    def test_padding_squeezing_and_reshaping(self, tmp_path: Path) -> None:
        steps = (
            quant("x", "q"), Step("Pad", ("q", "pads"), "p"), Step("Unsqueeze", ("p", "two"), "u"),
            Step("Squeeze", ("u", "two"), "v"), Step("Reshape", ("v", "shape"), "r"), Step("Identity", ("r",), "y"),
        )  # fmt: skip
        constants = {"pads": np.array([0, 0, 1, 0, 0, 2]), "two": np.array([2]), "shape": np.array([0, 3, -1])}
        exact(chain((1, 2, 3), *steps, **constants), tmp_path)

    @pytest.mark.parametrize(
        ("starts", "ends", "axes", "steps"),
        [([1], [9], [1], [1]), ([3, 0], [-9, 1 << 40], [2, 1], [-2, 2]), ([0, -2], [1 << 40, -1], [0, 2], [1, 1])],
    )
    def test_slices(
        self, starts: list[int], ends: list[int], axes: list[int], steps: list[int], tmp_path: Path
    ) -> None:
        parts = {"from": starts, "to": ends, "of": axes, "by": steps}
        step = Step("Slice", ("q", *parts), "y")
        constants = {name: np.array(values) for name, values in parts.items()}
        exact(chain((1, 3, 4), quant("x", "q"), step, **constants), tmp_path)

    @pytest.mark.parametrize(("axis", "places"), [(1, [2, 0, 2]), (-1, [-1, 1]), (1, 1), (2, -2)])
    def test_places_of_an_axis(self, axis: int, places: Any, tmp_path: Path) -> None:
        step = Step("Gather", ("q", "i"), "y", {"axis": axis})
        exact(chain((1, 3, 4), quant("x", "q"), step, i=np.array(places)), tmp_path)

    @pytest.mark.parametrize(
        ("options", "scales"),
        [
            ({"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}, [1, 1, 2, 1.5]),
            ({"coordinate_transformation_mode": "half_pixel"}, [1, 1, 2, 1.5]),
            ({"coordinate_transformation_mode": "asymmetric", "nearest_mode": "ceil"}, [1, 1, 3, 0.5]),
            ({"coordinate_transformation_mode": "align_corners", "nearest_mode": "round_prefer_ceil"}, [1, 1, 2, 3]),
            ({"nearest_mode": "floor"}, None),
        ],
    )
    def test_nearest_neighbours_are_onnxruntimes(
        self, options: dict[str, str], scales: list[float] | None, tmp_path: Path
    ) -> None:
        onnxruntime = pytest.importorskip("onnxruntime")
        inputs = ("x", "", "", "n") if scales is None else ("x", "", "s")
        step = Step("Resize", inputs, "y", {"mode": "nearest", **options})
        constants = {"n": np.array([1, 2, 6, 4])} if scales is None else {"s": np.array(scales, np.float32)}
        file = File((1, 2, 3, 4), (step,), constants, stated={"y": (1, 2, None, None)}).write(tmp_path / "m.onnx")
        events = np.arange(-12.0, 12.0).reshape(1, 2, 3, 4)
        found = Emulator(import_model(file, Statements("ap_fixed<6,6>"))).evaluate(events)[0]
        (wanted,) = onnxruntime.InferenceSession(str(file)).run(None, {"x": events.astype(np.float32)})
        assert np.array_equal(found, wanted)

    def test_a_branch_that_comes_back_in_another_order(self, tmp_path: Path) -> None:
        steps = (
            quant("x", "q"), Step("Conv", ("q", "k"), "c"), Step("Add", ("c", "q"), "a"),
            Step("Concat", ("a", "q"), "y", {"axis": 1}),
        )  # fmt: skip
        exact(chain((1, 3, 4), *steps, k=KERNEL[:3, :, :1, 0]), tmp_path)


def refusal(file: File, path: Path, input_type: str | None = "ap_fixed<6,4>") -> str:
    with pytest.raises(UnsupportedError) as caught:
        import_model(file.write(path / "m.onnx"), Statements(input_type))
    assert "\n" not in str(caught.value)
    return str(caught.value)


class TestRefusals:
    def test_plain_weights_name_the_command_that_gives_them_types(self, tmp_path: Path) -> None:
        text = refusal(chain((1, 2), Step("MatMul", ("x", "W"), "y"), W=W + 0.1), tmp_path)
        assert "qtrigger quantize" in text
        assert "'y' (MatMul)" in text

    def test_one_plain_layer_among_quantized_ones(self, tmp_path: Path) -> None:
        text = refusal(chain((1, 2), quant("x", "q"), Step("MatMul", ("q", "W"), "y"), W=W + 0.1), tmp_path)
        assert "plain floats" in text

    def test_an_input_without_a_type(self, tmp_path: Path) -> None:
        file = chain((1, 2), Step("MatMul", ("x", "W"), "y"), W=W)
        assert "--input-type" in refusal(file, tmp_path, None)
        exact(file, tmp_path)  # the cure

    def test_an_average_that_no_quantizer_reads(self, tmp_path: Path) -> None:
        average = Step("GlobalAveragePool", ("x",), "p")
        assert "no finite binary expansion" in refusal(chain((1, 2, 3), average), tmp_path)
        exact(chain((1, 2, 3), average, quant("p", "y")), tmp_path)  # the cure

    def test_an_operator_that_is_not_known(self, tmp_path: Path) -> None:
        assert "'y' (Einsum) is not supported; leave it off the chip" in refusal(
            chain((1, 2), Step("Einsum", ("x",), "y")), tmp_path
        )

    def test_a_constant_divided_by_a_tensor(self, tmp_path: Path) -> None:
        assert "a division of a constant" in refusal(chain((1, 2), Step("Div", ("s", "x"), "y")), tmp_path)

    @pytest.mark.parametrize("kind", ["Softmax", "Sigmoid"])
    def test_a_last_function_is_dropped_on_request(self, kind: str, tmp_path: Path) -> None:
        file = chain((1, 3), quant("x", "q"), Step(kind, ("q",), "y"))
        assert f'{kind.lower()} = "drop"' in refusal(file, tmp_path)
        stated = Statements("ap_fixed<6,4>", **{kind.lower(): "drop"})
        graph = import_model(file.write(tmp_path / "m.onnx"), stated)
        x = np.array([[1.0, -2.5, 0.75]])
        assert Emulator(graph).evaluate(x)[0].tolist() == x.tolist()
        assert "is left to software" in graph.notes[0]

    def test_a_last_softmax_as_the_index_of_the_largest(self, tmp_path: Path) -> None:
        path = chain((1, 3), quant("x", "q"), Step("Softmax", ("q",), "y")).write(tmp_path / "m.onnx")
        graph = import_model(path, Statements("ap_fixed<6,4>", softmax="argmax"))
        x = np.array([[1.0, -2.5, 0.75], [0.0, 2.0, 2.0], [-3.0, -2.0, -1.0]])
        assert Emulator(graph).evaluate(x)[0].ravel().tolist() == [0, 1, 2]

    def test_a_last_softmax_by_tables(self, tmp_path: Path) -> None:
        path = chain((1, 3), quant("x", "q"), Step("Softmax", ("q",), "y")).write(tmp_path / "m.onnx")
        graph = import_model(path, Statements("ap_fixed<6,4>", softmax="table"))
        found = Emulator(graph).evaluate(np.array([[1.0, 1.0, 1.0], [3.0, 1.0, -8.0]]))[0].reshape(2, 3)
        assert np.allclose(found, [[1 / 3] * 3, [0.880782, 0.119201, 0.0000147]], atol=1e-3)

    def test_a_statement_about_a_function_that_is_not_there(self, tmp_path: Path) -> None:
        path = chain((1, 3), quant("x", "y")).write(tmp_path / "m.onnx")
        with pytest.raises(UnsupportedError, match="leave the statement out"):
            import_model(path, Statements("ap_fixed<6,4>", softmax="drop"))

    def test_a_size_that_is_open(self, tmp_path: Path) -> None:
        assert "every size but the batch's fixed" in refusal(chain((1, None), quant("x", "y")), tmp_path)


class TestDamage:
    WHOLE = QUANTIZED

    def read(self, data: bytes, path: Path) -> bool:
        path.write_bytes(data)
        try:
            import_model(path, Statements("ap_fixed<6,4>"))
        except FirmwareError as error:
            assert "\n" not in str(error)
            return False
        return True

    def test_cut_off_anywhere(self, tmp_path: Path) -> None:
        data = self.WHOLE.message()
        assert self.read(data, tmp_path / "m.onnx")
        taken = [size for size in range(0, len(data), 7) if self.read(data[:size], tmp_path / "m.onnx")]
        assert taken == []

    @pytest.mark.filterwarnings("ignore::RuntimeWarning")
    @pytest.mark.parametrize("seed", range(4))
    def test_bits_flipped_anywhere(self, seed: int, tmp_path: Path) -> None:
        chance, data = random.Random(seed), self.WHOLE.message()
        taken = 0
        for _ in range(150):
            flipped = bytearray(data)
            for _ in range(chance.randint(1, 3)):
                flipped[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            taken += self.read(bytes(flipped), tmp_path / "m.onnx")
        assert 0 < taken < 150

    def test_numbers_that_are_none(self, tmp_path: Path) -> None:
        path = chain((1, 2), quant("x", "q"), Step("MatMul", ("q", "W"), "y"), W=W * np.nan).write(tmp_path / "m.onnx")
        with pytest.raises(ModelFileError, match="'W' holds NaN"):
            import_model(path)

    def test_a_size_that_claims_more_than_the_file_holds(self, tmp_path: Path) -> None:
        path = tmp_path / "m.onnx"
        path.write_bytes(entry(1, 8) + bytes([0x3A, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F]))
        with pytest.raises(ModelFileError, match="bytes too early"):
            import_model(path)

    def test_constants_that_grow_beyond_any_file(self, tmp_path: Path) -> None:
        doubled = [Step("Concat", (f"c{n}", f"c{n}"), f"c{n + 1}", {"axis": 0}) for n in range(40)]
        outer = Step("Mul", ("row", "column"), "c")
        large = {"row": np.ones((1, 9999)), "column": np.ones((9999, 1))}
        for steps, constants in ((doubled, {"c0": np.ones(2)}), ([outer], large)):
            file = chain((1, 3), *steps, quant("x", "y"), **constants)
            assert "elements; export the model again" in refusal(file, tmp_path)

    def test_a_long_line_of_operators_that_do_nothing(self, tmp_path: Path) -> None:
        names = ["x", *(f"i{n}" for n in range(1500))]
        steps = [Step("Identity", (a,), b) for a, b in pairwise(names)]
        graph, _ = exact(chain((1, 3), *steps, quant(names[-1], "y")), tmp_path, input_type=None)
        assert len(graph.nodes) == 1

    def test_attributes_without_a_kind_are_those_of_old_files(self) -> None:
        from hls.importing.onnx.model import _attribute

        with_kind = attribute("axis", 3)
        assert _attribute(memoryview(with_kind[:-3])) == ("axis", 3) == _attribute(memoryview(with_kind))


class TestNarrowing:
    """Lines of few bits that round as exact ones of many do: by hand, and over every integer of random ones."""

    @pytest.mark.parametrize("nearest", [True, False])
    @pytest.mark.parametrize("seed", range(8))
    def test_the_same_stairs(self, seed: int, nearest: bool) -> None:
        chance = random.Random(seed)
        low = chance.randint(-300, 200)
        edge = Edge.of(np.array([low]), np.array([low + chance.randint(1, 400)]), 0)
        ends = (chance.randint(-8, 0), chance.randint(1, 15))
        slope = Fraction(chance.choice([-1, 1]) * chance.getrandbits(60), 1 << chance.randint(58, 66))
        offset = Fraction(chance.getrandbits(50) - (1 << 49), 3 << 46)
        found = narrowest(edge, np.array([slope]), np.array([offset]), ends, nearest=nearest)
        assert found is not None
        (factor,), (start,) = found
        assert factor.numerator.bit_length() < 20
        for raw in range(edge.raw_min, edge.raw_max + 1):
            exact = slope * raw + offset
            wanted = round(exact) if nearest else exact.__floor__()
            assert min(max((factor * raw + start).__floor__(), ends[0]), ends[1]) == min(max(wanted, ends[0]), ends[1])

    def test_ties_that_go_up_and_down_in_turn_have_no_other_line(self) -> None:
        edge = Edge.of(np.array([0]), np.array([40]), 0)
        line = np.array([Fraction(1, 6)]), np.array([Fraction(0)])  # halves at 3, 9, 15, 21: to 0, 2, 2, 4
        assert narrowest(edge, *line, (0, 6), nearest=True) is None

    def test_a_scale_of_24_bits_takes_a_factor_of_few(self, tmp_path: Path) -> None:
        steps = (quant("x", "q", bits="b3"), Step("Mul", ("q", "c"), "m"), quant("m", "y", scale="t", bits="b3"))
        graph, _ = exact(chain((1, 4), *steps, c=np.float32(1.7320508), t=np.float32(0.0884)), tmp_path)
        factors = [node.factor.type.width for node in graph if isinstance(node, nodes.Scale)]
        assert factors[0] < 8
