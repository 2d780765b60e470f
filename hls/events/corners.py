"""Corner events: inputs that drive accumulators to their ends, where firmware breaks first and physics rarely goes."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
import numpy.typing as npt

from hls.emulation import Emulator
from hls.graph import FixedGraph
from hls.graph.raw import RawArrays

MAX_CORNERS = 2000
_ENDS = 3
_RANDOM_VERTICES = 128
_MAX_PATTERNS = 512
_MAX_TRACED_VALUES = 20_000_000


def corner_events(graph: FixedGraph, seed: int, limit: int = MAX_CORNERS) -> RawArrays:
    """At most ``limit`` events as port integers, one int64 array (n, *port shape) for each input of the graph.

    All ports at their minimum, maximum and zero; for sums of the first layers, and for the outputs, the two vertices of
    the input box at which each is largest and smallest (of an output: at first order); random vertices; single elements
    at an end, and one LSB off zero, with the rest at zero.
    """
    box = _Box(graph)
    rows = list(islice(_rows(graph, box, np.random.default_rng(seed), limit), limit))
    return box.split(np.array(rows, np.int64).reshape(len(rows), box.size))


def _rows(graph: FixedGraph, box: _Box, rng: np.random.Generator, limit: int) -> Iterator[npt.NDArray[np.int64]]:
    """Corner events, flat, the ones that tell most first; of an image few of all that there are fit into memory."""
    yield from (box.low, box.high, box.zero)
    for signs in _patterns(graph, box) if limit > _ENDS else ():
        yield from (box.vertex(signs), box.vertex(~signs))
    for _ in range(_RANDOM_VERTICES):
        yield box.vertex(rng.random(box.size) < 0.5)
    for element in range(box.size):
        for value in (box.low[element], box.high[element], 1, -1):
            yield box.single(element, int(value))


class _Box:
    """The box of all inputs, flat: elements of every port one after the other."""

    def __init__(self, graph: FixedGraph) -> None:
        self._edges = [graph.edges[name] for name in graph.inputs]
        self.low = np.concatenate([edge.low.ravel().astype(np.int64) for edge in self._edges])
        self.high = np.concatenate([edge.high.ravel().astype(np.int64) for edge in self._edges])
        self.zero: npt.NDArray[np.int64] = np.clip(np.zeros_like(self.low), self.low, self.high)
        self.size = len(self.low)

    def vertex(self, signs: npt.NDArray[np.bool_]) -> npt.NDArray[np.int64]:
        corner: npt.NDArray[np.int64] = np.where(signs, self.high, self.low)
        return corner

    def single(self, element: int, value: int) -> npt.NDArray[np.int64]:
        event = self.zero.copy()
        event[element] = np.clip(value, self.low[element], self.high[element])
        return event

    def split(self, rows: npt.NDArray[np.int64]) -> RawArrays:
        """Flat events (n, size) to one array for each port."""
        ends = np.cumsum([edge.low.size for edge in self._edges])[:-1]
        parts = np.split(rows, ends, axis=1)
        return [part.reshape(-1, *edge.shape) for part, edge in zip(parts, self._edges, strict=True)]


def _patterns(graph: FixedGraph, box: _Box) -> Iterator[npt.NDArray[np.bool_]]:
    """For elements of the targets: which inputs raise them. Every input is raised alone, and the emulator watches."""
    targets = _targets(graph)
    values = sum(edge.low.size for edge in graph.edges.values())
    if not targets or box.size * values > _MAX_TRACED_VALUES:
        return
    raised = [box.zero, *(box.single(element, box.high[element]) for element in range(box.size))]
    traced = Emulator(graph).trace(box.split(np.stack(raised)))
    quota = max(1, _MAX_PATTERNS // len(targets))
    for name in targets:
        seen = traced[name].reshape(len(raised), -1)
        chosen = np.linspace(0, seen.shape[1] - 1, min(quota, seen.shape[1])).astype(int)
        yield from (seen[1:, column] > seen[0, column] for column in chosen)


def _targets(graph: FixedGraph) -> list[str]:
    """Sums of products that read the inputs through no other sum of products, and the outputs."""
    below: set[str] = set()
    first: list[str] = []
    for node in graph:
        summed = node.matrix is not None
        deep = any(name in below for name in node.inputs)
        if summed and not deep:
            first.append(node.name)
        if summed or deep:
            below.add(node.name)
    return list(dict.fromkeys((*first, *graph.outputs)))
