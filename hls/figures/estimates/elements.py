"""What is not a matrix product: LUTs, DSPs, tables and delay of rounding, pooling, tables and element-wise arithmetic.

No report was fitted for these; the counts are those of the operators that HLS instantiates: an adder of n bits has n
LUTs, a two-way selection n, a comparison with a constant about n / 2.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import singledispatch

import numpy as np

from hls.figures.estimates.constants import DSP_AREA, constant_products
from hls.figures.estimates.dense import ADDER_NS, rom_blocks
from hls.graph import Edge, nodes
from hls.graph.fixed import FixedType
from hls.target.resources import NONE, Counts

_SELECT_NS = 0.6
_TABLE_NS = 2.5
_ENTRIES_OF_A_LUT = 64


@dataclass(frozen=True)
class ElementCost:
    """Cost of all elements of a node together; ``path_ns`` is the delay of one."""

    counts: Counts = NONE
    path_ns: float = 0.0


def _size(edge: Edge) -> int:
    return int(np.prod(edge.shape, dtype=np.int64))


@singledispatch
def element_cost(node: nodes.Node, inputs: tuple[Edge, ...], output: Edge) -> ElementCost:
    """Cost of one node that computes and is no matrix product."""
    raise nodes.refusal(node, "element_cost (hls.figures.estimates.elements)")


@element_cost.register
def _(node: nodes.Quantize, inputs: tuple[Edge, ...], output: Edge) -> ElementCost:
    x = inputs[0]
    width = node.type.width
    dropped = max(x.fraction - node.type.fraction, 0)
    lut, path = 0.0, 0.0
    if dropped and node.rounding is nodes.Rounding.NEAREST_EVEN:
        lut += width + dropped / 3 + 2  # increment; whether the dropped bits are more than half, or half of an odd one
        path += ADDER_NS
    shift = max(x.fraction - node.type.fraction, 0)
    if (x.raw_max >> shift) > node.raw_max or (x.raw_min >> shift) < node.raw_min:
        lut += 2 * width + 0.7 * x.type.width + 4  # a selection for each end; comparisons of the bits above
        path += _SELECT_NS
    return ElementCost(Counts(lut=lut * _size(output)), path)


@element_cost.register
def _(node: nodes.Wrap, inputs: tuple[Edge, ...], output: Edge) -> ElementCost:
    return ElementCost(Counts(), 0.0)  # bits that are left out


@element_cost.register
def _(node: nodes.Relu, inputs: tuple[Edge, ...], output: Edge) -> ElementCost:
    return ElementCost(Counts(lut=output.type.width * _size(output)), _SELECT_NS)


@element_cost.register
def _(node: nodes.Pool, inputs: tuple[Edge, ...], output: Edge) -> ElementCost:
    window = math.prod(node.window)
    levels = math.ceil(math.log2(window)) if window > 1 else 0
    width = output.type.width
    each = 1.5 * width if node.maximum else width
    delay = ADDER_NS + (_SELECT_NS if node.maximum else 0.0)
    return ElementCost(Counts(lut=each * (window - 1) * _size(output)), levels * delay)


@element_cost.register
def _(node: nodes.Scale, inputs: tuple[Edge, ...], output: Edge) -> ElementCost:
    x = inputs[0]
    factors = np.broadcast_to(node.factor.integers, (max(node.factor.integers.size, 1),))
    repeats = _size(output) / factors.size
    products = constant_products(factors.reshape(1, -1), x.type.width)
    offsets = np.count_nonzero(node.offset.integers) / node.offset.integers.size * _size(output)
    lut = products.adders * repeats * x.type.width + offsets * output.type.width
    path = ADDER_NS * math.ceil(math.log2(max(products.digits, 1))) + (ADDER_NS if offsets else 0.0)
    return ElementCost(Counts(lut=lut, dsp=products.dsps * repeats), path)


def table_luts(x: Edge, output: Edge) -> float:
    """Of a table for each channel: 64 entries of a bit in one LUT, of those that each value may reach.

    Of two tables the first is read from 0 to 31 and holds up to 3, the other is read from 0 to 63 and holds up to 1:

    >>> x, y = (Edge.of(np.array([0, 0]), np.array(high), 0) for high in ([31, 63], [3, 1]))
    >>> table_luts(x, y)
    2.0
    """
    entries = np.asarray(x.high - x.low + 1, np.float64)
    ends = zip(output.low.ravel().tolist(), output.high.ravel().tolist(), strict=True)
    widths = [FixedType.covering(min(low, 0), max(high, 0), 0).width if low != high else 0 for low, high in ends]
    return float((entries.ravel() * widths).sum()) / _ENTRIES_OF_A_LUT


@element_cost.register
def _(node: nodes.Table, inputs: tuple[Edge, ...], output: Edge) -> ElementCost:
    if node.channels > 1:
        return ElementCost(Counts(lut=table_luts(inputs[0], output)), _SELECT_NS)
    depth, width = node.values.integers.size, output.type.width
    blocks = rom_blocks(depth, width)
    if not blocks:
        return ElementCost(Counts(lut=depth * width / 64 * _size(output)), _SELECT_NS)
    # A block has two ports, so that two elements share one copy of the table.
    return ElementCost(Counts(bram=blocks / 2 * math.ceil(_size(output) / 2)), _TABLE_NS)


@element_cost.register
def _(node: nodes.Add, inputs: tuple[Edge, ...], output: Edge) -> ElementCost:
    return ElementCost(Counts(lut=output.type.width * _size(output)), ADDER_NS)


@element_cost.register
def _(node: nodes.Multiply, inputs: tuple[Edge, ...], output: Edge) -> ElementCost:
    area = inputs[0].type.width * inputs[1].type.width
    if area > DSP_AREA:
        return ElementCost(Counts(dsp=float(_size(output))), 2 * ADDER_NS)
    return ElementCost(Counts(lut=0.75 * area * _size(output)), 2 * ADDER_NS)
