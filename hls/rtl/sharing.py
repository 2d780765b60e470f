"""How many clocks the positions of a core may take: a copy that takes several does the work of as many."""

from __future__ import annotations

import math

from hls.graph import FixedGraph
from hls.rtl.logic import Core
from hls.rtl.partition import partition


def beats_of(core: Core, interval: int) -> int:
    """Clocks in which the fewest copies take all positions within ``interval``; 1 where sharing saves nothing.

    A copy less saves its logic, and its inputs then have to be chosen: a LUT a bit.
    """
    chosen = sum(wire.width for number, wire in enumerate(core.reads) if len({row[number] for row in core.inputs}) > 1)
    return 1 if float(core.comb.cost) <= chosen else _beats(len(core.inputs), interval)


def beats_by_layer(graph: FixedGraph, interval: int) -> dict[str, int]:
    """For each layer whose positions would share copies of a core the clocks that they take, before any is traced."""
    return {
        graph.nodes[name].layer: beats
        for stage in partition(graph)
        if (beats := _beats(math.prod(stage.positions), interval)) > 1
        for name in stage.nodes
    }


def _beats(positions: int, interval: int) -> int:
    copies = -(-positions // interval)
    return -(-positions // copies)
