"""One graph with every node kind, several ports and all that is awkward: wide ports, 1-bit types, constant outputs."""

from __future__ import annotations

import itertools

import numpy as np

from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedArray, FixedType
from hls.graph.nodes import Rounding


def constant(values: object, fraction: int = 0) -> FixedArray:
    """Integers times ``2**-fraction``."""
    return FixedArray(np.asarray(values, np.int64), fraction)


def add_input(builder: GraphBuilder, name: str, shape: tuple[int, ...], type_: FixedType) -> str:
    """A port that uses the whole range of its type."""
    return builder.add(nodes.Input(name, (), name, shape, type_, type_.raw_min, type_.raw_max))


def zoo() -> FixedGraph:
    """Ports "wide" (5, 3) of 7 bits (105 in all), "flags" (3,) of one bit; four outputs, one of them constant."""
    b = GraphBuilder("zoo")
    rng = np.random.default_rng(11)

    def weights(*shape: int) -> FixedArray:
        return constant(rng.integers(-9, 10, shape), 3)

    wide = add_input(b, "wide", (5, 3), FixedType(True, 7, 3))
    flags = add_input(b, "flags", (3,), FixedType(False, 1, 4))  # one bit worth 8: a negative fraction
    conv = b.add(nodes.Conv("conv", (wide,), "conv", weights(3, 3, 2), weights(2), (1,), (1,), ((1, 1),), 1))
    each = b.add(nodes.Conv("each", (wide,), "each", weights(2, 1, 3), weights(3), (2,), (2,), ((0, 1),), 3))
    leaky = b.add(nodes.Relu("leaky", (conv,), "leaky", 2))
    u5 = FixedType(True, 5, 3)
    small = b.add(nodes.Quantize("small", (leaky,), "small", u5, -7, 13))
    top = b.add(nodes.Pool("top", (small,), "top", (2,), (2,), ((0, 1),), True))
    total = b.add(nodes.Pool("total", (small,), "total", (5,), (5,), ((0, 0),), False))
    table = constant(rng.integers(-30, 31, 32), 4)
    looked = b.add(nodes.Table("looked", (top,), "looked", table, -16))
    turned = b.add(nodes.Transpose("turned", (looked,), "turned", (1, 0)))
    flat = b.add(nodes.Reshape("flat", (turned,), "flat", (6,)))
    relu = b.add(nodes.Relu("relu", (each,), "relu"))
    floor = FixedType(False, 4, 6)  # LSB 4
    rough = b.add(nodes.Quantize("rough", (relu,), "rough", floor, 0, 11, Rounding.FLOOR))
    tables = constant(np.random.default_rng(2).integers(-8, 8, 36), -2)  # one of 12 entries for each of three channels
    picked = b.add(nodes.Table("picked", (rough,), "picked", tables, 0, 3))
    rows = b.add(nodes.Reshape("rows", (picked,), "rows", (6,)))
    product = b.add(nodes.Multiply("product", (flat, rows), "product"))
    sums = b.add(nodes.Reshape("sums", (total,), "sums", (2,)))
    joined = b.add(nodes.Concatenate("joined", (product, sums), "joined", 0))
    scaled = b.add(nodes.Scale("scaled", (joined,), "scaled", weights(8), weights(8)))
    dense = b.add(nodes.Dense("dense", (flags,), "dense", weights(3, 8), weights(8)))
    difference = b.add(nodes.Add("difference", (scaled, dense), "difference", True))
    bit = b.add(nodes.Quantize("bit", (difference,), "bit", FixedType(False, 1, 1), 0, 1))
    silent = b.add(nodes.Dense("silent", (bit,), "silent", constant(np.zeros((8, 2))), constant([-5, 3], 1)))
    wrapped = b.add(nodes.Wrap("wrapped", (scaled,), "wrapped", FixedType(True, 6, 1)))
    mixed = b.add(nodes.Add("mixed", (bit, wrapped), "mixed"))
    outputs = [difference, bit, silent, mixed]
    return b.finish([wide, flags], outputs, ["wide out", "bit", "silent", "mixed"])


def products() -> FixedGraph:
    """Products of factors of 1 to 7 bits, signed and not, the wider first and last, and of squares."""
    b = GraphBuilder("products")
    inputs, outputs = [], []
    for number, (first, second) in enumerate([(1, 1), (1, 4), (2, 2), (5, 3), (3, 5), (4, 4), (7, 6)]):
        for signs in itertools.product((False, True), repeat=2):
            name = f"{number}{signs[0]:d}{signs[1]:d}"
            widths = zip((first, second), signs, "xy", strict=True)
            pair = [add_input(b, f"{side}{name}", (1,), FixedType(sign, bits, bits)) for bits, sign, side in widths]
            inputs += pair
            outputs.append(b.add(nodes.Multiply(f"p{name}", (pair[0], pair[1]), "product")))
    outputs += [b.add(nodes.Multiply(f"square {x}", (x, x), "square")) for x in inputs[-8:]]
    return b.finish(inputs, outputs, [f"o{number}" for number in range(len(outputs))])


def broadcast() -> FixedGraph:
    """An interaction network in small: four positions of two, their sum handed back to each, summed again.

    The second input enters at the very end, past all cores but the last. One feature is the same for all positions.
    """
    b = GraphBuilder("broadcast")
    rng = np.random.default_rng(4)
    small = FixedType(True, 4, 4)

    def layer(name: str, x: str, width: int) -> str:
        kernel = constant(rng.integers(-7, 8, (b.edges[x].shape[-1], width)), 2)
        h = b.add(nodes.Dense(name, (x,), name, kernel, constant(rng.integers(-7, 8, width), 2)))
        return b.add(nodes.Quantize(f"{name} q", (h,), name, small, -8, 7))

    x, late, scale = (
        add_input(b, "x", (4, 2), small),
        add_input(b, "late", (2,), small),
        add_input(b, "scale", (1,), FixedType(False, 4, 4)),
    )
    first = layer("first", x, 2)
    total = b.add(nodes.Pool("total", (first,), "total", (4,), (4,), ((0, 0),), False))
    scaled = b.add(nodes.Multiply("scaled", (total, scale), "scaled"))
    back = b.add(nodes.Add("back", (x, scaled), "back", True))
    joined = b.add(nodes.Concatenate("joined", (back, first), "joined", 1))
    second = layer("second", joined, 3)
    top = b.add(nodes.Pool("top", (second,), "top", (4,), (4,), ((0, 0),), True))
    row = b.add(nodes.Reshape("row", (top,), "row", (3,)))
    end = b.add(nodes.Concatenate("end", (row, late), "end", 0))
    return b.finish([x, late, scale], [layer("last", end, 2), second], ["last", "second"])


def random_events(graph: FixedGraph, events: int, seed: int = 5) -> list[np.ndarray]:
    """Raw port integers: all lowest, all highest, then random ones."""
    rng = np.random.default_rng(seed)
    arrays = []
    for name in graph.inputs:
        node = graph.nodes[name]
        assert isinstance(node, nodes.Input)
        body = rng.integers(node.raw_min, node.raw_max + 1, (events, *node.shape))
        body[0], body[1] = node.raw_min, node.raw_max
        arrays.append(body)
    return arrays
