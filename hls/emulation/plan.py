"""How each tensor of a graph is held during emulation: in which number format, and in units of which power of two.

A tensor is exact in a float format as long as every partial sum fits its mantissa, whatever the power of two in
front. That freedom is spent on speed: a layer that only feeds a quantizer is computed in units of the quantizer's own
LSB, so that what is left to do is round and clip.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.graph import FLOAT32_LIMIT, FLOAT64_LIMIT, Edge, FixedGraph, nodes

# Units, and so products of two of them, stay well inside the range of a format's exponents.
_LARGEST_UNIT = {np.dtype(np.float32): 60, np.dtype(np.float64): 500}


@dataclass(frozen=True)
class Storage:
    """Stored number = value * 2**unit. For dtype object it is the raw Python integer, and unit the edge's fraction.

    >>> Storage(np.dtype(np.float32), unit=3)  # 0.5 is held as 4.0
    Storage(dtype=dtype('float32'), unit=3)
    """

    dtype: np.dtype[Any]
    unit: int

    @property
    def exact(self) -> bool:
        """Held as Python integers: no float format is wide enough."""
        return self.dtype.kind == "O"


def storage_plan(graph: FixedGraph) -> dict[str, Storage]:
    """Storage of every node's output."""
    consumers = graph.consumers()
    plan: dict[str, Storage] = {}
    for node in graph:
        edge = graph.edges[node.name]
        dtype = _dtype(edge)
        if dtype.kind == "O":
            plan[node.name] = Storage(dtype, edge.fraction)
        else:
            unit = _unit(node, edge, consumers[node.name], plan)
            plan[node.name] = Storage(dtype, unit if abs(unit) < _LARGEST_UNIT[dtype] else edge.fraction)
    return plan


def _dtype(edge: Edge) -> np.dtype[Any]:
    for dtype, limit in ((np.dtype(np.float32), FLOAT32_LIMIT), (np.dtype(np.float64), FLOAT64_LIMIT)):
        if edge.partial_bound < limit and abs(edge.fraction) < _LARGEST_UNIT[dtype]:
            return dtype
    return np.dtype(object)


def _unit(node: nodes.Node, edge: Edge, readers: list[nodes.Node], plan: dict[str, Storage]) -> int:
    if node.weights is not None:
        wanted = {reader.type.fraction if isinstance(reader, nodes.Quantize) else None for reader in readers}
        if len(wanted) == 1:
            fraction = wanted.pop()
            if fraction is not None:
                return fraction
    if node.homogeneous:
        source = plan[node.inputs[0]]
        if not source.exact:
            return source.unit
    return edge.fraction


def rescale(values: npt.NDArray[Any], source: Storage, target: Storage) -> npt.NDArray[Any]:
    """The same tensor in another storage. Exact; a view or the array itself where nothing changes.

    >>> halves, eighths = Storage(np.dtype(np.float32), 1), Storage(np.dtype(np.float64), 3)
    >>> rescale(np.float32([1, -3]), halves, eighths).tolist()
    [4.0, -12.0]
    """
    if source == target:
        return values
    if target.exact:
        return to_integers(values, source, target.unit)
    if source.exact:
        values = values.astype(np.float64)
    if source.unit != target.unit:
        wide = values.astype(np.float64) if target.dtype == np.float64 else values
        values = times_power_of_two(wide, target.unit - source.unit)
    return values.astype(target.dtype, copy=False)


def times_power_of_two(
    values: npt.NDArray[Any], exponent: int, out: npt.NDArray[Any] | None = None
) -> npt.NDArray[Any]:
    """``values * 2**exponent``, exact in range. A product, because NumPy's ldexp is not vectorised."""
    return np.asarray(np.multiply(values, values.dtype.type(2.0**exponent), out=out))


def to_integers(values: npt.NDArray[Any], source: Storage, fraction: int) -> npt.NDArray[np.object_]:
    """Raw Python integers on the grid ``2**-fraction``, which holds every value exactly.

    >>> to_integers(np.array([1.0, -3.0]), Storage(np.dtype(np.float64), 1), fraction=70).tolist()
    [590295810358705651712, -1770887431076116955136]
    """
    if source.exact:
        return values * (1 << (fraction - source.unit)) if fraction != source.unit else values
    # Integers on their own grid first: a float64 holds them exactly, a shift of Python integers does the rest.
    scaled = np.ldexp(values.astype(np.float64), np.int32(source.unit * -1))
    flat = [_exact_shift(float(v), fraction) for v in scaled.ravel()]
    return np.array(flat, dtype=object).reshape(values.shape)


def _exact_shift(value: float, fraction: int) -> int:
    numerator, denominator = value.as_integer_ratio()
    return (numerator << fraction) // denominator if fraction >= 0 else numerator // (denominator << -fraction)
