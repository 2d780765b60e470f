"""Boosted trees: every comparison by hand at its boundary, every leaf, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hls import emulate, import_model
from hls.errors import FirmwareError, ModelFileError, UnsupportedError
from hls.importing.trees.ensemble import leaf_fraction
from tests.hls.importing.tree_files import (
    EVENTS,
    FIRST,
    QUARTERS,
    SECOND,
    chain,
    conifer,
    score,
    written,
    xgboost,
)


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

    def test_each_target_has_its_trees(self, tmp_path: Path) -> None:
        """Of a regression to several numbers no class is counted; an older file says nothing of targets."""
        held = xgboost(FIRST, SECOND, SECOND, SECOND, base="[0E0,1E0]")
        held["learner"]["learner_model_param"]["num_target"] = "2"
        held["learner"]["gradient_booster"]["model"]["tree_info"] = [0, 1, 0, 1]
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

    def test_each_tree_of_a_dart_has_its_weight(self, tmp_path: Path) -> None:
        """As XGBoost's Dart saves itself: the trees one level down, and beside them what each is multiplied by."""
        held = xgboost(FIRST, SECOND)
        booster = {"name": "dart", "gbtree": held["learner"]["gradient_booster"], "weight_drop": [0.5, 0.25]}
        held["learner"]["gradient_booster"] = booster
        found = emulate(import_model(written(tmp_path / "m.json", held), QUARTERS), EVENTS)[:, 0]
        whole = np.array([score(x, inclusive=False) for x in EVENTS])
        assert found.tolist() == (0.25 + 0.5 * (whole - 0.25 - LAST) + 0.25 * LAST).tolist()
        booster["weight_drop"] = [0.5]
        with pytest.raises(ModelFileError, match="1 weights for 2 trees"):
            import_model(written(tmp_path / "m.json", held), QUARTERS)


LAST = np.array([0.5 if x[1] < 0.6 else 0.125 for x in EVENTS])
REFUSED = [
    (lambda held: held["learner"]["gradient_booster"].update(name="gblinear"), UnsupportedError, "booster 'gblinear'"),
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
