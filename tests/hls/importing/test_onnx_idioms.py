"""SiLU and GELU as exporters write them, of several operators, against their definition in numpy."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from hls.errors import UnsupportedError
from hls.graph import nodes
from hls.importing import Statements, import_model
from tests.hls.importing.onnx_checks import chain, exact, quant
from tests.hls.importing.onnx_files import Step

ROOT = {"root": math.sqrt(2), "half_root": math.sqrt(0.5), "one": 1.0, "half": 0.5}
SILU = [Step("Sigmoid", ("q",), "t"), Step("Mul", ("q", "t"), "f")]
ERF = [Step("Erf", ("r",), "e"), Step("Add", ("e", "one"), "m")]
DIVIDED = [Step("Div", ("q", "root"), "r"), *ERF]
GELU = [*DIVIDED, Step("Mul", ("q", "m"), "p"), Step("Mul", ("p", "half"), "f")]
FUNCTIONS = {
    "SiLU": SILU,
    "SiLU, its factors the other way": [SILU[0], Step("Mul", ("t", "q"), "f")],
    "GELU": GELU,
    "GELU by a product": [Step("Mul", ("half_root", "q"), "r"), *GELU[1:]],
    "GELU, constants first": [
        *DIVIDED[:2], Step("Add", ("one", "e"), "m"), Step("Mul", ("m", "q"), "p"), Step("Mul", ("half", "p"), "f"),
    ],
    "HardSwish": [Step("HardSwish", ("q",), "f")],
}  # fmt: skip


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_function_is_one_table(name: str, tmp_path: Path) -> None:
    file = chain((1, 3), quant("x", "q"), *FUNCTIONS[name], quant("f", "y", bits="b8"), **ROOT)
    graph, _ = exact(file, tmp_path)
    assert [type(node) for node in graph][-1] is nodes.Table
    assert not any(isinstance(node, nodes.Multiply) for node in graph)


def test_what_another_operator_reads_stays(tmp_path: Path) -> None:
    both = Step("Add", ("f", "t"), "sum")
    file = chain((1, 3), quant("x", "q"), *SILU, both, quant("sum", "y"))
    with pytest.raises(UnsupportedError, match="'f': reads a function without a quantizer"):
        import_model(file.write(tmp_path / "m.onnx"), Statements("ap_fixed<6,4>"))


@pytest.mark.parametrize("changed", [{"root": 1.5}, {"one": 2.0}, {"half": 0.25}])
def test_another_constant_is_another_function(changed: dict[str, float], tmp_path: Path) -> None:
    file = chain((1, 3), quant("x", "q"), *GELU, quant("f", "y"), **{**ROOT, **changed})
    with pytest.raises(UnsupportedError, match=r"'e' \(Erf\) is not supported"):
        import_model(file.write(tmp_path / "m.onnx"), Statements("ap_fixed<6,4>"))
