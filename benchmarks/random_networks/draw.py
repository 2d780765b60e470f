"""Networks drawn at random over all documented layers: the same seed, the same network, on every machine."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import replace

from benchmarks.random_networks import draw_choices, draw_first, draw_later
from benchmarks.random_networks import draw_quantizers as quantizers
from benchmarks.random_networks.canvas import Canvas, Drawn, Kind, Shape
from benchmarks.random_networks.network import Layer, Network, Ref

LATER_LAYERS_FROM, ALL_LAYERS_FROM = 1_000_000, 4_000_000
"""Seeds below draw from the layers that there were before, so that each gives the network that it always gave."""
_LARGEST_TENSOR = 64
_FIRST = [kind for kind, count in draw_first.KINDS.items() for _ in range(count)]
_LATER = [*_FIRST, *(kind for kind, count in draw_later.KINDS.items() for _ in range(count))]
_ALL = [*_LATER, *(kind for kind, count in draw_choices.KINDS.items() for _ in range(count))]


def draw(seed: int, wide: bool | None = None) -> Network:
    """The network of this seed. ``wide`` forces sums beyond float32, or their absence."""
    r = random.Random(seed)  # noqa: S311 - nothing secret
    chosen = r.random() < 0.2
    canvas = Canvas(r, chosen if wide is None else wide)
    kinds = _FIRST if seed < LATER_LAYERS_FROM else _LATER if seed < ALL_LAYERS_FROM else _ALL
    tensors, input_type = _inputs(canvas)
    first = len(tensors)
    for _ in range(r.randint(1, 6)):
        x = r.choice(tensors[-2:]) if r.random() < 0.8 else r.choice(tensors)
        made = _some_layer(canvas, x, tensors, kinds)
        tensors.append(made)
        if r.random() < 0.4:
            tensors.append(canvas.quantized(made, quantizers.fence(r)))
    found = tensors[first:]
    outputs = dict.fromkeys([found[-1], *(r.choice(found) for _ in range(r.choice([0, 0, 1, 2])))])
    form = "h5" if r.random() < 0.2 and not any(k.kind.startswith("ops.") for k in canvas.layers.values()) else "keras"
    layers, in_dicts = tuple(canvas.layers.values()), r.random() < 0.1
    network = Network(f"net{seed}", layers, tuple(outputs), canvas.shapes, input_type, form, in_dicts)
    return network.without_dead_ends()


def _inputs(canvas: Canvas) -> tuple[list[Ref], str | None]:
    r = canvas.r
    stated = r.random() < 0.12
    tensors: list[Ref] = []
    shapes: list[Shape] = []
    for number in range(r.choice([1, 1, 1, 2, 3])):
        shape = tuple(r.randint(1, 4) for _ in range(r.choice([1, 1, 2, 2, 3])))
        if shapes and r.random() < 0.6:
            shape = shapes[0]
        shapes.append(shape)
        name = f"{r.choice(['x', 'data', 'input', 'jet'])}{number}"
        canvas.layers[name] = Layer("InputLayer", name, "keras.layers", {"batch_shape": [None, *shape]})
        canvas.shapes[Ref(name)] = shape
        x = Ref(name)
        tensors.append(x if stated else canvas.quantized(x, quantizers.grid_quantizer(r, canvas.wide)))
    width = r.choice([4, 8, 12])
    kind = r.choice(["fixed", "ufixed"])
    return tensors, f"ap_{kind}<{width},{r.randint(-1, width)}>" if stated else None


def _some_layer(canvas: Canvas, x: Ref, tensors: list[Ref], kinds: Sequence[Kind]) -> Ref:
    r = canvas.r
    for _ in range(20):
        before = dict(canvas.layers)
        ref = _called_again(canvas, x) if r.random() < 0.06 else r.choice(kinds)(canvas, x, tensors)
        if ref is not None and math.prod(canvas.shapes[ref]) <= _LARGEST_TENSOR:
            return ref
        canvas.layers = before
    return canvas.quantized(x, quantizers.fence(r))


def _called_again(canvas: Canvas, x: Ref) -> Drawn:
    """A layer that is there already, called a second time with a tensor of the same shape: it shares its weights."""
    shape = canvas.shapes[x]
    for layer in canvas.layers.values():
        fits = layer.calls and isinstance(layer.calls[0][0], Ref) and canvas.shapes[layer.calls[0][0]] == shape
        if fits and len(layer.calls[0]) == 1 and layer.weights:
            again = Ref(layer.name, len(layer.calls))
            canvas.layers[layer.name] = replace(layer, calls=(*layer.calls, (x,)))
            canvas.shapes[again] = canvas.shapes[Ref(layer.name)]
            return again
    return None
