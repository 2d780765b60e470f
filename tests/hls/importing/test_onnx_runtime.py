"""A network of operators in concert, against ONNX Runtime: of so few bits that its float32 is exact."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from hls.emulation import Emulator
from hls.importing import Statements, import_model
from tests.hls.importing.onnx_files import File, Step


def values(*shape: int) -> npt.NDArray[np.float64]:
    return np.ldexp(np.random.default_rng(1).integers(-3, 4, shape).astype(np.float64), -2)


def test_a_decoder_with_attention_and_masks(tmp_path: Path) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    options = {"strides": [2], "pads": [1, 1], "output_padding": [1], "group": 2}
    steps = (
        Step("ConvTranspose", ("x", "k", "b"), "c", options), Step("Relu", ("c",), "r"),
        Step("Transpose", ("r",), "t", {"perm": [0, 2, 1]}), Step("MatMul", ("t", "r"), "p"),
        Step("Einsum", ("p", "t"), "e", {"equation": "bij,bjk->bik"}), Step("Concat", ("token", "e"), "j", {"axis": 1}),
        Step("Greater", ("j", "half"), "g"), Step("Where", ("g", "j", "low"), "w"),
        Step("LessOrEqual", ("j", "w"), "l"), Step("Where", ("l", "w", "j"), "n"),
        Step("Where", ("mask", "n", "half"), "m"), Step("ReduceMax", ("m",), "o", {"axes": [1], "keepdims": 1}),
        Step("Expand", ("o", "shape"), "s"), Step("Sub", ("m", "s"), "d"), Step("Tile", ("d", "twice"), "y"),
    )  # fmt: skip
    constants: dict[str, npt.ArrayLike] = {
        "k": values(2, 1, 3), "b": values(2), "token": values(1, 1, 2), "half": 0.5, "low": -0.25,
        "mask": (np.arange(5) % 3 > 0)[:, None], "shape": np.array([1, 5, 2]), "twice": np.array([1, 1, 2]),
    }  # fmt: skip
    file = File((1, 2, 2), steps, constants, stated={"y": (1, 5, 4)}).write(tmp_path / "m.onnx")
    x = np.random.default_rng(0).integers(-8, 8, (60, 2, 2)) * 0.5
    found = Emulator(import_model(file, Statements("ap_fixed<4,3>"))).evaluate(x)[0]
    session = onnxruntime.InferenceSession(str(file))
    wanted = [session.run(None, {"x": event[None].astype(np.float32)})[0] for event in x]
    assert np.array_equal(found, np.concatenate(wanted))
    assert np.unique(found).size > 20
