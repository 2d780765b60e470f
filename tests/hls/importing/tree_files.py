"""Files of boosted trees, written by hand."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any, cast

import numpy as np

from hls.graph import FixedGraph
from hls.hls4ml_project import HlsProject
from hls.importing import Statements
from hls.verification.build_folder import BuildFolder
from hls.witnesses import Task
from tests.hls.importing.onnx_files import TREES, File, Step

# x0 < 0.5 ? (x1 < 0.25 ? 1 : -2) : 4, and x1 < 0.6 ? 0.5 : 0.125
FIRST: dict[str, Any] = {
    "left_children": [1, 3, -1, -1, -1], "right_children": [2, 4, -1, -1, -1], "split_indices": [0, 1, 0, 0, 0],
    "split_conditions": [0.5, 0.25, 4.0, 1.0, -2.0], "categories": [], "tree_param": {"size_leaf_vector": "1"},
}  # fmt: skip
SECOND = {
    "left_children": [1, -1, -1], "right_children": [2, -1, -1], "split_indices": [1, 0, 0],
    "split_conditions": [0.6, 0.5, 0.125], "categories": [], "tree_param": {"size_leaf_vector": "1"},
}  # fmt: skip


def xgboost(*trees: Any, classes: int = 0, base: str = "[2.5E-1]", objective: str = "reg:squarederror") -> Any:
    info = [place % max(classes, 1) for place in range(len(trees))]
    learner = {
        "gradient_booster": {"name": "gbtree", "model": {"trees": deepcopy(list(trees)), "tree_info": info}},
        "learner_model_param": {"num_feature": "2", "num_class": str(classes), "base_score": base},
        "objective": {"name": objective},
    }
    return {"learner": learner, "version": [3, 2, 0]}


def conifer(convention: str, **changes: Any) -> Any:
    trees = [
        {"feature": [0, 1, -2, -2, -2], "threshold": [0.5, 0.25, 0, 0, 0], "children_left": [1, 3, -1, -1, -1],
         "children_right": [2, 4, -1, -1, -1], "value": [0, 0, 4.0, 1.0, -2.0],
         "weight": [[1, 0], [0, 1], [0, 0], [0, 0], [0, 0]]},
        {"feature": [1, -2, -2], "threshold": [0.6, 0, 0], "children_left": [1, -1, -1],
         "children_right": [2, -1, -1], "value": [0, 0.5, 0.125]},
    ]  # fmt: skip
    held = {"n_classes": 2, "n_features": 2, "n_trees": 2, "max_depth": 2, "init_predict": [0.25], "norm": 1,
            "splitting_convention": convention, "trees": [[tree] for tree in trees]}  # fmt: skip
    return {**held, **changes}


def written(path: Path, held: Any) -> Path:
    path.write_text(json.dumps(held), encoding="utf-8")
    return path


def chain(splits: int, first: float = -3.0) -> Any:
    """x0 < first ? 0 : x0 < first + 1/4 ? 1 : ..., a leaf a level."""
    size = 2 * splits + 1
    left, right, condition = [-1] * size, [-1] * size, [0.0] * size
    for level in range(splits):
        left[2 * level], right[2 * level] = 2 * level + 1, 2 * level + 2
        condition[2 * level], condition[2 * level + 1] = first + level / 4, float(level)
    condition[-1] = float(splits)
    return {**FIRST, "left_children": left, "right_children": right, "split_indices": [0] * size,
            "split_conditions": condition}  # fmt: skip


LIGHTGBM = """\
tree
version=v4
num_class=1
num_tree_per_iteration=1
max_feature_idx=1

Tree=0
num_leaves=3
split_feature=0 1
threshold=0.5 0.25
decision_type=2 2
left_child=1 -1
right_child=-3 -2
leaf_value=1.25 -1.75 4.25
is_linear=0

Tree=1
num_leaves=2
split_feature=1
threshold=0.59999999999999998
decision_type=2
left_child=-1
right_child=-2
leaf_value=0.5 0.125
is_linear=0

Tree=2
num_leaves=1
leaf_value=0

end of trees
"""


def onnx(role: str = "target", *, mode: str = "BRANCH_LT", steps: tuple[Step, ...] = (), **changes: Any) -> File:
    """FIRST and SECOND; the node numbered 5 of the second tree is its root."""
    options = {
        "nodes_treeids": [0] * 5 + [1] * 3, "nodes_nodeids": [0, 1, 2, 3, 4, 5, 6, 7],
        "nodes_modes": [mode, mode, "LEAF", "LEAF", "LEAF", mode, "LEAF", "LEAF"],
        "nodes_featureids": [0, 1, 0, 0, 0, 1, 0, 0], "nodes_values": [0.5, 0.25, 0.0, 0.0, 0.0, 0.6, 0.0, 0.0],
        "nodes_truenodeids": [1, 3, 0, 0, 0, 6, 0, 0], "nodes_falsenodeids": [2, 4, 0, 0, 0, 7, 0, 0],
        "base_values": [0.25], f"{role}_treeids": [0, 0, 0, 1, 1], f"{role}_nodeids": [2, 3, 4, 6, 7],
        f"{role}_ids": [0] * 5, f"{role}_weights": [4.0, 1.0, -2.0, 0.5, 0.125], **changes,
    }  # fmt: skip
    kind = {"target": "TreeEnsembleRegressor", "class": "TreeEnsembleClassifier"}[role]
    told = {name: option for name, option in options.items() if option is not None}
    before = tuple(step for step in steps if step.output in ("x1",))
    node = Step(kind, ("x1" if before else "x",), "y", told, TREES)
    behind = tuple(step for step in steps if step not in before)
    return File((None, 2), (*before, node, *behind), {"w": np.ones(2)})


QUARTERS = Statements(input_type="ap_fixed<5,3>")  # from -4 to 3.75
EVENTS = np.array([[a, b] for a in np.arange(-16, 16) / 4 for b in (-1.0, 0.25, 0.5, 3.75)], np.float32)


def score(x: Any, *, inclusive: bool) -> float:
    def holds(value: float, threshold: float) -> bool:
        return value <= threshold if inclusive else value < threshold

    first = (1.0 if holds(x[1], 0.25) else -2.0) if holds(x[0], 0.5) else 4.0
    return 0.25 + first + (0.5 if holds(x[1], 0.6) else 0.125)


def task(graph: FixedGraph, file: Path, project: HlsProject | None = None, build: BuildFolder | None = None) -> Task:
    return Task(graph, file, cast(HlsProject, project), build=build)
