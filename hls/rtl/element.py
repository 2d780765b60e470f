"""What the arithmetic asks of one number of the logic: alkaid's ``FVariable`` has it, and no types of its own."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

from hls.rtl.program import Bounds


class Element(Protocol):
    """A number with an interval and a grid that knows from which adders, multiplexers and tables it comes."""

    @property
    def low(self) -> float:
        """Least value."""

    @property
    def high(self) -> float:
        """Greatest value."""

    @property
    def step(self) -> float:
        """Grid."""

    @property
    def latency(self) -> float:
        """When it is there, in alkaid's units of delay."""

    @property
    def opr(self) -> str:
        """The operation that made it."""

    @property
    def qint(self) -> Bounds:
        """Interval and grid."""

    _factor: float
    _data: int

    def __add__(self, other: Element | float) -> Element: ...
    def __mul__(self, other: Element | float) -> Element: ...
    def __neg__(self) -> Element: ...

    def max_of(self, other: Element) -> Element:
        """The larger of the two."""

    def min_of(self, other: Element) -> Element:
        """The smaller of the two."""

    def relu(self) -> Element:
        """Itself, or zero where it is negative."""

    def msb_mux(self, negative: Element, other: Element, qint: tuple[float, float, float]) -> Element:
        """``negative`` where it is negative, ``other`` elsewhere."""

    def quantize(self, signed: bool, integer: int, fraction: int, *, overflow_mode: str, round_mode: str) -> Element:
        """On another grid, by the names of ap_fixed."""

    def lookup(self, table: npt.NDArray[np.float64], *, original_qint: tuple[float, float, float]) -> Element:
        """The entry of ``table`` at its place in ``original_qint``."""

    def _with(self, **changed: object) -> Element: ...


Elements = npt.NDArray[np.object_]
"""Array of ``Element``."""


class Solution(Protocol):
    """A matrix product as shifts and additions."""

    def __call__(self, vector: Elements, *, quantize: bool) -> Elements:
        """The product with ``vector``."""
