"""ONNX's casts and what gives whole numbers, against their definitions in numpy."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hls.emulation import Emulator
from hls.graph import nodes
from hls.importing import Statements, import_model
from tests.hls.importing.onnx_checks import chain, exact
from tests.hls.importing.onnx_files import File, Step


@pytest.mark.parametrize("before", [(), (Step("Mul", ("x", "m"), "t"),), (Step("Clip", ("x", "low", "high"), "t"),)])
@pytest.mark.parametrize("kind", ["Ceil", "Floor", "Round", "Sign"])
def test_whole_numbers(kind: str, before: tuple[Step, ...], tmp_path: Path) -> None:
    """Of a tensor, of one whose channels have a factor each, and of one between ends that are not whole."""
    steps = (*before, Step(kind, ("t" if before else "x",), "y"))
    exact(chain((1, 3), *steps, m=[-2.0, 0.75, 0.0], low=-1.25, high=0.75), tmp_path)


def test_a_quantizer_that_was_written_by_hand(tmp_path: Path) -> None:
    steps = (
        Step("Div", ("x", "t"), "d"), Step("Round", ("d",), "r"), Step("Clip", ("r", "low", "high"), "c"),
        Step("Mul", ("c", "t"), "y"),
    )  # fmt: skip
    exact(chain((1, 3), *steps, t=0.375, low=-4.0, high=3.0), tmp_path)


@pytest.mark.parametrize("to", [6, 7, 9])
def test_casts(to: int, tmp_path: Path) -> None:
    steps = (Step("Cast", ("x",), "i", {"to": to}), Step("Cast", ("i",), "y", {"to": 1}))
    exact(chain((1, 4), *steps), tmp_path)


def test_a_cast_of_whole_numbers_is_nothing(tmp_path: Path) -> None:
    steps = (Step("Round", ("x",), "r"), Step("Cast", ("r",), "y", {"to": 7}))
    graph, _ = exact(chain((1, 4), *steps), tmp_path)
    assert len([node for node in graph if isinstance(node, nodes.Quantize)]) == 1


@pytest.mark.parametrize(("element", "kind"), [(2, "ap_ufixed<8,8>"), (3, "ap_fixed<8,8>"), (9, "ap_ufixed<1,1>")])
def test_integers_and_truths_are_types_of_ports(element: int, kind: str, tmp_path: Path) -> None:
    file = File((1, 3), [Step("Cast", ("x",), "f", {"to": 1}), Step("Neg", ("f",), "y")], {}, element=element)
    graph, _ = exact(file, tmp_path, input_type=None)
    assert str(graph.port("x").type) == kind


def test_elements_of_bfloat16_are_the_upper_half_of_a_float32(tmp_path: Path) -> None:
    onnx = pytest.importorskip("onnx")
    helper, tensor = onnx.helper, onnx.TensorProto
    half = helper.make_tensor("h", tensor.BFLOAT16, [2], [1.5, -0.375])
    steps = [helper.make_node("Cast", ["h"], ["w"], to=tensor.FLOAT), helper.make_node("Mul", ["x", "w"], ["y"])]
    ports = [helper.make_tensor_value_info(name, tensor.FLOAT, [1, 2]) for name in ("x", "y")]
    model = helper.make_model(helper.make_graph(steps, "g", ports[:1], ports[1:], [half]))
    onnx.save(model, tmp_path / "m.onnx")
    graph = import_model(tmp_path / "m.onnx", Statements("ap_fixed<6,4>"))
    assert Emulator(graph).evaluate(np.array([[2.0, 2.0]]))[0].tolist() == [[3.0, -0.75]]
