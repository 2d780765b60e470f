"""What the events put on each layer: a histogram against its type, what saturates and rounds to zero, unused bits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.emulation import Emulator
from hls.events.coverage import PortCoverage, percent
from hls.graph import Edge, FixedGraph, nodes
from hls.graph.raw import RawArrays
from hls.project.report.network_schema import LayerValues

_TRACED_EVENTS = 2048
_TRACED_VALUES = 1 << 25
"""Of all nodes together: what an emulator passes through in a second or two."""
_PORTION_VALUES = 1 << 22
_SWITCH = 2
"""A quantizer of so few steps from end to end (binary, ternary, one bit) is meant to cut its input off."""
SATURATED, ZEROED, UNUSED_BITS = 0.05, 0.5, 2
"""Shares of saturated and of zeroed values, and a number of bits, from which on a layer is worth a sentence."""


@dataclass
class _Tally:
    """Counts of one node's values, over portions of the events."""

    negative: bool = False
    magnitudes: npt.NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, np.int64))
    """By bit length: index 0 counts zeros."""
    bits: int = 0
    """Bits that are set in the magnitude of any value."""

    def add(self, raw: npt.NDArray[Any]) -> None:
        magnitude = np.abs(raw)
        lengths = _bit_lengths(magnitude)
        counts = np.bincount(lengths, minlength=len(self.magnitudes))
        counts[: len(self.magnitudes)] += self.magnitudes
        self.magnitudes = counts
        self.negative = self.negative or bool((raw < 0).any())
        self.bits |= int(np.bitwise_or.reduce(magnitude, axis=None)) if raw.size else 0


def _bit_lengths(magnitude: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
    if magnitude.dtype == object or int(magnitude.max(initial=0)) >= 1 << 53:
        return np.array([int(value).bit_length() for value in magnitude.flat], np.int64)
    return np.asarray(np.frexp(magnitude.astype(np.float64))[1], np.int64).ravel()


@dataclass
class _Lost:
    """What a quantizer does to its values: how many it cuts off at its ends, and how many it makes zero."""

    values: int = 0
    saturated: int = 0
    nonzero: int = 0
    zeroed: int = 0

    def add(self, node: nodes.Quantize, source: npt.NDArray[Any], made: npt.NDArray[Any], shift: int) -> None:
        """``shift`` leads from the grid of the ``source`` to that of the quantizer."""
        scaled = np.ldexp(source.astype(np.float64), shift)
        unsigned = node.raw_min >= 0  # what lies below zero is cut off by what the function is
        beyond = scaled > node.raw_max + 1
        if not unsigned:
            beyond |= scaled < node.raw_min - 1
        there = scaled > 0 if unsigned else scaled != 0
        self.values += source.size
        self.saturated += int(beyond.sum())
        self.nonzero += int(there.sum())
        self.zeroed += int((there & (np.abs(scaled) < 1) & (made == 0)).sum())


def layer_values(graph: FixedGraph, events: RawArrays, ports: Sequence[PortCoverage]) -> Mapping[str, LayerValues]:
    """What ``events`` (corners left out) put on the output of each layer, and lose on the way to it.

    Of so many events as a second or two allows. ``ports`` say what was lost before them.
    """
    last = {node.layer: node for node in graph}
    tallies = {layer: _Tally() for layer in last}
    lost = {layer: _Lost() for layer in last}
    seen = 0
    for traced in _portions(graph, events):
        seen += len(traced[graph.inputs[0]])
        for node in graph:
            if isinstance(node, nodes.Quantize) and node.raw_max - node.raw_min > _SWITCH:
                shift = node.type.fraction - graph.edges[node.inputs[0]].fraction
                lost[node.layer].add(node, traced[node.inputs[0]], traced[node.name], shift)
        for layer, node in last.items():
            tallies[layer].add(traced[node.name])
    at_port = {port.name: port for port in ports}
    return {
        layer: _values(graph, node, seen, tallies[layer], lost[layer], at_port.get(node.name))
        for layer, node in last.items()
    }


def _portions(graph: FixedGraph, events: RawArrays) -> Iterator[dict[str, npt.NDArray[Any]]]:
    each = max(sum(prod(edge.shape) for edge in graph.edges.values()), 1)
    wanted = min(len(events[0]), _TRACED_EVENTS, max(_TRACED_VALUES // each, 1))
    step = max(_PORTION_VALUES // each, 1)
    emulator = Emulator(graph)
    for first in range(0, wanted, step):
        yield emulator.trace([raw[first : min(first + step, wanted)] for raw in events])


def _values(
    graph: FixedGraph, node: nodes.Node, events: int, tally: _Tally, lost: _Lost, port: PortCoverage | None
) -> LayerValues:
    type_ = graph.edges[node.name].type
    room = type_.width - type_.signed  # bits for the magnitude
    counts = tally.magnitudes[1:].tolist()
    used = len(counts)
    lowest = (tally.bits & -tally.bits).bit_length() - 1 if tally.bits else 0
    return LayerValues(
        events=events,
        zeros=int(tally.magnitudes[0]),
        magnitudes=counts + [0] * (room - len(counts)),
        saturated=port.saturated if port is not None else lost.saturated / lost.values if lost.values else None,
        zeroed=port.zeroed if port is not None else lost.zeroed / lost.nonzero if lost.nonzero else None,
        unused_high=max(room - used, 0) if tally.bits else 0,
        unused_low=max(lowest, 0),
        negative=tally.negative,
    )


def advice(node: nodes.Node, edge: Edge, values: LayerValues) -> Iterator[str]:
    """Sentences on what a layer, whose output is that of ``node``, loses or wastes on these events, where that is worth
    one. What a port loses is told with the events.

    Only a type that a quantizer states can be another: a sum's follows from what it adds.
    """
    name, type_, port = node.layer, edge.type, not node.inputs
    if not port and values.saturated is not None and values.saturated > SATURATED:
        yield (
            f"{name}: {percent(values.saturated)} of its values lie beyond {type_} and saturate; give it more integer "
            "bits, unless cutting them off is meant"
        )
    if not port and values.zeroed is not None and values.zeroed > ZEROED:
        yield (
            f"{name}: {percent(values.zeroed)} of the values that are not 0 round to it on {type_}; give it more "
            "fraction bits, or fewer integer bits for the same width"
        )
    if edge.declared is None:
        return
    if values.unused_high >= UNUSED_BITS:
        yield f"{name}: no value needs the highest {values.unused_high} bits of {type_}; fewer integer bits do"
    if values.unused_low >= UNUSED_BITS:
        yield f"{name}: the lowest {values.unused_low} bits of {type_} are always 0; fewer fraction bits do"
