"""A network in the making, and what several kinds of layers need to be drawn."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from benchmarks.random_networks import draw_quantizers as quantizers
from benchmarks.random_networks.network import Argument, Layer, Quantizer, Ref, Weights

Shape = tuple[int, ...]
QLAYERS, QCONV, QPOOL = "qkeras.qlayers", "qkeras.qconvolutional", "qkeras.qpooling"


@dataclass
class Canvas:
    """A network in the making: its layers, and the shape of every tensor there is."""

    r: random.Random
    wide: bool
    layers: dict[str, Layer] = field(default_factory=dict)
    shapes: dict[Ref, Shape] = field(default_factory=dict)

    def add(
        self,
        kind: str,
        module: str,
        arguments: Sequence[Argument],
        shape: Shape,
        weights: Sequence[Shape] = (),
        listed: bool = False,
        **options: Any,
    ) -> Ref:
        """One more layer, called once; returns its output."""
        name = f"{kind.rsplit('.', 1)[-1].lower()}{len(self.layers)}"
        arrays = tuple(self.weights(size) for size in weights)
        self.layers[name] = Layer(kind, name, module, options, arrays, (tuple(arguments),), listed)
        ref = Ref(name)
        self.shapes[ref] = shape
        return ref

    def weights(self, shape: Shape) -> Weights:
        """Normal numbers of some size; at times on a coarse grid (ties), at times all zero."""
        draws = np.random.default_rng(self.r.getrandbits(32))
        array = draws.normal(scale=self.r.choice([0.3, 0.8, 2.0]), size=shape)
        if self.r.random() < 0.2:
            array = np.round(array * 16) / 16
        if self.r.random() < 0.04:
            array = np.zeros(shape)
        return array.astype(np.float32)

    def weight_quantizer(self) -> Quantizer:
        return quantizers.weight_quantizer(self.r, self.wide)

    def bias_quantizer(self) -> Quantizer | None:
        if self.r.random() < 0.12:
            return None
        return quantizers.weight_quantizer(self.r, self.wide, automatic=self.r.random() < 0.3)

    def activation(self) -> Any:
        """For ``activation=``."""
        return quantizers.activation_quantizer(self.r, self.wide) if self.r.random() < 0.3 else self.r.choice(
            [None, None, "relu", "linear"]
        )  # fmt: skip

    def with_weights(self, ref: Ref, weights: tuple[Weights, ...]) -> Ref:
        """A layer given other weights than those that were drawn for it."""
        self.layers[ref.layer] = replace(self.layers[ref.layer], weights=weights)
        return ref

    def normalized(self, ref: Ref, channels: int) -> Ref:
        """A layer with the numbers of its own normalization: bias if it has one, gamma, beta, mean and variance."""
        layer = self.layers[ref.layer]
        shapes = [(channels,)] * (4 + bool(layer.options["use_bias"]))
        *others, variance = (self.weights(shape) for shape in shapes)
        return self.with_weights(ref, (*layer.weights, *others, np.abs(variance) + np.float32(0.1)))

    def quantized(self, x: Ref, quantizer: Quantizer | str) -> Ref:
        return self.add("QActivation", QLAYERS, [x], self.shapes[x], activation=quantizer)


Drawn = Ref | None
"""None: this layer does not fit the tensor."""
Kind = Callable[[Canvas, Ref, list[Ref]], Drawn]
"""Adds a layer that reads one tensor, and if it reads more, some of a list."""


def window_of(canvas: Canvas, x: Ref, causal: bool = False) -> dict[str, Any] | None:
    """Sizes of a convolution, of which the output is not empty; ``causal``: padding of that name may be drawn."""
    r, spatial = canvas.r, canvas.shapes[x][:-1]
    window = [r.randint(1, min(3, size)) for size in spatial]
    stride = r.randint(1, 2)
    dilation = r.choice([1, 1, 2]) if stride == 1 else 1
    padding = r.choice(["valid", "same"] + ["causal"] * causal)
    if padding == "valid" and any(dilation * (w - 1) + 1 > n for w, n in zip(window, spatial, strict=True)):
        return None
    return {"kernel_size": window, "strides": stride, "dilation_rate": dilation, "padding": padding}


def positions(spatial: Shape, sizes: dict[str, Any], window: Sequence[int], strides: Sequence[int]) -> Shape:
    """Of the output."""
    dilation = sizes.get("dilation_rate", 1)
    if sizes["padding"] == "valid":
        return tuple((n - dilation * (w - 1) - 1) // s + 1 for n, w, s in zip(spatial, window, strides, strict=True))
    return tuple(-(-n // s) for n, s in zip(spatial, strides, strict=True))


def of_an_average(canvas: Canvas) -> dict[str, Any]:
    r = canvas.r
    quantizer = Quantizer("quantized_bits", {"bits": r.choice([4, 8]), "integer": 0, "alpha": 1.0})
    return {"average_quantizer": r.choice([None, quantizer]), "activation": quantizers.fence(r)}


def rounded(canvas: Canvas, average: Ref) -> Ref:
    """Most averages with a quantizer behind them, which those over three numbers need."""
    if canvas.r.random() < 0.1:
        return average
    if canvas.r.random() < 0.2:
        average = canvas.add("ReLU", "keras.layers", [average], canvas.shapes[average])
    quantizer = quantizers.activation_quantizer(canvas.r) if canvas.r.random() < 0.5 else quantizers.fence(canvas.r)
    return canvas.quantized(average, quantizer)
