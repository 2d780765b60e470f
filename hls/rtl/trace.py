"""From a FixedGraph to combinational logic: every node as adders, multiplexers and tables (distributed arithmetic)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import singledispatch
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.errors import UnsupportedError
from hls.fixed import FixedArray
from hls.graph import FixedGraph, nodes
from hls.graph.windows import patches
from hls.rtl.arithmetic import Arithmetic, Elements, constant_value, is_constant

WIDEST_EDGE = 48
"""alkaid's intervals are float64; with room for its intermediate sums, an edge may have this many bits."""

_MULTIPLICATION = 7  # alkaid's opcode of a product of two variables


@dataclass(frozen=True)
class Wire:
    """One element of a port as the logic sees it: ``width`` bits of LSB ``2**-fraction``.

    ``width`` 0 stands for an element that the logic does not read or write; an output then has the raw integer
    ``constant``.
    """

    signed: bool
    width: int
    fraction: int
    constant: int = 0


@dataclass(frozen=True, eq=False)
class Logic:
    """Combinational logic of a graph. ``comb`` is alkaid's program, None if every output is constant.

    ``inputs`` and ``outputs`` hold one tuple of wires (row-major elements) for each port of the graph.
    """

    graph: FixedGraph
    comb: Any | None
    inputs: tuple[tuple[Wire, ...], ...]
    outputs: tuple[tuple[Wire, ...], ...]

    @property
    def multiplications(self) -> int:
        """Products of two variables: candidates for DSP slices."""
        return 0 if self.comb is None else sum(op.opcode == _MULTIPLICATION for op in self.comb.ops)

    @property
    def adders(self) -> int:
        """Two-operand additions and subtractions."""
        return 0 if self.comb is None else sum(op.opcode in (0, 1) for op in self.comb.ops)

    def interpret(self, raw_inputs: Sequence[npt.NDArray[np.int64]]) -> list[npt.NDArray[np.int64]]:
        """Outputs of the logic by alkaid's interpreter: raw integers (n, *shape) per output, without any Verilog."""
        events = len(raw_inputs[0])
        rows = [
            np.ldexp(raw.reshape(events, -1).astype(np.float64), -self.graph.edges[name].fraction)
            for name, raw in zip(self.graph.inputs, raw_inputs, strict=True)
        ]
        computed = np.empty((events, 0)) if self.comb is None else self.comb.predict(np.concatenate(rows, axis=1))
        columns = iter(computed.reshape(events, -1).T)
        outputs = []
        for name, wires in zip(self.graph.outputs, self.outputs, strict=True):
            edge = self.graph.edges[name]
            raw = np.empty((events, len(wires)), np.int64)
            for number, wire in enumerate(wires):
                raw[:, number] = np.ldexp(next(columns), edge.fraction) if wire.width else wire.constant
            outputs.append(raw.reshape(events, *edge.shape))
        return outputs


def trace(graph: FixedGraph, hard_dc: int = 2) -> Logic:
    """Combinational logic that computes ``graph`` exactly.

    Args:
        graph: the network.
        hard_dc: adder levels that the solver may add below the deepest column to save adders; -1 is no limit, which
            is slow for large matrices.

    Raises:
        UnsupportedError: an edge is wider than ``WIDEST_EDGE`` bits, or a constant wider than 24.
    """
    arithmetic = Arithmetic(hard_dc)
    tensors: dict[str, Elements] = {}
    for node in graph:
        _check_width(graph, node)
        try:
            tensors[node.name] = _trace(node, arithmetic, [tensors[name] for name in node.inputs], graph)
        except UnsupportedError as error:
            raise UnsupportedError(f"layer {node.layer!r}: {error}") from error
    return _logic(graph, tensors)


def _check_width(graph: FixedGraph, node: nodes.Node) -> None:
    width = graph.edges[node.name].type.width
    if width > WIDEST_EDGE:
        raise UnsupportedError(
            f"layer {node.layer!r}: {width} bits are more than RTL can carry ({WIDEST_EDGE}); put a quantizer before it"
        )


def _logic(graph: FixedGraph, tensors: dict[str, Elements]) -> Logic:
    from alkaid.trace import trace as alkaid_trace
    from alkaid.trace.passes import optimize

    inputs = [element for name in graph.inputs for element in tensors[name].ravel()]
    moving = [e for name in graph.outputs for e in tensors[name].ravel() if not is_constant(e)]
    # Tracing a second time, as alkaid does by default, would bring back the wide coefficients and saves nothing here.
    comb = optimize(alkaid_trace(inputs, moving, optimize=False), retrace=False) if moving else None
    read = iter([] if comb is None else comb.inp_qint)
    written = iter([] if comb is None else comb.out_qint)
    unread = Wire(False, 0, 0)
    ports_in = [[unread if comb is None else _wire(next(read)) for _ in tensors[n].ravel()] for n in graph.inputs]
    ports_out = []
    for name in graph.outputs:
        unit = Fraction(2) ** graph.edges[name].fraction
        ports_out.append([
            Wire(False, 0, 0, int(constant_value(e) * unit)) if is_constant(e) else _wire(next(written))
            for e in tensors[name].ravel()
        ])  # fmt: skip
    return Logic(graph, comb, tuple(map(tuple, ports_in)), tuple(map(tuple, ports_out)))


def _wire(interval: Any) -> Wire:
    precision = interval.kif
    return Wire(bool(precision.signed), int(sum(precision)), int(precision.fractional))


def _array(elements: Sequence[Any], shape: tuple[int, ...]) -> Elements:
    array = np.empty(len(elements), object)
    array[:] = elements
    return array.reshape(shape)


def _fractions(constant: FixedArray) -> list[Fraction]:
    unit = Fraction(1, 2) ** constant.fraction
    return [int(raw) * unit for raw in constant.integers.ravel()]


@singledispatch
def _trace(node: nodes.Node, arithmetic: Arithmetic, inputs: list[Elements], graph: FixedGraph) -> Elements:
    raise NotImplementedError(type(node).__name__)


@_trace.register
def _(node: nodes.Input, arithmetic: Arithmetic, inputs: list[Elements], graph: FixedGraph) -> Elements:
    size = int(np.prod(node.shape, dtype=np.int64))
    ports = [arithmetic.port(node.raw_min, node.raw_max, node.type.fraction) for _ in range(size)]
    return _array(ports, node.shape)


@_trace.register
def _(node: nodes.Quantize, arithmetic: Arithmetic, inputs: list[Elements], graph: FixedGraph) -> Elements:
    half_even = node.rounding is nodes.Rounding.NEAREST_EVEN
    limits = (node.type.fraction, node.raw_min, node.raw_max, half_even)
    return _array([arithmetic.quantize(x, *limits) for x in inputs[0].ravel()], inputs[0].shape)


@_trace.register
def _(node: nodes.Dense, arithmetic: Arithmetic, inputs: list[Elements], graph: FixedGraph) -> Elements:
    return _dense(arithmetic, inputs[0], node.kernel, _fractions(node.bias))


def _dense(arithmetic: Arithmetic, x: Elements, kernel: FixedArray, bias: list[Fraction]) -> Elements:
    rows = x.reshape(-1, kernel.shape[0])
    out = [y for row in rows for y in arithmetic.affine(list(row), kernel.integers, kernel.fraction, bias)]
    return _array(out, (*x.shape[:-1], kernel.shape[1]))


@_trace.register
def _(node: nodes.Conv, arithmetic: Arithmetic, inputs: list[Elements], graph: FixedGraph) -> Elements:
    window = node.kernel.shape[: len(node.strides)]
    seen = _windows(arithmetic, inputs[0], window, node.strides, node.dilation, node.padding)
    positions = seen.shape[: len(window)]
    channels, filters = node.kernel.shape[-2], node.kernel.shape[-1] // node.groups
    groups = []
    for group in range(node.groups):
        part = seen[..., group * channels : (group + 1) * channels].reshape(*positions, -1)
        columns = slice(group * filters, (group + 1) * filters)
        kernel = FixedArray(node.kernel.integers[..., columns].reshape(-1, filters), node.kernel.fraction)
        groups.append(_dense(arithmetic, part, kernel, _fractions(node.bias)[columns]))
    return np.concatenate(groups, axis=-1)


def _windows(
    arithmetic: Arithmetic,
    x: Elements,
    window: tuple[int, ...],
    strides: tuple[int, ...],
    dilation: tuple[int, ...],
    padding: tuple[tuple[int, int], ...],
) -> Elements:
    """(*positions, *window, channels) elements, the padding as constant zeros."""
    numbers = np.arange(x.size).reshape(x.shape)[None]
    chosen = patches(numbers, window, strides, dilation, padding, fill=x.size)[0]
    # The number after the last stands for the padding.
    windows: Elements = _array([*x.ravel(), arithmetic.constant(Fraction(0))], (x.size + 1,))[chosen]
    return windows


@_trace.register
def _(node: nodes.Scale, arithmetic: Arithmetic, inputs: list[Elements], graph: FixedGraph) -> Elements:
    x = inputs[0]
    factor = np.broadcast_to(node.factor.integers, x.shape[-1:])
    offset = np.broadcast_to(np.array(_fractions(node.offset), object), x.shape[-1:])
    out = [
        arithmetic.affine([element], np.array([[factor[c]]]), node.factor.fraction, [offset[c]])[0]
        for row in x.reshape(-1, x.shape[-1])
        for c, element in enumerate(row)
    ]
    return _array(out, x.shape)


@_trace.register
def _(node: nodes.Pool, arithmetic: Arithmetic, inputs: list[Elements], graph: FixedGraph) -> Elements:
    x, rank = inputs[0], len(node.window)
    unit = (1,) * rank
    inside = patches(np.ones((1, *x.shape), bool), node.window, node.strides, unit, node.padding)[0]
    seen = _windows(arithmetic, x, node.window, node.strides, unit, node.padding)
    shape = (*seen.shape[:rank], x.shape[-1])
    out = []
    for index in np.ndindex(shape):
        place = (*index[:-1], ..., index[-1])
        members = list(seen[place][inside[place]])
        ones = np.ones((len(members), 1), np.int64)
        out.append(
            arithmetic.maximum(members) if node.maximum else arithmetic.affine(members, ones, 0, [Fraction(0)])[0]
        )
    return _array(out, shape)


@_trace.register
def _(node: nodes.Relu, arithmetic: Arithmetic, inputs: list[Elements], graph: FixedGraph) -> Elements:
    x = inputs[0]
    if node.slope_shift is None:
        zero = arithmetic.constant(Fraction(0))
        return _array([element.max_of(zero) for element in x.ravel()], x.shape)
    return _array([arithmetic.leaky(element, node.slope_shift) for element in x.ravel()], x.shape)


@_trace.register
def _(node: nodes.Table, arithmetic: Arithmetic, inputs: list[Elements], graph: FixedGraph) -> Elements:
    x, fraction = inputs[0], graph.edges[node.inputs[0]].fraction
    values = node.values
    out = [arithmetic.lookup(e, values.integers, values.fraction, node.raw_min, fraction) for e in x.ravel()]
    return _array(out, x.shape)


@_trace.register
def _(node: nodes.Add, arithmetic: Arithmetic, inputs: list[Elements], graph: FixedGraph) -> Elements:
    a, b = np.broadcast_arrays(*inputs)
    pairs = zip(a.ravel(), b.ravel(), strict=True)
    return _array([arithmetic.add(p, -q if node.negate else q) for p, q in pairs], a.shape)


@_trace.register
def _(node: nodes.Multiply, arithmetic: Arithmetic, inputs: list[Elements], graph: FixedGraph) -> Elements:
    a, b = np.broadcast_arrays(*inputs)
    return _array([arithmetic.multiply(p, q) for p, q in zip(a.ravel(), b.ravel(), strict=True)], a.shape)


@_trace.register
def _(node: nodes.Concatenate, arithmetic: Arithmetic, inputs: list[Elements], graph: FixedGraph) -> Elements:
    return np.concatenate(inputs, axis=node.axis)


@_trace.register
def _(node: nodes.Reshape, arithmetic: Arithmetic, inputs: list[Elements], graph: FixedGraph) -> Elements:
    return inputs[0].reshape(node.shape)


@_trace.register
def _(node: nodes.Transpose, arithmetic: Arithmetic, inputs: list[Elements], graph: FixedGraph) -> Elements:
    return inputs[0].transpose(node.permutation)
