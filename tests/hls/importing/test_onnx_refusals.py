"""What is refused of an ONNX file, and what a user states of its last function."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hls.emulation import Emulator
from hls.errors import UnsupportedError
from hls.importing import Statements, import_model
from tests.hls.importing.onnx_checks import W, chain, exact, quant, refusal
from tests.hls.importing.onnx_files import Step


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
        assert "'y' (Det) is not supported; leave it off the chip" in refusal(
            chain((1, 2), Step("Det", ("x",), "y")), tmp_path
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
