"""The operations of a FixedGraph. Each is exact integer arithmetic; only ``Quantize`` and ``Input`` ever round.

A node computes one tensor. Shapes leave the batch axis out and keep channels last. Constants are ``FixedArray``.

A class says of itself what the rooms around the graph want to know of every node: the traits of ``Node``. What a room
does with one kind of node only is registered with that room's ``singledispatch`` (docs/how-to/add-a-layer.md).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from math import prod
from typing import ClassVar

import numpy as np

from hls.errors import UnsupportedError
from hls.graph.fixed import FixedArray, FixedType, IntArray, narrow


class Rounding(Enum):
    """How ``Quantize`` drops fraction bits, by its ap_fixed name."""

    NEAREST_EVEN = "AP_RND_CONV"
    FLOOR = "AP_TRN"


class PortRounding(Enum):
    """Which of a port's steps a number between them becomes.

    ``ODD``: the odd one of the two that it lies between, so that the even ones are where they are and the odd ones say
    on which side of them a number is. Any rounding to steps at least four times as wide makes of it what it would make
    of the number itself.
    """

    NEAREST_EVEN = "to nearest, half to even"
    FLOOR = "down"
    CEILING = "up"
    TO_ZERO = "to zero"
    FROM_ZERO = "from zero"
    HALF_FROM_ZERO = "to nearest, half from zero"
    HALF_TO_ZERO = "to nearest, half to zero"
    ODD = "to odd"


@dataclass(frozen=True, eq=False)
class Node:
    """``name`` is unique in the graph, ``inputs`` name other nodes, ``layer`` is the Keras layer it came from."""

    name: str
    inputs: tuple[str, ...]
    layer: str

    rounds: ClassVar[bool] = False
    """Its output lies on a grid of its own, to which its input is rounded."""
    wiring: ClassVar[bool] = False
    """Moves elements of its inputs and computes nothing."""
    elementwise: ClassVar[bool] = False
    """An element of the output comes from the elements of the inputs at its place, up to broadcasting."""
    accumulates: ClassVar[bool] = False
    """Its output is the sum of an accumulator, whose width is worth reporting."""
    homogeneous: ClassVar[bool] = False
    """Twice its one input gives twice its output, so that it can be computed in whatever unit the input is held."""
    multiplies: ClassVar[bool] = False
    """Each element is a product of two variables, which takes a multiplier."""

    @property
    def computes(self) -> bool:
        """Whether it takes logic: a port and wires take none."""
        return not self.wiring and bool(self.inputs)

    @property
    def pointwise(self) -> bool:
        """Whether it does the same at every position (all axes but the last), and reads that position alone."""
        return self.elementwise

    @property
    def matrix(self) -> FixedArray | None:
        """The constants of a sum of products, of shape (products in a sum, outputs)."""
        return None

    @property
    def weights(self) -> FixedArray | None:
        """Constants that multiply the input, as ``matrix``; used once for each vector of outputs that the node has."""
        return self.matrix


def refusal(node: Node, by: str) -> UnsupportedError:
    """The error of a function of some room, called ``by``, that does not know such nodes."""
    kind = type(node)
    return UnsupportedError(
        f"layer {node.layer!r}: {by} does not know {kind.__name__} nodes ({node.name!r}); "
        f"register {kind.__module__}.{kind.__qualname__} with it"
    )


@dataclass(frozen=True, eq=False)
class Input(Node):
    """A port. Values reach it as floats, are brought to its steps by ``rounding``, and saturated.

    It is that of the first quantizer, whose steps it has; or, where that has steps of several sizes, one from whose
    steps every one of them makes what it would make of the value: ``FLOOR`` for those that round half up, where the
    port has a step at their half, ``ODD`` for others.
    """

    shape: tuple[int, ...]
    type: FixedType
    raw_min: int
    raw_max: int
    rounding: PortRounding = PortRounding.NEAREST_EVEN

    rounds = True


@dataclass(frozen=True, eq=False)
class Quantize(Node):
    """Round to the grid of ``type``, then saturate to ``[raw_min, raw_max]``, which lies inside the type."""

    type: FixedType
    raw_min: int
    raw_max: int
    rounding: Rounding = Rounding.NEAREST_EVEN

    rounds = True
    elementwise = True


@dataclass(frozen=True, eq=False)
class Wrap(Node):
    """The low bits of the input, read as a number of ``type``: its value modulo ``2**integer``, as ap_fixed's AP_WRAP.

    The input lies on the grid of the type or on a coarser one: nothing is rounded.
    """

    type: FixedType

    elementwise = True


@dataclass(frozen=True, eq=False)
class Dense(Node):
    """``y[..., n] = sum_k x[..., k] kernel[k, n] + bias[n]``."""

    kernel: FixedArray
    bias: FixedArray

    accumulates = True

    @property
    def matrix(self) -> FixedArray:
        return self.kernel

    @property
    def pointwise(self) -> bool:
        return True


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

    accumulates = True

    @property
    def matrix(self) -> FixedArray:
        return FixedArray(self.kernel.integers.reshape(-1, self.kernel.shape[-1]), self.kernel.fraction)

    @property
    def pointwise(self) -> bool:
        size = prod((*self.kernel.shape[: len(self.strides)], *self.strides))
        return size == 1 and not any(before or after for before, after in self.padding)


@dataclass(frozen=True, eq=False)
class Scale(Node):
    """``y = x * factor + offset``, both of shape (channels,) along the last axis, or (1,)."""

    factor: FixedArray
    offset: FixedArray

    accumulates = True
    elementwise = True

    @property
    def weights(self) -> FixedArray:
        return FixedArray(self.factor.integers.reshape(1, -1), self.factor.fraction)


@dataclass(frozen=True, eq=False)
class Pool(Node):
    """Sum or maximum over windows of the spatial axes. Padding never counts, neither in a sum nor in a maximum."""

    window: tuple[int, ...]
    strides: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    maximum: bool

    accumulates = True
    homogeneous = True


@dataclass(frozen=True, eq=False)
class Relu(Node):
    """``max(x, 0)``, or with ``slope_shift`` s the leaky ``x if x >= 0 else x * 2**-s``. Exact, never rounds."""

    slope_shift: int | None = None

    elementwise = True
    homogeneous = True


@dataclass(frozen=True, eq=False)
class Table(Node):
    """``y = values[raw(x) - raw_min]`` for an input whose raw integers lie in ``[raw_min, raw_min + entries)``.

    With ``channels`` there is a table for each place of the last axis: ``values`` holds one after the other.
    """

    values: FixedArray
    raw_min: int
    channels: int = 1

    elementwise = True

    @property
    def entries(self) -> int:
        """Of each table."""
        return self.values.integers.size // self.channels

    @property
    def first(self) -> IntArray:
        """What is added to a raw integer to find its entry: (channels,). Few entries may lie far from zero."""
        return narrow(np.arange(self.channels).astype(object) * self.entries - self.raw_min)


@dataclass(frozen=True, eq=False)
class Add(Node):
    """Sum of two tensors with NumPy broadcasting; ``negate`` subtracts the second."""

    negate: bool = False

    accumulates = True
    elementwise = True


@dataclass(frozen=True, eq=False)
class Multiply(Node):
    """Product of two tensors, element by element, with NumPy broadcasting."""

    elementwise = True
    multiplies = True


@dataclass(frozen=True, eq=False)
class Concatenate(Node):
    """Concatenation along ``axis`` (batch axis not counted)."""

    axis: int

    wiring = True


@dataclass(frozen=True, eq=False)
class Reshape(Node):
    """Row-major reshape; Flatten too."""

    shape: tuple[int, ...]

    wiring = True
    homogeneous = True


@dataclass(frozen=True, eq=False)
class Transpose(Node):
    """Axes permuted: output axis ``i`` is input axis ``permutation[i]`` (batch axis not counted)."""

    permutation: tuple[int, ...]

    wiring = True
    homogeneous = True
