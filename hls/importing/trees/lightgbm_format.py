"""LightGBM's text, which `booster.save_model` writes."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hls.errors import ModelFileError, UnsupportedError
from hls.graph import FixedGraph
from hls.importing.statements import Statements
from hls.importing.trees.ensemble import Ensemble, Tree, checked, emitted, one_score
from hls.importing.trees.json_file import number

_FIRST = (b"tree\n", b"tree\r\n")
_CATEGORY, _MISSING, _ZERO = 1, 12, 4
"""Bits of a decision: by category; what counts as missing; zero does."""

Lines = Mapping[str, str]


class LightgbmFormat:
    """LightGBM's text."""

    title = "LightGBM (.txt)"
    suffixes = (".txt",)

    def recognises(self, file: Path) -> bool:
        """Text whose first line says what it is."""
        with file.open("rb") as stream:
            return stream.read(len(_FIRST[1])).startswith(_FIRST)

    def read(self, file: Path, statements: Statements) -> FixedGraph:
        """Its raw scores, before any sigmoid or softmax."""
        return emitted(self.ensemble(file), statements.input_type)

    def ensemble(self, file: Path) -> Ensemble:
        """The trees as the file has them: of each the splits come first, then the leaves in their order.

        Raises:
            ModelFileError: truncated or damaged.
            UnsupportedError: trees that are not taken here.
        """
        try:
            text = file.read_text(encoding="utf-8")
        except UnicodeDecodeError as error:
            raise ModelFileError(f"{file}: not UTF-8; was it copied whole?") from error
        if "\nend of trees" not in text:
            raise ModelFileError(f"{file}: ends within its trees; was it copied whole?")
        head, *parts = re.split(r"^Tree=\d+\s*$", text.partition("\nend of trees")[0], flags=re.MULTILINE)
        if re.search(r"^average_output\s*$", head, flags=re.MULTILINE):
            raise UnsupportedError(f"{file}: a random forest, whose score is a mean; train with boosting='gbdt'")
        stated = _lines(head)
        scores = int(_number(stated, "num_tree_per_iteration", f"{file}"))
        features = int(_number(stated, "max_feature_idx", f"{file}")) + 1
        if not 1 <= scores <= max(len(parts), 1):
            raise ModelFileError(f"{file}: {scores} scores of {len(parts)} trees; was it copied whole?")
        trees = tuple(
            _tree(_lines(part), (place % scores, scores), f"{file}: tree {place}") for place, part in enumerate(parts)
        )
        name = re.sub(r"\W+", "_", file.stem)
        return checked(Ensemble(name, features, np.zeros(scores), trees), file)


def _lines(text: str) -> Lines:
    pairs = (line.partition("=") for line in text.splitlines())
    return {key: value for key, sign, value in pairs if sign}


def _number(lines: Lines, key: str, where: str) -> float:
    return number(lines.get(key), f"{where}, {key}")


def _list(lines: Lines, key: str, count: int, where: str) -> npt.NDArray[np.float64]:
    found = np.array([number(text, f"{where}, {key}") for text in lines.get(key, "").split()])
    if len(found) != count:
        raise ModelFileError(f"{where}, {key}: {len(found)} numbers of {count}; was the file copied whole?")
    return found


def _tree(lines: Lines, score_of: tuple[int, int], where: str) -> Tree:
    """Splits come first, then leaves, which the file counts apart: -1 for the first.

    ``score_of``: to which score it adds, and how many there are.
    """
    leaves = int(_number(lines, "num_leaves", where))
    splits = leaves - 1
    if splits < 0:
        raise ModelFileError(f"{where} has no leaf; was the file copied whole?")
    if lines.get("is_linear", "0").strip() != "0":
        raise UnsupportedError(f"{where}: its leaves are lines; train with linear_tree=false")
    decisions = _list(lines, "decision_type", splits, where).astype(np.int64)
    if (decisions & _CATEGORY).any():
        raise UnsupportedError(f"{where}: splits by categories; train with them as numbers, one a column")
    if ((decisions & _MISSING) == _ZERO).any():
        raise UnsupportedError(f"{where}: takes zero for a missing value; train with zero_as_missing=false")
    nothing = np.full(leaves, -1, np.int64)
    left, right = (
        np.concatenate([_places(_list(lines, key, splits, where), splits), nothing])
        for key in ("left_child", "right_child")
    )
    feature = np.concatenate(
        [_list(lines, "split_feature", splits, where).astype(np.int64), np.zeros(leaves, np.int64)]
    )
    threshold = np.concatenate([_list(lines, "threshold", splits, where), np.zeros(leaves)])
    value = np.concatenate([np.zeros(splits), _list(lines, "leaf_value", leaves, where)])
    return Tree(feature, threshold, np.ones(len(left), bool), left, right, one_score(value, *score_of, where))


def _places(children: npt.NDArray[np.float64], splits: int) -> npt.NDArray[np.int64]:
    whole = children.astype(np.int64)
    return np.where(whole < 0, splits - 1 - whole, whole)


FORMAT = LightgbmFormat()
