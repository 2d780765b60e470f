"""XGBoost's files, which `booster.save_model` writes: JSON, and the same in Universal Binary JSON."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.errors import ModelFileError, UnsupportedError
from hls.graph import FixedGraph
from hls.importing.statements import Statements
from hls.importing.trees.ensemble import Ensemble, Tree, checked, emitted, one_score
from hls.importing.trees.json_file import number, numbers, part, read_object, starts_as_object
from hls.importing.trees.ubjson import UBJSON_LENGTHS, parse

_HEAD = 65_536
_FIRST_KEY = 20
"""Bytes within which a binary file names its first key."""
_LOGISTIC = ("binary:logistic", "reg:logistic")
_IDENTITY = (
    "binary:logitraw", "binary:hinge", "multi:softmax", "multi:softprob", "rank:ndcg", "rank:pairwise", "rank:map",
    "reg:squarederror", "reg:absoluteerror", "reg:pseudohubererror",
)  # fmt: skip


class XgboostFormat:
    """XGBoost's JSON of either kind."""

    title = "XGBoost (.json, .ubj)"
    suffixes = (".json", ".ubj")

    def recognises(self, file: Path) -> bool:
        """An object with a learner."""
        with file.open("rb") as stream:
            head = stream.read(_HEAD)
        return starts_as_object(file) and (b'"learner"' in head or b"learner" in head[:_FIRST_KEY])

    def read(self, file: Path, statements: Statements) -> FixedGraph:
        """Its margins, before any sigmoid or softmax."""
        return emitted(self.ensemble(file), statements.input_type)

    def ensemble(self, file: Path) -> Ensemble:
        """The trees as the file has them.

        Raises:
            ModelFileError: truncated or damaged.
            UnsupportedError: another booster than of trees, or trees that are not taken here.
        """
        learner = part(_object(file), "learner", file)
        model, weights = _boosted(part(learner, "gradient_booster", file), file)
        shape = part(learner, "learner_model_param", file)
        features, classes = (int(number(shape.get(key), f"{file}: {key}")) for key in ("num_feature", "num_class"))
        targets = int(number(shape.get("num_target", "1"), f"{file}: num_target"))
        scores = max(classes, targets, 1)
        trees = tuple(_weighted(_trees(model, scores, file), weights, file))
        base = _base(learner, shape.get("base_score"), scores, file)
        notes = _stopped_early(learner, model, len(trees), scores, file)
        return checked(Ensemble(re.sub(r"\W+", "_", file.stem), features, base, trees, notes), file)


def _boosted(booster: Mapping[str, Any], file: Path) -> tuple[Mapping[str, Any], npt.NDArray[np.float64] | None]:
    """The model of the trees, and what each tree is multiplied by where some were left out in training (DART)."""
    if booster.get("name") == "dart":
        weights = numbers(booster.get("weight_drop"), f"{file}: weight_drop").astype(np.float32)
        return part(part(booster, "gbtree", file), "model", file), weights.astype(np.float64)
    if booster.get("name") != "gbtree":
        raise UnsupportedError(f"{file}: booster {booster.get('name')!r}; train with booster='gbtree' or 'dart'")
    return part(booster, "model", file), None


def _weighted(trees: Iterator[Tree], weights: npt.NDArray[np.float64] | None, file: Path) -> Iterator[Tree]:
    """Every leaf times the weight of its tree, both float32: exact in float64."""
    if weights is None:
        yield from trees
        return
    found = list(trees)
    if len(found) != len(weights):
        raise ModelFileError(f"{file}: {len(weights)} weights for {len(found)} trees; was it copied whole?")
    yield from (replace(tree, value=tree.value * weight) for tree, weight in zip(found, weights, strict=True))


def _object(file: Path) -> Mapping[str, Any]:
    with file.open("rb") as stream:
        binary = b"learner" in stream.read(_FIRST_KEY) and stream.seek(1) and stream.read(1) in UBJSON_LENGTHS
    if not binary:
        return read_object(file)
    try:
        found = parse(file.read_bytes())
    except ValueError as error:
        raise ModelFileError(f"{file}: not valid UBJSON ({error}); was it copied whole?") from error
    assert isinstance(found, dict)  # noqa: S101 (its first byte says so)
    return found


def _base(learner: Mapping[str, Any], stated: Any, scores: int, file: Path) -> npt.NDArray[np.float64]:
    """The margin that all events begin with: of a logistic objective the logit of what is stated."""
    objective = part(learner, "objective", file).get("name")
    if objective not in (*_LOGISTIC, *_IDENTITY):
        raise UnsupportedError(
            f"{file}: objective {objective!r}; train with one of {', '.join((*_LOGISTIC, *_IDENTITY))}"
        )
    texts = str(stated).strip("[]").split(",")
    base = numbers([number(text, f"{file}: base_score") for text in texts], f"{file}: base_score")
    if objective in _LOGISTIC:
        if not ((base > 0) & (base < 1)).all():
            raise ModelFileError(f"{file}: base_score {stated}, which is no probability; train again")
        base = np.array([math.log(p / (1 - p)) for p in base])
    return np.array(np.broadcast_to(base, scores)) if base.size == 1 else base


def _stopped_early(
    learner: Mapping[str, Any], model: Mapping[str, Any], trees: int, scores: int, file: Path
) -> tuple[str, ...]:
    """What is to be said of trees behind the best iteration, which some of XGBoost takes and some does not."""
    attributes = learner.get("attributes")
    best = attributes.get("best_iteration") if isinstance(attributes, dict) else None
    if best is None:
        return ()
    rounds = int(number(best, f"{file}: best_iteration")) + 1
    stated = model.get("gbtree_model_param")
    side_by_side = stated.get("num_parallel_tree", 1) if isinstance(stated, dict) else 1
    kept = rounds * scores * max(int(number(side_by_side, f"{file}: num_parallel_tree")), 1)
    if kept >= trees:
        return ()
    return (
        f"training stopped early: all {trees} trees are taken, as xgboost.Booster does; XGBClassifier and XGBRegressor "
        f"predict with the first {kept}; booster[:{rounds}].save_model(FILE) keeps those alone",
    )


def _trees(model: Mapping[str, Any], count: int, file: Path) -> Iterator[Tree]:
    trees, scores = model.get("trees"), numbers(model.get("tree_info"), f"{file}: tree_info").astype(np.int64)
    if not isinstance(trees, list) or len(trees) != len(scores):
        raise ModelFileError(f"{file}: {len(scores)} scores for its trees; was it copied whole?")
    for place, (tree, score) in enumerate(zip(trees, scores, strict=True)):
        where = f"{file}: tree {place}"
        if not isinstance(tree, dict):
            raise ModelFileError(f"{where} is none; was the file copied whole?")
        if tree.get("categories"):
            raise UnsupportedError(f"{where}: splits by categories; train with them as numbers, one a column")
        stated = part(tree, "tree_param", file)
        if int(number(stated.get("size_leaf_vector", 1), where)) > 1:
            raise UnsupportedError(
                f"{where}: leaves with several values; train with multi_strategy='one_output_per_tree'"
            )
        left, right, feature = (
            numbers(tree.get(key), f"{where}, {key}").astype(np.int64)
            for key in ("left_children", "right_children", "split_indices")
        )
        # Thresholds of splits and values of leaves; both are float32, of which the file holds the shortest decimal.
        condition = numbers(tree.get("split_conditions"), f"{where}, split_conditions").astype(np.float32)
        plain = condition.astype(np.float64)
        values = one_score(plain, int(score), count, where)
        deleted = int(number(stated.get("num_deleted", 0), where))
        yield Tree(feature, plain, np.zeros(len(plain), bool), left, right, values, deleted)


FORMAT = XgboostFormat()
