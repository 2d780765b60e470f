"""Operators of ONNX with a window, and those that move values, each against its definition in numpy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hls.emulation import Emulator
from hls.graph import nodes
from hls.importing import Statements, import_model
from tests.hls.importing.onnx_checks import KERNEL, Options, chain, exact, quant
from tests.hls.importing.onnx_files import CHANNELS_LAST, File, Step


class TestShapes:
    @pytest.mark.parametrize("groups", [1, 2, 4])
    def test_convolutions_of_channels_first(self, groups: int, tmp_path: Path) -> None:
        options: Options = {"group": groups, "pads": [1, 0, 2, 1], "strides": [2, 1], "dilations": [1, 2]}
        kernel = np.random.default_rng(1).integers(-4, 5, (4, 4 // groups, 3, 2)) * 0.25
        steps = (
            quant("x", "q"), Step("Conv", ("q", "k", "c"), "p", options), Step("Relu", ("p",), "r"),
            quant("r", "y", bits="b8"),
        )  # fmt: skip
        exact(chain((1, 4, 5, 6), *steps, k=kernel, c=[0.5, -1.0, 2.0, 0.0]), tmp_path, events=20)

    def test_convolutions_of_channels_last(self, tmp_path: Path) -> None:
        kernel = KERNEL.transpose(0, 2, 3, 1)
        steps = (quant("x", "q"), Step("Conv", ("q", "k"), "y", {}, CHANNELS_LAST))
        graph, _ = exact(chain((1, 4, 5, 3), *steps, k=kernel), tmp_path, events=20)
        assert not any(isinstance(node, nodes.Transpose) for node in graph)

    def test_between_convolutions_nothing_is_transposed(self, tmp_path: Path) -> None:
        steps = (
            quant("x", "q"), Step("Conv", ("q", "k"), "c"), Step("MaxPool", ("c",), "p", {"kernel_shape": [2, 2]}),
            quant("p", "r", bits="b8"), Step("Conv", ("r", "l"), "d"), Step("Flatten", ("d",), "f"),
            Step("MatMul", ("f", "V"), "y"),
        )  # fmt: skip
        constants = {
            "k": KERNEL,
            "l": KERNEL.transpose(1, 0, 2, 3)[:, :, :1, :1],
            "V": np.arange(-12, 12).reshape(24, 1),
        }
        graph, _ = exact(chain((1, 3, 5, 6), *steps, **constants), tmp_path, events=20)
        assert sum(isinstance(node, nodes.Transpose) for node in graph) == 2  # of the port, and before Flatten

    def test_a_transpose_back_and_forth_takes_no_node(self, tmp_path: Path) -> None:
        steps = (
            quant("x", "q"), Step("Transpose", ("q",), "t", {"perm": [0, 2, 1]}), Step("Conv", ("t", "k"), "c"),
            Step("Transpose", ("c",), "y", {"perm": [0, 2, 1]}),
        )  # fmt: skip
        graph, _ = exact(chain((1, 6, 3), *steps, k=KERNEL[..., 0]), tmp_path)
        assert not any(node.wiring for node in graph)

    def test_averages_over_nine(self, tmp_path: Path) -> None:
        steps = (quant("x", "q"), Step("GlobalAveragePool", ("q",), "p"), quant("p", "r"), Step("Flatten", ("r",), "y"))
        exact(chain((1, 4, 3, 3), *steps), tmp_path)

    def test_a_mean_over_an_axis_in_the_middle(self, tmp_path: Path) -> None:
        steps = (quant("x", "q"), Step("ReduceMean", ("q",), "p", {"axes": [1], "keepdims": 0}), quant("p", "y"))
        exact(chain((1, 3, 4), *steps), tmp_path)

    def test_padding_squeezing_and_reshaping(self, tmp_path: Path) -> None:
        steps = (
            quant("x", "q"), Step("Pad", ("q", "pads"), "p"), Step("Unsqueeze", ("p", "two"), "u"),
            Step("Squeeze", ("u", "two"), "v"), Step("Reshape", ("v", "shape"), "r"), Step("Identity", ("r",), "y"),
        )  # fmt: skip
        constants = {"pads": np.array([0, 0, 1, 0, 0, 2]), "two": np.array([2]), "shape": np.array([0, 3, -1])}
        exact(chain((1, 2, 3), *steps, **constants), tmp_path)

    @pytest.mark.parametrize(
        ("starts", "ends", "axes", "steps"),
        [([1], [9], [1], [1]), ([3, 0], [-9, 1 << 40], [2, 1], [-2, 2]), ([0, -2], [1 << 40, -1], [0, 2], [1, 1])],
    )
    def test_slices(
        self, starts: list[int], ends: list[int], axes: list[int], steps: list[int], tmp_path: Path
    ) -> None:
        parts = {"from": starts, "to": ends, "of": axes, "by": steps}
        step = Step("Slice", ("q", *parts), "y")
        constants = {name: np.array(values) for name, values in parts.items()}
        exact(chain((1, 3, 4), quant("x", "q"), step, **constants), tmp_path)

    @pytest.mark.parametrize(("axis", "places"), [(1, [2, 0, 2]), (-1, [-1, 1]), (1, 1), (2, -2)])
    def test_places_of_an_axis(self, axis: int, places: Any, tmp_path: Path) -> None:
        step = Step("Gather", ("q", "i"), "y", {"axis": axis})
        exact(chain((1, 3, 4), quant("x", "q"), step, i=np.array(places)), tmp_path)

    @pytest.mark.parametrize(
        ("options", "scales"),
        [
            ({"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}, [1, 1, 2, 1.5]),
            ({"coordinate_transformation_mode": "half_pixel"}, [1, 1, 2, 1.5]),
            ({"coordinate_transformation_mode": "asymmetric", "nearest_mode": "ceil"}, [1, 1, 3, 0.5]),
            ({"coordinate_transformation_mode": "align_corners", "nearest_mode": "round_prefer_ceil"}, [1, 1, 2, 3]),
            ({"nearest_mode": "floor"}, None),
        ],
    )
    def test_nearest_neighbours_are_onnxruntimes(
        self, options: dict[str, str], scales: list[float] | None, tmp_path: Path
    ) -> None:
        onnxruntime = pytest.importorskip("onnxruntime")
        inputs = ("x", "", "", "n") if scales is None else ("x", "", "s")
        step = Step("Resize", inputs, "y", {"mode": "nearest", **options})
        constants = {"n": np.array([1, 2, 6, 4])} if scales is None else {"s": np.array(scales, np.float32)}
        file = File((1, 2, 3, 4), (step,), constants, stated={"y": (1, 2, None, None)}).write(tmp_path / "m.onnx")
        events = np.arange(-12.0, 12.0).reshape(1, 2, 3, 4)
        found = Emulator(import_model(file, Statements("ap_fixed<6,6>"))).evaluate(events)[0]
        (wanted,) = onnxruntime.InferenceSession(str(file)).run(None, {"x": events.astype(np.float32)})
        assert np.array_equal(found, wanted)

    def test_a_branch_that_comes_back_in_another_order(self, tmp_path: Path) -> None:
        steps = (
            quant("x", "q"), Step("Conv", ("q", "k"), "c"), Step("Add", ("c", "q"), "a"),
            Step("Concat", ("a", "q"), "y", {"axis": 1}),
        )  # fmt: skip
        exact(chain((1, 3, 4), *steps, k=KERNEL[:3, :, :1, 0]), tmp_path)
