"""ONNX's comparisons and Where: by hand, and against their definition in numpy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hls.emulation import Emulator
from hls.graph import nodes
from hls.importing import Statements, import_model
from tests.hls.importing.onnx_checks import chain, exact, quant
from tests.hls.importing.onnx_files import Step

NUMBERS: dict[str, npt.ArrayLike] = {"c": 0.25, "low": -1.5}


def test_a_choice_by_hand(tmp_path: Path) -> None:
    steps = (Step("Greater", ("q", "c"), "g"), Step("Where", ("g", "q", "low"), "y"))
    graph = import_model(chain((1, 4), quant("x", "q"), *steps, **NUMBERS).write(tmp_path / "m.onnx"),
                         Statements("ap_fixed<6,4>"))  # fmt: skip
    found = Emulator(graph).evaluate(np.array([[1.0, 0.25, -2.0, 0.5]]))[0]
    assert found.tolist() == [[1.0, -1.5, -1.5, 0.5]]


@pytest.mark.parametrize("kind", ["Greater", "GreaterOrEqual", "Less", "LessOrEqual"])
@pytest.mark.parametrize("sides", [("q", "c"), ("c", "q"), ("q", "r"), ("q", "channels"), ("each", "q")])
def test_comparisons(kind: str, sides: tuple[str, str], tmp_path: Path) -> None:
    """With a number on either side, one a channel, one an element, and of two tensors, each with ties."""
    reversed_ = Step("Gather", ("q", "turned"), "r", {"axis": 2})
    steps = (quant("x", "q"), reversed_, Step(kind, sides, "g"), Step("Where", ("g", "q", "low"), "y"))
    arrays: dict[str, npt.ArrayLike] = {"turned": np.array([2, 1, 0]), "channels": [[[0.5], [-0.25]]]}
    arrays["each"] = [[[0.5, 0.25, 0.0], [-1.0, 0.75, 0.25]]]
    exact(chain((1, 2, 3), *steps, **NUMBERS, **arrays), tmp_path)


def test_a_comparison_behind_a_line_that_turns_around(tmp_path: Path) -> None:
    steps = (Step("Mul", ("q", "m"), "t"), Step("Less", ("t", "c"), "g"), Step("Where", ("g", "low", "t"), "y"))
    exact(chain((1, 3), quant("x", "q"), *steps, m=[-2.0, 0.5, 0.0], **NUMBERS), tmp_path)


def test_a_choice_of_two_tensors_of_other_shapes(tmp_path: Path) -> None:
    steps = (
        quant("x", "q"), Step("ReduceMean", ("q",), "w", {"axes": [2], "keepdims": 1}), Step("Neg", ("q",), "n"),
        Step("GreaterOrEqual", ("w", "c"), "g"), Step("Where", ("g", "n", "w"), "y"),
    )  # fmt: skip
    exact(chain((1, 3, 2), *steps, **NUMBERS), tmp_path)


MASK = np.array([[True, False, True], [False, False, True]])


@pytest.mark.parametrize("sides", [("q", "c"), ("c", "q"), ("q", "n"), ("q", "each"), ("q", "none")])
def test_a_mask_of_constants(sides: tuple[str, str], tmp_path: Path) -> None:
    step, each = Step("Where", ("mask", *sides), "y"), np.arange(6.0).reshape(2, 3) / 4
    steps = (quant("x", "q"), Step("Neg", ("q",), "n"), step)
    constants: dict[str, Any] = {"mask": MASK, "each": each, "none": 0.0}
    graph, _ = exact(chain((1, 2, 3), *steps, **NUMBERS, **constants), tmp_path)
    assert not any(isinstance(node, nodes.Multiply) for node in graph)


@pytest.mark.parametrize(("shape", "places"), [((1, 1, 3), [1, 2, 3]), ((1, 2, 1), [3])])
def test_a_mask_that_is_larger_than_the_tensor(shape: tuple[int, ...], places: list[int], tmp_path: Path) -> None:
    exact(chain(shape, quant("x", "q"), Step("Where", ("mask", "q", "c"), "y"), mask=MASK, **NUMBERS),
          tmp_path)  # fmt: skip


@pytest.mark.parametrize("kind", ["And", "Or", "Xor", "Equal"])
@pytest.mark.parametrize("sides", [("a", "less"), ("a", "row"), ("mask", "less"), ("a", "mask")])
def test_two_truths(kind: str, sides: tuple[str, str], tmp_path: Path) -> None:
    """Of two comparisons, of which one has a truth a row alone, and of one and a mask."""
    steps = (
        quant("x", "q"), Step("Greater", ("q", "low"), "a"), Step("Less", ("q", "c"), "less"),
        Step("ReduceMean", ("q",), "w", {"axes": [2], "keepdims": 1}), Step("Less", ("w", "c"), "row"),
        Step(kind, sides, "t"), Step("Not", ("t",), "n"), Step("Where", ("n", "c", "q"), "y"),
    )  # fmt: skip
    exact(chain((1, 2, 3), *steps, mask=MASK, **NUMBERS), tmp_path)


def test_equal_numbers_of_two_tensors(tmp_path: Path) -> None:
    steps = (
        quant("x", "q"),
        Step("Round", ("q",), "r"),
        Step("Equal", ("q", "r"), "e"),
        Step("Cast", ("e",), "y", {"to": 1}),
    )
    graph = import_model(chain((1, 5), *steps).write(tmp_path / "m.onnx"))
    assert Emulator(graph).evaluate([[0.25, -0.0, 1.0, -3.0, 0.75]])[0].tolist() == [[0, 1, 1, 1, 0]]
