"""The operations of a FixedGraph. Each is exact integer arithmetic; only ``Quantize`` and ``Input`` ever round.

A node computes one tensor. Shapes leave the batch axis out and keep channels last. Constants are ``FixedArray``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from hls.graph.fixed import FixedArray, FixedType


class Rounding(Enum):
    """How ``Quantize`` drops fraction bits, by its ap_fixed name."""

    NEAREST_EVEN = "AP_RND_CONV"
    FLOOR = "AP_TRN"


@dataclass(frozen=True, eq=False)
class Node:
    """``name`` is unique in the graph, ``inputs`` name other nodes, ``layer`` is the Keras layer it came from."""

    name: str
    inputs: tuple[str, ...]
    layer: str


@dataclass(frozen=True, eq=False)
class Input(Node):
    """A port. Values reach it as floats and are rounded (half to even) and saturated to ``[raw_min, raw_max]``."""

    shape: tuple[int, ...]
    type: FixedType
    raw_min: int
    raw_max: int


@dataclass(frozen=True, eq=False)
class Quantize(Node):
    """Round to the grid of ``type``, then saturate to ``[raw_min, raw_max]``, which lies inside the type."""

    type: FixedType
    raw_min: int
    raw_max: int
    rounding: Rounding = Rounding.NEAREST_EVEN


@dataclass(frozen=True, eq=False)
class Dense(Node):
    """``y[..., n] = sum_k x[..., k] kernel[k, n] + bias[n]``."""

    kernel: FixedArray
    bias: FixedArray


@dataclass(frozen=True, eq=False)
class Conv(Node):
    """Convolution (as Keras: cross-correlation) over one or two spatial axes.

    ``kernel`` has shape (*window, channels in / groups, channels out); ``padding`` is zeros (before, after) per
    spatial axis. ``groups`` equal to the channels in makes it depthwise.
    """

    kernel: FixedArray
    bias: FixedArray
    strides: tuple[int, ...]
    dilation: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    groups: int


@dataclass(frozen=True, eq=False)
class Scale(Node):
    """``y = x * factor + offset``, both of shape (channels,) along the last axis, or (1,)."""

    factor: FixedArray
    offset: FixedArray


@dataclass(frozen=True, eq=False)
class Pool(Node):
    """Sum or maximum over windows of the spatial axes. Padding never counts, neither in a sum nor in a maximum."""

    window: tuple[int, ...]
    strides: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    maximum: bool


@dataclass(frozen=True, eq=False)
class Relu(Node):
    """``max(x, 0)``, or with ``slope_shift`` s the leaky ``x if x >= 0 else x * 2**-s``. Exact, never rounds."""

    slope_shift: int | None = None


@dataclass(frozen=True, eq=False)
class Table(Node):
    """``y = values[raw(x) - raw_min]`` for an input whose raw integers lie in ``[raw_min, raw_min + len)``."""

    values: FixedArray
    raw_min: int


@dataclass(frozen=True, eq=False)
class Add(Node):
    """Sum of two tensors with NumPy broadcasting; ``negate`` subtracts the second."""

    negate: bool = False


@dataclass(frozen=True, eq=False)
class Multiply(Node):
    """Product of two tensors, element by element, with NumPy broadcasting."""


@dataclass(frozen=True, eq=False)
class Concatenate(Node):
    """Concatenation along ``axis`` (batch axis not counted)."""

    axis: int


@dataclass(frozen=True, eq=False)
class Reshape(Node):
    """Row-major reshape; Flatten too."""

    shape: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Transpose(Node):
    """Axes permuted: output axis ``i`` is input axis ``permutation[i]`` (batch axis not counted)."""

    permutation: tuple[int, ...]
