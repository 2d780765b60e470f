"""ONNX operators as the nodes of a FixedGraph.

Scales, zero points, biases and normalizations between two quantizers are one exact rational line for each channel, kept
beside the node until a quantizer rounds it: ``clip(node * factor + offset, low, high)``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np

from hls.errors import UnsupportedError
from hls.graph import GraphBuilder, nodes
from hls.graph.fixed import FixedArray, FixedType, narrow, widen
from hls.importing import wiring
from hls.importing.activations import clipped, leaky
from hls.importing.argmax import emit_argmax
from hls.importing.choices import chosen, is_bit
from hls.importing.contractions import contracted
from hls.importing.emitter import Emitter
from hls.importing.functions import SMOOTH, elu
from hls.importing.heads import MODES, ORDER, Head, emit_head
from hls.importing.onnx.affine import (
    ONE,
    ZERO,
    Fractions,
    fixed,
    fractions,
    is_binary,
    power_of_two,
)
from hls.importing.onnx.backend import Comparison, Floats, Quantizer, Window
from hls.importing.onnx.folding import moved
from hls.importing.onnx.rounding import emit_floor, emit_nearest, emit_scale
from hls.importing.onnx.tables import emit_table
from hls.importing.onnx.tensors import Array, Constant
from hls.importing.onnx.value import Value
from hls.importing.refusals import ENDS_BEFORE, SIGMOID_STATED, SOFTMAX_STATED

_MOST_STATED_BITS = 20
"""Numbers of so few bits without a quantizer were quantized by whoever wrote them: float32 has 24."""
_TIES = (
    "scales that are no powers of two are divided by exactly; a framework does so in float32, which may round a value "
    "that lies half way between two steps to the other one"
)
_TABLE = "put a quantizer (Quant) right behind it: both together are one table; or leave it off the chip"
_CURES = {
    "softmax": f"end the network before it, or, of a last one, {SOFTMAX_STATED}",
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
        return Value(node, ONE, ZERO)

    def settled(self, x: Value) -> str:
        """A node that holds the values themselves.

        Raises:
            UnsupportedError: they are no finite binary numbers.
        """
        if x.function is not None:
            raise UnsupportedError(f"operator {self._emit.layer!r}: reads a function without a quantizer; {_TABLE}")
        if not (is_binary(x.factor) and is_binary(x.offset)):
            raise UnsupportedError(
                f"operator {self._emit.layer!r}: a division by what is no power of two has no finite binary expansion, "
                "and no quantizer reads it; put a quantizer right behind the division or average"
            )
        node = emit_scale(self._emit, x.node, x.factor, x.offset)
        if x.low == 0 and x.high is None:
            return self._emit(nodes.Relu, "relu", (node,))
        if not x.clips:
            return node
        return clipped(self._emit, node, *(None if end is None else float(end) for end in (x.low, x.high)))

    def output(self, x: Value) -> str:
        """A node that leaves the network."""
        node = self.settled(x)
        return emit_head(self._emit, x.head, node)

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

    def _settled(self, x: Value) -> Value:
        return Value(self.settled(x), ONE, ZERO)

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
        matrix, scale = self._kernel(kernel)
        x = self._settled(x) if x.clips or (not is_binary(x.factor) and len(x.factor) > 1) else x
        offset = ZERO
        if (x.offset != 0).any():
            rows = np.broadcast_to(x.offset, (matrix.shape[0],))
            offset = rows @ (widen(matrix.integers) * Fraction(2) ** -matrix.fraction) * scale
        if len(x.factor) > 1:
            matrix, x = _folded(matrix, x.factor[:, None]), replace(x, factor=ONE)
        return self._sums(nodes.Dense, "dense", x, matrix, scale, offset, bias, ())

    def conv(self, x: Value, kernel: Constant, bias: Floats | None, window: Window, groups: int) -> Value:
        """See Backend."""
        matrix, scale = self._kernel(kernel)
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

    def _kernel(self, kernel: Constant) -> tuple[FixedArray, Fractions]:
        """Its integers and a scale for each output; or its values, where their scale is a power of two.

        Raises:
            UnsupportedError: plain floats.
        """
        stated = FixedArray.from_float(kernel.values)
        if stated.type.width <= _MOST_STATED_BITS:
            return stated, ONE
        if kernel.integers is None or kernel.scale is None:
            raise UnsupportedError(
                f"operator {self._emit.layer!r}: its weights are plain floats; quantize the model: "
                "qtrigger quantize MODEL --events FILE --out NEW.keras, or train it with quantizers (Brevitas)"
            )
        scale = kernel.scale if kernel.scale.size == 1 else np.broadcast_to(kernel.scale, kernel.values.shape)
        rows = np.asarray(scale).reshape(-1, scale.shape[-1] if scale.size > 1 else 1)
        if (rows != rows[0]).any():
            return stated, ONE  # a scale for each input: the product is exact too, and wide
        return FixedArray.from_float(kernel.integers), fractions(rows[0])

    def pool(self, x: Value, window: Window, *, maximum: bool) -> Value:
        """See Backend."""
        fields = (window.size, window.strides, window.padding, maximum)
        if maximum:
            x = x if (x.factor > 0).all() and x.function is None else self._settled(x)
            return replace(x, node=self._emit(nodes.Pool, "max", (x.node,), *fields))
        x = x if x.linear else self._settled(x)
        count = int(np.prod(window.size))
        return replace(x, node=self._emit(nodes.Pool, "sum", (x.node,), *fields), factor=x.factor / count)

    def reduce(self, x: Value, count: int, channels: int, *, maximum: bool) -> Value:
        """See Backend."""
        found = self.pool(x, Window((count,), (count,), (1,), ((0, 0),), (count,)), maximum=maximum)
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
        return Value(leaky(self._emit, self.settled(x), slope), ONE, ZERO)

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
            cure = _CURES.get(name, _TABLE)
            raise UnsupportedError(f"operator {self._emit.layer!r}: {name} is not supported; {cure}")
        self._seen.add(name)
        self._builder.notes.append(Head(0, self._emit.layer, name, mode).note)
        return replace(x, head=mode)

    def elu(self, x: Value, alpha: float) -> Value:
        """See Backend."""
        return replace(self._settled(x), function=elu(float(np.float32(alpha))))

    def index(self, x: Value) -> Value:
        """See Backend."""
        node = x.node if x.alike and not x.clips and x.factor[0] > 0 else self.settled(x)
        return self.port(emit_argmax(self._emit, node, ENDS_BEFORE))

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
        bit = self.port(self._reached(found, "compared"))
        return bit if comparison.endswith("Equal") else Value(bit.node, -ONE, ONE)

    def choose(self, condition: Value, x: Value | float, y: Value | float) -> Value:
        """See Backend."""
        bit = self.settled(condition)
        if not is_bit(self._emit, bit):
            raise UnsupportedError(
                f"operator {self._emit.layer!r}: chooses by something that is no comparison; compare it (Greater)"
            )
        a, b = (self.settled(one) if isinstance(one, Value) else FixedArray.from_float([one]) for one in (x, y))
        return self.port(chosen(self._emit, bit, a, b))

    def concatenate(self, parts: Sequence[Value], axis: int) -> Value:
        """See Backend."""
        if not all(part.linear and part.factor[0] == parts[0].factor[0] for part in parts):
            parts = [self._settled(part) for part in parts]
        return replace(parts[0], node=self._emit(nodes.Concatenate, "concatenate", tuple(p.node for p in parts), axis))

    def quantize(self, x: Value, quantizer: Quantizer) -> Value:
        """See Backend."""
        scale, zero = fractions(quantizer.scale), fractions(quantizer.zero)
        exponent = power_of_two(scale)
        plain = exponent is not None and (zero == 0).all()
        if x.function is not None:
            unit = scale[0] if plain else Fraction(1)
            return Value(emit_table(self._emit, x.node, x.function, quantizer, unit), scale / unit, ZERO)
        if exponent is not None and plain:
            unit, factor, offset = Fraction(2) ** exponent, x.factor, x.offset
        else:
            unit, factor, offset = Fraction(1), x.factor / scale, x.offset / scale + zero
            if exponent is None and _TIES not in self._builder.notes:
                self._builder.notes.append(_TIES)
        low, high = quantizer.low, quantizer.high
        if x.clips:
            if len(scale) > 1 or len(zero) > 1:
                return self.quantize(self._settled(x), quantizer)
            steps = [None if end is None else _rounded(end / scale[0] + zero[0], quantizer) for end in (x.low, x.high)]
            low = low if steps[0] is None else min(max(low, steps[0]), high)
            high = high if steps[1] is None else max(min(high, steps[1]), low)
        out = self._round(Value(x.node, factor, offset), unit, low, high, quantizer)
        if unit != 1:
            return out
        return Value(out.node, out.factor * scale, (out.offset - zero) * scale)

    def _round(self, x: Value, unit: Fraction, low: int, high: int, quantizer: Quantizer) -> Value:
        """The value of ``x`` in steps of ``unit``, rounded and saturated to ``[low, high]`` steps."""
        magnitude = max(abs(quantizer.low), abs(quantizer.high) + 1)
        bits = (magnitude - 1).bit_length() + (quantizer.low < 0)
        shift = power_of_two(np.array([unit], object)) or 0
        kind = FixedType(quantizer.low < 0, max(bits, 1), max(bits, 1) + shift)
        mode = quantizer.rounding
        if mode == "ROUND":
            return self.port(emit_nearest(self._emit, x.node, x.factor, x.offset, kind, (low, high)))
        if mode == "FLOOR":
            return self.port(emit_floor(self._emit, x.node, x.factor, x.offset, kind, (low, high)))
        if mode == "CEIL":
            return self._ceiling(x, Fraction(0), kind, low, high)
        return self._symmetric(x, unit, kind, low, high, quantizer)

    def _ceiling(self, x: Value, offset: Fraction, kind: FixedType, low: int, high: int) -> Value:
        """``ceil(x + offset)``: minus the floor of what is minus that."""
        turned = FixedType(True, kind.width + (not kind.signed) + 1, kind.integer + (not kind.signed) + 1)
        node = emit_floor(self._emit, x.node, -x.factor, -(x.offset + offset), turned, (-high, -low))
        return Value(node, -ONE, ZERO)

    def _symmetric(self, x: Value, unit: Fraction, kind: FixedType, low: int, high: int, quantizer: Quantizer) -> Value:
        """Rounding that treats both signs alike: what is above zero and what is below, each cut off at zero."""
        half = {"HALF_UP": unit / 2, "HALF_DOWN": -unit / 2}.get(quantizer.rounding, Fraction(0))
        up = quantizer.rounding in ("UP", "HALF_DOWN")
        parts: list[Value] = []
        for sign, most in ((1, high), (-1, -low)):
            if most <= 0 and parts:
                continue
            line = Value(x.node, x.factor * sign, x.offset * sign + half)
            if up:
                part = self._ceiling(line, Fraction(0), kind, 0, max(most, 0))
            else:
                wide = FixedType(True, kind.width + 1, kind.integer + 1)
                node = emit_floor(self._emit, line.node, line.factor, line.offset, wide, (0, max(most, 0)))
                part = self.port(node)
            parts.append(Value(part.node, part.factor * sign, ZERO))
        if len(parts) == 1:
            return parts[0]
        return self._settled(self.add(*parts, negate=False))

    def bipolar(self, x: Value, scale: Floats) -> Value:
        """See Backend."""
        if x.clips:
            if x.low is not None and x.low >= 0:
                raise UnsupportedError(
                    f"operator {self._emit.layer!r}: BipolarQuant of a Relu is one number for every event; Brevitas "
                    "writes it for a QuantReLU of one bit, whose values are 0 and its scale: "
                    "write Quant with signed = 0 and a bit width of 1 instead"
                )
            x = self._settled(x)
        step = fractions(scale)
        return Value(self._reached(x, "sign"), 2 * step, -step)

    def _reached(self, x: Value, name: str) -> str:
        """One bit: is ``x`` at least zero? By the raw integer from which on it is, in each channel."""
        edge = self._emit.edge(x.node)
        unit = Fraction(2) ** -edge.fraction
        factor, offset = np.broadcast_arrays(x.factor, x.offset)
        signs: list[Fraction] = []
        offsets: list[Fraction] = []
        for slope, start in zip(factor.tolist(), offset.tolist(), strict=True):
            if slope == 0:
                signs.append(Fraction(0))
                offsets.append(Fraction(int(start >= 0)))
                continue
            sign = 1 if slope > 0 else -1
            least = -((start / (abs(slope) * unit)).__floor__())
            least = min(max(least, -edge.magnitude - 1), edge.magnitude + 1)
            signs.append(Fraction(sign) / unit)
            offsets.append(Fraction(1 - least))
        line = emit_scale(self._emit, x.node, np.array(signs, object), np.array(offsets, object))
        return self._emit(nodes.Quantize, f"{name}_bit", (line,), FixedType(False, 1, 1), 0, 1)

    def thresholds(self, x: Value, thresholds: Floats, scale: float, bias: float) -> Value:
        """See Backend."""
        x = self._settled(x) if x.clips else x
        total: str | None = None
        for step in thresholds.T:
            bit = self._reached(replace(x, offset=x.offset - fractions(step)), "step")
            total = bit if total is None else self._emit(nodes.Add, "count", (total, bit), False)
        if total is None:
            raise UnsupportedError(f"operator {self._emit.layer!r}: no thresholds; export the model again")
        return Value(total, fractions(np.float32(scale)), fractions(np.float32(bias)))

    def truncate(self, x: Value, quantizer: Quantizer, divisor: float, out_scale: float) -> Value:
        """See Backend."""
        scale = fractions(quantizer.scale)
        edge = self._emit.edge(x.node)
        whole, start = _whole(x.factor / scale / fractions(2.0**edge.fraction)), _whole(x.offset / scale)
        moved: Fractions = abs(x.factor / scale / fractions(2.0**edge.fraction) - whole) * edge.magnitude
        # A scale such as 1/9 is no float32: what lies next to a whole number is rounded to it first, as QONNX says.
        if x.clips or max(moved + abs(x.offset / scale - start)) >= Fraction(1, 2):
            raise UnsupportedError(
                f"operator {self._emit.layer!r}: what it truncates is no whole number of its scale; "
                "give it the scale of the quantizer before it"
            )
        factor, offset = whole / fractions(divisor), start / fractions(divisor)
        most = int(np.abs(factor).max() * edge.magnitude + np.abs(offset).max()) + 1
        ends = replace(quantizer, low=max(quantizer.low, -most), high=min(quantizer.high, most))
        steps = Value(x.node, factor * fractions(2.0**edge.fraction), offset)
        out = self._round(steps, Fraction(1), ends.low, ends.high, ends)
        return Value(out.node, out.factor * Fraction(out_scale), ZERO)


def _whole(values: Fractions) -> Fractions:
    return np.array([Fraction(round(value)) for value in values.reshape(-1).tolist()], object).reshape(values.shape)


def _rounded(value: Fraction, quantizer: Quantizer) -> int:
    """A rational number rounded as the quantizer does."""
    size, sign = abs(value), 1 if value >= 0 else -1
    half = Fraction(1, 2)
    found = {
        "ROUND": round(value),
        "FLOOR": value.__floor__(),
        "CEIL": value.__ceil__(),
        "DOWN": sign * size.__floor__(),
        "UP": sign * size.__ceil__(),
        "HALF_UP": sign * (size + half).__floor__(),
        "HALF_DOWN": sign * (size - half).__ceil__(),
    }
    return int(found[quantizer.rounding])


def _folded(matrix: FixedArray, factor: Array) -> FixedArray:
    """A matrix with a factor for each of its rows."""
    line = fixed(factor.reshape(-1))
    product = widen(matrix.integers) * widen(line.integers).reshape(factor.shape)
    return FixedArray(narrow(product), matrix.fraction + line.fraction)
