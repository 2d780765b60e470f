"""Operators of Keras between truths, which are one and zero: equal or not, and, or, not, any and all of an axis."""

from __future__ import annotations

from hls.graph import nodes
from hls.graph.fixed import FixedArray
from hls.graph.float32 import EXACT
from hls.importing import operators
from hls.importing.activations import at_least
from hls.importing.choices import Value, difference, is_bit
from hls.importing.emitter import Emitter, Handler
from hls.importing.operators import pair, whole
from hls.importing.spec import LayerSpec


def opposite(emit: Emitter, bit: str) -> str:
    """One where ``bit`` is zero, and zero where it is one."""
    return emit(nodes.Scale, "opposite", (bit,), whole(-1), whole(1), float32=EXACT)


def both(emit: Emitter, a: str, b: str) -> str:
    """One where both bits are."""
    return emit(nodes.Multiply, "both", (a, b), float32=EXACT)


def is_zero(emit: Emitter, x: str) -> str:
    """At least zero, and not above it."""
    return both(emit, at_least(emit, x, 0, "below"), opposite(emit, at_least(emit, x, 1, "above")))


def _is_true(emit: Emitter, x: str) -> str:
    """The bit itself, of other numbers whether they are not zero, as Keras casts them."""
    return x if is_bit(emit, x) else opposite(emit, is_zero(emit, x))


def _equal(*, turned: bool) -> Handler:
    def handler(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
        bit = is_zero(emit, difference(emit, spec, *pair(emit, spec)))
        return opposite(emit, bit) if turned else bit

    return handler


def _truths(emit: Emitter, spec: LayerSpec) -> list[Value]:
    """Both arguments as bits, of constants too."""
    return [
        _is_true(emit, found)
        if isinstance(found, str)
        else FixedArray((found.integers != 0).astype(found.integers.dtype), 0)
        for found in pair(emit, spec)
    ]


def _and(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    return _both(emit, spec, *_truths(emit, spec))


def _or(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """Not neither of both."""
    return opposite(emit, _both(emit, spec, *(_opposite(emit, found) for found in _truths(emit, spec))))


def _xor(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """Two that are not equal."""
    return opposite(emit, is_zero(emit, difference(emit, spec, *_truths(emit, spec))))


def _both(emit: Emitter, spec: LayerSpec, a: Value, b: Value) -> str:
    match a, b:
        case (str(x), str(y)):
            return both(emit, x, y)
        case (str(x), FixedArray() as mask) | (FixedArray() as mask, str(x)):
            return operators.linear(emit, spec, x, mask, whole(0))
    raise operators.without_tensor(spec)


def _opposite(emit: Emitter, found: Value) -> Value:
    return opposite(emit, found) if isinstance(found, str) else FixedArray(1 - found.integers, 0)


def _not(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    return opposite(emit, _is_true(emit, inputs[0]))


def _any(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    return operators.HANDLERS["ops.Max"](emit, spec, (_is_true(emit, inputs[0]),))


def _all(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """Not any that is not."""
    turned = opposite(emit, _is_true(emit, inputs[0]))
    return opposite(emit, operators.HANDLERS["ops.Max"](emit, spec, (turned,)))


def _count(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    return operators.HANDLERS["ops.Sum"](emit, spec, (_is_true(emit, inputs[0]),))


MERGES = ("ops.Equal", "ops.NotEqual", "ops.LogicalAnd", "ops.LogicalOr", "ops.LogicalXor")
HANDLERS: dict[str, Handler] = {
    "ops.Equal": _equal(turned=False),
    "ops.NotEqual": _equal(turned=True),
    "ops.LogicalAnd": _and,
    "ops.LogicalOr": _or,
    "ops.LogicalXor": _xor,
    "ops.LogicalNot": _not,
    "ops.Any": _any,
    "ops.All": _all,
    "ops.CountNonzero": _count,
}
