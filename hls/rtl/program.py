"""What we use of alkaid's programs and intervals, which come without types."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from enum import IntEnum
from typing import Protocol

import numpy as np
import numpy.typing as npt


class Opcode(IntEnum):
    """alkaid's numbers of operations, those that we ask for; ``-MUX`` is one too."""

    NEGATE = -2
    INPUT = -1
    ADD = 0
    SUBTRACT = 1
    RELU = 2
    ADD_CONSTANT = 4
    MUX = 6
    MULTIPLY = 7
    LOOKUP = 8
    BIT = 9
    BITS = 10
    TERNARY = 11


class Precision(Protocol):
    """Sign, integer bits and fraction bits of a number, which together are its width."""

    @property
    def signed(self) -> bool:
        """Whether it may be negative."""

    @property
    def fractional(self) -> int:
        """Bits behind the point."""

    def __iter__(self) -> Iterator[int]: ...


class Bounds(Protocol):
    """An interval with a grid."""

    @property
    def min(self) -> float:
        """Lowest value."""

    @property
    def max(self) -> float:
        """Highest value."""

    @property
    def step(self) -> float:
        """Grid."""

    @property
    def kif(self) -> Precision:
        """The narrowest format that holds it."""


class Operation(Protocol):
    """One step of a program."""

    @property
    def opcode(self) -> int:
        """What it does, an ``Opcode`` where we know it."""

    @property
    def addr(self) -> tuple[int, ...]:
        """Numbers of the operations that it reads."""

    @property
    def data(self) -> tuple[int, ...]:
        """What else it is told: of an input its number, of a sum the shift, of a table which."""

    @property
    def qint(self) -> Bounds:
        """Of its result."""

    @property
    def cost(self) -> float:
        """Bits of adders."""

    def _replace(self, *, latency: float = ..., cost: float = ...) -> Operation: ...


class Program(Protocol):
    """Combinational logic, ``CombLogic``: what is read, operations in order, what is written."""

    @property
    def inp_qint(self) -> Sequence[Bounds]:
        """Of each input."""

    @property
    def out_qint(self) -> Sequence[Bounds]:
        """Of each output."""

    @property
    def ops(self) -> Sequence[Operation]:
        """The operations."""

    @property
    def out_idxs(self) -> Sequence[int]:
        """Numbers of the operations that are written; negative for a constant zero."""

    @property
    def cost(self) -> float:
        """Bits of adders."""

    def _replace(self, *, ops: list[Operation]) -> Program: ...

    def predict(self, values: npt.NDArray[np.float64], /) -> npt.NDArray[np.float64]:
        """Outputs (events, outputs) of inputs (events, inputs)."""


class StateMachine(Protocol):
    """Programs with registers between them."""

    @property
    def logic(self) -> Mapping[str, Program]:
        """The programs by their names, in the order in which data pass them."""
