"""When the words of a streamed design come and go: each layer of io_stream is a loop over the words that it reads.

A word is one position with all its channels. hls4ml's kernels read one in each turn of their loop whether or not it
completes a window (nnet_conv1d_stream.h, nnet_pooling_stream.h and the like): strides make fewer outputs, not fewer
turns, and padding is read like pixels. Tests compare these counts with those of the C simulation.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from hls.graph import FixedGraph, nodes


@dataclass(frozen=True)
class Process:
    """The loop of one layer. ``turns`` read its input, one in ``every`` clock cycles; ``after`` cycles follow the loop.

    ``words`` is what it writes. With ``gathers`` nothing leaves before all has come; else the first word leaves with
    turn ``filled``, when the first window is complete.
    """

    turns: int
    words: int
    every: int = 1
    after: int = 0
    gathers: bool = False
    filled: int = 0

    @property
    def interval(self) -> int:
        """Clock cycles between two events."""
        return self.turns * self.every + self.after


@dataclass(frozen=True)
class Pace:
    """What a layer takes for one word: a new one in ``interval`` cycles, each ``depth`` cycles long."""

    interval: int
    depth: int


def processes(graph: FixedGraph, paces: Mapping[str, Pace], reuse_factor: int) -> dict[str, Process]:
    """The loop of every node. ``paces`` are those of sums of products."""
    found: dict[str, Process] = {}
    for node in graph:
        coming = max((found[name].words for name in node.inputs), default=0)
        found[node.name] = _process(graph, node, coming, paces, reuse_factor)
    return found


def _process(graph: FixedGraph, node: nodes.Node, coming: int, paces: Mapping[str, Pace], reuse_factor: int) -> Process:
    shape = graph.edges[node.name].shape
    positions = math.prod(shape[:-1])
    match node:
        case nodes.Dense():
            pace = paces[node.name]
            if positions > 1:
                return Process(max(coming, positions), positions, pace.interval)
            # One vector: gathered, then multiplied, which shares no cycle with the gathering.
            return Process(coming, 1, after=pace.depth, gathers=True) if coming > 1 else Process(1, 1, pace.interval)
        case nodes.Conv():
            window = tuple(step * (size - 1) + 1 for size, step in zip(node.kernel.shape, node.dilation, strict=False))
            turns, filled = _window(graph.edges_of(node)[0].shape, window, node.padding)
            return Process(max(turns, coming), positions, paces[node.name].interval, filled=filled)
        case nodes.Pool():
            turns, filled = _window(graph.edges_of(node)[0].shape, node.window, node.padding)
            whole = positions == 1
            return Process(max(turns, coming), positions, after=int(whole), gathers=whole, filled=filled)
        case nodes.Transpose():
            return Process(coming, positions, after=positions, gathers=True)
        case nodes.Reshape():
            return Process(coming, coming)  # a view: repacked, if at all, by who reads it
        case nodes.Scale() | nodes.Multiply():
            words = positions if len(node.inputs) > 1 else coming
            return Process(max(coming, words), words, reuse_factor)
        case _:
            words = coming if node.pointwise and len(node.inputs) == 1 else positions
            return Process(max(coming, words), words)


def _window(shape: tuple[int, ...], window: tuple[int, ...], padding: tuple[tuple[int, int], ...]) -> tuple[int, int]:
    """Words read in all, zeros among them, and how many before the one that completes the first window.

    >>> _window((6, 7, 3), window=(2, 3), padding=((0, 0), (1, 1)))  # rows of nine
    (54, 11)
    """
    lengths = [before + length + after for length, (before, after) in zip(shape, padding, strict=False)]
    filled = 0
    for length, size in zip(lengths, window, strict=False):
        filled = filled * length + size - 1
    return math.prod(lengths), filled


def last_word(graph: FixedGraph, found: Mapping[str, Process], depths: Mapping[str, int]) -> int:
    """Clock cycle after which the last word of the last output is there; layers work at the same time."""
    first: dict[str, float] = {}
    last: dict[str, float] = {}
    for node in graph:
        process, depth = found[node.name], depths[node.name]
        start = max((first[name] for name in node.inputs), default=0.0)
        end = max((last[name] for name in node.inputs), default=0.0)
        read = max(end, start + (process.turns - 1) * process.every)
        pace = (read - start) / max(process.turns - 1, 1)
        first[node.name] = (read if process.gathers else start + process.filled * pace) + depth
        last[node.name] = first[node.name] + process.words - 1 if process.gathers else read + depth
    return int(max(last[name] for name in graph.outputs))
