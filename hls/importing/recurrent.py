"""Recurrent layers, unrolled: each step has nodes of its own, as firmware needs that takes an event in every cycle.

A cell's sums, products and quantizers are exact. What keeps it on a grid of few bits is its quantizers: one behind each
gate, and one of the state, whose bits otherwise grow with every step.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from hls.errors import ModelFileError, UnsupportedError
from hls.graph import nodes
from hls.graph.fixed import FixedArray
from hls.graph.float32 import Float32
from hls.importing.activations import emit_activation
from hls.importing.coefficients import Coefficients, added, stacked
from hls.importing.constants import bias_of, kernel_of
from hls.importing.emitter import Emitter, Handler
from hls.importing.quantizers import function_name, grid, parse_quantizer
from hls.importing.refusals import ANOTHER
from hls.importing.spec import LayerSpec
from hls.importing.wiring import position

Floats = npt.NDArray[np.float32]
_MOST_PRODUCTS = 1 << 20
_MERGES = ("concat", "sum", "mul", "ave")
_WIDEST = 64
_GATES = {"LSTM": 4, "GRU": 3, "SimpleRNN": 1}
PLAIN = ("LSTM", "GRU", "SimpleRNN", "Bidirectional")
"""Keras's own."""
_QUANTIZABLE = ("LSTM", "SimpleRNN")
_CELL = (
    "activation='quantized_tanh(8)' and recurrent_activation='quantized_sigmoid(8)', which are lines and clips (with "
    "use_real_tanh=1 and use_real_sigmoid=1 tables of few bits), quantizers of its kernels and bias such as "
    "quantized_bits(6, 0, alpha=1), and a state_quantizer such as quantized_bits(8, 2, alpha=1)"
)
_PLAIN = ("tanh", "sigmoid", "elu", "selu", "softplus", "softsign", "swish", "silu", "gelu", "exponential")


@dataclass(frozen=True)
class _Gate:
    """One gate's share of the constants."""

    kernel: Coefficients
    recurrent: Coefficients
    bias: Coefficients
    recurrent_bias: Coefficients | None
    """Of a GRU that resets after its product, which keeps the two apart."""


@dataclass(frozen=True)
class _Cell:
    """What one step computes with."""

    emit: Emitter
    spec: LayerSpec
    gates: tuple[_Gate, ...]

    def sums(self, gate: _Gate, x: str, h: str | None) -> str:
        """Both products and the bias, as one sum; at the first step the state is zero."""
        bias = gate.bias if gate.recurrent_bias is None else added(gate.bias, gate.recurrent_bias)
        if h is None:
            return self.dense("input", x, gate.kernel, bias)
        both = self.emit(nodes.Concatenate, "both", (x, h), 0)
        return self.dense("sums", both, stacked(gate.kernel, gate.recurrent), bias)

    def dense(self, suffix: str, x: str, kernel: Coefficients, bias: Coefficients) -> str:
        off = None if kernel.off is None and bias.off is None else Float32(weights=kernel.off, offset=bias.off)
        return self.emit(nodes.Dense, suffix, (x,), kernel.exact, bias.exact, float32=off)

    def activation(self, x: str, key: str = "activation") -> str:
        return emit_activation(
            self.emit, self.spec.config.get(key), x, of_keras=not self.spec.class_name.startswith("Q")
        )

    def gate(self, number: int, x: str, h: str | None, key: str = "recurrent_activation") -> str:
        return self.activation(self.sums(self.gates[number], x, h), key)

    def product(self, a: str, b: str) -> str:
        return self.emit(nodes.Multiply, "product", (a, b))

    def sum(self, a: str, b: str) -> str:
        return self.emit(nodes.Add, "state", (a, b))

    def stored(self, state: str) -> str:
        """As the next step reads it."""
        quantizer = parse_quantizer(
            self.spec.config.get("state_quantizer"), f"layer {self.emit.layer!r}, state_quantizer"
        )
        if quantizer is not None:
            if grid(quantizer) is None:
                raise quantizer.unsupported("a state", f"use state_quantizer=quantized_bits(8, 2, alpha=1), {ANOTHER}")
            return emit_activation(self.emit, self.spec.config["state_quantizer"], state)
        if self.emit.edge(state).type.width > _WIDEST:
            raise UnsupportedError(
                f"layer {self.emit.layer!r}: without a state_quantizer its state grows with every step, here beyond "
                f"{_WIDEST} bits; use Q{_kind(self.spec)} with state_quantizer=quantized_bits(8, 2, alpha=1), {ANOTHER}"
            )
        return state


def _kind(spec: LayerSpec) -> str:
    return spec.class_name.removeprefix("Q")


def _simple_step(cell: _Cell, x: str, states: tuple[str, ...]) -> tuple[str, ...]:
    return (cell.gate(0, x, states[0] if states else None, "activation"),)


def _lstm_step(cell: _Cell, x: str, states: tuple[str, ...]) -> tuple[str, ...]:
    h = states[0] if states else None
    i, f, g, o = (cell.gate(n, x, h, "activation" if n == 2 else "recurrent_activation") for n in range(4))
    new = cell.product(i, g)
    c = cell.sum(cell.product(f, states[1]), new) if states else new
    return cell.product(o, cell.activation(c)), c


def _gru_step(cell: _Cell, x: str, states: tuple[str, ...]) -> tuple[str, ...]:
    h = states[0] if states else None
    z, r = cell.gate(0, x, h), cell.gate(1, x, h)
    candidate = cell.activation(_candidate(cell, x, h, r))
    one, minus = (FixedArray.from_float([value]) for value in (1.0, -1.0))
    rest = cell.emit(nodes.Scale, "rest", (z,), minus, one)
    new = cell.product(rest, candidate)
    return (new if h is None else cell.sum(cell.product(z, h), new),)


def _candidate(cell: _Cell, x: str, h: str | None, r: str) -> str:
    last = cell.gates[2]
    if last.recurrent_bias is None:
        return cell.sums(last, x, None if h is None else cell.product(r, h))
    given = cell.dense("input", x, last.kernel, last.bias)
    if h is None:
        zero = FixedArray.from_float([0.0])
        off = last.recurrent_bias.off
        note = None if off is None else Float32(weights=off)
        kept = cell.emit(nodes.Scale, "reset", (r,), last.recurrent_bias.exact, zero, float32=note)
    else:
        kept = cell.product(r, cell.dense("recurrent", h, last.recurrent, last.recurrent_bias))
    return cell.sum(given, kept)


_STEPS: dict[str, Callable[[_Cell, str, tuple[str, ...]], tuple[str, ...]]] = {
    "SimpleRNN": _simple_step,
    "LSTM": _lstm_step,
    "GRU": _gru_step,
}


def _recurrent(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    shape = emit.edge(inputs[0]).shape
    if len(shape) != 2:
        raise ModelFileError(
            f"layer {spec.name!r} is inconsistent: {spec.class_name} reads steps and features, and a tensor of shape "
            f"{shape} arrives; save the whole model again"
        )
    arrays = _arrays(spec, *shape)
    _refuse_options(spec)
    inner = emit.inside()
    cell = _Cell(inner, spec, _gates(inner, spec, arrays))
    steps = range(shape[0])
    states = _initial(emit, spec, inputs[1:], arrays[1].shape[0])
    outputs = []
    for step in reversed(steps) if spec.config.get("go_backwards") else steps:
        x = position(inner, inputs[0], step)
        states = _STEPS[_kind(spec)](cell, x, tuple(cell.stored(state) for state in states))
        outputs.append(states[0])
    if not spec.config.get("return_sequences"):
        return outputs[-1]
    rows = tuple(inner(nodes.Reshape, "row", (h,), (1, *emit.edge(h).shape)) for h in outputs)
    return rows[0] if len(rows) == 1 else inner(nodes.Concatenate, "sequence", rows, 0)


def _initial(emit: Emitter, spec: LayerSpec, given: tuple[str, ...], units: int) -> tuple[str, ...]:
    """The states that the first step reads; none where they are zero."""
    wanted = 2 if _kind(spec) == "LSTM" else 1
    if given and (len(given) != wanted or any(emit.edge(x).shape != (units,) for x in given)):
        raise ModelFileError(
            f"layer {spec.name!r} is inconsistent: {len(given)} initial states, where {wanted} of {units} numbers are "
            "read; save the whole model again"
        )
    return given


def _refuse_options(spec: LayerSpec) -> None:
    for key in ("stateful", "return_state", "time_major"):
        if spec.config.get(key):
            cure = {
                "stateful": "firmware forgets each event; use stateful=False and give it the whole sequence",
                "return_state": "use return_sequences=True or the last output alone",
                "time_major": "put the steps behind the batch",
            }[key]
            raise UnsupportedError(f"layer {spec.name!r}: {spec.class_name} with {key}=True is not supported; {cure}")
    for key in ("activation", "recurrent_activation"):
        name = function_name(spec.config.get(key))
        if name in _PLAIN:
            made = "`qtrigger quantize` makes a QKeras file of such a network, or " * (spec.class_name in _QUANTIZABLE)
            raise UnsupportedError(
                f"layer {spec.name!r}: {key}={name!r} of a {_kind(spec)} gives no numbers of finitely many bits; {made}"
                f"use Q{_kind(spec)} with {_CELL}, {ANOTHER}"
            )


def _arrays(spec: LayerSpec, steps: int, features: int) -> tuple[Floats, ...]:
    """Kernel, recurrent kernel and perhaps a bias, if they fit each other and are few enough."""
    count, biased = _GATES[_kind(spec)], bool(spec.config.get("use_bias", True))
    arrays = arrays_of(spec)
    if len(arrays) < 2 + biased or any(array.ndim != 2 for array in arrays[:2]):
        raise ModelFileError(
            f"layer {spec.name!r} ({spec.class_name}) has no kernel and recurrent kernel; save the whole model again"
        )
    units = arrays[1].shape[0]
    if arrays[0].shape != (features, count * units) or arrays[1].shape != (units, count * units):
        raise ModelFileError(f"layer {spec.name!r} is inconsistent: its kernels do not fit; save the whole model again")
    products = steps * (features + units) * count * units
    if products > _MOST_PRODUCTS:
        raise UnsupportedError(
            f"layer {spec.name!r}: unrolled over its {steps} steps it has {products:,} products, and here "
            f"{_MOST_PRODUCTS:,} are unrolled at most; pool the sequence (MaxPooling1D) or use fewer units, {ANOTHER}"
        )
    return arrays


def _gates(emit: Emitter, spec: LayerSpec, arrays: tuple[Floats, ...]) -> tuple[_Gate, ...]:
    """The constants of each gate, quantized whole as QKeras does, and taken apart."""
    count, units = _GATES[_kind(spec)], arrays[1].shape[0]
    kernel = kernel_of(emit, spec, "kernel_quantizer", arrays[0]).multiplied()
    recurrent = kernel_of(emit, spec, "recurrent_quantizer", arrays[1]).multiplied()
    biases = _biases(emit, spec, arrays[2] if spec.config.get("use_bias", True) else None, count * units)
    parts = [slice(gate * units, (gate + 1) * units) for gate in range(count)]
    return tuple(
        _Gate(
            kernel.part(part),
            recurrent.part(part),
            biases[0].part(part),
            biases[1].part(part) if len(biases) > 1 else None,
        )
        for part in parts
    )


def _biases(emit: Emitter, spec: LayerSpec, values: Floats | None, width: int) -> list[Coefficients]:
    """Of the inputs; and of the states, where a GRU resets after the product."""
    two = _kind(spec) == "GRU" and bool(spec.config.get("reset_after", spec.class_name == "GRU"))
    if values is None:
        return [Coefficients(FixedArray(np.zeros(width, np.int64), 0))] * (1 + two)
    if values.shape != ((2, width) if two else (width,)):
        raise ModelFileError(
            f"layer {spec.name!r} is inconsistent: its bias has the shape {values.shape}; save it again"
        )
    whole = bias_of(emit, spec, values)
    return [whole.row(number) for number in range(2)] if two else [whole]


def arrays_of(spec: LayerSpec) -> tuple[Floats, ...]:
    """Kernel, recurrent kernel and bias, as the layer or its cell holds them."""
    return spec.weights or spec.parts.get("cell", ())


def directions(spec: LayerSpec) -> tuple[LayerSpec, LayerSpec]:
    """The two layers of one in both directions, the second of which begins at the end.

    Raises:
        UnsupportedError: they are not recurrent, or stay apart.
    """
    forward = _wrapped(spec, "layer", "forward_layer", 0)
    turned = {**forward.config, "go_backwards": not forward.config.get("go_backwards")}
    if isinstance(spec.config.get("backward_layer"), dict):
        turned = {
            **_wrapped(spec, "backward_layer", "backward_layer", 1).config,
            "go_backwards": turned["go_backwards"],
        }
    second = _wrapped(spec, "layer", "backward_layer", 1)
    if spec.config.get("merge_mode", "concat") not in _MERGES:
        raise UnsupportedError(
            f"layer {spec.name!r}: merge_mode={spec.config.get('merge_mode')!r} has two outputs; use 'concat', and "
            "slice it"
        )
    return forward, replace(second, config=turned)


def _bidirectional(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """Two layers; the sequence of the second is turned round again."""
    if len(inputs) > 1:
        raise UnsupportedError(
            f"layer {spec.name!r}: initial states of both directions; build it of two layers with an initial_state "
            "each, the second with go_backwards=True, and Concatenate their last outputs, which computes the same"
        )
    forward, backward = directions(spec)
    one, other = (_recurrent(emit, part, inputs) for part in (forward, backward))
    if forward.config.get("return_sequences"):
        count = emit.edge(other).shape[0]
        rows = tuple(
            emit(nodes.Reshape, "turned", (position(emit, other, step),), (1, emit.edge(other).shape[-1]))
            for step in reversed(range(count))
        )
        other = emit(nodes.Concatenate, "turned", rows, 0) if count > 1 else rows[0]
    return _merged(emit, spec, one, other)


def _merged(emit: Emitter, spec: LayerSpec, one: str, other: str) -> str:
    match spec.config.get("merge_mode", "concat"):
        case "concat":
            return emit(nodes.Concatenate, "both", (one, other), len(emit.edge(one).shape) - 1)
        case "sum":
            return emit(nodes.Add, "sum", (one, other))
        case "mul":
            return emit(nodes.Multiply, "product", (one, other))
        case _:
            total = emit(nodes.Add, "sum", (one, other))
            half, zero = FixedArray.from_float([0.5]), FixedArray.from_float([0.0])
            return emit(nodes.Scale, "half", (total,), half, zero)


def _wrapped(spec: LayerSpec, key: str, place: str, number: int) -> LayerSpec:
    held = spec.config.get(key)
    if not isinstance(held, dict) or not isinstance(held.get("config"), dict):
        raise ModelFileError(f"layer {spec.name!r}: {spec.class_name} holds no layer; save the whole model again")
    kind = str(held.get("class_name")).split(">")[-1]
    if kind.removeprefix("Q") not in _GATES:
        raise UnsupportedError(
            f"layer {spec.name!r}: {spec.class_name} of a {kind}, and only of LSTM, GRU and SimpleRNN is it read here; "
            f"use one of those, {ANOTHER}"
        )
    half = len(spec.weights) // 2
    arrays = spec.weights[number * half : (number + 1) * half] or spec.parts.get(f"{place}/cell", ())
    return replace(spec, class_name=kind, config=held["config"], weights=arrays, parts={})


HANDLERS: dict[str, Handler] = {
    **dict.fromkeys((f"{q}{kind}" for kind in _GATES for q in ("", "Q")), _recurrent),
    **dict.fromkeys(("Bidirectional", "QBidirectional"), _bidirectional),
}
MERGES = frozenset(HANDLERS)
"""Behind the sequence come initial states."""
