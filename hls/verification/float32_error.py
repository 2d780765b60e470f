"""How far QKeras's float32 may take each output of an event from the exact arithmetic, by interval arithmetic.

Every tensor becomes the interval in which each element lies that QKeras can have computed, whatever the order of its
sums, each by the rule for its node (``float32_spread``). Where float32 rounds nothing the interval is the exact value
alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np
import numpy.typing as npt

from hls.graph import FLOAT32_LIMIT, FixedGraph, nodes
from hls.graph.float32 import (
    Quotient,
    float32_of,
    leaves_grid,
    opposite_signs,
    straight_through_limit,
)
from hls.verification.float32_spread import FINE_BITS, SAFE, UNIT, Context, spread
from hls.verification.span import Span, integers, widened

_ELEMENTS = 1 << 19
"""Elements of the widest tensor in a chunk of events."""


def output_spans(graph: FixedGraph, raw_inputs: Sequence[npt.NDArray[np.int64]]) -> list[Span]:
    """Where QKeras's outputs may lie for events given as port integers; one Span for each output of the graph."""
    widest = max(prod(edge.shape) for edge in graph.edges.values())
    size = max(1, _ELEMENTS // max(widest, 1))
    parts = [
        _chunk(graph, [raw[start : start + size] for raw in raw_inputs]) for start in range(0, len(raw_inputs[0]), size)
    ]
    return [
        Span(
            np.concatenate([span.low for span in column]),
            np.concatenate([span.high for span in column]),
            column[0].fraction,
            column[0].on_grid,
        )
        for column in zip(*parts, strict=True)
    ]


def _chunk(graph: FixedGraph, raw_inputs: Sequence[npt.NDArray[np.int64]]) -> list[Span]:
    given = dict(zip(graph.inputs, raw_inputs, strict=True))
    spans: dict[str, Span] = {}
    for name in _needed(graph):
        node = graph.nodes[name]
        note = float32_of(node, graph.float32)
        if isinstance(node, nodes.Input):
            spans[name] = _fed(given[name], graph.edges[name].fraction)
            continue
        if note.quotient is not None:
            spans[name] = _divided(spans[note.quotient.total], note.quotient, graph.edges[name].fraction)
            continue
        span = spread(node, [spans[source] for source in node.inputs], Context(graph, note))
        spans[name] = span if note.through is None else _passed_through(node, span, spans[note.through], graph)
    return [spans[name] for name in graph.outputs]


def _needed(graph: FixedGraph) -> list[str]:
    """Nodes that QKeras's value of an output depends on, in order: it divides where the graph takes a reciprocal."""
    wanted = set(graph.outputs)
    for node in reversed(list(graph)):
        if node.name in wanted:
            note = float32_of(node, graph.float32)
            wanted.update(node.inputs if note.quotient is None else (note.quotient.total,))
            wanted.update(() if note.through is None else (note.through,))
    return [node.name for node in graph if node.name in wanted]


def _fed(raw: npt.NDArray[np.int64], fraction: int) -> Span:
    """A port: QKeras is given the float32 nearest to each value."""
    held = raw.astype(np.float32).astype(np.float64)
    rounded = integers(held)
    return Span(np.minimum(raw, rounded), np.maximum(raw, rounded), fraction, on_grid=True)


def _passed_through(node: nodes.Node, q: Span, x: Span, graph: FixedGraph) -> Span:
    """``x + (q - x)``, each difference and sum rounded.

    Where both are known it is what float32 makes of them, or ``q`` where TensorFlow folds the two. Elsewhere it is
    ``q`` if ``straight_through_limit`` promises that, else off by a rounding of either.
    """
    if not leaves_grid(node, float32_of(node, graph.float32), graph):
        return q
    step = 2.0 ** (q.fraction - graph.edges[node.name].fraction)
    own, given = q.magnitude, np.ldexp(x.magnitude, q.fraction - x.fraction)
    exact = (own <= straight_through_limit(node) * step) & (given <= FLOAT32_LIMIT * step) & (not opposite_signs(node))
    difference = (own + given) * UNIT
    error = np.where(exact, 0.0, (difference + (own + difference) * UNIT) * SAFE)
    known = np.asarray((x.low == x.high) & (q.low == q.high))
    kept, target = (np.ldexp(s.low.astype(np.float64), -s.fraction).astype(np.float32) for s in (x, q))
    stuck = np.ldexp((kept + (target - kept)).astype(np.float64), q.fraction)
    error = np.where(known, np.abs(stuck - q.low.astype(np.float64)), error)
    low, high = widened(q.low, q.high, error, np.zeros(error.shape, np.bool_), 0)
    return Span(low, high, q.fraction, on_grid=False)


def _divided(total: Span, quotient: Quotient, fraction: int) -> Span:
    """``total / count``, rounded to float32 once: rounding keeps the order, so the ends are those of the ends."""
    fine = max(fraction, total.fraction + FINE_BITS)
    exact = np.asarray(total.magnitude < FLOAT32_LIMIT) & total.certain
    counts = np.array(quotient.counts, np.float32)
    ends = []
    for end, outward, onto in ((total.low, -1, np.floor), (total.high, 1, np.ceil)):
        rounded = (end.astype(np.float32) / counts).astype(np.float64)
        ratio = end.astype(np.float64) / np.array(quotient.counts)
        bound = ratio + outward * np.abs(ratio) * 3 * UNIT
        ends.append(integers(onto(np.ldexp(np.where(exact, rounded, bound), fine - total.fraction))))
    return Span(ends[0], ends[1], fine, on_grid=False)
