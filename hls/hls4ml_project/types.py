"""Types and layers as hls4ml is told them: nothing left for it to infer."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hls.errors import UnsupportedError
from hls.graph.fixed import FixedArray, FixedType, narrow, widen

EXACT_TEXT_LIMIT = 1 << 53

Attribute = bool | int | float | str | list[int] | npt.NDArray[np.float64]
"""What hls4ml is told of a layer by name."""


@dataclass(frozen=True)
class HlsType:
    """A fixed-point type with its rounding and overflow, by the names of ap_fixed without their prefix."""

    type: FixedType
    rounding: str = "TRN"
    overflow: str = "WRAP"

    def __str__(self) -> str:
        """hls4ml's own notation, all fields written out."""
        sign = "" if self.type.signed else "u"
        return f"{sign}fixed<{self.type.width},{self.type.integer},{self.rounding},{self.overflow},0>"

    @property
    def plain(self) -> HlsType:
        """The type of values that are known to fit: no rounding, no saturation logic."""
        return HlsType(self.type)


@dataclass(frozen=True, eq=False)
class HlsLayer:
    """One hls4ml layer. ``types`` states every type by hls4ml's name for it; ``node`` is the graph node it serves.

    ``most_reuse`` is the largest reuse factor with which it is right; None where every one is.
    """

    name: str
    class_name: str
    inputs: tuple[str, ...]
    shape: tuple[int, ...]
    types: Mapping[str, HlsType]
    attributes: Mapping[str, Attribute]
    node: str
    most_reuse: int | None = None


@dataclass(frozen=True)
class Value:
    """Output of a layer seen with a shape of its own: a reshape costs a layer only when someone needs it.

    ``layer_shape`` is the shape that hls4ml knows, ``shape`` the one that the graph means; both in row-major order.
    """

    layer: str
    layer_shape: tuple[int, ...]
    shape: tuple[int, ...]
    type: HlsType

    @property
    def fraction(self) -> int:
        """Fraction bits of the value."""
        return self.type.type.fraction

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape, dtype=np.int64))


def coarsest(constant: FixedArray) -> FixedArray:
    """The same constants on the coarsest grid that holds them all, so that the type is as narrow as can be."""
    integers = [abs(int(v)) for v in constant.integers.ravel()]
    common = 0
    for value in integers:
        common |= value
    if common == 0:
        return FixedArray(np.zeros(constant.shape, np.int64), 0)
    shift = (common & -common).bit_length() - 1
    return FixedArray(narrow(np.asarray(widen(constant.integers) >> shift)), constant.fraction - shift)


def float_constants(constant: FixedArray, node: str) -> npt.NDArray[np.float64]:
    """Constants as the float64 that hls4ml stores and prints; refused where float64 would round them."""
    magnitude = max((abs(int(v)) for v in constant.integers.ravel()), default=0)
    if magnitude >= EXACT_TEXT_LIMIT:
        raise UnsupportedError(
            f"{node}: a constant needs {magnitude.bit_length()} bits, but hls4ml writes constants through float64 "
            "(53 bits); quantize the weights"
        )
    return constant.to_float()
