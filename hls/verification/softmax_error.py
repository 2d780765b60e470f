"""How far a softmax by tables is from the softmax of real numbers, and whether it ever changes the largest score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hls.emulation import Emulator
from hls.graph import FixedGraph

_CHUNK = 10_000


@dataclass(frozen=True)
class SoftmaxError:
    """Over all outputs of that kind: the largest deviation, and vectors whose largest element is another one."""

    largest: float
    flips: int


def softmax_error(graph: FixedGraph, raw_inputs: Sequence[npt.NDArray[np.int64]]) -> SoftmaxError | None:
    """Of events given as port integers; None for a network without such an output, or without events."""
    if not graph.softmaxes or not len(raw_inputs[0]):
        return None
    watched = tuple(name for pair in graph.softmaxes.items() for name in pair)
    emulator = Emulator(replace(graph, outputs=watched, output_names=watched))
    fractions = [graph.edges[name].fraction for name in watched]
    largest, flips = 0.0, 0
    for start in range(0, len(raw_inputs[0]), _CHUNK):
        raw = emulator.run([values[start : start + _CHUNK] for values in raw_inputs])
        found = [np.ldexp(integers.astype(np.float64), -f) for integers, f in zip(raw, fractions, strict=True)]
        for shares, scores in zip(found[::2], found[1::2], strict=True):
            powers = np.exp(scores - scores.max(axis=-1, keepdims=True))
            exact = powers / powers.sum(axis=-1, keepdims=True)
            largest = max(largest, float(np.abs(shares - exact).max()))
            flips += int((shares.argmax(axis=-1) != scores.argmax(axis=-1)).sum())
    return SoftmaxError(largest, flips)
