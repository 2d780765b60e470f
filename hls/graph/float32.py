"""Where QKeras's own computation, which is in float32, may differ from the exact arithmetic of a graph.

A float32 holds integers below 2**24, so a sum is exact in any order while no partial sum, counted in steps of its grid,
reaches that. What QKeras computes besides (roots, quotients, what it adds and subtracts again) is not to be seen in a
node, which states the exact result alone: the importer, who knows, writes it down as a :class:`Float32` beside the
node. It is no part of the arithmetic, and not of the digest.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import singledispatch
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from hls.graph import nodes
from hls.graph.fixed import FLOAT32_LIMIT, FixedArray, IntArray

if TYPE_CHECKING:
    from hls.graph.graph import FixedGraph

Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Quotient:
    """A mean: QKeras divides the node ``total`` by one count, or by one for each element, and rounds once."""

    total: str
    counts: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Entries:
    """The least and greatest that float32 may make of each entry of a table, as integers of the table's grid."""

    low: IntArray
    high: IntArray


@dataclass(frozen=True, eq=False)
class Float32:
    """How QKeras's float32 comes to the value of a node, where that is not the node's own arithmetic.

    ``exact``: a comparison or a clip, which rounds nothing. ``through``: it gives ``x + (q - x)`` for this node ``x``,
    where ``q`` is the value of the node. ``half``: it adds a half to half of its input before it rounds. ``cut``: a
    clip that leaves values between the steps of the node's grid where they are; whether it has a lower and an upper
    end, without which float32 may go beyond what is reached exactly. ``weights`` and ``offset``: by how much the
    constants that it multiplies by and adds may be off ours. ``scaled``: it multiplies what it sums by this number
    first, and divides the sum by it.
    """

    exact: bool = False
    through: str | None = None
    half: bool = False
    cut: tuple[bool, bool] | None = None
    quotient: Quotient | None = None
    weights: Doubles | None = None
    offset: Doubles | None = None
    entries: Entries | None = None
    scaled: int = 1


PLAIN = Float32()
EXACT = Float32(exact=True)


def float32_of(node: nodes.Node, notes: Mapping[str, Float32]) -> Float32:
    """What is noted of ``node``; a quantizer of which nothing is said adds ``q - x`` to ``x``, as most of them do."""
    if node.name in notes:
        return notes[node.name]
    nearest = isinstance(node, nodes.Quantize) and node.rounding is nodes.Rounding.NEAREST_EVEN
    return replace(PLAIN, through=node.inputs[0]) if nearest else PLAIN


def roundings(weights: FixedArray, offset: FixedArray) -> npt.NDArray[np.int64]:
    """How many float32 roundings a product may pass on its way into each sum; ``weights`` (products, outputs).

    Products with powers of two are exact, and so are sums with zero:

    >>> weights = FixedArray.from_float([[4.0, 3.0, 3.0], [0.0, 0.0, 1.0]])
    >>> roundings(weights, FixedArray.from_float([0.0, 0.0, 1.0])).tolist()
    [0, 1, 3]
    """
    integers = np.abs(weights.integers)
    powers = (integers & (integers - 1)) == 0
    terms = (integers != 0).sum(axis=0) + (offset.integers != 0)
    return np.asarray(np.maximum(terms - 1, 0) + ~powers.astype(bool).all(axis=0), np.int64)


def inexact_layers(graph: FixedGraph) -> tuple[str, ...]:
    """Layers in which a float32 computation may round what the graph holds exactly."""
    found: dict[str, None] = {}
    finer: set[str] = set()  # nodes whose float32 values may lie between the steps of their grid
    for node in graph:
        note = float32_of(node, graph.float32)
        between = bool(finer.intersection(node.inputs))
        if _rounds(node, note, between, graph):
            found[node.layer] = None
        if leaves_grid(node, note, graph) or (between and keeps_fineness(node, note)):
            finer.add(node.name)
    return tuple(found)


def keeps_fineness(node: nodes.Node, note: Float32) -> bool:
    """Whether values between the steps of a grid go through ``node``: not through what rounds them, nor a table."""
    return note.cut is not None or (not node.rounds and not isinstance(node, nodes.Table))


def leaves_grid(node: nodes.Node, note: Float32, graph: FixedGraph) -> bool:
    """Whether float32's value may lie off the grid of the node's edge, though those of its inputs do not."""
    constants = note.weights is not None or note.offset is not None
    return constants or note.quotient is not None or (note.through is not None and _may_stick(node, note, graph))


def _rounds(node: nodes.Node, note: Float32, between: bool, graph: FixedGraph) -> bool:
    if note.exact:
        return False
    if note.weights is not None or note.offset is not None or note.entries is not None:
        return True
    if note.quotient is not None:
        # The next quantizer rounds the float32 quotient as the exact one while the sum, on its grid, stays below.
        total = graph.edges[note.quotient.total]
        shift = max(0, graph.edges[node.name].fraction - total.fraction)
        return total.partial_bound << shift >= FLOAT32_LIMIT
    if note.half and graph.edges[node.inputs[0]].fraction >= FLOAT32_LIMIT.bit_length() - 1:
        return True
    if note.through is not None and _may_stick(node, note, graph):
        return True
    edge = graph.edges[node.name]
    bound = FLOAT32_LIMIT if between else edge.partial_bound * note.scaled
    return bound >= FLOAT32_LIMIT and _can_round(node)


def _may_stick(node: nodes.Node, note: Float32, graph: FixedGraph) -> bool:
    """Whether ``x + (q - x)`` may be another number than ``q``: see ``straight_through_limit``."""
    edge, x = graph.edges[node.name], graph.edges[note.through or node.name]
    shift = edge.fraction - x.fraction
    reach = x.magnitude << shift if shift >= 0 else -(-x.magnitude >> -shift)
    return edge.magnitude > straight_through_limit(node) or reach > FLOAT32_LIMIT or opposite_signs(node)


def straight_through_limit(node: nodes.Node) -> int:
    """Up to which magnitude of ``q``, in its own steps, ``x + (q - x)`` is ``q`` in float32, for x below 2**24 steps.

    A quantizer's ``q`` is at most twice ``x`` or at most ``x``, of the same sign, so that ``q - x`` is exact. Another
    ``q`` may be far above ``x``: then ``q - x`` is off by half a last place of ``q`` at most, and the sum, a tie at
    worst, comes back to a ``q`` whose last place is even.
    """
    return FLOAT32_LIMIT if isinstance(node, nodes.Quantize) else FLOAT32_LIMIT >> 1


def opposite_signs(node: nodes.Node) -> bool:
    """Whether ``q`` may have another sign than ``x``: by a range without zero, or by a negative ``alpha``."""
    if isinstance(node, nodes.Scale):
        return bool((node.factor.integers < 0).any())
    return isinstance(node, nodes.Quantize) and not node.raw_min <= 0 <= node.raw_max


@singledispatch
def _can_round(node: nodes.Node) -> bool:
    """Whether float32 rounds the node's arithmetic where it is too long; what only chooses and moves rounds nothing."""
    return isinstance(node, nodes.Input | nodes.Add | nodes.Multiply)


@_can_round.register
def _(node: nodes.Dense | nodes.Conv | nodes.Scale) -> bool:
    offset = node.offset if isinstance(node, nodes.Scale) else node.bias
    return node.weights is not None and bool(roundings(node.weights, offset).any())


@_can_round.register
def _(node: nodes.Pool) -> bool:
    return not node.maximum
