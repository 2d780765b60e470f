"""conifer's JSON, which `model.save()` writes of trees of scikit-learn, XGBoost, TMVA, YDF and ONNX."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from hls.errors import ModelFileError, UnsupportedError
from hls.graph import FixedGraph
from hls.importing.statements import Statements
from hls.importing.trees.ensemble import Ensemble, Tree, checked, emitted, one_score
from hls.importing.trees.json_file import number, numbers, read_object, starts_as_object

_LEAF = -2


class ConiferFormat:
    """conifer's JSON."""

    title = "conifer (.json)"
    suffixes = (".json",)

    def recognises(self, file: Path) -> bool:
        """A JSON object that says how its trees split."""
        return starts_as_object(file) and b'"splitting_convention"' in file.read_bytes()

    def read(self, file: Path, statements: Statements) -> FixedGraph:
        """Its scores, before any sigmoid or softmax."""
        held = read_object(file)
        convention = held.get("splitting_convention")
        if convention not in ("<", "<="):
            raise UnsupportedError(f"{file}: splitting_convention {convention!r}; convert again with '<' or '<='")
        norm = number(held.get("norm", 1), f"{file}: norm")
        trees = tuple(_trees(held, norm, convention == "<=", file))
        scores = trees[0].value.shape[1] if trees else 1
        first = held.get("init_predict", 0.0)
        stated = numbers(first if isinstance(first, list) else [first], f"{file}: init_predict")
        if stated.size not in (1, scores):
            raise UnsupportedError(
                f"{file}: {stated.size} base scores for {scores}, as conifer writes of a random forest, of which it "
                "keeps one class; train with gradient boosting"
            )
        base = np.broadcast_to(stated, scores)
        features = int(number(held.get("n_features"), f"{file}: n_features"))
        name = re.sub(r"\W+", "_", file.stem)
        found = Ensemble(name, features, base * norm, trees)
        return emitted(checked(found, file), statements.input_type)


def _trees(held: Mapping[str, Any], norm: float, inclusive: bool, file: Path) -> Iterator[Tree]:
    rows = held.get("trees")
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise ModelFileError(f"{file}: has no trees; was it copied whole?")
    scores = max((len(row) for row in rows), default=1)
    for place, row in enumerate(rows):
        for score, tree in enumerate(row):
            where = f"{file}: tree {place}"
            if not isinstance(tree, dict):
                raise ModelFileError(f"{where} is none; was the file copied whole?")
            feature = numbers(tree.get("feature"), f"{where}, feature").astype(np.int64)
            _require_axes(tree, feature, where)
            leaf = feature == _LEAF
            left, right = (
                np.where(leaf, -1, numbers(tree.get(key), f"{where}, {key}").astype(np.int64))
                for key in ("children_left", "children_right")
            )
            threshold, value = (numbers(tree.get(key), f"{where}, {key}") for key in ("threshold", "value"))
            equal = np.full(len(feature), inclusive)
            yield Tree(feature, threshold, equal, left, right, one_score(value * norm, score, scores, where))


def _require_axes(tree: Mapping[str, Any], feature: Any, where: str) -> None:
    """Raise UnsupportedError where a split weighs several features."""
    for node, weights in enumerate(tree.get("weight") or []):
        axes = [(axis, weight) for axis, weight in enumerate(weights) if weight]
        if node < len(feature) and feature[node] != _LEAF and axes != [(feature[node], 1)]:
            raise UnsupportedError(f"{where}: splits by a sum of features; train with splits along the axes")


FORMAT = ConiferFormat()
