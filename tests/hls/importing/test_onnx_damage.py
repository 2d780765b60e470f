"""ONNX files that are damaged, or claim more than they hold."""

from __future__ import annotations

import random
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from hls.errors import FirmwareError, ModelFileError
from hls.importing import Statements, import_model
from tests.hls.importing.onnx_checks import W, chain, exact, quant, refusal
from tests.hls.importing.onnx_files import QUANTIZED, Step, attribute, entry, tensor


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

    @pytest.mark.parametrize("before", [(), (quant("x", "q"),)])
    def test_weights_that_are_infinite(self, before: tuple[Step, ...], tmp_path: Path) -> None:
        steps = (*before, Step("MatMul", ("q" if before else "x", "W"), "y"))
        assert "is infinite, and no fixed-point number is; train" in refusal(
            chain((1, 2), *steps, W=np.full((2, 3), np.inf)), tmp_path
        )

    @pytest.mark.parametrize("name", ["q", "W", "x"])
    def test_a_name_of_two_tensors(self, name: str, tmp_path: Path) -> None:
        """Of another operator's output, of a constant, of the input."""
        steps = (quant("x", "q"), Step("Relu", ("q",), name), Step("MatMul", (name, "W"), "y"))
        path = chain((1, 2), *steps, W=W).write(tmp_path / "m.onnx")
        with pytest.raises(ModelFileError, match=f"'{name}' is the name of two tensors"):
            import_model(path)

    def test_a_constant_that_stands_there_twice(self, tmp_path: Path) -> None:
        file = chain((1, 2), quant("x", "q"), Step("MatMul", ("q", "W"), "y"), W=W)
        path = tmp_path / "m.onnx"
        path.write_bytes(file.framed(file.graph() + entry(5, tensor("W", 2 * W))))
        with pytest.raises(ModelFileError, match="'W' is the name of two tensors"):
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
            file = chain((1, 3), *steps, Step("Add", ("x", steps[-1].output), "y"), **constants)
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
