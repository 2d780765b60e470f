"""Boosted trees: every comparison by hand at its boundary, every leaf, and what is refused."""

from __future__ import annotations

import struct
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from hls import emulate, import_model
from hls.errors import FirmwareError, ModelFileError, UnsupportedError
from hls.events import gather
from hls.graph import FixedGraph
from hls.hls4ml_project import HlsProject, write_project
from hls.importing import Statements
from hls.importing.trees.ensemble import leaf_fraction
from hls.importing.trees.ubjson import UbjsonError, parse
from hls.target import Target
from hls.verification.build_folder import BuildFolder
from hls.verification.verify import verify
from hls.witnesses import Skipped, Task, default_witnesses, witness
from tests.hls.importing.onnx_files import Step
from tests.hls.importing.tree_files import FIRST, LIGHTGBM, SECOND, chain, conifer, onnx, written, xgboost

QUARTERS = Statements(input_type="ap_fixed<5,3>")  # from -4 to 3.75
EVENTS = np.array([[a, b] for a in np.arange(-16, 16) / 4 for b in (-1.0, 0.25, 0.5, 3.75)], np.float32)


def score(x: Any, *, inclusive: bool) -> float:
    def holds(value: float, threshold: float) -> bool:
        return value <= threshold if inclusive else value < threshold

    first = (1.0 if holds(x[1], 0.25) else -2.0) if holds(x[0], 0.5) else 4.0
    return 0.25 + first + (0.5 if holds(x[1], 0.6) else 0.125)


class TestArithmetic:
    def test_xgboost_compares_strictly(self, tmp_path: Path) -> None:
        graph = import_model(written(tmp_path / "m.json", xgboost(FIRST, SECOND)), QUARTERS)
        assert emulate(graph, EVENTS)[:, 0].tolist() == [score(x, inclusive=False) for x in EVENTS]
        assert graph.notes == ()  # leaves of few bits are exact

    @pytest.mark.parametrize("convention", ["<", "<="])
    def test_conifer_says_how_it_compares(self, convention: str, tmp_path: Path) -> None:
        graph = import_model(written(tmp_path / "m.json", conifer(convention)), QUARTERS)
        assert emulate(graph, EVENTS)[:, 0].tolist() == [score(x, inclusive=convention == "<=") for x in EVENTS]

    def test_conifers_norm_scales_all(self, tmp_path: Path) -> None:
        graph = import_model(written(tmp_path / "m.json", conifer("<", norm=0.5)), QUARTERS)
        assert emulate(graph, EVENTS)[:, 0].tolist() == [score(x, inclusive=False) / 2 for x in EVENTS]

    def test_each_class_has_its_trees(self, tmp_path: Path) -> None:
        held = xgboost(FIRST, SECOND, SECOND, SECOND, classes=2, base="[0E0,1E0]", objective="multi:softprob")
        found = emulate(import_model(written(tmp_path / "m.json", held), QUARTERS), EVENTS)
        second = [0.5 if x[1] < 0.6 else 0.125 for x in EVENTS]
        assert found[:, 1].tolist() == [1 + 2 * value for value in second]
        assert found[:, 0].tolist() == [score(x, inclusive=False) - 0.25 for x in EVENTS]

    def test_a_logistic_base_is_a_probability(self, tmp_path: Path) -> None:
        held = xgboost(SECOND, base="2E-1", objective="binary:logistic")
        graph = import_model(written(tmp_path / "m.json", held), QUARTERS)
        assert emulate(graph, EVENTS[:1])[0, 0] == 0.5 + np.rint(np.log(0.25) * 2**15) / 2**15

    def test_thresholds_beyond_the_port_decide_for_all(self, tmp_path: Path) -> None:
        for threshold, value in ((100.0, 0.5), (-100.0, 0.125), (3.8, 0.5), (-4.0, 0.125)):
            tree = {**SECOND, "split_conditions": [threshold, 0.5, 0.125]}
            graph = import_model(written(tmp_path / "m.json", xgboost(tree)), QUARTERS)
            assert set(emulate(graph, EVENTS)[:, 0]) == {0.25 + value}

    def test_a_tree_of_one_leaf(self, tmp_path: Path) -> None:
        lone = {
            **SECOND,
            "left_children": [-1],
            "right_children": [-1],
            "split_indices": [0],
            "split_conditions": [2.0],
        }
        graph = import_model(written(tmp_path / "m.json", xgboost(lone)), QUARTERS)
        assert set(emulate(graph, EVENTS)[:, 0]) == {2.25}

    @pytest.mark.parametrize("deleted", [0, 1])
    def test_nodes_that_pruning_deleted_are_no_part_of_it(self, deleted: int, tmp_path: Path) -> None:
        """XGBoost keeps their places and writes 2**31 - 1 for what they compared."""
        pruned = {key: [*values, *extra] for key, values, extra in (
            ("left_children", FIRST["left_children"], [-1, -1]), ("right_children", FIRST["right_children"], [-1, -1]),
            ("split_indices", FIRST["split_indices"], [2**31 - 1] * 2),
            ("split_conditions", FIRST["split_conditions"], [0.0, 0.0]))}  # fmt: skip
        held = xgboost({**FIRST, **pruned, "tree_param": {"num_deleted": str(2 - deleted), "size_leaf_vector": "1"}})
        file = written(tmp_path / "m.json", held)
        if deleted:
            with pytest.raises(ModelFileError, match="tree 0: its nodes make no tree"):
                import_model(file, QUARTERS)
        else:
            found = emulate(import_model(file, QUARTERS), [[0.25, 0.0], [0.25, 0.25], [0.5, 0.0]])
            assert found.ravel().tolist() == [1.25, -1.75, 4.25]

    def test_trees_behind_the_best_iteration_are_taken_and_it_is_said(self, tmp_path: Path) -> None:
        """xgboost.Booster predicts with all of them, XGBClassifier does not (microsoft/onnxruntime#5450)."""
        held = xgboost(FIRST, SECOND)
        held["learner"]["attributes"] = {"best_iteration": "0"}
        graph = import_model(written(tmp_path / "m.json", held), QUARTERS)
        assert emulate(graph, [[0.25, 0.0]]).tolist() == [[1.75]]  # 1 + 0.5 + 0.25
        assert any("with the first 1; booster[:1].save_model(FILE) keeps those alone" in note for note in graph.notes)
        held["learner"]["attributes"] = {"best_iteration": "1"}
        assert not any("early" in note for note in import_model(written(tmp_path / "m.json", held), QUARTERS).notes)

    def test_deep_trees_are_not_filled_up(self, tmp_path: Path) -> None:
        graph = import_model(
            written(tmp_path / "m.json", xgboost(chain(12), SECOND, chain(9, 0.0), base="0")), QUARTERS
        )
        x = EVENTS[:, 0]
        steps = [np.clip(np.floor(4 * (x - first)) + 1, 0, most) for first, most in ((-3.0, 12), (0.0, 9))]
        assert emulate(graph, EVENTS)[:, 0].tolist() == (sum(steps) + np.where(EVENTS[:, 1] < 0.6, 0.5, 0.125)).tolist()
        assert graph.edges["leaf"].shape == (1, 3 * 13)

    def test_leaves_of_many_bits_are_rounded_and_it_is_said(self, tmp_path: Path) -> None:
        tree = {**SECOND, "split_conditions": [0.6, 0.1, 0.7]}
        graph = import_model(written(tmp_path / "m.json", xgboost(tree, base="0E0")), QUARTERS)
        assert set(emulate(graph, EVENTS)[:, 0]) == {np.rint(value * 2**15) / 2**15 for value in (0.1, 0.7)}
        assert graph.notes == ("leaves and base score are rounded to multiples of 2**-15: 16 bits",)

    def test_the_largest_leaf_never_rounds_out_of_its_bits(self) -> None:
        zero = np.zeros(1)
        assert leaf_fraction(np.array([1 - 2.0**-30]), zero) == 14
        assert leaf_fraction(np.array([0.7, 0.3]), zero) == 15
        assert leaf_fraction(np.array([3.0, -1.0]), zero) == 0

    def test_a_base_of_finer_steps_than_the_leaves_is_kept(self) -> None:
        assert leaf_fraction(np.array([2.0]), np.array([0.25])) == 13
        assert leaf_fraction(np.array([0.01]), np.array([1000.0])) == 21  # a large base takes no bits from the leaves


REFUSED = [
    (lambda held: held["learner"]["gradient_booster"].update(name="dart"), UnsupportedError, "booster 'dart'"),
    (lambda held: held["learner"]["objective"].update(name="count:poisson"), UnsupportedError, "'count:poisson'"),
    (lambda held: held["learner"]["learner_model_param"].update(num_feature="many"), ModelFileError, "'many'"),
    (lambda held: held["learner"].pop("gradient_booster"), ModelFileError, "'gradient_booster'"),
    (lambda held: _tree(held).update(categories=[0]), UnsupportedError, "tree 0: splits by categories"),
    (lambda held: _tree(held).update(left_children=[1, 3, -1, -1]), ModelFileError, "different lengths"),
    (lambda held: _tree(held).update(left_children=[1, 1, -1, -1, -1]), ModelFileError, "make no tree"),
    (lambda held: _tree(held).update(split_indices=[0, 7, 0, 0, 0]), ModelFileError, "tree 0: reads a feature"),
    (lambda held: _tree(held).update(split_conditions=[0.5, 1, float("nan"), 1, 1]), ModelFileError, "no number"),
    (lambda held: _tree(held).update(split_conditions="no"), ModelFileError, "no list of numbers"),
    (lambda held: held["learner"]["learner_model_param"].update(num_class="0", base_score="x"), ModelFileError, "'x'"),
]


def _tree(held: Any) -> Any:
    return held["learner"]["gradient_booster"]["model"]["trees"][0]


class TestRefused:
    @pytest.mark.parametrize(("damage", "kind", "told"), REFUSED, ids=[told for _, _, told in REFUSED])
    def test_by_name(self, damage: Any, kind: type[FirmwareError], told: str, tmp_path: Path) -> None:
        held = xgboost(FIRST, SECOND)
        damage(held)
        with pytest.raises(kind, match=told):
            import_model(written(tmp_path / "m.json", held), QUARTERS)

    def test_without_a_type_of_the_features(self, tmp_path: Path) -> None:
        with pytest.raises(UnsupportedError, match="--input-type"):
            import_model(written(tmp_path / "m.json", xgboost(FIRST)))

    def test_a_tree_of_very_many_leaves(self, tmp_path: Path) -> None:
        with pytest.raises(UnsupportedError, match="tree 0 has 1025 leaves; train with 1024 at most"):
            import_model(written(tmp_path / "m.json", xgboost(chain(1024))), QUARTERS)

    def test_conifers_sums_of_features(self, tmp_path: Path) -> None:
        held = conifer("<")
        held["trees"][0][0]["weight"][0] = [1, 0.5]
        with pytest.raises(UnsupportedError, match="tree 0: splits by a sum of features"):
            import_model(written(tmp_path / "m.json", held), QUARTERS)
        with pytest.raises(UnsupportedError, match="splitting_convention '>'"):
            import_model(written(tmp_path / "m.json", conifer(">")), QUARTERS)


def ubjson(value: Any) -> bytes:
    """As XGBoost writes it: typed arrays of float32 and int32, lengths of 64 bits."""
    match value:
        case dict():
            members = (struct.pack(">cq", b"L", len(key)) + key.encode() + ubjson(held) for key, held in value.items())
            return b"{" + b"".join(members) + b"}"
        case str():
            return b"SL" + struct.pack(">q", len(value)) + value.encode()
        case int():
            return b"L" + struct.pack(">q", value)
        case list() if value and all(isinstance(held, int) for held in value):
            return b"[$l#L" + struct.pack(">q", len(value)) + np.array(value, ">i4").tobytes()
        case list() if value and all(isinstance(held, int | float) for held in value):
            return b"[$d#L" + struct.pack(">q", len(value)) + np.array(value, ">f4").tobytes()
        case list():
            return b"[#L" + struct.pack(">q", len(value)) + b"".join(map(ubjson, value))
    raise TypeError(value)


class TestBinary:
    def test_it_is_the_same_network(self, tmp_path: Path) -> None:
        held = xgboost(FIRST, SECOND)
        (tmp_path / "m.ubj").write_bytes(ubjson(held))
        plain = import_model(written(tmp_path / "m.json", held), QUARTERS)
        assert import_model(tmp_path / "m.ubj", QUARTERS).digest() == plain.digest()

    def test_whatever_is_cut_off_is_refused(self, tmp_path: Path) -> None:
        data = ubjson(xgboost(SECOND))
        for size in range(20, len(data) - 1, 7):
            (tmp_path / "m.ubj").write_bytes(data[:size])
            with pytest.raises(ModelFileError):
                import_model(tmp_path / "m.ubj", QUARTERS)

    @pytest.mark.parametrize(
        "data", [b"{i\x01aq}", b"[$d#l\x7f\xff\xff\xff", b"[#L" + b"\x7f" * 8, b"[" * 99, b"Si\xff"]
    )
    def test_nonsense(self, data: bytes) -> None:
        with pytest.raises(UbjsonError):
            parse(data)


def task(graph: FixedGraph, file: Path, project: HlsProject | None = None, build: BuildFolder | None = None) -> Task:
    return Task(graph, file, cast(HlsProject, project), build=build)


STRAW = """\
import json, sys
from pathlib import Path
import numpy as np
folder = Path(sys.argv[-1])
assert Path(json.loads((folder / "job.json").read_text())["model"]).is_file()
x = np.load(folder / "input0.npy")
first = np.where(x[:, 0] < 0.5, np.where(x[:, 1] < 0.25, 3, 4), 2)
np.save(folder / "leaves.npy", np.stack([first, np.where(x[:, 1] < 0.6, 1, 2)], axis=1))
(folder / "answer.json").write_text(json.dumps({"version": "XGBoost of straw", "seconds": 0.5}))
"""


def interpreter(folder: Path, program: str) -> Path:
    """One that runs ``program`` whatever it is given."""
    (folder / "straw.py").write_text(program, encoding="utf-8")
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} {folder}/straw.py "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    return python


class TestWitness:
    def test_leaves_are_added_up_as_the_graph_rounds_them(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("QTRIGGER_XGBOOST", str(interpreter(tmp_path, STRAW)))
        path = written(tmp_path / "m.json", xgboost({**FIRST, "split_conditions": [0.5, 0.25, 4.1, 1.0, -2.0]}, SECOND))
        graph = import_model(path, QUARTERS)
        assert "xgboost" in default_witnesses(path)
        sample = gather(graph, None, events=100, seed=1, inputs=None, default=100)
        found = verify(task(graph, path), sample, ["emulator", "xgboost"], required=True, max_events={})
        assert found.agreement == "bit-exact"

    def test_lightgbm_counts_leaves_apart(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        straw = STRAW.replace("x[:, 0] < 0.5", "x[:, 0] <= 0.5").replace(
            "x[:, 1] < 0.25, 3, 4), 2", "x[:, 1] <= 0.25, 0, 1), 2"
        )
        straw = straw.replace("np.where(x[:, 1] < 0.6, 1, 2)]", "np.where(x[:, 1] <= 0.6, 0, 1), 0 * first]")
        python = interpreter(tmp_path, straw)
        monkeypatch.setenv("QTRIGGER_LIGHTGBM", str(python))
        (tmp_path / "m.txt").write_text(LIGHTGBM, encoding="utf-8")
        graph = import_model(tmp_path / "m.txt", QUARTERS)
        assert "lightgbm" in default_witnesses(tmp_path / "m.txt")
        sample = gather(graph, None, events=100, seed=1, inputs=None, default=100)
        found = verify(task(graph, tmp_path / "m.txt"), sample, ["emulator", "lightgbm"], required=True, max_events={})
        assert found.agreement == "bit-exact"

    def test_where_it_cannot_run_it_says_why(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("QTRIGGER_XGBOOST", str(tmp_path / "none"))
        path = written(tmp_path / "m.json", xgboost(SECOND))
        events = [np.zeros((2, 2), np.int64)]
        with pytest.raises(Skipped, match="QTRIGGER_XGBOOST"):
            witness("xgboost", task(import_model(path, QUARTERS), path)).run(events)
        other = written(tmp_path / "c.json", conifer("<"))
        assert "xgboost" not in default_witnesses(other)
        with pytest.raises(Skipped, match="not a file of XGBoost"):
            witness("xgboost", task(import_model(other, QUARTERS), other)).run(events)

    @pytest.mark.slow
    def test_c_simulation_and_rtl_compute_the_same_bits(self, tmp_path: Path) -> None:
        path = written(tmp_path / "m.json", xgboost(chain(5), SECOND))
        graph = import_model(path, QUARTERS)
        project = write_project(graph, Target("xcvu13p-flga2577-2-e", "vitis", 5.0), "trees", tmp_path / "hls4ml")
        build = BuildFolder(tmp_path / "build", tmp_path / "cache")
        sample = gather(graph, None, events=300, seed=1, inputs=None, default=300)
        names = ["emulator", "csim", "rtl"]
        found = verify(task(graph, path, project, build), sample, names, required=True, max_events={})
        assert (found.agreement, found.failures) == ("bit-exact", [])


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
        for x, score in zip(EVENTS, found, strict=True):
            first = (1.0 if holds(x[1], 0.25) else -2.0) if holds(x[0], 0.5) else 4.0
            assert score == 0.25 + first + (0.5 if holds(x[1], np.float32(0.6)) else 0.125)

    def test_a_leaf_speaks_for_several_classes(self, tmp_path: Path) -> None:
        weights: dict[str, Any] = {
            "class_treeids": [0, 0, 0, 0, 1], "class_nodeids": [2, 3, 3, 4, 6], "class_ids": [0, 0, 2, 1, 1],
            "class_weights": [4.0, 1.0, 3.0, -2.0, 0.5], "base_values": None, "classlabels_strings": ["b", "c", "d"],
            "post_transform": "SOFTMAX",
        }  # fmt: skip
        behind = (Step("Cast", ("y",), "label"), Step("ZipMap", ("y",), "p", domain="ai.onnx.ml"))
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


class TestLightgbm:
    def test_it_compares_with_equality(self, tmp_path: Path) -> None:
        (tmp_path / "m.txt").write_text(LIGHTGBM, encoding="utf-8")
        graph = import_model(tmp_path / "m.txt", QUARTERS)
        assert emulate(graph, EVENTS)[:, 0].tolist() == [score(x, inclusive=True) for x in EVENTS]

    def test_trees_take_turns_over_the_classes(self, tmp_path: Path) -> None:
        text = LIGHTGBM.replace("num_tree_per_iteration=1", "num_tree_per_iteration=3")
        (tmp_path / "m.txt").write_text(text, encoding="utf-8")
        found = emulate(import_model(tmp_path / "m.txt", QUARTERS), EVENTS)
        assert found[:, 1].tolist() == [0.5 if x[1] <= 0.6 else 0.125 for x in EVENTS]
        assert set(found[:, 2]) == {0.0}

    @pytest.mark.parametrize(
        ("old", "new", "kind", "told"),
        [
            ("end of trees", "", ModelFileError, "ends within its trees"),
            ("max_feature_idx=1\n", "max_feature_idx=1\naverage_output\n", UnsupportedError, "a mean"),
            ("decision_type=2 2", "decision_type=2 1", UnsupportedError, "tree 0: splits by categories"),
            ("decision_type=2 2", "decision_type=6 2", UnsupportedError, "zero_as_missing=false"),
            ("is_linear=0", "is_linear=1", UnsupportedError, "linear_tree=false"),
            ("left_child=1 -1", "left_child=1", ModelFileError, "1 numbers of 2"),
            ("left_child=1 -1", "left_child=1 -9", ModelFileError, "make no tree"),
            ("leaf_value=1.25", "leaf_value=much", ModelFileError, "'much' is no number"),
            ("num_leaves=2", "num_leaves=0", ModelFileError, "tree 1 has no leaf"),
            ("num_tree_per_iteration=1", "num_tree_per_iteration=9", ModelFileError, "9 scores of 3 trees"),
            ("max_feature_idx=1", "max_feature_idx=0", ModelFileError, "tree 0: reads a feature"),
        ],
    )
    def test_refused_by_name(self, old: str, new: str, kind: type[FirmwareError], told: str, tmp_path: Path) -> None:
        (tmp_path / "m.txt").write_text(LIGHTGBM.replace(old, new, 1), encoding="utf-8")
        with pytest.raises(kind, match=told):
            import_model(tmp_path / "m.txt", QUARTERS)
