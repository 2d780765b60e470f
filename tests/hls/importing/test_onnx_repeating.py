"""ONNX's Tile and Expand, and constants among what is concatenated, against their definition in numpy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from hls.graph import nodes
from tests.hls.importing.onnx_checks import W, chain, exact, quant
from tests.hls.importing.onnx_files import Step


@pytest.mark.parametrize("repeats", [[1, 2, 1], [1, 1, 3], [1, 2, 2], [1, 1, 1]])
def test_tiles(repeats: list[int], tmp_path: Path) -> None:
    graph, _ = exact(chain((1, 2, 3), quant("x", "q"), Step("Tile", ("q", "n"), "y"), n=np.array(repeats)), tmp_path)
    assert sum(isinstance(node, nodes.Dense) for node in graph) == sum(times > 1 for times in repeats)


@pytest.mark.parametrize(
    ("shape", "target"),
    [((1, 1, 3), [1, 4, 3]), ((1, 2, 1), [2, 3]), ((1, 1, 1), [1, 2, 3]), ((1, 2, 3), [1]), ((None, 1, 3), [1, 2, 3])],
)
def test_expands(shape: tuple[Any, ...], target: list[int], tmp_path: Path) -> None:
    exact(chain(shape, quant("x", "q"), Step("Expand", ("q", "n"), "y"), n=np.array(target)), tmp_path)


def test_an_axis_that_is_not_held_is_repeated(tmp_path: Path) -> None:
    steps = (quant("x", "q"), Step("Unsqueeze", ("q", "i"), "u"), Step("Expand", ("u", "n"), "e"),
             Step("Mul", ("e", "c"), "y"))  # fmt: skip
    constants: dict[str, npt.ArrayLike] = {"i": np.array([1]), "n": np.array([1, 2, 3]), "c": [[[0.5], [2.0]]]}
    exact(chain((1, 3), *steps, **constants), tmp_path)


def test_the_shape_of_an_expand_as_pytorch_leaves_it(tmp_path: Path) -> None:
    """``expand(-1, 2, -1)``: where the shape says -1, a one is put in its place."""
    steps = (
        quant("x", "q"), Step("ConstantOfShape", ("rank",), "ones", {"value": np.array([1])}),
        Step("Mul", ("ones", "minus"), "kept"), Step("Equal", ("shape", "kept"), "whole"),
        Step("Where", ("whole", "ones", "shape"), "n"), Step("Expand", ("q", "n"), "y"),
    )  # fmt: skip
    constants = {"rank": np.array([3]), "minus": np.array(-1), "shape": np.array([-1, 2, -1])}
    exact(chain((1, 1, 3), *steps, **constants), tmp_path)


@pytest.mark.parametrize(("shape", "axis"), [((1, 1, 2), 1), ((1, 3, 1), 2), ((1, 2, 2), 1)])
def test_a_class_token_before_the_others(shape: tuple[int, ...], axis: int, tmp_path: Path) -> None:
    """A constant that is expanded to the batch, before the tensor or behind it, and positions added to all."""
    token = np.arange(np.prod(shape)).reshape(shape) / 4 - 0.5
    names = ("token", "q") if axis == 1 else ("q", "token")
    steps = (
        quant("x", "q"), Step("Expand", ("short", "n"), "token"), Step("Concat", names, "j", {"axis": axis}),
        Step("Add", ("j", "p"), "y"),
    )  # fmt: skip
    whole = (3 + shape[1], 2) if axis == 1 else (3, 3)
    positions = np.arange(np.prod(whole)).reshape(1, *whole) / 8
    exact(chain((1, 3, 2), *steps, short=token, n=np.array([1, 1, 1]), p=positions), tmp_path)


def test_a_token_beside_what_a_normalization_leaves(tmp_path: Path) -> None:
    """A line for each channel that no quantizer has rounded yet, and a token of its own steps."""
    line, joined = Step("Mul", ("q", "W"), "m"), Step("Concat", ("m", "t"), "y", {"axis": 1})
    exact(
        chain((1, 2, 3), quant("x", "q"), line, quant("token", "t"), joined, W=W, token=[[[0.5, -1.25, 2.0]]]), tmp_path
    )
