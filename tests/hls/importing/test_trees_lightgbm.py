"""Boosted trees in text files of LightGBM."""

from __future__ import annotations

from pathlib import Path

import pytest

from hls import emulate, import_model
from hls.errors import FirmwareError, ModelFileError, UnsupportedError
from tests.hls.importing.tree_files import (
    EVENTS,
    LIGHTGBM,
    QUARTERS,
    score,
)


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
