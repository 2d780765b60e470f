"""Whether float32's own rounding explains the events in which QKeras differs from the graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hls.graph import FixedGraph
from hls.verification.float32_error import output_spans
from hls.verification.span import Span
from hls.witnesses.base import Outputs


@dataclass(frozen=True, eq=False)
class Explanation:
    """``events`` says of each event whether QKeras differs in it and lies where its float32 may have taken it.

    In LSBs of the output: ``deviation`` is the largest that was accepted, ``allowed`` the largest that would have been
    in any of those events. ``share`` is ``allowed`` as a part of the whole range of its output: the larger, the less an
    agreement says, and from one on it says nothing.
    """

    events: npt.NDArray[np.bool_]
    deviation: float = 0.0
    allowed: float = 0.0
    share: float = 0.0

    def __add__(self, more: Explanation) -> Explanation:
        """Of both portions of the events."""
        return Explanation(
            np.concatenate([self.events, more.events]),
            deviation=max(self.deviation, more.deviation),
            allowed=max(self.allowed, more.allowed),
            share=max(self.share, more.share),
        )

    @property
    def count(self) -> int:
        """Number of events that differ and are explained."""
        return int(self.events.sum())


def explain(
    graph: FixedGraph,
    raw_inputs: Sequence[npt.NDArray[np.int64]],
    exact: Outputs,
    values: Sequence[npt.NDArray[np.float32]],
    differing: npt.NDArray[np.bool_],
) -> Explanation:
    """Judge the ``differing`` events: every output of QKeras must be the exact one, or lie in its interval.

    ``exact`` are the integers of the graph and ``values`` the floats of QKeras, for the same events.
    """
    chosen = np.flatnonzero(differing)
    explained = np.zeros(len(differing), np.bool_)
    if not len(chosen):
        return Explanation(explained)
    spans = output_spans(graph, [raw[chosen] for raw in raw_inputs])
    inside, judgements = np.ones(len(chosen), np.bool_), []
    for span, integers, floats, name in zip(spans, exact, values, graph.outputs, strict=True):
        fraction = graph.edges[name].fraction
        judged = _Judged.of(span, integers[chosen], floats[chosen], fraction)
        inside &= judged.accepted
        judgements.append((judged, graph.edges[name]))
    explained[chosen] = inside
    if not inside.any():
        return Explanation(explained)
    return Explanation(
        explained,
        deviation=max(float(judged.deviation[inside].max()) for judged, _ in judgements),
        allowed=max(float(judged.reach[inside].max()) for judged, _ in judgements),
        share=max(float(judged.reach[inside].max()) / (e.raw_max - e.raw_min or 1) for judged, e in judgements),
    )


@dataclass(frozen=True, eq=False)
class _Judged:
    """One output: which events are accepted, how far QKeras is off in each, and how far it might have been."""

    accepted: npt.NDArray[np.bool_]
    deviation: npt.NDArray[np.float64]
    reach: npt.NDArray[np.float64]

    @staticmethod
    def of(span: Span, exact: npt.NDArray[np.generic], values: npt.NDArray[np.float32], fraction: int) -> _Judged:
        events = len(exact)
        step = 2.0 ** (span.fraction - fraction)
        centre = exact.reshape(events, -1).astype(np.float64)
        found = np.ldexp(values.astype(np.float64), fraction).reshape(events, -1)
        ends = (end.reshape(events, -1).astype(np.float64) / step for end in (span.low, span.high))
        reach = np.maximum(*(np.abs(end - centre) for end in ends))
        accepted = span.holds(values).reshape(events, -1)
        return _Judged(np.asarray(accepted.all(axis=1)), np.abs(found - centre).max(axis=1), reach.max(axis=1))
