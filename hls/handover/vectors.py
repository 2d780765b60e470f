"""Events and the integers that the firmware gives for them, as files of test benches hold them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from hls.emulation import Emulator
from hls.graph import FixedGraph
from hls.graph.raw import RawArray

EVENTS = 200
"""As many go with a project: co-simulation takes seconds for each event of a large network."""


@dataclass(frozen=True)
class Vectors:
    """Integers (events, *shape) in units of each port's LSB: one array for each input, one for each output."""

    inputs: tuple[RawArray, ...]
    outputs: tuple[RawArray, ...]

    @staticmethod
    def of(graph: FixedGraph, events: Sequence[RawArray], corners: int) -> Vectors:
        """``EVENTS`` of ``events``, half of them of the ``corners`` that stand first, where there are so many."""
        number = len(events[0])
        first = min(corners, max(EVENTS // 2, EVENTS - (number - corners)))
        chosen = np.r_[0:first, corners : min(number, corners + EVENTS - first)]
        inputs = tuple(raw[chosen] for raw in events)
        return Vectors(inputs, tuple(Emulator(graph).run(inputs)))

    def __len__(self) -> int:
        return len(self.inputs[0])


def decimal_rows(arrays: Sequence[RawArray], fractions: Sequence[int]) -> Iterator[str]:
    """A line an event: the values of all ports, exact, with blanks between them.

    >>> list(decimal_rows([np.array([[1, -3]]), np.array([[5]])], [2, 0]))
    ['0.25 -0.75 5.0']
    """
    values = [
        np.ldexp(raw.reshape(len(raw), -1).astype(np.float64), -fraction)
        for raw, fraction in zip(arrays, fractions, strict=True)
    ]
    for row in np.concatenate(values, axis=1):
        yield " ".join(repr(float(value)) for value in row)


def packed_rows(arrays: Sequence[RawArray], widths: Sequence[int]) -> Iterator[str]:
    """A line an event: all ports as one hexadecimal number, element 0 of the first port in the lowest bits.

    >>> list(packed_rows([np.array([[1, -1]]), np.array([[2]])], [4, 8]))
    ['02f1']
    """
    bits = sum(raw[0].size * width for raw, width in zip(arrays, widths, strict=True)) if len(arrays[0]) else 0
    for event in range(len(arrays[0])):
        number, place = 0, 0
        for raw, width in zip(arrays, widths, strict=True):
            for element in raw[event].ravel():
                number |= (int(element) & ((1 << width) - 1)) << place
                place += width
        yield f"{number:0{-(-bits // 4)}x}"


def fractions(graph: FixedGraph) -> tuple[list[int], list[int]]:
    """Fraction bits of the inputs and of the outputs."""
    return [graph.edges[n].fraction for n in graph.inputs], [graph.edges[n].fraction for n in graph.outputs]
