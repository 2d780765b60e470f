"""ONNX operators as the nodes of a FixedGraph.

Scales, zero points, biases and normalizations between two quantizers are one exact rational line for each channel, kept
beside the node until a quantizer rounds it: ``clip(node * factor + offset, low, high)``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from hls.errors import UnsupportedError
from hls.graph import GraphBuilder, nodes
from hls.graph.fixed import FixedArray, widen
from hls.importing import wiring
from hls.importing.activations import leaky
from hls.importing.argmax import emit_argmax
from hls.importing.choices import chosen, is_bit
from hls.importing.contractions import contracted
from hls.importing.emitter import Emitter
from hls.importing.functions import SMOOTH, elu
from hls.importing.heads import MODES, ORDER, Head, emit_head
from hls.importing.onnx.affine import ONE, ZERO, Fractions, fixed, fractions, is_binary
from hls.importing.onnx.backend import Comparison, Counts, Floats, Quantizer, Rounding, Window
from hls.importing.onnx.folding import moved
from hls.importing.onnx.kernels import by_rows, kernel_of
from hls.importing.onnx.settling import TABLE, settled
from hls.importing.onnx.signs import bipolar, counted, reached
from hls.importing.onnx.stated_rounding import quantized, truncated
from hls.importing.onnx.tensors import Constant
from hls.importing.onnx.value import Value
from hls.importing.refusals import ENDS_BEFORE, SIGMOID_STATED, SOFTMAX_STATED
from hls.importing.sorting import ascending

_ONE, _ZERO = np.ones(1, np.float32), np.zeros(1, np.float32)
_CURES = {
    "softmax": "its quotients have no finite binary expansion; end the network before it, train it with HGQ2's "
    f"QSoftmax, which is of tables and is read, or, of a last one, {SOFTMAX_STATED}",
    "sigmoid": f"end the network before it, or, of a last one, {SIGMOID_STATED}",
}


class ExactBackend:
    """Nodes for each operator."""

    def __init__(self, builder: GraphBuilder, heads: Mapping[str, str | None]) -> None:
        """``heads``: what is stated of a last softmax or sigmoid."""
        self._builder = builder
        self._heads = {function: mode for function, mode in heads.items() if mode is not None}
        self._seen: set[str] = set()
        self.at("")

    def at(self, name: str, *, last: bool = False) -> None:
        """See Backend."""
        self._emit = Emitter(self._builder, name, name, {}, 0, last=last)

    def port(self, node: str) -> Value:
        """A port as a tensor."""
        return Value.of(node)

    def output(self, x: Value) -> str:
        """A node that leaves the network."""
        return emit_head(self._emit, x.head, self._node(x))

    def check_heads(self) -> None:
        """Raise UnsupportedError for a statement about a last function that the network does not have."""
        for function, mode in self._heads.items():
            if mode == ORDER:
                continue
            if mode not in MODES[function]:
                choices = ", ".join(MODES[function])
                raise UnsupportedError(f"{function} {mode!r} is not known here; choose one of {choices}")
            if function not in self._seen:
                raise UnsupportedError(
                    f"{function} {mode!r} is stated, and no output of the network is a {function}; "
                    "leave the statement out"
                )

    def _node(self, x: Value) -> str:
        return settled(self._emit, x)

    def _settled(self, x: Value) -> Value:
        return Value.of(self._node(x))

    def _moved(self, x: Value, kind: type[nodes.Node], name: str, field: tuple[int, ...], *, keeps_last: bool) -> Value:
        x = x if x.alike or keeps_last else self._settled(x)
        return replace(x, node=self._emit(kind, name, (x.node,), field))

    def transpose(self, x: Value, permutation: tuple[int, ...]) -> Value:
        """See Backend."""
        keeps = permutation[-1] == len(permutation) - 1
        return self._moved(x, nodes.Transpose, "transpose", permutation, keeps_last=keeps)

    def reshape(self, x: Value, shape: tuple[int, ...]) -> Value:
        """See Backend."""
        keeps = shape[-1:] == self._emit.edge(x.node).shape[-1:]
        return self._moved(x, nodes.Reshape, "reshape", shape, keeps_last=keeps)

    def dense(self, x: Value, kernel: Constant, bias: Floats | None) -> Value:
        """See Backend."""
        matrix, scale = kernel_of(kernel, self._emit.layer)
        x = self._settled(x) if x.clips or (not is_binary(x.factor) and len(x.factor) > 1) else x
        offset = ZERO
        if (x.offset != 0).any():
            rows = np.broadcast_to(x.offset, (matrix.shape[0],))
            offset = rows @ (widen(matrix.integers) * Fraction(2) ** -matrix.fraction) * scale
        if len(x.factor) > 1:
            matrix, x = by_rows(matrix, x.factor[:, None]), replace(x, factor=ONE)
        return self._sums(nodes.Dense, "dense", x, matrix, scale, offset, bias, ())

    def conv(self, x: Value, kernel: Constant, bias: Floats | None, window: Window, groups: int) -> Value:
        """See Backend."""
        matrix, scale = kernel_of(kernel, self._emit.layer)
        if not (x.alike and x.linear):
            x = self._settled(x)
        fields = (window.strides, window.dilation, window.padding, groups)
        return self._sums(nodes.Conv, "conv", x, matrix, scale, ZERO, bias, fields)

    def conv_transpose(self, x: Value, kernel: Constant, bias: Floats | None, window: Window, groups: int) -> Value:
        """A convolution of the input with zeros between its positions, its kernel turned round."""
        if not x.linear:
            x = self._settled(x)
        axes = tuple(range(len(window.size)))
        padding = tuple(
            (d * (n - 1) - before, d * (n - 1) - after - (stride - 1))
            for n, stride, d, (before, after) in zip(
                window.size, window.strides, window.dilation, window.padding, strict=True
            )
        )
        node, padding = wiring.spread(self._emit, x.node, window.strides, padding)
        ones = (1,) * len(axes)
        inside = Window(window.size, ones, window.dilation, padding, self._emit.edge(node).shape[:-1])
        turned = moved(kernel, lambda array: np.flip(array, axes))
        return self.conv(replace(x, node=node), turned, bias, inside, groups)

    def _sums(
        self,
        kind: type[nodes.Node],
        name: str,
        x: Value,
        matrix: FixedArray,
        scale: Fractions,
        offset: Fractions,
        bias: Floats | None,
        fields: tuple[object, ...],
    ) -> Value:
        factor = x.factor * scale
        offset = offset if bias is None else offset + fractions(bias)
        outputs = matrix.shape[-1]
        inside = np.broadcast_to(ZERO, (outputs,))
        if (factor == 1).all() and is_binary(offset):
            inside, offset = np.broadcast_to(offset, (outputs,)), ZERO
        node = self._emit(kind, name, (x.node,), matrix, fixed(inside), *fields)
        return Value(node, factor, offset)

    def largest(self, x: Value, window: Window) -> Value:
        """See Backend."""
        x = x if (x.factor > 0).all() and x.function is None else self._settled(x)
        return replace(x, node=self._pool("max", x.node, window, maximum=True))

    def average(self, x: Value, window: Window, counts: Counts | None) -> Value:
        """See Backend. Where counts differ, each sum is so many times as large that one number divides them all."""
        x = x if x.linear else self._settled(x)
        node = self._pool("sum", x.node, window, maximum=False)
        if counts is None:
            return replace(x, node=node, factor=x.factor / math.prod(window.size))
        common = math.lcm(*counts.ravel().tolist())
        return replace(x, node=self._times(node, common // counts), factor=x.factor / common)

    def _pool(self, name: str, node: str, window: Window, *, maximum: bool) -> str:
        return self._emit(nodes.Pool, name, (node,), window.size, window.strides, window.padding, maximum)

    def _times(self, node: str, factors: Counts) -> str:
        """Each position times a whole number; every element is a channel of the tensor made one row."""
        shape = self._emit.edge(node).shape
        row = self._emit(nodes.Reshape, "row", (node,), (math.prod(shape),))
        factor = np.broadcast_to(factors[..., None], shape).reshape(-1)
        scaled = self._emit(nodes.Scale, "weigh", (row,), FixedArray(factor, 0), FixedArray(np.zeros(1, np.int64), 0))
        return self._emit(nodes.Reshape, "places", (scaled,), shape)

    def reduce(self, x: Value, count: int, channels: int, *, maximum: bool) -> Value:
        """See Backend."""
        window = Window((count,), (count,), (1,), ((0, 0),), (count,))
        found = self.largest(x, window) if maximum else self.average(x, window, None)
        return self.reshape(found, (channels,))

    def pad(self, x: Value, padding: tuple[tuple[int, int], ...], channels: int) -> Value:
        """A convolution with ones of window 1, each channel by itself."""
        x = x if x.linear else self._settled(x)
        ones = (1,) * len(padding)
        kernel = FixedArray(np.ones((*ones, 1, channels), np.int64), 0)
        zeros = FixedArray(np.zeros(channels, np.int64), 0)
        node = self._emit(nodes.Conv, "pad", (x.node,), kernel, zeros, ones, ones, padding, channels)
        return replace(x, node=node)

    def scale(self, x: Value, factor: Floats | None, offset: Floats | None, *, divide: bool = False) -> Value:
        """See Backend."""
        times = ONE if factor is None else fractions(factor)
        times = 1 / times if divide else times
        plus = ZERO if offset is None else fractions(offset)
        if x.function is not None or (x.clips and (len(times) > 1 or len(plus) > 1 or times[0] == 0)):
            x = self._settled(x)
        ends = [None if end is None else end * times[0] + plus[0] for end in (x.low, x.high)]
        low, high = ends[::-1] if times[0] < 0 else ends
        return Value(x.node, x.factor * times, x.offset * times + plus, low, high)

    def relu(self, x: Value) -> Value:
        """See Backend."""
        return self.clip(x, 0.0, None)

    def leaky(self, x: Value, slope: float) -> Value:
        """See Backend."""
        return Value.of(leaky(self._emit, self._node(x), slope))

    def clip(self, x: Value, low: float | None, high: float | None) -> Value:
        """See Backend."""
        x = x if x.function is None else self._settled(x)
        bottom, top = (None if end is None else Fraction(end) for end in (low, high))

        def inside(end: Fraction) -> Fraction:
            end = end if bottom is None else max(end, bottom)
            return end if top is None else min(end, top)

        new_low = bottom if x.low is None else inside(x.low)
        return replace(x, low=new_low, high=top if x.high is None else inside(x.high))

    def function(self, x: Value, name: str) -> Value:
        """See Backend."""
        mode = self._heads.get(name) if self._emit.last else None
        if mode is None and name in SMOOTH and not self._emit.last:
            return replace(self._settled(x), function=SMOOTH[name])
        if mode is None:
            cure = _CURES.get(name, TABLE)
            raise UnsupportedError(f"operator {self._emit.layer!r}: {name} is not supported; {cure}")
        self._seen.add(name)
        self._builder.notes.append(Head(0, self._emit.layer, name, mode).note)
        return replace(x, head=mode)

    def elu(self, x: Value, alpha: float) -> Value:
        """See Backend."""
        return replace(self._settled(x), function=elu(float(np.float32(alpha))))

    def index(self, x: Value) -> Value:
        """See Backend."""
        node = x.node if x.alike and not x.clips and x.factor[0] > 0 else self._node(x)
        return Value.of(emit_argmax(self._emit, node, ENDS_BEFORE))

    def ascending(self, x: Value) -> Value:
        """See Backend."""
        return Value.of(ascending(self._emit, self._node(x)))

    def add(self, x: Value, y: Value, *, negate: bool) -> Value:
        """See Backend."""
        if not (x.linear and y.linear and x.factor[0] == y.factor[0]):
            x, y = self._settled(x), self._settled(y)
        return replace(x, node=self._emit(nodes.Add, "add", (x.node, y.node), negate))

    def multiply(self, x: Value, y: Value) -> Value:
        """See Backend."""
        if not (x.linear and y.linear):
            x, y = self._settled(x), self._settled(y)
        return Value(self._emit(nodes.Multiply, "multiply", (x.node, y.node)), x.factor * y.factor, ZERO)

    def contract(self, x: Value, y: Value, axes: tuple[str, str], out: str) -> Value:
        """See Backend."""
        if not (x.linear and y.linear):
            x, y = self._settled(x), self._settled(y)
        node = contracted(self._emit, f"operator {self._emit.layer!r}", (x.node, y.node), axes, out)
        return Value(node, x.factor * y.factor, ZERO)

    def compare(self, x: Value, y: Value | Floats, comparison: Comparison) -> Value:
        """By the sign of the difference; what is above is what is not, turned, at least zero."""
        found = self.add(x, y, negate=True) if isinstance(y, Value) else self.scale(x, None, -y)
        found = self._settled(found) if found.clips else found
        if comparison in ("Greater", "LessEqual"):
            found = replace(found, factor=-found.factor, offset=-found.offset)
        bit = Value.of(reached(self._emit, found, "compared"))
        return bit if comparison.endswith("Equal") else Value(bit.node, -ONE, ONE)

    def _bit(self, x: Value) -> str:
        """The node of a truth value.

        Raises:
            UnsupportedError: it may be something else than one and zero.
        """
        bit = self._node(x)
        if not is_bit(self._emit, bit):
            raise UnsupportedError(
                f"operator {self._emit.layer!r}: takes for true or false what is no comparison; compare it (Greater)"
            )
        return bit

    def truth(self, x: Value) -> Value:
        """See Backend."""
        return Value.of(self._bit(x))

    def both(self, x: Value, y: Value) -> Value:
        """See Backend."""
        return Value.of(self._emit(nodes.Multiply, "both", (self._bit(x), self._bit(y))))

    def opposite(self, x: Value) -> Value:
        """See Backend."""
        return Value(self._bit(x), -ONE, ONE)

    def choose(self, condition: Value, x: Value | float, y: Value | float) -> Value:
        """See Backend."""
        bit = self._bit(condition)
        a, b = (self._node(one) if isinstance(one, Value) else FixedArray.from_float([one]) for one in (x, y))
        return Value.of(chosen(self._emit, bit, a, b))

    def concatenate(self, parts: Sequence[Value], axis: int) -> Value:
        """See Backend."""
        if not all(part.linear and part.factor[0] == parts[0].factor[0] for part in parts):
            parts = [self._settled(part) for part in parts]
        return replace(parts[0], node=self._emit(nodes.Concatenate, "concatenate", tuple(p.node for p in parts), axis))

    def quantize(self, x: Value, quantizer: Quantizer) -> Value:
        """See Backend."""
        return quantized(self._emit, x, quantizer)

    def whole(self, x: Value, rounding: Rounding) -> Value:
        """By a quantizer with ends that no value reaches; whole ones stay."""
        x = x if x.function is None else self._settled(x)
        edge = self._emit.edge(x.node)
        step = x.factor * Fraction(2) ** -edge.fraction
        if not x.clips and all(value.denominator == 1 for value in (*step, *x.offset)):
            return x
        most = int(np.abs(step).max() * edge.magnitude + np.abs(x.offset).max()) + 2
        return self.quantize(x, Quantizer(_ONE, _ZERO, -most, most, rounding))

    def bipolar(self, x: Value, scale: Floats) -> Value:
        """See Backend."""
        return bipolar(self._emit, x, scale)

    def thresholds(self, x: Value, thresholds: Floats, scale: float, bias: float) -> Value:
        """See Backend."""
        return counted(self._emit, x, thresholds, scale, bias)

    def truncate(self, x: Value, quantizer: Quantizer, divisor: float, out_scale: float) -> Value:
        """See Backend."""
        return truncated(self._emit, x, quantizer, divisor, out_scale)
