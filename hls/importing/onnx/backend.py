"""What becomes of ONNX operators: the methods that ``operators`` calls, with handles of the backend's own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from hls.importing.onnx.tensors import Constant, Wiring

Floats = npt.NDArray[np.float32]
Counts = npt.NDArray[np.int64]
Rounding = Literal["ROUND", "FLOOR", "CEIL", "DOWN", "UP", "HALF_UP", "HALF_DOWN"]
"""To nearest even; down; up; to zero; from zero; to nearest, a half from zero or to it."""
SAME_ROUNDING: Mapping[str, Rounding] = {"HALF_EVEN": "ROUND", "ROUND_TO_ZERO": "DOWN"}
"""Other names that QONNX has for them."""
Comparison = Literal["Greater", "GreaterEqual", "Less", "LessEqual"]


@dataclass(frozen=True, eq=False)
class Quantizer:
    """``(round(clip(x / scale + zero, low, high)) - zero) * scale``; scale and zero are one number or one a channel."""

    scale: Floats
    zero: Floats
    low: int
    high: int
    rounding: Rounding


@dataclass(frozen=True)
class Window:
    """A window that moves over the spatial axes, which come first; ``spatial`` are their sizes."""

    size: tuple[int, ...]
    strides: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    spatial: tuple[int, ...]


class Backend(Wiring, Protocol):
    """Tensors are channels last. A method's result is the handle of its output."""

    def at(self, name: str, *, last: bool = False) -> None:
        """What follows belongs to the operator of this name, ``last`` if its output leaves the network."""

    def dense(self, x: Any, kernel: Constant, bias: Floats | None) -> Any:
        """``x @ kernel + bias`` along the last axis."""

    def conv(self, x: Any, kernel: Constant, bias: Floats | None, window: Window, groups: int) -> Any:
        """``kernel`` has the shape (*window, channels in / groups, channels out)."""

    def conv_transpose(self, x: Any, kernel: Constant, bias: Floats | None, window: Window, groups: int) -> Any:
        """Each position adds its multiple of ``kernel``, shaped as that of ``conv``, ``strides`` after the one before.

        The window's ``padding`` is what is cut off before and behind all that; below zero, what is added to it.
        """

    def largest(self, x: Any, window: Window) -> Any:
        """Maximum of each window, in which padding does not count."""

    def average(self, x: Any, window: Window, counts: Counts | None) -> Any:
        """Sum of each window over the number of its places, or over ``counts``, one for each position."""

    def reduce(self, x: Any, count: int, channels: int, *, maximum: bool) -> Any:
        """Maximum or mean over the first of two axes."""

    def pad(self, x: Any, padding: tuple[tuple[int, int], ...], channels: int) -> Any:
        """Zeros around the spatial axes."""

    def scale(self, x: Any, factor: Floats | None, offset: Floats | None, *, divide: bool = False) -> Any:
        """``x * factor + offset`` (or ``x / factor + offset``), each one number or one for each of the last axis."""

    def relu(self, x: Any) -> Any:
        """``max(x, 0)``."""

    def leaky(self, x: Any, slope: float) -> Any:
        """``x`` where it is positive, else ``x * slope``."""

    def clip(self, x: Any, low: float | None, high: float | None) -> Any:
        """``x`` saturated to ``[low, high]``."""

    def function(self, x: Any, name: str) -> Any:
        """An activation by its Keras name."""

    def elu(self, x: Any, alpha: float) -> Any:
        """``x`` where it is positive, else ``alpha * (exp(x) - 1)``."""

    def index(self, x: Any) -> Any:
        """The index of the largest along the last axis, which stays with one element; the first of equal ones."""

    def ascending(self, x: Any) -> Any:
        """The values along the last axis, the least first."""

    def add(self, x: Any, y: Any, *, negate: bool) -> Any:
        """``x + y`` or ``x - y`` with broadcasting."""

    def multiply(self, x: Any, y: Any) -> Any:
        """``x * y`` with broadcasting."""

    def contract(self, x: Any, y: Any, axes: tuple[str, str], out: str) -> Any:
        """As einsum of ``axes``, a letter for each axis held, to ``out``: no letter is in one of the two alone."""

    def compare(self, x: Any, y: Any, comparison: Comparison) -> Any:
        """One where it holds, else zero; ``y`` is a tensor, with broadcasting, or numbers, one or one a channel."""

    def truth(self, x: Any) -> Any:
        """``x``, of which each element is one or zero, as a comparison gives it."""

    def both(self, x: Any, y: Any) -> Any:
        """One where both truths are one, else zero, with broadcasting."""

    def opposite(self, x: Any) -> Any:
        """One where the truth ``x`` is zero, and zero where it is one."""

    def whole(self, x: Any, rounding: Rounding) -> Any:
        """Rounded to whole numbers."""

    def choose(self, condition: Any, x: Any, y: Any) -> Any:
        """``x`` where the condition is one, else ``y``, with broadcasting; each of both a tensor or a number."""

    def concatenate(self, parts: Sequence[Any], axis: int) -> Any:
        """One behind the other along ``axis``, the batch not counted."""

    def quantize(self, x: Any, quantizer: Quantizer) -> Any:
        """Rounded and saturated."""

    def bipolar(self, x: Any, scale: Floats) -> Any:
        """``scale`` where ``x >= 0``, else ``-scale``."""

    def thresholds(self, x: Any, thresholds: Floats, scale: float, bias: float) -> Any:
        """``scale * n + bias`` where ``n`` of the thresholds, of shape (channels or 1, steps), are not above ``x``."""

    def truncate(self, x: Any, quantizer: Quantizer, divisor: float, out_scale: float) -> Any:
        """QONNX's Trunc: the integer of ``quantizer`` without its ends, divided, rounded and clipped to its ends."""
