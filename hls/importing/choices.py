"""Operators of Keras that give whole numbers, and a choice by them: comparisons, signs, floors."""

from __future__ import annotations

from hls.errors import UnsupportedError
from hls.graph import nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.graph.float32 import EXACT
from hls.importing.activations import at_least
from hls.importing.argmax import emit_argmax
from hls.importing.emitter import Emitter, Handler
from hls.importing.operators import axis_of, constant, negated, pair, whole, without_tensor
from hls.importing.refusals import ANOTHER, ENDS_BEFORE
from hls.importing.spec import LayerSpec

Value = str | FixedArray


def difference(emit: Emitter, spec: LayerSpec, a: Value, b: Value) -> str:
    """``a - b``, of which the sign alone is looked at: Keras compares and rounds nothing."""
    match a, b:
        case (str(x), str(y)):
            return emit(nodes.Add, "difference", (x, y), True, float32=EXACT)
        case (str(x), FixedArray() as number):
            return emit(nodes.Scale, "difference", (x,), whole(1), _negative(number), float32=EXACT)
        case (FixedArray() as number, str(x)):
            return emit(nodes.Scale, "difference", (x,), whole(-1), number, float32=EXACT)
    raise without_tensor(spec)


def _negative(number: FixedArray) -> FixedArray:
    return FixedArray(-number.integers, number.fraction)


def _compare(*, turned: bool, least: int) -> Handler:
    """One where the first of two, ``turned`` the second, is above the other by ``least`` steps."""

    def handler(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
        a, b = pair(emit, spec)
        return at_least(emit, difference(emit, spec, *((b, a) if turned else (a, b))), least, "above")

    return handler


def _sign(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    above, below = at_least(emit, inputs[0], 1, "above"), at_least(emit, inputs[0], 0, "below")
    total = emit(nodes.Add, "steps", (above, below), float32=EXACT)
    return emit(nodes.Scale, "sign", (total,), whole(1), whole(-1), float32=EXACT)


def index_of(emit: Emitter, spec: LayerSpec, x: str, *, least: bool) -> str:
    """The index of the largest along an axis, or of the least, the first of equal ones."""
    stated = spec.config.get("axis")
    if stated is None:
        raise UnsupportedError(
            f"layer {spec.name!r}: an index over the batch too, and firmware has one event at a time; state its axis"
        )
    axis, shape = axis_of(emit, spec, x, stated), emit.edge(x).shape
    x = negated(emit, spec, x) if least else x
    if axis != len(shape) - 1:
        order = [*(one for one in range(len(shape)) if one != axis), axis]
        x = emit(nodes.Transpose, "compared_last", (x,), tuple(order))
    index = emit_argmax(emit, x, ENDS_BEFORE)
    kept = (1,) if spec.config.get("keepdims", False) else ()
    return emit(nodes.Reshape, "result", (index,), (*shape[:axis], *kept, *shape[axis + 1 :]) or (1,))


def _index(*, least: bool) -> Handler:
    return lambda emit, spec, inputs: index_of(emit, spec, inputs[0], least=least)


def _where(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    found = [a if isinstance(a, str) else constant(a.value) for a in emit.arguments]
    bit = found[0]
    if len(found) != 3 or not isinstance(bit, str) or not is_bit(emit, bit):
        raise UnsupportedError(
            f"layer {spec.name!r}: chooses by something that is no comparison (x > 0); choose by one of two tensors or "
            f"numbers, {ANOTHER}"
        )
    return chosen(emit, bit, found[1], found[2])


def chosen(emit: Emitter, bit: str, a: Value, b: Value) -> str:
    """``bit * a + (1 - bit) * b``."""
    other = emit(nodes.Scale, "otherwise", (bit,), whole(-1), whole(1), float32=EXACT)
    parts = [
        emit(nodes.Multiply, "chosen", (one, value), float32=EXACT)
        if isinstance(value, str)
        else emit(nodes.Scale, "chosen", (one,), value, whole(0), float32=EXACT)
        for one, value in ((bit, a), (other, b))
        if isinstance(value, str) or value.integers.any()
    ]
    if len(parts) < 2:
        return parts[0] if parts else emit(nodes.Scale, "nothing", (bit,), whole(0), whole(0))
    return emit(nodes.Add, "choice", (parts[0], parts[1]), float32=EXACT)


def is_bit(emit: Emitter, x: str) -> bool:
    """Whether it is 0 or 1, as comparisons give it."""
    edge = emit.edge(x)
    return edge.fraction == 0 and edge.raw_min >= 0 and edge.raw_max <= 1


def _rounds(rounding: nodes.Rounding, *, turned: bool = False) -> Handler:
    """To whole numbers; ``turned``: upwards, which is down of what is negative."""

    def handler(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
        if spec.config.get("decimals"):
            raise UnsupportedError(
                f"layer {spec.name!r}: rounds to {spec.config['decimals']} decimals, which are no binary numbers; "
                f"round to whole numbers, {ANOTHER}"
            )
        x = emit(nodes.Scale, "turned", inputs, whole(-1), whole(0), float32=EXACT) if turned else inputs[0]
        edge = emit.edge(x)
        if edge.fraction > 0:
            low, high = edge.raw_min >> edge.fraction, (edge.raw_max >> edge.fraction) + 1
            type_ = FixedType.covering(min(low, 0), max(high, 0), 0)
            x = emit(nodes.Quantize, "whole", (x,), type_, low, high, rounding, float32=EXACT)
        return emit(nodes.Scale, "back", (x,), whole(-1), whole(0), float32=EXACT) if turned else x

    return handler


def _cut_off(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """To whole numbers, towards zero: the floor of what is above, less that of what is below, turned."""
    down = _rounds(nodes.Rounding.FLOOR)
    parts = (emit(nodes.Relu, "side", (one,), float32=EXACT) for one in (inputs[0], negated(emit, spec, inputs[0])))
    floors = tuple(down(emit, spec, (one,)) for one in parts)
    return emit(nodes.Add, "cut_off", floors, True, float32=EXACT)


MERGES = ("ops.Greater", "ops.GreaterEqual", "ops.Less", "ops.LessEqual", "ops.Where")
HANDLERS: dict[str, Handler] = {
    "ops.Argmax": _index(least=False),
    "ops.Argmin": _index(least=True),
    "ops.Greater": _compare(turned=False, least=1),
    "ops.GreaterEqual": _compare(turned=False, least=0),
    "ops.Less": _compare(turned=True, least=1),
    "ops.LessEqual": _compare(turned=True, least=0),
    "ops.Sign": _sign,
    "ops.Where": _where,
    "ops.Floor": _rounds(nodes.Rounding.FLOOR),
    "ops.Ceil": _rounds(nodes.Rounding.FLOOR, turned=True),
    "ops.Trunc": _cut_off,
    "ops.Round": _rounds(nodes.Rounding.NEAREST_EVEN),
}
