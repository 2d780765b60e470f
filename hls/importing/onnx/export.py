"""The other way: a graph as a QONNX file, which `qonnx` executes to the same numbers, bit by bit.

Tensors hold the values themselves as float32, which is what QONNX computes in; a graph whose sums it does not hold is
refused. Each rounding of the graph is one Quant operator whose scale is a power of two, and so is each constant, whose
type other tools read there. Ports keep the graph's order of axes, channels last; a convolution has a Transpose before
and behind it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import singledispatch
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hls import __version__
from hls.errors import UnsupportedError
from hls.graph import FLOAT32_LIMIT, Edge, FixedArray, FixedGraph, FixedType, nodes
from hls.graph.costs import constants
from hls.graph.nodes import PortRounding, Rounding
from hls.importing.onnx import messages
from hls.machine.files import whole_file

_MODES = {Rounding.NEAREST_EVEN: "ROUND", Rounding.FLOOR: "FLOOR"}
_PORT_MODES = {
    PortRounding.NEAREST_EVEN: "ROUND", PortRounding.FLOOR: "FLOOR", PortRounding.CEILING: "CEIL",
    PortRounding.TO_ZERO: "DOWN", PortRounding.FROM_ZERO: "UP", PortRounding.HALF_FROM_ZERO: "HALF_UP",
    PortRounding.HALF_TO_ZERO: "HALF_DOWN",
}  # fmt: skip


def export_qonnx(graph: FixedGraph, path: str | Path, *, batch: int = 1) -> None:
    """Write ``graph`` as a QONNX file for ``batch`` events at a time. Neither ``onnx`` nor ``qonnx`` is needed.

    Raises:
        UnsupportedError: a node that has no operator there, or sums too long for its floats, by name.
    """
    content = qonnx_message(graph, batch)
    with whole_file(Path(path)) as draft:
        draft.write_bytes(content)


def qonnx_message(graph: FixedGraph, batch: int) -> bytes:
    """The content of the file."""
    _require_exact(graph)
    writer = Writer(graph, batch)
    for node in graph:
        write(node, writer)
    return writer.finish()


def _require_exact(graph: FixedGraph) -> None:
    for node in graph:
        needed = _needed(graph, node)
        if needed >= FLOAT32_LIMIT:
            raise UnsupportedError(
                f"layer {node.layer!r}: QONNX computes in float32, which holds {FLOAT32_LIMIT.bit_length() - 1} bits, "
                f"and its sums may have {needed.bit_length()}; narrow the types of its inputs or of its weights"
            )


def _needed(graph: FixedGraph, node: nodes.Node) -> int:
    """A bound of every integer on the way to the output of a node."""
    held = [int(np.abs(constant.integers).max(initial=0)) for constant in constants(node)]
    if isinstance(node, nodes.Table):
        held.append(int(np.abs(node.values.integers).max(initial=0)))
    if isinstance(node, nodes.Wrap):
        held.append(graph.edges[node.inputs[0]].magnitude + (2 << node.type.width))
    return max(graph.edges[node.name].partial_bound, *held, 0)


@dataclass
class Writer:
    """Operators, constants and the shapes of all tensors, as they come."""

    graph: FixedGraph
    batch: int
    _nodes: list[bytes] = field(default_factory=list)
    _constants: list[bytes] = field(default_factory=list)
    _values: dict[str, bytes] = field(default_factory=dict)

    def edge(self, name: str) -> Edge:
        """What is known of the output of a node."""
        return self.graph.edges[name]

    def constant(self, name: str, values: npt.ArrayLike) -> str:
        """An initializer."""
        self._constants.append(messages.tensor(name, np.asarray(values, np.float32)))
        return name

    def integers(self, name: str, values: Sequence[int]) -> str:
        """An initializer of whole numbers, such as a shape."""
        self._constants.append(messages.tensor(name, np.asarray(values, np.int64)))
        return name

    def op(
        self,
        kind: str,
        inputs: Sequence[str],
        output: str,
        shape: Sequence[int],
        attributes: dict[str, messages.Attribute] | None = None,
        *,
        domain: str = "",
        element: str = "float32",
        batched: bool = True,
    ) -> str:
        """One operator, whose output has this shape behind the batch axis, if it has one."""
        self._nodes.append(messages.node(kind, inputs, output, attributes or {}, domain))
        full = (self.batch, *shape) if batched else tuple(shape)
        self._values[output] = messages.value(output, element, full)
        return output

    def stated(self, name: str, values: FixedArray) -> str:
        """A constant and the Quant that states its type."""
        kind = values.type
        held = self.constant(f"{name}:float", values.to_float())
        return self.quant(held, name, values.shape, kind, kind.raw_min, kind.raw_max, batched=False)

    def quant(
        self,
        x: str,
        output: str,
        shape: Sequence[int],
        kind: FixedType,
        low: int,
        high: int,
        rounding: str = "ROUND",
        *,
        batched: bool = True,
    ) -> str:
        """Rounded to the type and saturated to its range; to a part of that by a Clip behind it."""
        bits = max(kind.width, 2) if kind.signed else kind.width  # one bit with a sign is +1 and -1 there
        lowest, highest = (-(1 << (bits - 1)), (1 << (bits - 1)) - 1) if kind.signed else (0, (1 << bits) - 1)
        narrow = (low, high) == ((lowest + 1, highest) if kind.signed else (lowest, highest - 1))
        whole = narrow or (low, high) == (lowest, highest)
        step = 2.0**-kind.fraction
        inputs = [x, self.constant(f"{output}:scale", step), self.constant(f"{output}:zero", 0.0)]
        inputs.append(self.constant(f"{output}:bits", float(bits)))
        attributes: dict[str, messages.Attribute] = {
            "signed": int(kind.signed), "narrow": int(narrow), "rounding_mode": rounding,
        }  # fmt: skip
        name = output if whole else f"{output}:quant"
        self.op("Quant", inputs, name, shape, attributes, domain=messages.QONNX, batched=batched)
        if whole:
            return output
        ends = [self.constant(f"{output}:low", low * step), self.constant(f"{output}:high", high * step)]
        return self.op("Clip", [name, *ends], output, shape, batched=batched)

    def finish(self) -> bytes:
        """The whole file; a port or a second mention of a node leaves through an operator of its own."""
        leaving: list[str] = []
        for place, name in enumerate(self.graph.outputs):
            if name in leaving:
                name = self.op("Identity", [name], f"{name}:output{place}", self.edge(name).shape)
            leaving.append(name)
        ports = [f"{name}:port" for name in self.graph.inputs]
        entering = [self._port(port, name) for port, name in zip(ports, self.graph.inputs, strict=True)]
        parts = [messages.field(1, node) for node in self._nodes]
        parts += [messages.field(2, self.graph.name)]
        parts += [messages.field(5, constant) for constant in self._constants]
        parts += [messages.field(11, value) for value in entering]
        parts += [messages.field(12, self._values[name]) for name in leaving]
        parts += [messages.field(13, value) for name, value in self._values.items() if name not in leaving]
        return messages.model(b"".join(parts), "qtrigger", __version__)

    def _port(self, port: str, name: str) -> bytes:
        return messages.value(port, "float32", (self.batch, *self.edge(name).shape))


@singledispatch
def write(node: nodes.Node, writer: Writer) -> None:  # noqa: ARG001 (those of every kind take it)
    """Write a node as operators; its output is the tensor of its name.

    Raises:
        UnsupportedError: nodes of this kind are not known here.
    """
    raise nodes.refusal(node, "the export to QONNX")


@write.register
def _(node: nodes.Input, writer: Writer) -> None:
    port, name, kind = f"{node.name}:port", node.name, node.type
    if node.rounding is PortRounding.ODD:
        _to_odd(node, port, writer)
    else:
        writer.quant(port, name, node.shape, kind, node.raw_min, node.raw_max, _PORT_MODES[node.rounding])


def _to_odd(node: nodes.Input, port: str, writer: Writer) -> None:
    """The odd step between two even ones is the mean of both, to which a number is rounded down and up."""
    kind = FixedType(node.type.signed, node.type.width - 1, node.type.integer)
    low, high = -(-node.raw_min // 2), node.raw_max // 2
    ends = [writer.quant(port, f"{node.name}:{mode}", node.shape, kind, low, high, mode) for mode in ("FLOOR", "CEIL")]
    twice = writer.op("Add", ends, f"{node.name}:twice", node.shape)
    writer.op("Mul", [twice, writer.constant(f"{node.name}:half", 0.5)], node.name, node.shape)


@write.register
def _(node: nodes.Quantize, writer: Writer) -> None:
    shape = writer.edge(node.name).shape
    writer.quant(node.inputs[0], node.name, shape, node.type, node.raw_min, node.raw_max, _MODES[node.rounding])


@write.register
def _(node: nodes.Wrap, writer: Writer) -> None:
    """``x`` less the whole turns between it and the lower end of the type."""
    name, shape, turn = node.name, writer.edge(node.name).shape, 2.0**node.type.integer
    low = writer.constant(f"{name}:low", node.type.raw_min * 2.0**-node.type.fraction)
    size = writer.constant(f"{name}:turn", turn)
    above = writer.op("Sub", [node.inputs[0], low], f"{name}:above", shape)
    parts = writer.op("Div", [above, size], f"{name}:parts", shape)
    whole = writer.op("Floor", [parts], f"{name}:whole", shape)
    turns = writer.op("Mul", [whole, size], f"{name}:turns", shape)
    writer.op("Sub", [node.inputs[0], turns], name, shape)


@write.register
def _(node: nodes.Dense, writer: Writer) -> None:
    name, shape = node.name, writer.edge(node.name).shape
    kernel = writer.stated(f"{name}:kernel", node.kernel)
    product = writer.op("MatMul", [node.inputs[0], kernel], f"{name}:product", shape)
    writer.op("Add", [product, writer.stated(f"{name}:bias", node.bias)], name, shape)


@write.register
def _(node: nodes.Conv, writer: Writer) -> None:
    name, rank = node.name, len(node.strides)
    turned = node.kernel.integers.transpose(rank + 1, rank, *range(rank))
    kernel = writer.stated(f"{name}:kernel", FixedArray(turned, node.kernel.fraction))
    inputs = [_channels_first(node, writer), kernel, writer.stated(f"{name}:bias", node.bias)]
    attributes: dict[str, messages.Attribute] = {
        "kernel_shape": node.kernel.shape[:rank], "strides": node.strides, "dilations": node.dilation,
        "group": node.groups, "pads": _pads(node.padding),
    }  # fmt: skip
    _channels_last(node, writer, "Conv", inputs, node.kernel.shape[-1], attributes)


@write.register
def _(node: nodes.Scale, writer: Writer) -> None:
    name, shape = node.name, writer.edge(node.name).shape
    product = writer.op("Mul", [node.inputs[0], writer.stated(f"{name}:factor", node.factor)], f"{name}:product", shape)
    writer.op("Add", [product, writer.stated(f"{name}:offset", node.offset)], name, shape)


@write.register
def _(node: nodes.Pool, writer: Writer) -> None:
    """A maximum, or a sum: a convolution of each channel with ones, since a mean would divide."""
    channels = writer.edge(node.name).shape[-1]
    inputs = [_channels_first(node, writer)]
    attributes: dict[str, messages.Attribute] = {
        "kernel_shape": node.window, "strides": node.strides, "pads": _pads(node.padding),
    }  # fmt: skip
    if node.maximum:
        _channels_last(node, writer, "MaxPool", inputs, channels, attributes)
        return
    ones = FixedArray(np.ones((channels, 1, *node.window), np.int64), 0)
    inputs.append(writer.stated(f"{node.name}:kernel", ones))
    _channels_last(node, writer, "Conv", inputs, channels, {**attributes, "group": channels})


def _channels_first(node: nodes.Node, writer: Writer) -> str:
    shape = writer.edge(node.inputs[0]).shape
    order = (0, len(shape), *range(1, len(shape)))
    return writer.op("Transpose", node.inputs, f"{node.name}:turned", (shape[-1], *shape[:-1]), {"perm": order})


def _channels_last(
    node: nodes.Node,
    writer: Writer,
    kind: str,
    inputs: Sequence[str],
    channels: int,
    attributes: dict[str, messages.Attribute],
) -> None:
    shape = writer.edge(node.name).shape
    held = writer.op(kind, inputs, f"{node.name}:first", (channels, *shape[:-1]), attributes)
    writer.op("Transpose", [held], node.name, shape, {"perm": (0, *range(2, len(shape) + 1), 1)})


def _pads(padding: tuple[tuple[int, int], ...]) -> tuple[int, ...]:
    return (*(before for before, _ in padding), *(after for _, after in padding))


@write.register
def _(node: nodes.Relu, writer: Writer) -> None:
    name, shape = node.name, writer.edge(node.name).shape
    if node.slope_shift is None:
        writer.op("Relu", node.inputs, name, shape)
        return
    slope = writer.constant(f"{name}:slope", 2.0**-node.slope_shift)
    below = writer.op("Mul", [node.inputs[0], slope], f"{name}:below", shape)
    writer.op("Max", [node.inputs[0], below], name, shape)


@write.register
def _(node: nodes.Table, writer: Writer) -> None:
    name, shape, fraction = node.name, writer.edge(node.name).shape, writer.edge(node.inputs[0]).fraction
    steps = writer.constant(f"{name}:steps", 2.0**fraction)
    first = writer.constant(f"{name}:first", -node.first)
    raw = writer.op("Mul", [node.inputs[0], steps], f"{name}:raw", shape)
    place = writer.op("Sub", [raw, first], f"{name}:place", shape)
    index = writer.op("Cast", [place], f"{name}:index", shape, {"to": 7}, element="int64")
    writer.op("Gather", [writer.stated(f"{name}:values", node.values), index], name, shape)


@write.register
def _(node: nodes.Add, writer: Writer) -> None:
    writer.op("Sub" if node.negate else "Add", _aligned(node, writer), node.name, writer.edge(node.name).shape)


@write.register
def _(node: nodes.Multiply, writer: Writer) -> None:
    writer.op("Mul", _aligned(node, writer), node.name, writer.edge(node.name).shape)


def _aligned(node: nodes.Node, writer: Writer) -> list[str]:
    """Inputs of as many axes as the output: broadcasting counts axes from the last, and would meet the batch."""
    rank = len(writer.edge(node.name).shape)
    found = []
    for place, name in enumerate(node.inputs):
        shape = writer.edge(name).shape
        if len(shape) < rank:
            longer = (*(1,) * (rank - len(shape)), *shape)
            sizes = writer.integers(f"{node.name}:shape{place}", (0, *longer))
            name = writer.op("Reshape", [name, sizes], f"{node.name}:input{place}", longer)
        found.append(name)
    return found


@write.register
def _(node: nodes.Concatenate, writer: Writer) -> None:
    shape = writer.edge(node.name).shape
    writer.op("Concat", node.inputs, node.name, shape, {"axis": node.axis % len(shape) + 1})


@write.register
def _(node: nodes.Reshape, writer: Writer) -> None:
    sizes = writer.integers(f"{node.name}:shape", (0, *node.shape))
    writer.op("Reshape", [node.inputs[0], sizes], node.name, node.shape)


@write.register
def _(node: nodes.Transpose, writer: Writer) -> None:
    perm = (0, *(axis + 1 for axis in node.permutation))
    writer.op("Transpose", node.inputs, node.name, writer.edge(node.name).shape, {"perm": perm})
