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
