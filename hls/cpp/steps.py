"""One function for each operation: the kernels that compute it, with its constants."""

from __future__ import annotations

from functools import singledispatch

import numpy as np
import numpy.typing as npt

from hls.cpp.numbers import boolean, literal, signed, type_for, unsigned, width_for
from hls.cpp.sums import write_sums
from hls.cpp.writer import Writer
from hls.graph import Edge, FixedArray, nodes
from hls.graph.windows import patches

Places = npt.NDArray[np.int64]


@singledispatch
def write(node: nodes.Node, writer: Writer) -> None:
    """Write the step that computes ``node``."""
    raise nodes.refusal(node, "write (hls.cpp.steps)")


@write.register
def _(node: nodes.Input, writer: Writer) -> None:
    writer.declare(node.name)


@write.register
def _(node: nodes.Dense, writer: Writer) -> None:
    x = writer.edge(node.inputs[0])
    positions = int(np.prod(x.shape[:-1], dtype=np.int64))
    kernel = FixedArray(node.kernel.integers[None, None], node.kernel.fraction)
    at_positions = nodes.Conv(
        node.name, node.inputs, node.layer, kernel, node.bias, (1, 1), (1, 1), ((0, 0), (0, 0)), groups=1
    )
    write_sums(at_positions, (1, positions, x.shape[-1]), writer)


@write.register
def _(node: nodes.Conv, writer: Writer) -> None:
    rows, columns, channels = (1, *writer.edge(node.inputs[0]).shape)[-3:]
    if len(node.strides) == 1:
        kernel = FixedArray(node.kernel.integers[None], node.kernel.fraction)
        padding = ((0, 0), *node.padding)
        node = nodes.Conv(
            node.name, node.inputs, node.layer, kernel, node.bias, (1, *node.strides), (1, *node.dilation), padding,
            node.groups,
        )  # fmt: skip
    write_sums(node, (rows, columns, channels), writer)


@write.register
def _(node: nodes.Scale, writer: Writer) -> None:
    x, edge = writer.edge(node.inputs[0]), writer.edge(node.name)
    source, target = writer.tensors[node.inputs[0]], writer.declare(node.name)
    channels = x.shape[-1] if x.shape else 1
    unit = edge.fraction - x.fraction - node.factor.fraction
    factor = np.broadcast_to(node.factor.integers.astype(object) * (1 << unit), (channels,))
    offset = np.broadcast_to(node.offset.at_fraction(edge.fraction).integers.astype(object), (channels,))
    on_the_way = max(edge.partial_bound, x.magnitude, *map(abs, factor), *map(abs, offset))
    arguments = [source.variable, target.variable, source.elements // channels, channels,
                 writer.constants("factor", factor), writer.constants("offset", offset)]  # fmt: skip
    writer.call("scale", arguments, type_for(on_the_way))


@write.register
def _(node: nodes.Quantize, writer: Writer) -> None:
    x, type_ = writer.edge(node.inputs[0]), node.type
    source, target = writer.tensors[node.inputs[0]], writer.declare(node.name)
    names = [source.variable, target.variable, source.elements]
    shift = x.fraction - type_.fraction
    if shift <= 0:
        factor = 1 << -shift
        low, high = -(-node.raw_min // factor), node.raw_max // factor
        ends = [low, high, factor, node.raw_min, node.raw_max]
        held = type_for(x.raw_min, x.raw_max, *ends)
        writer.call("clip", [*names, *map(literal, ends)], held)
        return
    even = node.rounding is nodes.Rounding.NEAREST_EVEN
    # What is far below a step is 0, or -1 step of those below zero: a shift by its own bits says so as well.
    shift = min(shift, x.magnitude.bit_length() + 1)
    held = type_for(x.magnitude + (1 << shift), node.raw_min, node.raw_max)
    ends = [node.raw_min, node.raw_max]
    writer.call("quantize", [*names, shift, *map(literal, ends)], boolean(even), held)


@write.register
def _(node: nodes.Wrap, writer: Writer) -> None:
    x, type_ = writer.edge(node.inputs[0]), node.type
    source, target = writer.tensors[node.inputs[0]], writer.declare(node.name)
    numbers = [1 << (type_.fraction - x.fraction), (1 << type_.width) - 1, type_.raw_min]
    width = width_for(x.raw_min, x.raw_max, *numbers)
    arguments = [source.variable, target.variable, source.elements, *map(literal, numbers)]
    writer.call("wrap", arguments, signed(width), unsigned(width))


@write.register
def _(node: nodes.Relu, writer: Writer) -> None:
    x = writer.edge(node.inputs[0])
    source, target = writer.tensors[node.inputs[0]], writer.declare(node.name)
    names = [source.variable, target.variable, source.elements]
    if node.slope_shift is None:
        writer.call("relu", names)
        return
    slope = 1 << node.slope_shift
    held = type_for(x.raw_min, x.raw_max * slope, slope)
    writer.call("leaky_relu", [*names, literal(slope)], held)


@write.register
def _(node: nodes.Table, writer: Writer) -> None:
    source, target = writer.tensors[node.inputs[0]], writer.declare(node.name)
    values = writer.constants("entry", node.values.integers)
    arguments = [source.variable, target.variable, source.elements, values, literal(node.raw_min)]
    if node.channels == 1:
        writer.call("look_up", arguments)
        return
    writer.call("look_up_each", [*arguments, node.channels, node.entries])


@write.register
def _(node: nodes.Pool, writer: Writer) -> None:
    x = writer.edge(node.inputs[0])
    source, target = writer.tensors[node.inputs[0]], writer.declare(node.name)
    rank, nowhere = len(node.window), -1
    at = np.arange(source.elements).reshape(1, *x.shape)
    windows = patches(at, node.window, node.strides, (1,) * rank, node.padding, nowhere)[0]
    rows = np.moveaxis(windows, -1, rank).reshape(target.elements, -1)
    members = rows >= 0
    starts = np.concatenate([[0], np.cumsum(members.sum(axis=1))])
    first = x.raw_min if node.maximum else 0
    held = type_for(max(writer.edge(node.name).partial_bound, x.magnitude))
    arguments = [source.variable, target.variable, target.elements, writer.indices("start", starts),
                 writer.indices("member", rows[members]), literal(first)]  # fmt: skip
    writer.call("pool", arguments, boolean(node.maximum), held)


@write.register
def _(node: nodes.Add, writer: Writer) -> None:
    edge = writer.edge(node.name)
    operands = [writer.edge(name) for name in node.inputs]
    factors = [1 << (edge.fraction - x.fraction) for x in operands]
    factors[1] *= -1 if node.negate else 1
    terms = [x.magnitude * abs(factor) for x, factor in zip(operands, factors, strict=True)]
    held = type_for(sum(terms), *factors)
    _of_two(node, writer, "add", list(map(literal, factors)), held)


@write.register
def _(node: nodes.Multiply, writer: Writer) -> None:
    a, b = (writer.edge(name) for name in node.inputs)
    _of_two(node, writer, "multiply", [], type_for(a.magnitude * b.magnitude, a.magnitude, b.magnitude))


def _of_two(node: nodes.Node, writer: Writer, kernel: str, factors: list[str], held: str) -> None:
    """Element by element, with NumPy's broadcasting."""
    shape = writer.edge(node.name).shape
    sources, target = [writer.tensors[name] for name in node.inputs], writer.declare(node.name)
    tables = [
        writer.indices("place", np.broadcast_to(_places(writer.edge(name)), shape).ravel()) for name in node.inputs
    ]
    names = [source.variable for source in sources]
    writer.call(kernel, [*names, target.variable, target.elements, *tables, *factors], held)


def _places(edge: Edge) -> Places:
    return np.arange(int(np.prod(edge.shape, dtype=np.int64))).reshape(edge.shape)


@write.register
def _(node: nodes.Concatenate, writer: Writer) -> None:
    edge, target = writer.edge(node.name), writer.declare(node.name)
    into = _places(edge)
    ends = np.cumsum([writer.edge(name).shape[node.axis] for name in node.inputs])[:-1]
    for name, places in zip(node.inputs, np.split(into, ends, axis=node.axis), strict=True):
        part = writer.edge(name)
        _gather(writer, name, target.variable, _places(part), places, 1 << (edge.fraction - part.fraction))


@write.register
def _(node: nodes.Transpose, writer: Writer) -> None:
    target = writer.declare(node.name)
    source = np.transpose(_places(writer.edge(node.inputs[0])), node.permutation)
    _gather(writer, node.inputs[0], target.variable, source, _places(writer.edge(node.name)), 1)


def _gather(writer: Writer, source: str, target: str, of_x: Places, to_y: Places, factor: int) -> None:
    x = writer.edge(source)
    tables = [writer.indices("place", of_x.ravel()), writer.indices("place", to_y.ravel())]
    held = type_for(x.raw_min * factor, x.raw_max * factor, factor)
    writer.call("gather", [writer.tensors[source].variable, target, of_x.size, *tables, literal(factor)], held)


@write.register
def _(node: nodes.Reshape, writer: Writer) -> None:
    writer.share(node.name, node.inputs[0])
