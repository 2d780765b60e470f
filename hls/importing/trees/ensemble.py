"""An ensemble of decision trees, and the nodes that compute it.

A comparison is the sign of a difference, saturated to one bit; a leaf is reached where all comparisons on its path come
out its way, which is another sum saturated to one bit; a score is the sum of the values of the leaves that are reached.
Trees that are nearly full are filled up to one depth, so that what finds the leaf is the same for all of them; others
find theirs in groups of one convolution.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hls.errors import ModelFileError, UnsupportedError
from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.importing.ports import parse_type

MOST_LEAVES = 1024
LEAF_BITS = 16
"""Of the largest leaf; the others are on its grid."""


@dataclass(frozen=True, eq=False)
class Tree:
    """Arrays with an entry a node, the first of which is the root; ``left`` is -1 at a leaf.

    A comparison that holds goes to ``left``; it is ``x <= threshold`` where ``inclusive``, else ``x < threshold``.
    ``value`` has a column a score, to each of which a leaf adds. Pruning leaves ``deleted`` nodes behind, to which
    no comparison goes.
    """

    feature: npt.NDArray[np.int64]
    threshold: npt.NDArray[np.float64]
    inclusive: npt.NDArray[np.bool_]
    left: npt.NDArray[np.int64]
    right: npt.NDArray[np.int64]
    value: npt.NDArray[np.float64]
    deleted: int = 0

    @property
    def leaves(self) -> int:
        """How many it has, one more than comparisons."""
        return int((self.left >= 0).sum()) + 1

    def depth(self) -> int:
        """Comparisons on the longest way to a leaf."""
        levels, level = -1, np.zeros(1, np.int64)
        while level.size:
            level = level[self.left[level] >= 0]
            level, levels = np.concatenate([self.left[level], self.right[level]]), levels + 1
        return levels


@dataclass(frozen=True, eq=False)
class Ensemble:
    """``base`` has an entry a score; ``notes`` are for the user of its graph."""

    name: str
    features: int
    base: npt.NDArray[np.float64]
    trees: tuple[Tree, ...]
    notes: tuple[str, ...] = ()


def one_score(values: npt.NDArray[np.float64], score: int, scores: int, where: str) -> npt.NDArray[np.float64]:
    """Values of a tree that adds to the score number ``score`` alone.

    Raises:
        ModelFileError: there is no such score.
    """
    if not 0 <= score < scores:
        raise ModelFileError(f"{where}: adds to a score that there is not; there are {scores}")
    found = np.zeros((len(values), scores))
    found[:, score] = values
    return found


def checked(ensemble: Ensemble, file: Path) -> Ensemble:
    """The ensemble, whose arrays fit each other.

    Raises:
        ModelFileError: they do not, or hold what is no number.
        UnsupportedError: a tree has more leaves than is reasonable.
    """
    if not ensemble.trees or ensemble.features < 1:
        raise ModelFileError(f"{file}: no trees, or no features; train again")
    for number, tree in enumerate(ensemble.trees):
        where = f"{file}: tree {number}"
        _check_tree(tree, ensemble, where)
        if tree.leaves > MOST_LEAVES:
            raise UnsupportedError(f"{where} has {tree.leaves} leaves; train with {MOST_LEAVES} at most")
    if not np.isfinite(ensemble.base).all():
        raise ModelFileError(f"{file}: a base score that is no number; train again")
    return ensemble


def _check_tree(tree: Tree, ensemble: Ensemble, where: str) -> None:
    size = len(tree.value)
    arrays = (tree.feature, tree.threshold, tree.inclusive, tree.left, tree.right)
    if not size or any(len(array) != size for array in arrays):
        raise ModelFileError(f"{where}: its arrays have different lengths; was the file copied whole?")
    inner = tree.left >= 0
    children = np.concatenate([tree.left[inner], tree.right[inner]])
    once = len(np.unique(children)) == len(children) == size - 1 - tree.deleted
    if not once or ((children < 1) | (children >= size)).any():  # a tree: every node but the root is one's child
        raise ModelFileError(f"{where}: its nodes make no tree; was the file copied whole?")
    if not np.isfinite(tree.value[~inner]).all() or np.isnan(tree.threshold[inner]).any():
        raise ModelFileError(f"{where}: a leaf or a threshold is no number; train again")
    if ((tree.feature[inner] < 0) | (tree.feature[inner] >= ensemble.features)).any():
        raise ModelFileError(f"{where}: reads a feature that there is not; the network has {ensemble.features}")


def emitted(ensemble: Ensemble, input_type: str | None) -> FixedGraph:
    """The graph: comparisons, leaves, scores.

    Raises:
        UnsupportedError: the type of the features is not stated.
    """
    if input_type is None:
        raise UnsupportedError(
            "input 'x' has no fixed-point type: trees compare floats; state one that holds the features: "
            "--input-type 'ap_fixed<16,6>', or input_type = \"ap_fixed<16,6>\" under [model] in project.toml"
        )
    port = parse_type(input_type)
    laid = _laid(ensemble)
    bit = FixedType(False, 1, 1 - port.fraction)
    builder = GraphBuilder(ensemble.name)

    def decided(name: str, x: str) -> str:
        return builder.add(nodes.Quantize(name, (x,), name.removesuffix("_bit"), bit, 0, 1))

    x = builder.add(nodes.Input("x", (), "x", (ensemble.features,), port, port.raw_min, port.raw_max))
    kernel, bias = _comparisons(laid, ensemble, port)
    compared = builder.add(nodes.Dense("compare", (x,), "compare", kernel, bias))
    held = decided("compare_bit", compared)
    reached = decided("leaf_bit", _leaf_sums(builder, held, laid, port.fraction))
    flat = builder.add(nodes.Reshape("leaf_flat", (reached,), "leaf", (sum(len(tree.values) for tree in laid),)))
    scores, note = _scores(laid, ensemble, port.fraction)
    out = builder.add(nodes.Dense("score", (flat,), "score", *scores))
    builder.layers.update({"x": x, "compare": held, "leaf": flat, "score": out})
    builder.notes += [*ensemble.notes, *note]
    return builder.finish([x], [out], ["score"])


@dataclass(frozen=True)
class _Split:
    feature: int
    threshold: float
    inclusive: bool

    @classmethod
    def of(cls, tree: Tree, node: int) -> _Split:
        return cls(int(tree.feature[node]), float(tree.threshold[node]), bool(tree.inclusive[node]))


@dataclass(frozen=True, eq=False)
class _Laid:
    """A tree as lists: its splits (None: all go left), its leaves, and the way to each.

    ``ways`` has a row a split and a column a leaf: 1 where the leaf is on its left, -1 on its right, 0 elsewhere.
    """

    splits: list[_Split | None]
    values: npt.NDArray[np.float64]
    ways: npt.NDArray[np.int64]


def _laid(ensemble: Ensemble) -> list[_Laid]:
    """All trees with as many splits and leaves each; with the same ways too, if that adds few leaves."""
    depth, leaves = max(tree.depth() for tree in ensemble.trees), max(tree.leaves for tree in ensemble.trees)
    if 2**depth <= 2 * leaves:
        depth = max(depth, 1)
        return [_filled(tree, depth, _full_ways(depth)) for tree in ensemble.trees]
    return [_padded(tree, leaves) for tree in ensemble.trees]


def _filled(tree: Tree, depth: int, ways: npt.NDArray[np.int64]) -> _Laid:
    """Every level full, splits level by level."""
    splits: list[_Split | None] = []
    level = [0]
    for _ in range(depth):
        below: list[int] = []
        for node in level:
            leaf = tree.left[node] < 0
            splits.append(None if leaf else _Split.of(tree, node))
            below += [node, node] if leaf else [int(tree.left[node]), int(tree.right[node])]
        level = below
    return _Laid(splits, tree.value[level], ways)


def _full_ways(depth: int) -> npt.NDArray[np.int64]:
    leaves = 2**depth
    ways = np.zeros((leaves - 1, leaves), np.int64)
    for leaf in range(leaves):
        for level in range(depth):
            place = 2**level - 1 + (leaf >> (depth - level))
            ways[place, leaf] = -1 if leaf >> (depth - level - 1) & 1 else 1
    return ways


def _padded(tree: Tree, leaves: int) -> _Laid:
    """The splits and leaves that there are; more leaves are worth nothing, and more splits decide nothing."""
    inner, ends = np.flatnonzero(tree.left >= 0), np.flatnonzero(tree.left < 0)
    place = {int(node): number for number, node in enumerate(inner)}
    column = {int(node): number for number, node in enumerate(ends)}
    ways = np.zeros((leaves - 1, leaves), np.int64)
    waiting: list[tuple[int, list[tuple[int, int]]]] = [(0, [])]
    while waiting:
        node, way = waiting.pop()
        if node in column:
            for split, side in way:
                ways[split, column[node]] = side
            continue
        for child, side in ((tree.left[node], 1), (tree.right[node], -1)):
            waiting.append((int(child), [*way, (place[node], side)]))
    splits: list[_Split | None] = [_Split.of(tree, int(node)) for node in inner]
    missing = leaves - len(ends)
    values = np.concatenate([tree.value[ends], np.zeros((missing, tree.value.shape[1]))])
    return _Laid([*splits, *[None] * missing], values, ways)


def _leaf_sums(builder: GraphBuilder, held: str, laid: Sequence[_Laid], fraction: int) -> str:
    """For each leaf one step, if all comparisons on its way come out its way; below that nothing or less."""
    count, splits = len(laid), len(laid[0].splits)
    if all(np.array_equal(tree.ways, laid[0].ways) for tree in laid):
        by_tree = builder.add(nodes.Reshape("compare_trees", (held,), "compare", (count, splits)))
        kernel, bias = FixedArray(laid[0].ways, 0), FixedArray(_short(laid[0].ways), fraction)
        return builder.add(nodes.Dense("leaf", (by_tree,), "leaf", kernel, bias))
    row = builder.add(nodes.Reshape("compare_trees", (held,), "compare", (1, count * splits)))
    ways = np.concatenate([tree.ways for tree in laid], axis=1)
    kernel, bias = FixedArray(ways[None], 0), FixedArray(_short(ways), fraction)
    return builder.add(nodes.Conv("leaf", (row,), "leaf", kernel, bias, (1,), (1,), ((0, 0),), count))


def _short(ways: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """One less the comparisons that are to hold: a leaf's sum is one where they do, and those that are to fail fail."""
    return np.asarray(1 - (ways > 0).sum(axis=0), np.int64)


def _comparisons(laid: Sequence[_Laid], ensemble: Ensemble, port: FixedType) -> tuple[FixedArray, FixedArray]:
    """``last + 1 - x`` in steps of the port, where ``last`` is the largest number of the port that goes left."""
    splits = [split for tree in laid for split in tree.splits]
    kernel = np.zeros((ensemble.features, len(splits)), np.int64)
    bias = np.ones(len(splits), np.int64)
    for place, split in enumerate(splits):
        if split is None:
            continue
        last = _last_below(split.threshold, port, inclusive=split.inclusive)
        if last < port.raw_max:  # else all go left
            kernel[split.feature, place] = -1
            bias[place] = last + 1
    return FixedArray(kernel, 0), FixedArray(bias, port.fraction)


def _last_below(threshold: float, port: FixedType, *, inclusive: bool) -> int:
    """The largest number of the port, in its steps, that a comparison lets through; one below all if none.

    >>> port = FixedType(True, 4, 2)  # quarters from -2 to 1.75
    >>> [_last_below(t, port, inclusive=False) for t in (0.5, 0.6, -9.0, 9.0)]
    [1, 2, -9, 7]
    >>> [_last_below(t, port, inclusive=True) for t in (0.5, 0.6, -2.0)]
    [2, 2, -8]
    """
    if math.isinf(threshold):
        return port.raw_max if threshold > 0 else port.raw_min - 1
    steps = math.ldexp(threshold, port.fraction)
    last = math.floor(steps) if inclusive else math.ceil(steps) - 1
    return min(max(last, port.raw_min - 1), port.raw_max)


def _scores(
    laid: Sequence[_Laid], ensemble: Ensemble, fraction: int
) -> tuple[tuple[FixedArray, FixedArray], list[str]]:
    """Values of the leaves, per reached bit, and the base; rounded where they have more than 16 bits."""
    values = np.array([tree.values for tree in laid])
    grid = leaf_fraction(values, ensemble.base)
    rounded, base = rounded_to(values, grid), rounded_to(ensemble.base, grid)
    kernel = rounded.reshape(-1, len(ensemble.base))
    parts = ((rounded, values), (base, ensemble.base))
    exact = all(np.array_equal(np.ldexp(whole.astype(float), -grid), plain) for whole, plain in parts)
    note = [] if exact else [f"leaves and base score are rounded to multiples of 2**{-grid}: {LEAF_BITS} bits"]
    return (FixedArray(kernel, grid - fraction), FixedArray(base, grid)), note


def rounded_to(values: npt.NDArray[np.float64], fraction: int) -> npt.NDArray[np.int64]:
    """Numbers as integers of a grid, half to even."""
    return np.asarray(np.rint(np.ldexp(values, fraction)), np.int64)


def leaf_fraction(leaves: npt.NDArray[np.float64], base: npt.NDArray[np.float64]) -> int:
    """Fraction bits of the scores: all that leaves and base have, or as many as leave the largest leaf 16 bits.

    >>> leaf_fraction(np.array([3.0, -1.0]), np.array([0.25])), leaf_fraction(np.array([0.7, 0.3]), np.array([0.0]))
    (13, 15)
    """
    exact = FixedArray.from_float(leaves)
    if exact.type.width <= LEAF_BITS and FixedArray.from_float(base).fraction <= exact.fraction:
        return exact.fraction
    largest = float(np.abs(leaves).max())
    fraction = LEAF_BITS - 1 - math.frexp(largest)[1]
    return fraction - (round(math.ldexp(largest, fraction)) >= 1 << (LEAF_BITS - 1))
