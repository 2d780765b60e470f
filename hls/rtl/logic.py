"""Combinational logic of a graph: cores that read the ports and each other, and where every element is found."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from hls.graph import FixedGraph
from hls.rtl.program import Opcode, Program

Values = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Wire:
    """One element as the logic sees it: ``width`` bits of LSB ``2**-fraction``; 0 bits are of one that is not read."""

    signed: bool
    width: int
    fraction: int


@dataclass(frozen=True)
class Constant:
    """An element that never changes."""

    value: Fraction


@dataclass(frozen=True)
class Tap:
    """Element ``number`` of a vector: of input port ``vector``, or, counted on from the ports, of a core's outputs."""

    vector: int
    number: int


Source = Tap | Constant


@dataclass(frozen=True)
class Total:
    """Sum, or ``maximum``, of output ``number`` of a core over its positions, gathered by each copy for itself.

    ``wires`` has one for each copy.
    """

    number: int
    maximum: bool
    wires: tuple[Wire, ...]


@dataclass(frozen=True, eq=False)
class Core:
    """A module: ``comb`` is alkaid's program. It does the same at each position: a row of ``inputs`` for each says what
    it reads.

    In ``beats`` clocks its copies take all positions, in their order: one beat has as many of them as there are copies,
    the last perhaps fewer. ``reads`` and ``writes`` are the wires of one position. The outputs at all positions, one
    position after the other, are one vector, to which each of ``totals`` adds an element for each copy. ``layers`` has
    the layer of each operation of ``comb``, None where it has none, if they were asked for. With several ``digits`` its
    numbers pass in so many clocks, a digit each.
    """

    comb: Program
    inputs: tuple[tuple[Source, ...], ...]
    reads: tuple[Wire, ...]
    writes: tuple[Wire, ...]
    beats: int = 1
    totals: tuple[Total, ...] = ()
    layers: tuple[str | None, ...] = ()
    digits: int = 1

    @property
    def copies(self) -> int:
        """How often it is there.

        >>> Core(None, ((),) * 16, (), (), beats=5).copies
        4
        """
        return math.ceil(len(self.inputs) / self.beats)

    @property
    def wires(self) -> tuple[Wire, ...]:
        """Of the whole vector."""
        return (*self.writes * len(self.inputs), *(wire for total in self.totals for wire in total.wires))

    def positions(self, copy: int) -> range:
        """Those that one copy takes.

        >>> Core(None, ((),) * 16, (), (), beats=5).positions(copy=1)
        range(1, 16, 4)
        """
        return range(copy, len(self.inputs), self.copies)

    def follows(self, ports: int) -> bool:
        """Whether it reads another core, of a graph with so many ``ports``."""
        return any(isinstance(source, Tap) and source.vector >= ports for row in self.inputs for source in row)

    def shared(self, beats: int) -> Core:
        """The same core, whose copies take all positions in ``beats`` clocks."""
        return replace(self, beats=beats)

    def with_total(self, number: int, *, maximum: bool, wires: Sequence[Wire]) -> Core:
        """The same core with one more total."""
        return replace(self, totals=(*self.totals, Total(number, maximum, tuple(wires))))


@dataclass(frozen=True, eq=False)
class Logic:
    """Logic of ``graph``. ``cores`` stand in the order in which data pass them; none if every output is constant.

    ``outputs`` says for each port of the graph where its elements (row-major) come from.
    """

    graph: FixedGraph
    cores: tuple[Core, ...]
    outputs: tuple[tuple[Source, ...], ...]

    @property
    def multiplications(self) -> int:
        """Products of two variables: candidates for DSP slices."""
        return self._count((Opcode.MULTIPLY,))

    @property
    def adders(self) -> int:
        """Two-operand additions and subtractions."""
        return self._count((Opcode.ADD, Opcode.SUBTRACT))

    def _count(self, codes: tuple[int, ...]) -> int:
        return sum(core.copies * sum(op.opcode in codes for op in core.comb.ops) for core in self.cores)

    @property
    def cost(self) -> float:
        """alkaid's measure of all copies: bits of adders, about one LUT each."""
        return sum(core.copies * float(core.comb.cost) for core in self.cores)

    @property
    def interval(self) -> int:
        """Clocks from one event to the next: so many as the core takes that has the most beats or digits."""
        return max((max(core.beats, core.digits) for core in self.cores), default=1)

    def interpret(self, raw_inputs: Sequence[npt.NDArray[np.int64]]) -> list[npt.NDArray[np.int64]]:
        """Outputs of the logic by alkaid's interpreter: raw integers (n, *shape) per output, without any Verilog."""
        events = len(raw_inputs[0])
        vectors = [
            np.ldexp(raw.reshape(events, -1).astype(np.float64), -self.graph.edges[name].fraction)
            for name, raw in zip(self.graph.inputs, raw_inputs, strict=True)
        ]
        for core in self.cores:
            rows = [core.comb.predict(_gather(vectors, row, events)).reshape(events, -1) for row in core.inputs]
            totals = [
                (np.max if total.maximum else np.sum)([rows[p][:, total.number] for p in core.positions(copy)], axis=0)
                for total in core.totals
                for copy in range(core.copies)
            ]
            vectors.append(np.column_stack([*rows, *totals]))
        edges = [self.graph.edges[name] for name in self.graph.outputs]
        return [
            np.ldexp(_gather(vectors, row, events), edge.fraction).astype(np.int64).reshape(events, *edge.shape)
            for row, edge in zip(self.outputs, edges, strict=True)
        ]


def _gather(vectors: Sequence[Values], row: Sequence[Source], events: int) -> Values:
    columns = np.empty((events, len(row)))
    for place, source in enumerate(row):
        columns[:, place] = (
            float(source.value) if isinstance(source, Constant) else vectors[source.vector][:, source.number]
        )
    return columns
