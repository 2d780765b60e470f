"""Trees in an ONNX file (``ai.onnx.ml``), as skl2onnx and onnxmltools write boosted ones and forests.

What stands behind the trees turns their scores into labels and probabilities: left to software, and said in a note.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hls.errors import ModelFileError, UnsupportedError
from hls.importing.onnx.model import Node, OnnxModel
from hls.importing.trees.ensemble import MOST_LEAVES, Ensemble, Tree, checked

DOMAIN = "ai.onnx.ml"
_KINDS = {"TreeEnsembleClassifier": "class", "TreeEnsembleRegressor": "target"}
_BEFORE = ("Cast", "Identity")
_BEHIND = (
    *_BEFORE, "ZipMap", "ArgMax", "ArrayFeatureExtractor", "Reshape", "Normalizer", "Softmax", "Sigmoid",
    "LabelEncoder", "Squeeze", "Unsqueeze", "Flatten",
)  # fmt: skip
_FLIPPED = {"BRANCH_GT": "BRANCH_LEQ", "BRANCH_GTE": "BRANCH_LT", "BRANCH_NEQ": "BRANCH_EQ"}
"""A comparison that holds where another one does not."""


def holds_trees(model: OnnxModel) -> bool:
    """Whether its score is one of trees."""
    return any(node.domain == DOMAIN and node.kind.startswith("TreeEnsemble") for node in model.nodes)


def ensemble_of(model: OnnxModel, file: Path) -> Ensemble:
    """The trees, and what they add up to.

    Raises:
        ModelFileError: damaged.
        UnsupportedError: trees that are not taken here, or more than trees between input and scores.
    """
    node = _only_trees(model)
    (port,) = model.inputs
    features = port.shape[-1] if port.shape else None
    if features is None:
        raise UnsupportedError(
            f"input {port.name!r} does not say how many features it has; export it with the number, as "
            "initial_types=[('x', FloatTensorType([None, 16]))] of skl2onnx does"
        )
    forest = _Forest(node, f"{file}: {node.name!r}")
    trees = forest.trees()
    base = forest.base()
    transform = str(node.attributes.get("post_transform", "NONE"))
    left = [kind for kind in (transform.lower(),) if kind != "none"]
    left += [other.kind for other in model.nodes if other.kind in ("Softmax", "Sigmoid", "Normalizer")]
    notes = tuple(f"the scores are those before the {kind} of {node.name!r}, which software takes" for kind in left)
    name = re.sub(r"\W+", "_", file.stem)
    return checked(Ensemble(name, features, base, trees, notes), file)


def _only_trees(model: OnnxModel) -> Node:
    """The operator that holds the trees, which is fed by the input as it is."""
    trees = [node for node in model.nodes if node.kind in _KINDS and node.domain == DOMAIN]
    others = [node for node in model.nodes if node not in trees]
    if len(trees) != 1 or len(model.inputs) != 1:
        raise UnsupportedError(
            f"{len(trees)} operators of {' or '.join(_KINDS)}, and {len(model.inputs)} inputs, where one of each is "
            "taken; export one ensemble of one input, with target_opset={'': 15, 'ai.onnx.ml': 3}"
        )
    (node,) = trees
    before = {model.inputs[0].name}
    for other in others:
        if other.kind in _BEFORE and other.inputs and other.inputs[0] in before:
            before.update(other.outputs)
        elif other.kind not in _BEHIND and not _by_one(other, model):
            raise UnsupportedError(
                f"operator {other.name!r} ({other.kind}) beside trees; export the trees alone, or take the file of the "
                "library itself (XGBoost's model.json, LightGBM's text), and do the rest in software"
            )
    if not node.inputs or node.inputs[0] not in before:
        raise UnsupportedError(f"operator {node.name!r} reads another tensor than the input; export the trees alone")
    return node


def _by_one(node: Node, model: OnnxModel) -> bool:
    """A product by ones, as onnxmltools ends LightGBM's probabilities."""
    factors = [model.constants[name] for name in node.inputs if name in model.constants]
    return node.kind == "Mul" and len(factors) == 1 and bool((np.asarray(factors[0]) == 1).all())


@dataclass(frozen=True)
class _Way:
    """One node of the file: a comparison and where it leads, or a leaf."""

    mode: str
    feature: int
    threshold: float
    true: int
    false: int


@dataclass(frozen=True, eq=False)
class _Forest:
    """The attributes of one operator."""

    node: Node
    where: str

    def base(self) -> npt.NDArray[np.float64]:
        """What the scores begin with."""
        stated = self.numbers("base_values", optional=True)
        if stated.size not in (0, self.scores):
            raise ModelFileError(f"{self.where}: {stated.size} base values for {self.scores} scores; export it again")
        return stated if stated.size else np.zeros(self.scores)

    @property
    def scores(self) -> int:
        """How many there are; two classes have one where all leaves speak for one of them."""
        if self.prefix == "target":
            return max(int(self.node.attributes.get("n_targets", 1)), 1)
        labels = self.node.attributes.get("classlabels_int64s") or self.node.attributes.get("classlabels_strings") or []
        spoken = set(self.whole("class_ids").tolist())
        return 1 if len(spoken) <= 1 and len(labels) <= 2 else max(len(labels), 1)

    @property
    def prefix(self) -> str:
        """Of the attributes of the leaves."""
        return _KINDS[self.node.kind]

    def numbers(self, name: str, *, optional: bool = False) -> npt.NDArray[np.float64]:
        """An attribute in float32, or in double where the file has it so."""
        found = self.node.attributes.get(f"{name}_as_tensor")
        found = self.node.attributes.get(name) if found is None else found
        if found is None and not optional:
            raise ModelFileError(f"{self.where}: has no {name}; was it copied whole?")
        return np.asarray([] if found is None else found, np.float64).reshape(-1)

    def whole(self, name: str) -> npt.NDArray[np.int64]:
        """An attribute of whole numbers."""
        return np.asarray(self.node.attributes.get(name) or [], np.int64).reshape(-1)

    def trees(self) -> tuple[Tree, ...]:
        """One for each number of a tree, in the order of the file."""
        ids, places = self.whole("nodes_treeids"), self.whole("nodes_nodeids")
        ways = self.ways(len(ids))
        held = {(int(tree), int(place)): way for tree, place, way in zip(ids, places, ways, strict=True)}
        values = self.leaves()
        aggregate = str(self.node.attributes.get("aggregate_function", "SUM"))
        if aggregate not in ("SUM", "AVERAGE"):
            raise UnsupportedError(
                f"{self.where}: aggregate_function {aggregate!r}; train with a sum or a mean of trees"
            )
        order = list(dict.fromkeys(ids.tolist()))
        share = 1 / len(order) if aggregate == "AVERAGE" and order else 1.0
        first = {int(tree): int(place) for tree, place in zip(ids[::-1], places[::-1], strict=True)}
        return tuple(
            _Growing(tree, held, values, self.scores, f"{self.where}, tree {tree}").tree(first[tree], share)
            for tree in order
        )

    def ways(self, count: int) -> list[_Way]:
        """The nodes of all trees."""
        modes = self.node.attributes.get("nodes_modes") or []
        columns = (self.whole("nodes_featureids"), self.whole("nodes_truenodeids"), self.whole("nodes_falsenodeids"))
        thresholds = self.numbers("nodes_values")
        if not count or any(
            len(column) != count for column in (modes, thresholds, *columns, self.whole("nodes_nodeids"))
        ):
            raise ModelFileError(f"{self.where}: its arrays have different lengths; was the file copied whole?")
        rows = zip(modes, *columns, thresholds, strict=True)
        return [_Way(str(m), int(f), float(t), int(yes), int(no)) for m, f, yes, no, t in rows]

    def leaves(self) -> Mapping[tuple[int, int], npt.NDArray[np.float64]]:
        """What each leaf adds to each score."""
        ids, places, scores = (self.whole(f"{self.prefix}_{part}") for part in ("treeids", "nodeids", "ids"))
        weights = self.numbers(f"{self.prefix}_weights")
        if not len(ids) == len(places) == len(scores) == len(weights):
            raise ModelFileError(f"{self.where}: its leaves have different lengths; was the file copied whole?")
        scores = np.zeros_like(scores) if self.scores == 1 else scores
        if ((scores < 0) | (scores >= self.scores)).any():
            raise ModelFileError(f"{self.where}: adds to a score that there is not; there are {self.scores}")
        found: dict[tuple[int, int], npt.NDArray[np.float64]] = {}
        for tree, place, score, weight in zip(ids.tolist(), places.tolist(), scores.tolist(), weights, strict=True):
            found.setdefault((tree, place), np.zeros(self.scores))[score] += weight
        return found


class _Growing:
    """One tree, written in the order in which it is walked; a comparison with ``==`` becomes two."""

    def __init__(
        self,
        number: int,
        held: Mapping[tuple[int, int], _Way],
        values: Mapping[tuple[int, int], npt.NDArray[np.float64]],
        scores: int,
        where: str,
    ) -> None:
        self._number, self._held, self._values, self._where = number, held, values, where
        self._nothing = np.zeros(scores)
        self._rows: list[tuple[int, float, bool]] = []
        self._adds: list[npt.NDArray[np.float64]] = []

    def tree(self, root: int, share: float) -> Tree:
        """From the node ``root`` of the file on; its leaves times ``share``."""
        # A node of the file, or the second half of a comparison with ==, and where its own number is to be written.
        waiting: list[tuple[int, bool, tuple[int, int] | None]] = [(root, False, None)]
        children: list[list[int]] = []
        while waiting:
            place, second, parent = waiting.pop()
            if parent is not None:
                children[parent[0]][parent[1]] = len(children)
            if len(children) > 2 * MOST_LEAVES:
                raise UnsupportedError(
                    f"{self._where}: more than {MOST_LEAVES} leaves; train with {MOST_LEAVES} at most"
                )
            mine = len(children)
            children.append([-1, -1])
            for side, (below, half) in enumerate(self._step(place, second)):
                waiting.append((below, half, (mine, side)))
        features, thresholds, inclusive = (list(column) for column in zip(*self._rows, strict=True))
        left, right = np.array(children, np.int64).T
        return Tree(
            np.array(features, np.int64), np.array(thresholds, np.float64), np.array(inclusive, bool), left, right,
            np.array(self._adds) * share,
        )  # fmt: skip

    def _step(self, place: int, second: bool) -> Sequence[tuple[int, bool]]:
        """Write a node down; where it goes if its comparison holds, and if not. Nowhere from a leaf."""
        way = self._held.get((self._number, place))
        if way is None:
            raise ModelFileError(f"{self._where}: its nodes make no tree; was the file copied whole?")
        if way.mode == "LEAF":
            self._write(0, 0.0, False, self._values.get((self._number, place), self._nothing))
            return ()
        mode, true, false = way.mode, way.true, way.false
        if mode in _FLIPPED:
            mode, true, false = _FLIPPED[mode], false, true
        if mode not in ("BRANCH_LEQ", "BRANCH_LT", "BRANCH_EQ"):
            raise UnsupportedError(
                f"{self._where}: splits by {way.mode}; export it with target_opset={{'': 15, 'ai.onnx.ml': 3}}"
            )
        if mode == "BRANCH_EQ" and second:  # not above: equal, or below
            self._write(way.feature, way.threshold, False, self._nothing)
            return (false, False), (true, False)
        self._write(way.feature, way.threshold, mode != "BRANCH_LT", self._nothing)
        return ((place, True) if mode == "BRANCH_EQ" else (true, False)), (false, False)

    def _write(self, feature: int, threshold: float, inclusive: bool, adds: npt.NDArray[np.float64]) -> None:
        self._rows.append((feature, threshold, inclusive))
        self._adds.append(adds)
