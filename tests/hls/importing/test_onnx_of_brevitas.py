"""What Brevitas writes into its ONNX files beside quantizers: averages that gain bits, constants left to compute."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hls.emulation import Emulator
from hls.importing import Statements, import_model
from tests.hls.importing.onnx_checks import chain, quant, refusal
from tests.hls.importing.onnx_files import BREVITAS, File, Step


def _average(size: int) -> Step:
    return Step("AveragePool", ("q",), "p", {"kernel_shape": [size]})


def _trunc(*arguments: str, rounding: str = "ROUND") -> Step:
    return Step("Trunc", ("p", "fine", "z", *arguments), "y", {"signed": 0, "rounding_mode": rounding}, BREVITAS)


def _found(file: File, x: npt.ArrayLike, path: Path) -> Any:
    graph = import_model(file.write(path / "m.onnx"), Statements("ap_fixed<8,6>"))
    return Emulator(graph).evaluate(np.asarray(x, np.float64))[0].reshape(-1).tolist()


@pytest.mark.parametrize(("rounding", "wanted"), [("ROUND", [1.0, 2.0]), ("FLOOR", [0.5, 1.5])])
def test_an_average_loses_bits(rounding: str, wanted: list[float], tmp_path: Path) -> None:
    """Averages 0.875 and 1.75 are 7 and 14 steps of 1/8; four steps each go into one of 1/2: 1.75 and 3.5."""
    steps = (quant("x", "q"), _average(2), _trunc("b8", "half", "b8", rounding=rounding))
    file = chain((1, 1, 2), *steps, fine=0.125, half=0.5)
    assert [*_found(file, [[[0.75, 1.0]]], tmp_path), *_found(file, [[[1.5, 2.0]]], tmp_path)] == wanted


def test_an_average_gains_bits(tmp_path: Path) -> None:
    """Brevitas states an output scale below that of the average: 7 steps of 1/8 are 28 of 1/32, cut at 2**5 - 1."""
    steps = (quant("x", "q"), _average(2), _trunc("b8", "finer", "five"))
    file = chain((1, 1, 2), *steps, fine=0.125, finer=0.03125, five=5.0)
    assert _found(file, [[[0.75, 1.0]]], tmp_path) == [28 / 32]
    assert _found(file, [[[1.0, 1.25]]], tmp_path) == [31 / 32]


def test_an_average_over_no_power_of_two(tmp_path: Path) -> None:
    """A twelfth is no float32: the sum is the whole number next to it. 0.5 + 0.5 + 0.75 are 7 steps, rounded to 8."""
    steps = (quant("x", "q"), _average(3), _trunc("b8", "twice", "b8"))
    twelfth = np.float32(0.25) / np.float32(3)
    file = chain((1, 1, 3), *steps, fine=twelfth, twice=twelfth * np.float32(2))
    assert _found(file, [[[0.5, 0.5, 0.75]]], tmp_path) == [4 * float(twelfth * np.float32(2))]


def test_a_scale_that_gives_no_whole_number_is_refused(tmp_path: Path) -> None:
    steps = (quant("x", "q"), _average(3), _trunc("b8", "fine", "b8"))
    assert "no whole number of its scale" in refusal(chain((1, 1, 3), *steps, fine=0.125), tmp_path)


def test_constants_left_to_compute(tmp_path: Path) -> None:
    """The width of a sum of 15 steps over 16 places, as Brevitas writes it: ceil(log(240) / log(2)) is 8."""
    steps = (
        Step("Log", ("sum",), "l"), Step("Div", ("l", "ln2"), "d"), Step("Ceil", ("d",), "width"),
        quant("x", "y", bits="width"),
    )  # fmt: skip
    file = chain((1, 2), *steps, sum=240.0, ln2=np.log(np.float32(2)))
    assert _found(file, [[31.75, -32.0]], tmp_path) == [31.75, -32.0]


def test_an_output_that_is_a_constant_is_refused(tmp_path: Path) -> None:
    file = chain((1, 2), quant("x", "q"), Step("Log", ("s",), "y"))
    assert "return_quant_tensor=False" in refusal(file, tmp_path)


def test_the_sign_of_a_relu_is_refused(tmp_path: Path) -> None:
    """The numbers that Brevitas computes there, 0 and the scale, are those of an unsigned quantizer of one bit."""
    relu = Step("Relu", ("x",), "r")
    sign = Step("BipolarQuant", ("r", "two"), "y", {}, BREVITAS)
    assert "signed = 0 and a bit width of 1" in refusal(chain((1, 3), relu, sign, two=2.0), tmp_path)
    file = chain((1, 3), relu, quant("r", "y", scale="two", bits="one", signed=0), two=2.0, one=1.0)
    assert _found(file, [[-3.0, 1.0, 1.25]], tmp_path) == [0.0, 0.0, 2.0]
