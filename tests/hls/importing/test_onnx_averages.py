"""ONNX's averages over windows that reach beyond the input: by the number of places that count, exactly."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hls.emulation import Emulator
from hls.graph import nodes
from hls.importing import import_model
from tests.hls.importing.onnx_checks import chain, exact, like_onnxruntime, quant, refusal
from tests.hls.importing.onnx_files import File, Step


def rounded(value: Fraction, step: Fraction) -> float:
    """To nearest even, by Python's own rationals."""
    return float(round(value / step) * step)


def test_edges_of_a_line_by_hand(tmp_path: Path) -> None:
    """3 5 7 8 over windows of 3 with a pad on either side: of two, three, three and two."""
    average = Step("AveragePool", ("q",), "p", {"kernel_shape": [3], "pads": [1, 1]})
    file = chain((1, 1, 4), quant("x", "q"), average, quant("p", "y"))
    graph = import_model(file.write(tmp_path / "m.onnx"))
    found = Emulator(graph).evaluate([[[3.0, 5.0, 7.0, 7.75]]])[0].ravel().tolist()
    wanted = [Fraction(8, 2), Fraction(15, 3), Fraction(79, 12), Fraction(59, 8)]
    assert found == [rounded(value, Fraction(1, 4)) for value in wanted]


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((1, 2, 5, 4), {"kernel_shape": [2, 2], "pads": [1, 1, 1, 1]}),
        ((1, 2, 5, 4), {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1}),
        ((1, 2, 5), {"kernel_shape": [2], "strides": [2], "pads": [0, 1]}),
        ((1, 2, 5), {"kernel_shape": [4], "strides": [3], "ceil_mode": 1, "count_include_pad": 1}),
        ((1, 2, 6), {"kernel_shape": [2], "strides": [3], "pads": [1, 1], "ceil_mode": 1}),
        ((1, 2, 5), {"kernel_shape": [2], "strides": [2], "auto_pad": "SAME_UPPER"}),
        ((1, 2, 5), {"kernel_shape": [2], "pads": [1, 1], "count_include_pad": 1}),
    ],
)
def test_of_powers_of_two_they_are_onnxruntimes(
    shape: tuple[int, ...], options: dict[str, Any], tmp_path: Path
) -> None:
    stated = {"y": (1, *(None for _ in shape[1:]))}
    like_onnxruntime(File(shape, (Step("AveragePool", ("x",), "y", options),), {}, stated=stated), tmp_path, events=20)


@pytest.mark.parametrize("rounding", ["ROUND", "FLOOR"])
def test_of_other_numbers_the_quantizer_behind_them_rounds_once(rounding: str, tmp_path: Path) -> None:
    """Windows of 3 by 3 over 3 by 4: of four, six and nine; against rational numbers."""
    average = Step("AveragePool", ("q",), "p", {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]})
    assert "put a quantizer right behind the division or average" in refusal(
        chain((1, 1, 3, 4), quant("x", "q"), average), tmp_path
    )
    file = chain((1, 1, 3, 4), quant("x", "q"), average, quant("p", "y", rounding_mode=rounding))
    graph = import_model(file.write(tmp_path / "m.onnx"))
    raw = np.random.default_rng(2).integers(-32, 32, (40, 1, 3, 4))
    found = Emulator(graph).evaluate(raw / 4)[0]
    for event, out in zip(raw[:, 0], found[:, 0], strict=True):
        for row, column in np.ndindex(3, 4):
            part = event[max(row - 1, 0) : row + 2, max(column - 1, 0) : column + 2]
            mean = Fraction(int(part.sum()), part.size)
            right = round(mean) if rounding == "ROUND" else mean.__floor__()
            assert out[row, column] * 4 == right


def test_ceil_mode_counts_the_padding_that_is_stated_alone(tmp_path: Path) -> None:
    """PyTorch's and ONNX Runtime's: the last window of three reaches one place beyond the padding, and is of two."""
    options = {"kernel_shape": [3], "strides": [2], "pads": [1, 1], "ceil_mode": 1, "count_include_pad": 1}
    file = chain((1, 1, 6), quant("x", "q"), Step("AveragePool", ("q",), "p", options), quant("p", "y"))
    graph = import_model(file.write(tmp_path / "m.onnx"))
    assert Emulator(graph).evaluate(np.full((1, 1, 6), 6.0))[0].ravel().tolist() == [4.0, 6.0, 6.0, 3.0]


def test_windows_that_are_all_whole_take_no_factors(tmp_path: Path) -> None:
    options = {"kernel_shape": [2, 2], "strides": [2, 2], "ceil_mode": 1}
    graph, _ = exact(chain((1, 2, 4, 4), quant("x", "q"), Step("AveragePool", ("q",), "y", options)), tmp_path)
    assert not any(isinstance(node, nodes.Reshape) for node in graph)


def test_pads_that_count_are_zeros_of_keras_where_nothing_has_a_type(tmp_path: Path) -> None:
    from hls.importing.formats import plain_model

    for more, kinds in (({"count_include_pad": 1}, ["ZeroPadding2D", "AveragePooling2D"]), ({}, ["AveragePooling2D"])):
        step = Step("AveragePool", ("x",), "y", {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1], **more})
        model = plain_model(File((1, 2, 4, 4), (step,), {}).write(tmp_path / "m.onnx"))
        found = [layer.class_name for layer in model.layers.values()]
        assert [kind for kind in found if kind not in ("InputLayer", "Permute")] == kinds
