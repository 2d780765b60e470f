"""The calls of the written C++, one after the other: each is a node of the graph, or a step towards one."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from math import prod
from typing import TypeVar

import numpy as np

from hls.graph import FixedGraph, nodes
from hls.graph.fixed import widen
from hls.proof.hls4ml.arrays import Arrays
from hls.proof.hls4ml.choices import broadcast, chosen_columns
from hls.proof.hls4ml.steps import (
    Span,
    Step,
    Wire,
    affine,
    fractions,
    relu,
    side_by_side,
)
from hls.proof.hls4ml.windows import partial_sums, sizes, sum_as_convolution, whole_kernel, whole_sizes
from hls.proof.hls4ml.written import Call, Written
from hls.proof.subject import Deadline, NotClosedError

Kind = TypeVar("Kind", bound=nodes.Node)

_MERGES: Mapping[str, type[nodes.Add] | type[nodes.Multiply]] = {
    "add": nodes.Add,
    "subtract": nodes.Add,
    "multiply": nodes.Multiply,
}


_AT_EACH = ("pointwise_conv_1d_cl", "pointwise_conv_2d_cl")
_SUMS = ("dense", *_AT_EACH, "conv_1d_cl", "conv_2d_cl", "depthwise_conv_1d_cl", "depthwise_conv_2d_cl")
_SUMMING: tuple[type[nodes.Dense] | type[nodes.Conv], ...] = (nodes.Dense, nodes.Conv)
_JOINS = ("concatenate1d", "concatenate2d", "concatenate3d")
_MAXIMA = ("pooling1d_cl", "pooling2d_cl", "global_pooling1d_cl", "global_pooling2d_cl")


@dataclass(frozen=True)
class Begun:
    """A concatenation of which the first ``count`` tensors stand in an array."""

    node: nodes.Concatenate
    count: int


@dataclass
class Interpretation:
    """Reads ``written`` against ``graph``; ``begun`` are arrays of concatenations, ``done`` nodes that a call made."""

    graph: FixedGraph
    written: Written
    deadline: Deadline
    begun: dict[str, Begun] = field(default_factory=dict)
    done: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.arrays = Arrays(self.graph, self.written)

    def run(self) -> None:
        """Raises ``NotClosedError`` at the first layer that is not shown to be the graph's."""
        ports = self.written.ports
        named = {_slug(name): name for name in self.graph.inputs}
        inputs = {array: named.get(array.partition("_")[2]) for array in ports}
        for array, name in inputs.items():
            if name is not None:
                self._input(array, name)
        outputs = [array for array, name in inputs.items() if name is None]
        for call in self.written.calls:
            self.deadline.check(f"the call of nnet::{call.function}", call.layer)
            self._call(call)
        if len(outputs) != len(self.graph.outputs):
            raise NotClosedError(f"the function has {len(outputs)} outputs, the graph {len(self.graph.outputs)}")
        for array, name in zip(outputs, self.graph.outputs, strict=True):
            self.arrays.require(array, name, array)

    def _input(self, array: str, name: str) -> None:
        span = Span.of(self.graph.edges[name])
        self.arrays.require_held(span, self.arrays.type_of(array), f"port {array}", array)
        self.arrays.wires[array] = Wire(name, span)
        self.arrays.require_length(array, span)

    def _call(self, call: Call) -> None:
        if call.templates[:-1] != self.written.array_types(call):
            raise NotClosedError(f"nnet::{call.function} is called for other types than its arrays have", call.layer)
        if call.function in _SUMS:
            self._sums(call)
        elif call.function in _MAXIMA:
            self._maximum(call)
        elif call.function == "unary_lut":
            self._table(call)
        elif call.function == "sum_pooling":
            self._pooled(call)
        elif call.function in _MERGES:
            self._merge(call)
        elif call.function in _JOINS:
            self._joined(call)
        elif call.function in ("linear", "relu", "normalize"):
            self._pointwise(call)
        else:
            raise NotClosedError(f"what nnet::{call.function} computes is not followed here yet", call.layer)

    def _pointwise(self, call: Call) -> None:
        data, result, *printed = call.taking(4 if call.function == "normalize" else 2)
        wire = self.arrays.wire(data, call)
        self.arrays.require_sizes(call, {"n_in": wire.span.low.size})
        steps: Sequence[Step] = ()
        if call.function == "relu":
            steps = relu(wire.now, None)
        elif call.function == "normalize":
            factor, offset = (
                self.arrays.constants_of(name, call, key)
                for name, key in zip(printed, ("scale_t", "bias_t"), strict=True)
            )
            channels = self.written.size(call.templates[-1], "n_filt")
            for values in (factor, offset):
                if len(values) != (wire.span.low.size if channels == -1 else channels):
                    raise NotClosedError(f"{len(values)} constants are printed for {channels} channels", call.layer)
            steps = affine(factor, offset)
        self.arrays.store(result, wire.then(steps))

    def _sums(self, call: Call) -> None:
        if call.function in ("dense", *_AT_EACH) and not self._fitting(call, *_SUMMING):
            self._choice(call)
            return
        node = self._summing(call)
        data, result, kernel, bias = call.taking(4)
        self.arrays.require(data, node.inputs[0], call.layer)
        printed = node.kernel if "depthwise" in call.function or isinstance(node, nodes.Dense) else whole_kernel(node)
        for name, key, values, what in (
            (kernel, "weight_t", fractions(printed), "weight"),
            (bias, "bias_t", fractions(node.bias), "bias"),
        ):
            self.arrays.require_equal(self.arrays.constants_of(name, call, key), values, call, what)
        accumulator = self.arrays.layer_type(call, "accum_t")
        self.arrays.require_held(
            partial_sums(node, self.graph.edges[node.inputs[0]]), accumulator, "the accumulator", call.layer
        )
        self._made(result, node)

    def _choice(self, call: Call) -> None:
        """A product that the graph does not have must repeat and reorder elements, and compute nothing."""
        data, result, kernel, bias = call.taking(4)
        source = self.arrays.read(data, call.layer)
        weights, offsets = (
            self.arrays.constants_of(name, call, key) for name, key in ((kernel, "weight_t"), (bias, "bias_t"))
        )
        columns = chosen_columns(weights, offsets) if len(weights) % len(offsets) == 0 else None
        if columns is None:
            raise _no_node(call)
        length = len(weights) // len(offsets)
        if call.function in _AT_EACH:
            self.arrays.require_sizes(call, {"n_chan": length, "n_filt": len(offsets)})
            rows = self._positions(call)
        else:
            self.arrays.require_sizes(call, {"n_in": length, "n_out": len(offsets)})
            rows = 1
        if rows * length != source.index.size:
            raise NotClosedError(
                f"the layer reads {rows * length} elements of {data}, which has {source.index.size}", call.layer
            )
        made = source.rows_by(columns, length)
        accumulator = self.arrays.layer_type(call, "accum_t")
        self.arrays.require_held(made.span, accumulator, "the accumulator", call.layer)
        self.arrays.require_held(made.span, self.arrays.type_of(result), f"array {result}", call.layer)
        self.arrays.require_length(result, made.span)
        self.arrays.chosen[result] = made

    def _positions(self, call: Call) -> int:
        return prod(self.written.size(call.templates[-1], f"in_{axis}") or 1 for axis in ("height", "width"))

    def _summing(self, call: Call) -> nodes.Dense | nodes.Conv:
        """The node of a sum of products, of the sizes that its configuration says."""
        node = self._node(call, *_SUMMING, nodes.Pool)
        if isinstance(node, nodes.Pool):
            if node.maximum:
                raise NotClosedError("the graph has the largest of a window here, and no sum", call.layer)
            node = sum_as_convolution(node, self.graph.edges[node.inputs[0]].shape[-1])
        edge, made = self.graph.edges[node.inputs[0]], self.graph.edges[node.name]
        if call.function in _AT_EACH:
            if isinstance(node, nodes.Conv) and not node.pointwise:
                raise NotClosedError("the graph has a convolution over more than one position here", call.layer)
            self.arrays.require_sizes(call, {"n_chan": edge.shape[-1], "n_filt": made.shape[-1]})
            positions = self._positions(call)
            if positions * edge.shape[-1] != edge.low.size:
                raise NotClosedError(f"the layer has {positions} positions, which the graph has not", call.layer)
        elif isinstance(node, nodes.Dense):
            self.arrays.require_sizes(call, dict(zip(("n_in", "n_out"), node.kernel.shape, strict=True)))
        else:
            depthwise = node.groups == edge.shape[-1] == made.shape[-1]
            if any(step > 1 for step in node.dilation) or ("depthwise" in call.function and not depthwise):
                raise NotClosedError(
                    "windows with gaps, or several filters a channel, are not followed here", call.layer
                )
            self.arrays.require_sizes(call, sizes(node, edge.shape, made.shape))
        return node

    def _maximum(self, call: Call) -> None:
        node = self._node(call, nodes.Pool)
        edge, made = self.graph.edges[node.inputs[0]], self.graph.edges[node.name]
        if not node.maximum or self.written.setting(call.templates[-1], "pool_op") != "nnet::Max":
            raise NotClosedError("only the largest of a window is followed here yet, no sum and no mean", call.layer)
        if any(a or b for a, b in node.padding):
            raise NotClosedError("maxima over padded windows are not followed here yet", call.layer)
        whole = call.function.startswith("global")
        if whole and node.window != edge.shape[: len(node.window)]:
            raise NotClosedError("the layer takes all positions, the graph has windows", call.layer)
        self.arrays.require_sizes(call, whole_sizes(edge.shape) if whole else sizes(node, edge.shape, made.shape))
        data, result = call.taking(2)
        self.arrays.require(data, node.inputs[0], call.layer)
        accumulator = self.arrays.layer_type(call, "accum_t")
        self.arrays.require_held(Span.of(edge), accumulator, "what the values are compared in", call.layer)
        self._made(result, node)

    def _table(self, call: Call) -> None:
        """A value for each pattern of the bits of what is looked up."""
        node = self._node(call, nodes.Table)
        data, result, table = call.taking(3)
        self.arrays.require(data, node.inputs[0], call.layer)
        edge, held = self.graph.edges[node.inputs[0]], self.arrays.type_of(data).type
        if node.channels > 1 or held.fraction != edge.fraction:
            raise NotClosedError(
                "tables of several channels, or of other bits than the graph's, are not followed", call.layer
            )
        self.arrays.require_sizes(call, {"n_in": edge.low.size, "table_size": 1 << held.width})
        printed = self.arrays.constants_of(table, call, "table_t")
        if len(printed) != 1 << held.width:
            raise NotClosedError(f"{len(printed)} values are printed for {held.width} bits", call.layer)
        meant = fractions(node.values)
        for pattern, value in enumerate(printed):
            place = (pattern if pattern <= held.raw_max else pattern - (1 << held.width)) - node.raw_min
            if 0 <= place < len(meant) and meant[place] != value:
                raise NotClosedError(
                    f"value {pattern} is printed as {float(value)}, the graph has {float(meant[place])}", call.layer
                )
        self._made(result, node)

    def _pooled(self, call: Call) -> None:
        node = self._node(call, nodes.Pool)
        edge = self.graph.edges[node.inputs[0]]
        whole = node.window == edge.shape[: len(node.window)] and not any(a or b for a, b in node.padding)
        if node.maximum or not whole:
            raise NotClosedError("a sum over windows is not followed here yet", call.layer)
        data, result = call.taking(2)
        self.arrays.require(data, node.inputs[0], call.layer)
        channels = edge.shape[-1]
        self.arrays.require_sizes(call, {"n_in": edge.low.size // channels, "n_filt": channels})
        magnitude = np.maximum(np.abs(widen(edge.low)), np.abs(widen(edge.high))).reshape(-1, channels).sum(axis=0)
        accumulator = self.arrays.layer_type(call, "accum_t")
        self.arrays.require_held(Span(-magnitude, magnitude, edge.fraction), accumulator, "the accumulator", call.layer)
        self._made(result, node)

    def _merge(self, call: Call) -> None:
        node = self._node(call, _MERGES[call.function])
        if isinstance(node, nodes.Add) and node.negate != (call.function == "subtract"):
            raise NotClosedError(f"nnet::{call.function} has the other sign than the graph", call.layer)
        made = self.graph.edges[node.name]
        *read, result = call.taking(3)
        for array, name in zip(read, node.inputs, strict=True):
            self.arrays.require(array, name, call.layer, broadcast(self.graph.edges[name].shape, made.shape))
        self.arrays.require_sizes(call, {"n_elem": made.low.size})
        self._made(result, node)

    def _joined(self, call: Call) -> None:
        """Two tensors, or the next to those that were joined before: hls4ml joins two at a time."""
        first, second, result = call.taking(3)
        begun = self.begun.get(first)
        if begun is None:
            node = self._node(call, nodes.Concatenate)
            self.arrays.require(first, node.inputs[0], call.layer)
            begun = Begun(node, 1)
        node, count = begun.node, begun.count
        self.arrays.require(second, node.inputs[count], call.layer)
        shapes = [self.graph.edges[name].shape for name in node.inputs[: count + 1]]
        if call.function != f"concatenate{len(shapes[0])}d":
            raise NotClosedError(f"nnet::{call.function} joins tensors of another rank than the graph's", call.layer)
        before = list(shapes[0])
        before[node.axis] = sum(shape[node.axis] for shape in shapes[:-1])
        for number, shape in enumerate((before, shapes[-1]), 1):
            self.arrays.require_sizes(call, {f"n_elem{number}_{place}": size for place, size in enumerate(shape)})
        self.arrays.require_sizes(call, {"axis": node.axis + 1})
        if count + 1 == len(node.inputs):
            self._made(result, node)
            return
        span = side_by_side([Span.of(self.graph.edges[name]) for name in node.inputs[: count + 1]])
        self.arrays.require_held(span, self.arrays.type_of(result), f"array {result}", call.layer)
        self.arrays.require_length(result, span)
        self.begun[result] = Begun(node, count + 1)

    def _made(self, array: str, node: nodes.Node) -> None:
        """An array holds the exact value of a node, converted to the array's type."""
        self.done.add(node.name)
        self.arrays.store(array, Wire(node.name, Span.of(self.graph.edges[node.name])))

    def _node(self, call: Call, *kinds: type[Kind]) -> Kind:
        """The node that a call computes: the comment has its number, and its name as far as a C++ name can."""
        fitting = self._fitting(call, *kinds)
        if not fitting:
            raise _no_node(call)
        return fitting[0]

    def _fitting(self, call: Call, *kinds: type[Kind]) -> list[Kind]:
        known = call.layer.partition("_")[2]
        return [
            node
            for node in self.graph
            if isinstance(node, kinds) and node.name not in self.done and _slug(node.name) == known
        ]


def _no_node(call: Call) -> NotClosedError:
    return NotClosedError(f"the graph has no node that nnet::{call.function} of {call.layer} computes", call.layer)


def _slug(name: str) -> str:
    """As layers are called in the C++ after their number."""
    return re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_").lower()[:40]
