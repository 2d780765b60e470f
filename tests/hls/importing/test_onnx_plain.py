"""ONNX files without types as layers of Keras: few bits in the weights, so that both can be computed exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from typer.testing import CliRunner

from hls.cli.app import app
from hls.emulation import Emulator
from hls.errors import FirmwareError, UnsupportedError
from hls.importing import Statements, import_model
from hls.importing.formats import plain_model
from hls.importing.importer import build_graph
from hls.project.quantizing.normal_form import normal_form
from tests.hls.importing.onnx_files import File, Step
from tests.hls.importing.onnx_reference import run

CHANCE = np.random.default_rng(5)


def weights(*shape: int) -> npt.NDArray[Any]:
    return np.asarray(CHANCE.integers(-8, 9, shape) * 0.125)


def same(file: File, path: Path) -> list[str]:
    """The classes of its layers, in normal form, which compute what numpy does of the file."""
    form = normal_form(plain_model(file.write(path / "m.onnx")))
    graph = build_graph(form.model, "ap_fixed<6,4>")
    port = graph.port(graph.inputs[0])
    raw = CHANCE.integers(port.raw_min, port.raw_max + 1, (30, *port.shape))
    x = np.ldexp(raw.astype(np.float64), -port.type.fraction)
    found, wanted = Emulator(graph).evaluate(x)[0], run(file, x)
    assert found.shape == wanted.shape
    assert np.array_equal(found, wanted)
    return [layer.class_name for layer in form.model.layers.values()]


def test_dense_layers_of_both_spellings(tmp_path: Path) -> None:
    steps = [
        Step("MatMul", ["x", "W"], "m"), Step("Add", ["m", "b"], "a"), Step("Relu", ["a"], "r"),
        Step("Gemm", ["r", "V", "c"], "y", {"transB": 1}),
    ]  # fmt: skip
    constants = {"W": weights(4, 3), "b": weights(3), "V": weights(2, 3), "c": weights(2)}
    assert same(File((None, 4), steps, constants), tmp_path) == ["InputLayer", "Dense", "Activation", "Dense"]


def test_a_normalization_is_folded_into_the_convolution_before_it(tmp_path: Path) -> None:
    steps = [
        Step("Conv", ["x", "k", "b"], "c", {"pads": [1, 1, 1, 1]}),
        Step("BatchNormalization", ["c", "g", "h", "m", "v"], "n", {"epsilon": 0.0}), Step("Relu", ["n"], "r"),
        Step("MaxPool", ["r"], "p", {"kernel_shape": [2, 2], "strides": [2, 2]}), Step("Flatten", ["p"], "f"),
        Step("MatMul", ["f", "W"], "y"),
    ]  # fmt: skip
    constants = {
        "k": weights(3, 2, 3, 3), "b": weights(3), "g": weights(3), "h": weights(3), "m": weights(3),
        "v": np.array([1.0, 4.0, 0.25]), "W": weights(12, 2),
    }  # fmt: skip
    layers = same(File((1, 2, 4, 4), steps, constants), tmp_path)
    assert layers == ["InputLayer", "Permute", "Conv2D", "Activation", "MaxPooling2D", "Permute", "Reshape", "Dense"]


def test_channels_of_their_own_and_a_branch(tmp_path: Path) -> None:
    steps = [
        Step("Conv", ["x", "k"], "c", {"group": 2, "pads": [1, 1, 1, 1]}), Step("Sub", ["x", "c"], "d"),
        Step("Concat", ["d", "x"], "j", {"axis": 1}), Step("LeakyRelu", ["j"], "l", {"alpha": 0.25}),
        Step("GlobalAveragePool", ["l"], "y"),
    ]  # fmt: skip
    layers = same(File((1, 2, 4, 4), steps, {"k": weights(2, 1, 3, 3)}), tmp_path)
    assert "DepthwiseConv2D" in layers


def test_convolutions_that_converters_put_between_transposes(tmp_path: Path) -> None:
    steps = [
        Step("Transpose", ["x"], "t", {"perm": [0, 2, 1]}), Step("Conv", ["t", "k"], "c", {"pads": [3, 0]}),
        Step("Transpose", ["c"], "u", {"perm": [0, 2, 1]}), Step("Mul", ["u", "half"], "y"),
    ]  # fmt: skip
    layers = same(File((1, 5, 2), steps, {"k": weights(3, 2, 4), "half": 0.5}), tmp_path)
    assert layers == ["InputLayer", "ZeroPadding1D", "Conv1D"]  # no causal one, which QKeras cannot run


def test_pads_that_keras_has_no_word_for_are_a_layer(tmp_path: Path) -> None:
    steps = [
        Step("Conv", ["x", "k"], "c", {"pads": [1, 1, 1, 1], "strides": [2, 2]}), Step("Pad", ["c", "p"], "d"),
        Step("Conv", ["d", "l"], "y", {"pads": [2, 1, 0, 0]}),
    ]  # fmt: skip
    pads = np.array([0, 0, 1, 0, 0, 0, 0, 2])
    layers = same(File((1, 2, 4, 6), steps, {"k": weights(3, 2, 3, 3), "l": weights(1, 3, 2, 2), "p": pads}), tmp_path)
    assert layers.count("ZeroPadding2D") == 3
    line = [Step("Conv", ["x", "k"], "y", {"pads": [2, 2], "strides": [2]})]
    assert "ZeroPadding1D" in same(File((1, 2, 5), line, {"k": weights(3, 2, 3)}), tmp_path)


@pytest.mark.parametrize(
    ("options", "shape", "kinds"),
    [
        ({"pads": [1, 1, 1, 1], "strides": [2, 2]}, (2, 3, 4, 4), ["Conv2DTranspose"]),
        ({"strides": [2, 2]}, (2, 3, 2, 2), ["Conv2DTranspose"]),
        ({"pads": [1, 1, 1, 1], "strides": [2, 2], "output_padding": [1, 1]}, (2, 3, 3, 3),
         ["Conv2DTranspose", "Cropping2D"]),
        ({"strides": [1, 3], "dilations": [2, 1], "group": 2, "output_padding": [0, 2]}, (2, 2, 2, 3),
         ["Conv2DTranspose"]),
        ({"strides": [2], "pads": [1, 2]}, (2, 3, 3), ["Reshape", "Conv2DTranspose", "Cropping2D", "Reshape"]),
    ],
)  # fmt: skip
def test_transposed_convolutions(
    options: dict[str, Any], shape: tuple[int, ...], kinds: list[str], tmp_path: Path
) -> None:
    step = Step("ConvTranspose", ["x", "k", "b"], "y", options)
    outputs = shape[1] * options.get("group", 1)
    file = File((1, 2, 3, 4)[: len(shape)], [step], {"k": weights(*shape), "b": weights(outputs)})
    found = same(file, tmp_path)
    assert [kind for kind in found if kind not in ("InputLayer", "Permute")] == kinds


def test_products_of_two_tensors(tmp_path: Path) -> None:
    steps = [
        Step("Transpose", ["x"], "t", {"perm": [0, 2, 1]}), Step("MatMul", ["x", "t"], "s"), Step("Relu", ["s"], "r"),
        Step("MatMul", ["r", "x"], "m"), Step("Einsum", ["m", "W"], "y", {"equation": "btd,dhk->bhtk"}),
    ]  # fmt: skip
    layers = same(File((1, 3, 4), steps, {"W": weights(4, 2, 3)}), tmp_path)
    assert layers[1:] == ["ops.Einsum", "Activation", "ops.Einsum", "Dense", "Reshape", "Permute"]
    line = [Step("Einsum", ["x", "x"], "e", {"equation": "bi,bi->b"}), Step("Unsqueeze", ["e", "one"], "y")]
    assert same(File((1, 3), line, {"one": np.array([1])}), tmp_path)[1:] == ["ops.Einsum", "Reshape", "Reshape"]


def test_choices_and_repeated_tensors(tmp_path: Path) -> None:
    steps = [
        Step("Concat", ["token", "x"], "j", {"axis": 1}), Step("Greater", ["j", "half"], "g"),
        Step("Where", ["g", "j", "none"], "w"), Step("ReduceMean", ["w"], "m", {"axes": [2], "keepdims": 1}),
        Step("Expand", ["m", "n"], "e"), Step("LessOrEqual", ["e", "w"], "l"), Step("Where", ["l", "w", "e"], "c"),
        Step("Where", ["mask", "c", "half"], "d"), Step("Tile", ["d", "twice"], "y"),
    ]  # fmt: skip
    constants: dict[str, npt.ArrayLike] = {
        "token": weights(1, 1, 4), "half": 0.5, "none": 0.0, "n": np.array([1, 4, 4]), "twice": np.array([1, 1, 2]),
        "mask": np.array([[[True], [False], [True], [True]]]),
    }  # fmt: skip
    layers = same(File((1, 3, 4), steps, constants), tmp_path)
    operators = [kind for kind in layers if kind.startswith("ops.")]
    assert operators == ["ops.Greater", "ops.Where", "ops.LessEqual", "ops.Where"]


def test_a_clip_to_six_is_a_relu(tmp_path: Path) -> None:
    file = File((1, 3), [Step("Clip", ["x", "none", "six"], "y")], {"none": 0.0, "six": 6.0})
    assert same(file, tmp_path) == ["InputLayer", "ReLU"]


@pytest.mark.parametrize(
    ("step", "what"),
    [
        (Step("Quant", ["x", "one", "none", "six"], "y"), "give it to `qtrigger new`"),
        (Step("MaxPool", ["x"], "y", {"kernel_shape": [3, 3], "pads": [2, 1, 1, 2]}), "as Keras never has"),
        (Step("Clip", ["x", "one", "six"], "y"), "that is a ReLU"),
        (Step("Det", ["x"], "y"), "not supported"),
    ],
)
def test_what_keras_does_not_have_is_refused(step: Step, what: str, tmp_path: Path) -> None:
    constants: dict[str, npt.ArrayLike] = {"one": 1.0, "none": 0.0, "six": 6.0, "k": weights(1, 2, 3, 3)}
    with pytest.raises(UnsupportedError, match=what):
        plain_model(File((1, 2, 4, 4), [step], constants).write(tmp_path / "m.onnx"))


def test_a_file_that_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_text("no model", encoding="utf-8")
    with pytest.raises(FirmwareError, match="of no format that is known here"):
        plain_model(tmp_path / "m.onnx")


@pytest.mark.slow
def test_the_cure_that_the_refusal_names(tmp_path: Path) -> None:
    steps = [
        Step("Gemm", ["x", "W", "b"], "g", {"transB": 1}), Step("Relu", ["g"], "r"), Step("MatMul", ["r", "V"], "m"),
        Step("Softmax", ["m"], "y"),
    ]  # fmt: skip
    rng = np.random.default_rng(1)
    constants = {"W": rng.normal(size=(8, 4)), "b": rng.normal(size=8), "V": rng.normal(size=(8, 3))}
    file = File((1, 4), steps, constants)
    path, events, out = file.write(tmp_path / "m.onnx"), tmp_path / "x.npy", tmp_path / "q.keras"
    with pytest.raises(UnsupportedError, match="qtrigger quantize"):
        import_model(path, Statements("ap_fixed<16,6>"))
    x = rng.normal(size=(500, 4)).astype(np.float32)
    np.save(events, x)
    arguments = ["quantize", str(path), "--events", str(events), "--out", str(out), "--bits", "14"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    scores = Emulator(import_model(out)).evaluate(x)[0]
    powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
    assert np.abs(powers / powers.sum(axis=-1, keepdims=True) - run(file, x)).max() < 0.01


@pytest.mark.slow
def test_transposed_convolutions_products_and_choices_are_quantized(tmp_path: Path) -> None:
    """Keras computes the layers that such operators become, and QKeras's of them are near to what the file says."""
    steps = [
        Step("ConvTranspose", ["x", "k", "b"], "c", {"strides": [2], "pads": [1, 1], "output_padding": [1]}),
        Step("Relu", ["c"], "r"), Step("Transpose", ["r"], "t", {"perm": [0, 2, 1]}), Step("MatMul", ["t", "r"], "s"),
        Step("Concat", ["s", "token"], "j", {"axis": 1}), Step("GreaterOrEqual", ["j", "none"], "g"),
        Step("Where", ["g", "j", "none"], "w"), Step("Where", ["mask", "w", "half"], "m"),
        Step("Einsum", ["m", "W"], "y", {"equation": "bij,jk->bk"}),
    ]  # fmt: skip
    rng = np.random.default_rng(1)
    constants: dict[str, npt.ArrayLike] = {
        "k": rng.normal(size=(2, 3, 3)), "b": rng.normal(size=3), "token": rng.normal(size=(1, 1, 6)), "none": 0.0,
        "half": 0.5, "mask": np.arange(7)[:, None] % 3 > 0, "W": rng.normal(size=(6, 2)),
    }  # fmt: skip
    file, events, out = File((1, 2, 3), steps, constants), tmp_path / "x.npy", tmp_path / "q.keras"
    x = rng.normal(size=(300, 2, 3)).astype(np.float32)
    np.save(events, x)
    words = ["quantize", str(file.write(tmp_path / "m.onnx")), "--events", str(events), "--out", str(out)]
    result = CliRunner().invoke(app, [*words, "--bits", "14"])
    assert result.exit_code == 0, result.output
    wanted = run(file, x)
    found = Emulator(import_model(out)).evaluate(x)[0]
    assert np.sqrt(np.mean((found - wanted) ** 2)) < 0.01 * wanted.std()
