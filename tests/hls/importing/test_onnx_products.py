"""ONNX's MatMul and Einsum: by hand, and against what numpy makes of the same equation."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hls.emulation import Emulator
from hls.graph import nodes
from hls.importing import Statements, import_model
from tests.hls.importing.onnx_checks import W, chain, exact, quant
from tests.hls.importing.onnx_files import Step


def values(*shape: int) -> Any:
    return np.random.default_rng(2).integers(-4, 5, shape) * 0.25


TURNED = Step("Transpose", ("q",), "t", {"perm": [0, 2, 1]})


def test_a_matrix_times_its_transpose_by_hand(tmp_path: Path) -> None:
    file = chain((1, 2, 2), quant("x", "q"), TURNED, Step("MatMul", ("q", "t"), "y"))
    graph = import_model(file.write(tmp_path / "m.onnx"), Statements("ap_fixed<6,4>"))
    found = Emulator(graph).evaluate(np.array([[[1.0, 2.0], [-3.0, 0.5]]]))[0]
    assert found.tolist() == [[[5.0, -2.0], [-2.0, 9.25]]]


def test_attention_of_two_heads(tmp_path: Path) -> None:
    """As PyTorch writes it, a ReLU in place of the softmax: three projections, heads apart, two products, together."""
    parts = [Step("MatMul", ("q", f"W{n}"), f"m{n}") for n in "qkv"]
    parts += [Step("Reshape", (f"m{n}", "apart"), f"r{n}") for n in "qkv"]
    parts += [Step("Transpose", (f"r{n}",), f"h{n}", {"perm": [0, 2, 1, 3]}) for n in "qv"]
    steps = (
        quant("x", "q", bits="b3"), *parts, Step("Transpose", ("rk",), "hk", {"perm": [0, 2, 3, 1]}),
        Step("MatMul", ("hq", "hk"), "n"), Step("Mul", ("n", "half"), "l"), Step("Relu", ("l",), "r"),
        quant("r", "a", bits="b"), Step("MatMul", ("a", "hv"), "o"),
        Step("Transpose", ("o",), "u", {"perm": [0, 2, 1, 3]}), Step("Reshape", ("u", "together"), "j"),
        Step("MatMul", ("j", "Wo"), "y"),
    )  # fmt: skip
    weights = {f"W{n}": values(4, 4) for n in "qkvo"}
    shapes = {"apart": np.array([0, 3, 2, 2]), "together": np.array([0, 3, 4])}
    graph, _ = exact(chain((1, 3, 4), *steps, **weights, **shapes, half=0.5), tmp_path)
    assert sum(isinstance(node, nodes.Multiply) for node in graph) == 2


@pytest.mark.parametrize(
    "equation",
    [
        "bij,bkj->bik", "bij,bkj->bki", "bij,bij->bj", "bij,bkl->bilkj", "bij,bik->bkj", "bij,bkl->bi",
        "...ij,...kj->...ik", " bij , bkj -> ikb ",
    ],
)  # fmt: skip
def test_equations_of_two_tensors(equation: str, tmp_path: Path) -> None:
    """The batch is an axis of all three, of the result anywhere: a Transpose brings it back to the front."""
    einsum, last = Step("Einsum", ("q", "q"), "e", {"equation": equation}), {"perm": [2, 0, 1]}
    behind = Step("Transpose", ("e",), "y", last) if "ikb" in equation else Step("Identity", ("e",), "y")
    exact(chain((1, 2, 3), quant("x", "q"), einsum, behind), tmp_path)


@pytest.mark.parametrize(("equation", "second"), [("bij,bij->b", "q"), ("bij,ij->b", "k")])
def test_one_number_an_event(equation: str, second: str, tmp_path: Path) -> None:
    steps = (Step("Einsum", ("q", second), "e", {"equation": equation}), Step("Unsqueeze", ("e", "one"), "y"))
    exact(chain((1, 2, 3), quant("x", "q"), *steps, k=values(2, 3), one=np.array([1])), tmp_path)


@pytest.mark.parametrize(
    ("equation", "kernel"),
    [
        ("abc,cd->abd", (3, 2)), ("abc,cd->adb", (3, 2)), ("abc,bd->adc", (2, 4)), ("abc,cde->adbe", (3, 2, 2)),
        ("abc,bcd->ad", (2, 3, 4)), ("abc,cbd->ad", (3, 2, 4)), ("abc,d->abcd", (2,)),
        ("abc,bd->ad", (2, 4)), ("...c,cd->...d", (3, 2)), ("abc,cd", (3, 2)),
    ],
)  # fmt: skip
def test_equations_with_a_constant(equation: str, kernel: tuple[int, ...], tmp_path: Path) -> None:
    step = Step("Einsum", ("q", "k"), "y", {"equation": equation})
    exact(chain((1, 2, 3), quant("x", "q"), step, k=values(*kernel)), tmp_path)


def test_a_constant_first(tmp_path: Path) -> None:
    """A matrix from the left, along the axis before the last."""
    steps = (
        quant("x", "q"),
        Step("MatMul", ("W", "q"), "m"),
        Step("Einsum", ("v", "m"), "y", {"equation": "d,bed->be"}),
    )
    exact(chain((1, 3, 4), *steps, W=W, v=values(4)), tmp_path)


@pytest.mark.parametrize(
    ("shape", "axes"), [((2, 3), (1, 2)), ((2, 3), (2, 1)), ((2, 2), (1, 1)), ((2, 1), (1, 1)), ((1, 1), (1, 1))]
)
def test_axes_of_one_element(shape: tuple[int, int], axes: tuple[int, int], tmp_path: Path) -> None:
    """One head beside several, one row, one column, one term a sum: held by one of the two, by neither or by both."""
    steps = (
        Step("Unsqueeze", ("q", "i"), "a"), Step("Unsqueeze", ("q", "j"), "c"), Step("Mul", ("c", "half"), "d"),
        Step("Transpose", ("d",), "e", {"perm": [0, 1, 3, 2]}), Step("MatMul", ("a", "e"), "y"),
    )  # fmt: skip
    places = {"i": np.array(axes[:1]), "j": np.array(axes[1:])}
    exact(chain((1, *shape), quant("x", "q"), *steps, **places, half=0.5), tmp_path)


def test_scales_that_are_no_powers_of_two_stay_outside_of_the_products(tmp_path: Path) -> None:
    steps = (quant("x", "q", scale="u"), TURNED, Step("MatMul", ("q", "t"), "m"), quant("m", "y", scale="u"))
    graph, _ = exact(chain((1, 2, 2), *steps, u=0.75), tmp_path)
    product = next(node for node in graph if isinstance(node, nodes.Multiply))
    assert graph.edges[product.name].fraction == 0


@pytest.mark.parametrize(
    ("equation", "kernel"),
    [("zij,ij->zij", (2, 3)), ("zij,j->zji", (3,)), ("zij,ijk->zik", (2, 3, 2)), ("zij,jik->zki", (3, 2, 4))],
)
def test_constants_with_axes_of_the_tensor_that_stay(equation: str, kernel: tuple[int, ...], tmp_path: Path) -> None:
    exact(chain((1, 2, 3), quant("x", "q"), Step("Einsum", ("q", "k"), "y", {"equation": equation}), k=values(*kernel)),
          tmp_path)  # fmt: skip


@pytest.mark.parametrize(
    ("sides", "kernel"), [(("q", "k"), (2, 4, 2)), (("k", "q"), (2, 2, 3)), (("k", "q"), (1, 2, 3))]
)
def test_a_matrix_for_each_place_of_an_axis(sides: tuple[str, str], kernel: tuple[int, ...], tmp_path: Path) -> None:
    exact(chain((1, 2, 3, 4), quant("x", "q"), Step("MatMul", sides, "y"), k=values(*kernel)), tmp_path)


@pytest.mark.parametrize(("sides", "length"), [(("q", "k"), 3), (("k", "q"), 2)])
def test_a_vector_is_a_matrix_of_one_column_or_row(sides: tuple[str, str], length: int, tmp_path: Path) -> None:
    exact(chain((1, 2, 3), quant("x", "q"), Step("MatMul", sides, "y"), k=values(length)), tmp_path)
