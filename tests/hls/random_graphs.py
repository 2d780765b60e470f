"""Hypothesis strategy for random graphs over every arithmetic node, narrow and very wide."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedArray, FixedType


def _constant(draw: st.DrawFn, shape: tuple[int, ...], bits: int, fraction: int) -> FixedArray:
    seed = draw(st.integers(0, 2**32 - 1))
    limit = 1 << bits
    values = np.random.default_rng(seed).integers(-limit, limit + 1, shape)
    return FixedArray(values, fraction)


@st.composite
def graphs(draw: st.DrawFn) -> FixedGraph:
    """Input (length, channels), a few random layers, one or two outputs."""
    builder = GraphBuilder("random")
    length, channels = draw(st.integers(1, 4)), draw(st.integers(1, 3))
    port = FixedType(draw(st.booleans()), draw(st.integers(1, 12)), draw(st.integers(-3, 8)))
    x = builder.add(nodes.Input("x", (), "x", (length, channels), port, port.raw_min, port.raw_max))
    made = [x]
    for number in range(draw(st.integers(1, 6))):
        made.append(builder.add(_random_node(draw, builder, made, f"n{number}")))
    outputs = list(dict.fromkeys([made[-1], made[draw(st.integers(1, len(made) - 1))]]))
    return builder.finish(["x"], outputs, outputs)


def _random_node(draw: st.DrawFn, builder: GraphBuilder, made: list[str], name: str) -> nodes.Node:
    source = made[-1] if draw(st.booleans()) else draw(st.sampled_from(made))
    edge = builder.edges[source]
    length, channels = edge.shape
    bits, fraction = draw(st.sampled_from([1, 3, 6, 14])), draw(st.integers(-2, 9))
    out = draw(st.integers(1, 3))
    kind = draw(st.sampled_from(
        ["quantize", "quantize", "wrap", "dense", "conv", "depthwise", "scale", "pool", "relu", "add", "multiply",
         "concatenate", "transpose", "reshape"]
    ))  # fmt: skip
    if kind == "quantize":
        type_ = FixedType(draw(st.booleans()), draw(st.integers(1, 10)), draw(st.integers(-2, 9)))
        low = draw(st.integers(type_.raw_min, 0))
        high = draw(st.integers(0, type_.raw_max))
        rounding = draw(st.sampled_from(list(nodes.Rounding)))
        return nodes.Quantize(name, (source,), name, type_, low, high, rounding)
    if kind == "wrap":
        integer = draw(st.integers(1 - edge.fraction, 10 - edge.fraction))
        return nodes.Wrap(name, (source,), name, FixedType(draw(st.booleans()), integer + edge.fraction, integer))
    if kind == "dense":
        kernel, bias = _constant(draw, (channels, out), bits, fraction), _constant(draw, (out,), bits, fraction + 2)
        return nodes.Dense(name, (source,), name, kernel, bias)
    if kind in ("conv", "depthwise"):
        window, dilation = draw(st.integers(1, length)), 1
        groups = channels if kind == "depthwise" else 1
        kernel = _constant(draw, (window, channels // groups, out * groups), bits, fraction)
        bias = _constant(draw, (out * groups,), bits, fraction)
        padding = ((draw(st.integers(0, 2)), draw(st.integers(0, 2))),)
        return nodes.Conv(name, (source,), name, kernel, bias, (draw(st.integers(1, 2)),), (dilation,), padding, groups)
    if kind == "scale":
        size = draw(st.sampled_from([1, channels]))
        factor, offset = _constant(draw, (size,), bits, fraction), _constant(draw, (size,), bits, fraction)
        return nodes.Scale(name, (source,), name, factor, offset)
    if kind == "pool":
        window = draw(st.integers(1, length))
        pad = draw(st.integers(0, window - 1))
        strides, maximum = (draw(st.integers(1, 2)),), draw(st.booleans())
        return nodes.Pool(name, (source,), name, (window,), strides, ((0, pad),), maximum)
    if kind == "relu":
        return nodes.Relu(name, (source,), name, draw(st.sampled_from([None, 0, 1, 4])))
    if kind in ("add", "multiply", "concatenate"):
        partners = [other for other in made if builder.edges[other].shape == edge.shape]
        pair = (source, draw(st.sampled_from(partners)))
        if kind == "add":
            return nodes.Add(name, pair, name, draw(st.booleans()))
        return nodes.Multiply(name, pair, name) if kind == "multiply" else nodes.Concatenate(name, pair, name, 1)
    if kind == "transpose":
        return nodes.Transpose(name, (source,), name, (1, 0))
    return nodes.Reshape(name, (source,), name, (channels, length))


def corner_and_random_events(graph: FixedGraph, seed: int, random: int = 4) -> np.ndarray:
    """Raw port integers: all lowest, all highest, and random ones."""
    node = graph.nodes["x"]
    assert isinstance(node, nodes.Input)
    rng = np.random.default_rng(seed)
    body = rng.integers(node.raw_min, node.raw_max + 1, (random, *node.shape))
    ends = [np.full((1, *node.shape), end, np.int64) for end in (node.raw_min, node.raw_max)]
    return np.concatenate([*ends, body])
