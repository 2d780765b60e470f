"""Boosted trees in ONNX files."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hls import emulate, import_model
from hls.errors import ModelFileError, UnsupportedError
from hls.events import gather
from hls.verification.verify import verify
from hls.witnesses import default_witnesses
from tests.hls.importing.onnx_files import Step
from tests.hls.importing.tree_files import (
    EVENTS,
    QUARTERS,
    onnx,
    score,
    task,
)

MODES: dict[str, Callable[[Any, Any], Any]] = {
    "BRANCH_LT": lambda x, t: x < t, "BRANCH_LEQ": lambda x, t: x <= t, "BRANCH_GT": lambda x, t: x > t,
    "BRANCH_GTE": lambda x, t: x >= t, "BRANCH_EQ": lambda x, t: x == t, "BRANCH_NEQ": lambda x, t: x != t,
}  # fmt: skip


class TestOnnx:
    @pytest.mark.parametrize("mode", MODES)
    def test_each_comparison_is_itself(self, mode: str, tmp_path: Path) -> None:
        holds = MODES[mode]
        graph = import_model(onnx(mode=mode).write(tmp_path / "m.onnx"), QUARTERS)
        found = emulate(graph, EVENTS)[:, 0].tolist()
        for x, value in zip(EVENTS, found, strict=True):
            first = (1.0 if holds(x[1], 0.25) else -2.0) if holds(x[0], 0.5) else 4.0
            assert value == 0.25 + first + (0.5 if holds(x[1], np.float32(0.6)) else 0.125)

    def test_a_leaf_speaks_for_several_classes(self, tmp_path: Path) -> None:
        weights: dict[str, Any] = {
            "class_treeids": [0, 0, 0, 0, 1], "class_nodeids": [2, 3, 3, 4, 6], "class_ids": [0, 0, 2, 1, 1],
            "class_weights": [4.0, 1.0, 3.0, -2.0, 0.5], "base_values": None, "classlabels_strings": ["b", "c", "d"],
            "post_transform": "SOFTMAX",
        }  # fmt: skip
        products = (Step("Mul", ("y", "w"), "times_one"),)  # as onnxmltools ends a classifier of LightGBM
        behind = (Step("Cast", ("y",), "label"), *products, Step("ZipMap", ("times_one",), "p", domain="ai.onnx.ml"))
        file = onnx("class", steps=behind, **weights).write(tmp_path / "m.onnx")
        graph = import_model(file, QUARTERS)
        right = [
            [1.0 * (x[1] < 0.25), -2.0 * (x[1] >= 0.25), 3.0 * (x[1] < 0.25)] if x[0] < 0.5 else [4.0, 0.0, 0.0]
            for x in EVENTS
        ]
        right = [[a, b + 0.5 * (x[1] < 0.6), c] for (a, b, c), x in zip(right, EVENTS, strict=True)]
        assert emulate(graph, EVENTS).tolist() == right
        assert graph.notes == ("the scores are those before the softmax of 'y', which software takes",)

    def test_two_classes_of_which_one_is_spoken_for_have_one_score(self, tmp_path: Path) -> None:
        file = onnx("class", class_ids=[1] * 5, classlabels_int64s=[0, 1]).write(tmp_path / "m.onnx")
        found = emulate(import_model(file, QUARTERS), EVENTS)
        assert found[:, 0].tolist() == [score(x, inclusive=False) for x in EVENTS]

    def test_a_mean_of_trees(self, tmp_path: Path) -> None:
        file = onnx(aggregate_function="AVERAGE", base_values=None).write(tmp_path / "m.onnx")
        found = emulate(import_model(file, QUARTERS), EVENTS)
        assert found[:, 0].tolist() == [(score(x, inclusive=False) - 0.25) / 2 for x in EVENTS]

    def test_thresholds_in_double_are_not_rounded_to_float32(self, tmp_path: Path) -> None:
        # One step of float32 above 0.5: rounded to 0.5 the comparison would fail.
        doubles = np.array([0.5 + 2.0**-40, 0.25, 0, 0, 0, 0.6, 0, 0])
        file = onnx(nodes_values=None, nodes_values_as_tensor=doubles).write(tmp_path / "m.onnx")
        (found,) = emulate(import_model(file, QUARTERS), np.array([[0.5, 0.0]]))
        assert found.tolist() == [0.25 + 1.0 + 0.5]

    @pytest.mark.parametrize(
        ("changes", "told"),
        [
            ({"nodes_modes": ["LEAF"]}, "different lengths"),
            ({"nodes_truenodeids": [1, 3, 0, 0, 0, 77, 0, 0]}, "make no tree"),
            ({"nodes_values": None}, "has no nodes_values"),
            ({"target_ids": [0, 0, 0, 0, 5], "n_targets": 2, "base_values": None}, "a score that there is not"),
            ({"target_weights": [1.0]}, "leaves have different lengths"),
            ({"base_values": [0.5, 0.5]}, "2 base values for 1 scores"),
            ({"nodes_featureids": [0, 9, 0, 0, 0, 1, 0, 0]}, "reads a feature"),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_damage_is_named(self, changes: Any, told: str, tmp_path: Path) -> None:
        with pytest.raises(ModelFileError, match=told):
            import_model(onnx(**changes).write(tmp_path / "m.onnx"), QUARTERS)

    def test_a_circle_of_nodes_ends(self, tmp_path: Path) -> None:
        file = onnx(nodes_falsenodeids=[2, 0, 0, 0, 0, 7, 0, 0]).write(tmp_path / "m.onnx")
        with pytest.raises(UnsupportedError, match="more than 1024 leaves"):
            import_model(file, QUARTERS)

    @pytest.mark.parametrize("mode", ["BRANCH_LEQ", "BRANCH_EQ"])
    def test_onnxruntime_walks_the_same_trees(self, mode: str, tmp_path: Path) -> None:
        pytest.importorskip("onnxruntime")
        weights: dict[str, Any] = {"class_weights": [4.1, 1.0, -2.0, 0.5, 0.3], "post_transform": "LOGISTIC"}
        file = onnx("class", mode=mode, classlabels_int64s=[0, 1], **weights).write(tmp_path / "m.onnx")
        graph = import_model(file, QUARTERS)
        assert "qonnx" in default_witnesses(file)
        sample = gather(graph, None, events=200, seed=1, inputs=None, default=200)
        found = verify(task(graph, file), sample, ["emulator", "qonnx"], required=True, max_events={})
        assert (found.agreement, found.failures) == ("bit-exact", [])
        run = found.results[1].run
        assert run is not None
        assert run.version.startswith("onnxruntime")
