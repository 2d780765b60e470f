"""Layers that make one tensor of several, element by element: sums, products, means and extremes."""

from __future__ import annotations

from hls.graph import nodes
from hls.graph.float32 import EXACT
from hls.importing.emitter import Emitter, Handler
from hls.importing.pooling import divided
from hls.importing.spec import LayerSpec


def _merge(kind: type[nodes.Node], suffix: str, *fields: object) -> Handler:
    def handler(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
        out = inputs[0]
        for other in inputs[1:]:
            out = emit(kind, suffix, (out, other), *fields)
        return out

    return handler


def extreme(emit: Emitter, a: str, b: str, *, least: bool) -> str:
    """The larger of two is ``b + relu(a - b)``, the smaller ``a - relu(a - b)``; Keras compares, which rounds nothing.

    >>> a, b = -3, 5
    >>> b + max(a - b, 0), a - max(a - b, 0)
    (5, -3)
    """
    excess = emit(nodes.Relu, "excess", (emit(nodes.Add, "difference", (a, b), True, float32=EXACT),), float32=EXACT)
    if least:
        return emit(nodes.Add, "minimum", (a, excess), True, float32=EXACT)
    return emit(nodes.Add, "maximum", (b, excess), float32=EXACT)


def _extreme(*, least: bool) -> Handler:
    def handler(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
        out = inputs[0]
        for other in inputs[1:]:
            out = extreme(emit, out, other, least=least)
        return out

    return handler


def _average(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    return divided(emit, _merge(nodes.Add, "sum")(emit, spec, inputs), len(inputs))


HANDLERS: dict[str, Handler] = {
    "Add": _merge(nodes.Add, "add"),
    "Subtract": _merge(nodes.Add, "subtract", True),
    "Multiply": _merge(nodes.Multiply, "multiply"),
    "Average": _average,
    "Maximum": _extreme(least=False),
    "Minimum": _extreme(least=True),
}
