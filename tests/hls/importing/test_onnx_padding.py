"""ONNX's Pad by values, by the tensor's own, and by less than nothing; and blocks of an image as channels and back."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from hls.emulation import Emulator
from hls.graph import nodes
from hls.importing import Statements, import_model
from hls.importing.formats import plain_model
from tests.hls.importing.onnx_checks import like_onnxruntime
from tests.hls.importing.onnx_files import File, Step

OPEN = {"y": (1, None, None, None)}


def padded(pads: list[int], value: float = 0.0, mode: str = "constant", shape: tuple[int, ...] = (1, 2, 3, 4)) -> File:
    constants: dict[str, npt.ArrayLike] = {"p": np.array(pads), "v": value}
    stated = {"y": (1, *(None for _ in shape[1:]))}
    return File(shape, (Step("Pad", ("x", "p", "v"), "y", {"mode": mode}),), constants, stated=stated, opset=19)


@pytest.mark.parametrize("mode", ["constant", "edge", "reflect", "wrap"])
@pytest.mark.parametrize(
    "pads",
    [[0, 0, 1, 2, 0, 0, 2, 1], [0, 1, 0, 0, 0, 1, 0, 0], [0, 1, 1, 0, 0, 0, 1, 3], [0, 0, -1, 2, 0, 0, 1, -1],
     [0, 0, 0, -2, 0, 0, 0, 0]],
)  # fmt: skip
def test_pads_are_onnxruntimes(mode: str, pads: list[int], tmp_path: Path) -> None:
    like_onnxruntime(padded(pads, 1.25, mode), tmp_path, events=10)


def test_pads_of_one_axis_and_of_all(tmp_path: Path) -> None:
    like_onnxruntime(padded([0, 2, 0, 1], -0.5, shape=(1, 3)), tmp_path)
    like_onnxruntime(padded([0, 1, 1, 1, 0, 1, 1, 1]), tmp_path, events=10)


def test_a_line_by_hand(tmp_path: Path) -> None:
    """1 2 4 padded by two before and one behind."""
    for mode, right in {
        "constant": [7, 7, 1, 2, 4, 7], "edge": [1, 1, 1, 2, 4, 4], "reflect": [4, 2, 1, 2, 4, 2],
        "wrap": [2, 4, 1, 2, 4, 1],
    }.items():  # fmt: skip
        file = padded([0, 2, 0, 1], 7.0, mode, (1, 3)).write(tmp_path / "m.onnx")
        graph = import_model(file, Statements("ap_fixed<6,4>"))
        assert Emulator(graph).evaluate([[1.0, 2.0, 4.0]])[0].tolist() == [right]


def test_zeros_around_an_image_stay_a_convolution(tmp_path: Path) -> None:
    graph, _ = like_onnxruntime(padded([0, 0, 1, 2, 0, 0, 2, 1]), tmp_path, events=10)
    assert [type(node) for node in graph if not node.wiring] == [nodes.Input, nodes.Conv]


def test_pads_before_a_convolution_and_a_maximum(tmp_path: Path) -> None:
    """As PyTorch's ReflectionPad2d leaves them, and pads by a number that is the least before a maximum."""
    steps = (
        Step("Pad", ("x", "p"), "r", {"mode": "reflect"}), Step("Conv", ("r", "k"), "c"),
        Step("Pad", ("c", "p", "low"), "d"), Step("MaxPool", ("d",), "y", {"kernel_shape": [2, 2]}),
    )  # fmt: skip
    kernel = np.random.default_rng(1).integers(-3, 4, (3, 2, 3, 3)) / 4
    constants: dict[str, npt.ArrayLike] = {"p": np.array([0, 0, 1, 1, 0, 0, 1, 1]), "k": kernel, "low": -1000.0}
    like_onnxruntime(File((1, 2, 4, 4), steps, constants, stated=OPEN), tmp_path, events=10)


@pytest.mark.parametrize("mode", ["DCR", "CRD"])
def test_channels_become_blocks(mode: str, tmp_path: Path) -> None:
    step = Step("DepthToSpace", ("x",), "y", {"blocksize": 2, "mode": mode})
    graph, _ = like_onnxruntime(File((1, 12, 2, 3), (step,), {}, stated=OPEN), tmp_path, events=10)
    assert graph.edges[graph.outputs[0]].shape == (3, 4, 6)


def test_blocks_become_channels_and_blocks_again(tmp_path: Path) -> None:
    there = Step("SpaceToDepth", ("x",), "d", {"blocksize": 2})
    file = File((1, 3, 4, 6), (Step("SpaceToDepth", ("x",), "y", {"blocksize": 2}),), {}, stated=OPEN)
    graph, _ = like_onnxruntime(file, tmp_path, events=10)
    assert all(node.wiring for node in graph if node.inputs)
    back = File((1, 3, 4, 6), (there, Step("DepthToSpace", ("d",), "y", {"blocksize": 2})), {}).write(tmp_path / "b")
    x = np.arange(-36.0, 36.0).reshape(1, 3, 4, 6)
    assert np.array_equal(Emulator(import_model(back, Statements("ap_fixed<7,7>"))).evaluate(x)[0], x)


def test_one_position_by_hand(tmp_path: Path) -> None:
    """Eight channels of one pixel as two images: by place in the block first, or by channel first."""
    for mode, right in (("DCR", [[[0, 2], [4, 6]], [[1, 3], [5, 7]]]), ("CRD", [[[0, 1], [2, 3]], [[4, 5], [6, 7]]])):
        step = Step("DepthToSpace", ("x",), "y", {"blocksize": 2, "mode": mode})
        graph = import_model(File((1, 8, 1, 1), (step,), {}).write(tmp_path / "m"), Statements("ap_fixed<5,5>"))
        assert Emulator(graph).evaluate(np.arange(8.0).reshape(1, 8, 1, 1))[0].tolist() == [right]


def test_they_are_layers_of_keras_where_nothing_has_a_type(tmp_path: Path) -> None:
    steps = (
        Step("Pad", ("x", "p", "v"), "d", {"mode": "edge"}), Step("SpaceToDepth", ("d",), "s", {"blocksize": 2}),
        Step("ThresholdedRelu", ("s",), "t"), Step("Shrink", ("t",), "y", {"lambd": 0.5, "bias": 0.5}),
    )  # fmt: skip
    constants: dict[str, npt.ArrayLike] = {"p": np.array([0, 0, 0, 1, 0, 0, 0, 1]), "v": 0.0}
    model = plain_model(File((1, 2, 4, 4), steps, constants).write(tmp_path / "m.onnx"))
    assert [layer.class_name for layer in model.layers.values()].count("ops.Where") == 1
