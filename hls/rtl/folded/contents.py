"""What stands in an engine's memories: weights in the order in which its steps read them, and biases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.errors import UnsupportedError
from hls.graph import FixedGraph
from hls.graph.fixed import FixedType, IntArray
from hls.rtl.folded.constants import bias_of, kernel_of
from hls.rtl.folded.engine import Engine
from hls.rtl.folded.grouping import Kind
from hls.rtl.folded.layout import Numbers

Integers = npt.NDArray[np.signedinteger[Any]]

_ROWS_AT_ONCE = 64
_WIDEST = 62


@dataclass(frozen=True, eq=False)
class Memory:
    """Rows of integers of ``type``, the first of a row in its lowest bits."""

    rows: Integers
    type: FixedType

    @property
    def bits(self) -> int:
        """Of a row."""
        return int(self.rows.shape[1]) * self.type.width

    @property
    def depth(self) -> int:
        """Rows."""
        return len(self.rows)

    def hexadecimal(self) -> Iterator[str]:
        """Each row as a number.

        >>> list(Memory(np.array([[1, -1], [2, 3]]), FixedType(True, 4, 4)).hexadecimal())
        ['f1', '32']
        """
        places, digits = np.arange(self.type.width), -(-self.bits // 4)
        for start in range(0, self.depth, _ROWS_AT_ONCE):
            block = self.rows[start : start + _ROWS_AT_ONCE]
            bits = (block[:, :, None] >> places & 1).astype(np.uint8).reshape(len(block), -1)
            octets = np.packbits(bits, axis=1, bitorder="little")[:, ::-1]
            yield from (row.tobytes().hex()[-digits:] for row in octets)


def weights(engine: Engine) -> Memory:
    """A row for each step of a position: of each lane the weights of its products; those of holes are zeros."""
    kernel = kernel_of(engine.unit.head)
    # A hole has number -1, so that it finds the last row and column, which are those of what is not there.
    padded = np.pad(_narrow(engine, kernel.integers), ((0, 0), (0, 0), (0, 1), (0, 1)))
    outputs = engine.layout.channels
    if engine.unit.kind is Kind.DEPTHWISE:
        rows = padded[:, :, 0, :][:, :, outputs].transpose(2, 0, 1, 3)  # group, ky, kx, lane
        return Memory(rows.reshape(-1, engine.lanes), kernel.type)
    inputs = _simd_channels(engine)
    rows = padded[:, :, inputs[:, None, :], :]  # ky, kx, step of channels, 1, simd, output
    rows = rows[..., outputs]  # ... simd, group, lane
    rows = rows[:, :, :, 0].transpose(4, 0, 1, 2, 5, 3)  # group, ky, kx, step, lane, simd
    return Memory(rows.reshape(-1, engine.lanes * engine.simd), kernel.type)


def weight_bits(engine: Engine) -> tuple[int, int]:
    """Rows of an engine's memory of weights, and bits of a row."""
    if not engine.multipliers:
        return 0, 0
    return engine.loops.clocks, engine.multipliers * kernel_of(engine.unit.head).type.width


def biases(engine: Engine, graph: FixedGraph) -> Memory:
    """A row for each word of a position: of each lane what its sum begins with, in units of the sum."""
    bias = bias_of(engine.unit.head).at_fraction(graph.edges[engine.unit.head.name].fraction)
    type_ = FixedType.covering(min(int(bias.integers.min()), -1), max(int(bias.integers.max()), 0), bias.fraction)
    padded = np.pad(_narrow(engine, bias.integers), (0, 1))
    return Memory(padded[engine.layout.channels], type_)


def _simd_channels(engine: Engine) -> Numbers:
    """(steps, simd): the channels of the products of each step within a place of the window."""
    return engine.operands[0].layout.channels.reshape(-1, engine.simd)


def _narrow(engine: Engine, integers: IntArray) -> Integers:
    """As the shortest integers that hold all: of millions of weights several copies are made on the way."""
    low, high = int(integers.min()), int(integers.max())
    if max(abs(low), abs(high)) >> _WIDEST:
        raise UnsupportedError(
            f"layer {engine.unit.head.layer!r}: constants of more than {_WIDEST} bits are too wide for folded RTL"
        )
    return integers.astype(np.min_scalar_type(min(low, -high - 1)))
