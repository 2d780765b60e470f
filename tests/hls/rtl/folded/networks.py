"""Small networks for folded RTL."""

from __future__ import annotations

import numpy as np

from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedArray, FixedType

NONE = ((0, 0), (0, 0))
SAME = ((1, 1), (1, 1))


class Weights:
    """Random constants of a few bits."""

    def __init__(self, seed: int = 5) -> None:
        self._random = np.random.default_rng(seed)

    def __call__(self, *shape: int) -> FixedArray:
        return FixedArray(self._random.integers(-7, 8, shape), 2)


def port(builder: GraphBuilder, name: str, shape: tuple[int, ...], width: int = 4) -> str:
    """A port of signed numbers with two bits behind the point."""
    type_ = FixedType(True, width, width - 2)
    return builder.add(nodes.Input(name, (), name, shape, type_, type_.raw_min, type_.raw_max))


def quantized(builder: GraphBuilder, source: str, type_: FixedType) -> str:
    """Rounded and saturated to all that ``type_`` holds."""
    name = f"{source}_q"
    return builder.add(nodes.Quantize(name, (source,), name, type_, type_.raw_min, type_.raw_max))


def two_layers() -> FixedGraph:
    """4 numbers, 4 sums, 2 sums: what is worked by hand in the tests."""
    builder, weights = GraphBuilder("two"), Weights()
    x = port(builder, "x", (4,))
    first = builder.add(nodes.Dense("first", (x,), "first", weights(4, 4), weights(4)))
    hidden = quantized(builder, first, FixedType(True, 4, 3))
    second = builder.add(nodes.Dense("second", (hidden,), "second", weights(4, 2), weights(2)))
    return builder.finish([x], [quantized(builder, second, FixedType(True, 6, 5))], ["y"])


def pixels() -> FixedGraph:
    """A window of three over four positions of two channels, and the sum of what it finds."""
    builder, weights = GraphBuilder("pixels"), Weights()
    x = port(builder, "x", (4, 2))
    conv = nodes.Conv("conv", (x,), "conv", weights(3, 2, 2), weights(2), (1,), (1,), ((1, 1),), 1)
    h = quantized(builder, builder.add(conv), FixedType(True, 4, 3))
    total = builder.add(nodes.Pool("total", (h,), "total", (4,), (4,), ((0, 0),), False))
    return builder.finish([x], [total], ["y"])


def menagerie() -> FixedGraph:
    """Two ports, every kind of engine, a residual, a port that is read late, and three outputs, one of them early."""
    b, weights = GraphBuilder("menagerie"), Weights(7)
    image, side = port(b, "image", (4, 5, 2)), port(b, "side", (3,))
    conv = b.add(nodes.Conv("conv", (image,), "conv", weights(3, 3, 2, 3), weights(3), (1, 1), (1, 1), SAME, 1))
    h = quantized(b, b.add(nodes.Relu("relu", (conv,), "relu", 1)), FixedType(True, 5, 3))
    each = b.add(nodes.Conv("each", (h,), "each", weights(3, 3, 1, 3), weights(3), (1, 1), (1, 1), SAME, 3))
    added = b.add(nodes.Add("added", (quantized(b, each, FixedType(True, 5, 4)), h), "added"))
    scaled = b.add(nodes.Scale("scaled", (added,), "scaled", weights(3), weights(3)))
    k = quantized(b, scaled, FixedType(True, 5, 3))
    top = b.add(nodes.Pool("top", (k,), "top", (3, 2), (1, 2), ((1, 1), (0, 1)), True))
    total = b.add(nodes.Pool("total", (k,), "total", (4, 5), (4, 5), NONE, False))
    flat = b.add(nodes.Reshape("flat", (top,), "flat", (36,)))
    sums = b.add(nodes.Reshape("sums", (total,), "sums", (3,)))
    deep = b.add(nodes.Dense("deep", (flat,), "deep", weights(36, 4), weights(4)))
    gate = b.add(nodes.Multiply("gate", (sums, side), "gate"))
    joint = b.add(nodes.Concatenate("joint", (quantized(b, deep, FixedType(True, 6, 5)), gate), "joint", 0))
    last = b.add(nodes.Dense("last", (joint,), "last", weights(7, 2), weights(2)))
    outputs = [last, quantized(b, sums, FixedType(True, 6, 6)), k]
    return b.finish([image, side], outputs, ["last", "sums", "k"])


class RandomNetworks:
    """Small networks side by side in one graph, so that one compilation runs them all."""

    def __init__(self, seed: int) -> None:
        self.random = np.random.default_rng(seed)
        self.weights = Weights(seed)
        self.builder = GraphBuilder("random")
        self.inputs: list[str] = []
        self.outputs: list[str] = []

    def graph(self, networks: int) -> FixedGraph:
        """So many of them, each with one output or two."""
        for _ in range(networks):
            self._network()
        return self.builder.finish(self.inputs, self.outputs, self.outputs)

    def _network(self) -> None:
        shape = [(6,), (3, 4), (4, 5, 2)][self._below(3)]
        x = port(self.builder, f"x{len(self.inputs)}", shape, 3 + self._below(3))
        self.inputs.append(x)
        made = [x]
        for _ in range(1 + self._below(5)):
            made.append(self._layer(made))
        self.outputs += dict.fromkeys([made[-1], made[1 + self._below(len(made) - 1)]])

    def _below(self, count: int) -> int:
        return int(self.random.integers(count))

    def _layer(self, made: list[str]) -> str:
        add, x = self.builder.add, made[-1]
        shape = self.builder.edges[x].shape
        name = f"n{len(self.builder.nodes)}"
        channels, rank = shape[-1], len(shape) - 1
        alike = [other for other in made if self.builder.edges[other].shape == shape]
        other = alike[self._below(len(alike))]
        kind = self._below(9)
        if kind == 0 and rank:
            return add(nodes.Reshape(name, (x,), name, (int(np.prod(shape)),)))
        if kind == 1 and rank:
            return self._pool(name, x, shape)
        if kind in (2, 3) and rank:
            return quantized(self.builder, self._conv(name, x, shape), FixedType(True, 5, 3))
        if kind == 4:
            scale = nodes.Scale(name, (x,), name, self.weights(channels), self.weights(channels))
            return quantized(self.builder, add(scale), FixedType(self._below(2) == 1, 6, 4))
        if kind == 5:
            return quantized(self.builder, add(nodes.Add(name, (x, other), name)), FixedType(True, 5, 3))
        if kind == 6:
            joined = add(nodes.Concatenate(name, (x, other), name, self._below(rank + 1)))
            return quantized(self.builder, joined, FixedType(True, 5, 3))
        if kind == 7:
            product = add(nodes.Multiply(name, (x, other), name))
            return add(nodes.Relu(f"{name}_r", (quantized(self.builder, product, FixedType(True, 6, 4)),), name))
        width = 1 + self._below(7)
        dense = add(nodes.Dense(name, (x,), name, self.weights(channels, width), self.weights(width)))
        return quantized(self.builder, dense, FixedType(True, 5, 3))

    def _pool(self, name: str, x: str, shape: tuple[int, ...]) -> str:
        window = tuple(1 + self._below(min(3, size)) for size in shape[:-1])
        strides = tuple(1 + self._below(2) for _ in window)
        padding = tuple((self._below(size), self._below(size)) for size in window)
        node = nodes.Pool(name, (x,), name, window, strides, padding, self._below(2) == 1)
        return quantized(self.builder, self.builder.add(node), FixedType(True, 6, 5))

    def _conv(self, name: str, x: str, shape: tuple[int, ...]) -> str:
        window = tuple(1 + self._below(min(3, size)) for size in shape[:-1])
        padding = tuple((self._below(size), self._below(size)) for size in window)
        strides, channels = tuple(1 + self._below(2) for _ in window), shape[-1]
        groups = channels if self._below(2) else 1
        filters = (1 + self._below(2)) * groups if groups > 1 else 1 + self._below(5)
        kernel = self.weights(*window, channels // groups, filters)
        node = nodes.Conv(name, (x,), name, kernel, self.weights(filters), strides, (1,) * len(window), padding, groups)
        return self.builder.add(node)
