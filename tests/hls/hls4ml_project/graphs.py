"""Small graphs, one per kind of node, that several tests compile in one go as one graph with many outputs."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from hls.graph import FixedGraph, GraphBuilder, nodes
from hls.graph.fixed import FixedArray, FixedType

FLOOR, EVEN = nodes.Rounding.FLOOR, nodes.Rounding.NEAREST_EVEN
SIGNED_8 = FixedType(True, 8, 4)


class Sketch:
    """A GraphBuilder that names nodes by itself, draws constants, and collects outputs."""

    def __init__(self, seed: int = 1) -> None:
        self.builder = GraphBuilder("sketch")
        self.random = np.random.default_rng(seed)
        self.inputs: list[str] = []
        self.outputs: list[str] = []

    def name(self, kind: str) -> str:
        return f"{kind}-{len(self.builder.nodes)}"

    def input(self, shape: tuple[int, ...], type_: FixedType = SIGNED_8, ends: tuple[int, int] | None = None) -> str:
        low, high = ends or (type_.raw_min, type_.raw_max)
        name = self.builder.add(nodes.Input(self.name("port"), (), "port", shape, type_, low, high))
        self.inputs.append(name)
        return name

    def constants(self, shape: tuple[int, ...], fraction: int = 3, bits: int = 5) -> FixedArray:
        return FixedArray(self.random.integers(-(1 << bits), 1 << bits, shape), fraction)

    def add(self, kind: type[nodes.Node], *inputs: str, **fields: object) -> str:
        node = kind(self.name(kind.__name__.lower()), inputs, "layer", **fields)
        return self.builder.add(node)

    def quantize(
        self, x: str, type_: FixedType = SIGNED_8, ends: tuple[int, int] | None = None, rounding: nodes.Rounding = EVEN
    ) -> str:
        low, high = ends or (type_.raw_min, type_.raw_max)
        return self.add(nodes.Quantize, x, type=type_, raw_min=low, raw_max=high, rounding=rounding)

    def dense(self, x: str, n_out: int, bias: bool = True) -> str:
        n_in = self.builder.edges[x].shape[-1]
        offset = self.constants((n_out,), 4) if bias else FixedArray(np.zeros(n_out, np.int64), 0)
        return self.add(nodes.Dense, x, kernel=self.constants((n_in, n_out)), bias=offset)

    def conv(
        self,
        x: str,
        window: tuple[int, ...],
        n_out: int,
        strides: tuple[int, ...] | None = None,
        dilation: tuple[int, ...] | None = None,
        padding: tuple[tuple[int, int], ...] | None = None,
        groups: int = 1,
    ) -> str:
        channels, rank = self.builder.edges[x].shape[-1], len(window)
        return self.add(
            nodes.Conv,
            x,
            kernel=self.constants((*window, channels // groups, n_out)),
            bias=self.constants((n_out,), 4),
            strides=strides or (1,) * rank,
            dilation=dilation or (1,) * rank,
            padding=padding or ((0, 0),) * rank,
            groups=groups,
        )

    def pool(
        self,
        x: str,
        window: tuple[int, ...],
        maximum: bool,
        strides: tuple[int, ...] | None = None,
        padding: tuple[tuple[int, int], ...] | None = None,
    ) -> str:
        pads = padding or ((0, 0),) * len(window)
        return self.add(nodes.Pool, x, window=window, strides=strides or window, padding=pads, maximum=maximum)

    def output(self, *names: str) -> None:
        self.outputs += names

    def finish(self) -> FixedGraph:
        return self.builder.finish(self.inputs, self.outputs, [f"out{i}" for i in range(len(self.outputs))])


def quantizers(s: Sketch) -> None:
    """Both roundings, every saturation that is an end of a type, ends of no type, and one bit."""
    x = s.input((6,), FixedType(True, 9, 4))
    fine = s.dense(x, 6)
    for rounding in (EVEN, FLOOR):
        s.output(
            s.quantize(fine, FixedType(True, 8, 5), rounding=rounding),
            s.quantize(fine, FixedType(False, 7, 4), rounding=rounding),
            s.quantize(x, FixedType(True, 5, 4), rounding=rounding),
        )
    fine = s.dense(x, 6)
    s.output(
        s.quantize(fine, FixedType(True, 6, 4), (-31, 31)),
        s.quantize(fine, FixedType(False, 6, 4), (0, 41)),
        s.quantize(fine, FixedType(True, 6, 4), (-9, 31)),
        s.quantize(fine, FixedType(True, 6, 4), (-7, 21), FLOOR),
        s.quantize(fine, FixedType(False, 6, 4), (3, 40)),
        s.quantize(fine, FixedType(True, 6, 4), (-9, 9)),
        s.quantize(x, FixedType(True, 9, 4), (-255, 255)),
        s.quantize(s.input((6,), FixedType(True, 1, 1)), FixedType(True, 1, 1), (0, 0)),
    )
    fine = s.dense(x, 6)
    s.output(
        s.quantize(fine, FixedType(False, 1, 1)),
        s.quantize(fine, FixedType(True, 1, 1)),
        s.quantize(fine, FixedType(True, 2, 2), (-1, 1)),
    )
    x = s.input((6,), FixedType(True, 9, 4))
    s.output(
        s.quantize(x, FixedType(True, 14, 5)),
        s.quantize(x, FixedType(True, 14, 5), (-300, 77)),
        s.quantize(x, FixedType(True, 4, 7)),
    )


def dense_chain(s: Sketch) -> None:
    """Dense, with and without bias, wide and narrow, on vectors and on rows."""
    x = s.input((5,))
    hidden = s.quantize(s.dense(x, 7), FixedType(False, 6, 3))
    s.output(s.dense(hidden, 3, bias=False), s.quantize(s.dense(hidden, 4), SIGNED_8))
    rows = s.input((3, 4))
    s.output(s.dense(rows, 5))
    cube = s.input((2, 3, 4))
    s.output(s.quantize(s.dense(cube, 2)))


def convolutions(s: Sketch) -> None:
    """One and two axes, strides, padding, dilation, groups, depthwise."""
    line = s.input((8, 3))
    s.output(
        s.conv(line, (3,), 4, padding=((1, 1),)),
        s.conv(line, (2,), 2, strides=(2,)),
        s.conv(line, (3,), 3, padding=((0, 2),), groups=3),
    )
    image = s.input((5, 6, 2))
    s.output(
        s.quantize(s.conv(image, (3, 3), 3, padding=((1, 1), (1, 1)))),
        s.conv(image, (2, 3), 2, strides=(2, 1)),
        s.conv(image, (1, 1), 3),
    )


def odd_convolutions(s: Sketch) -> None:
    """What hls4ml knows only through zeros in the kernel."""
    line = s.input((9, 4))
    s.output(s.conv(line, (3,), 2, dilation=(2,)), s.conv(line, (2,), 6, groups=2))
    image = s.input((5, 5, 2))
    s.output(s.conv(image, (2, 2), 4, groups=2), s.conv(image, (2, 2), 2, dilation=(2, 1)))


def skipping_windows(s: Sketch) -> None:
    """Windows that skip rows: of one row, of one place, and of zeros only at the end of the image."""
    image = s.input((5, 6, 2))
    s.output(
        s.conv(image, (1, 3), 2, strides=(2, 1)),
        s.conv(image, (1, 1), 2, strides=(2, 2)),
        s.conv(image, (1, 2), 2, strides=(3, 2), padding=((1, 1), (0, 1)), groups=2),
        s.pool(image, (1, 3), False, strides=(3, 2)),
        s.pool(image, (5, 2), True, strides=(1, 2)),
    )


def scales(s: Sketch) -> None:
    """Per channel and scalar, on vectors and on rows."""
    x = s.input((4,))
    rows = s.input((3, 4))
    for value in (x, rows):
        scalar = {"factor": FixedArray(np.array([3]), 2), "offset": FixedArray(np.array([1]), 6)}
        s.output(
            s.add(nodes.Scale, value, factor=s.constants((4,)), offset=s.constants((4,), 2)),
            s.quantize(s.add(nodes.Scale, value, **scalar)),
        )


def activations(s: Sketch) -> None:
    """ReLU, leaky ReLU, and both before a quantizer."""
    x = s.input((3, 4))
    s.output(
        s.add(nodes.Relu, x),
        s.add(nodes.Relu, x, slope_shift=3),
        s.quantize(s.add(nodes.Relu, x, slope_shift=2), FixedType(True, 6, 3), (-4, 31)),
    )


def tables(s: Sketch) -> None:
    """A lookup over a signed quantized input, over an unsigned one, and over a part of a type."""
    x = s.input((5,))
    for type_, low, high in ((FixedType(True, 5, 3), -16, 15), (FixedType(False, 4, 2), 0, 15), (SIGNED_8, -11, 13)):
        q = s.quantize(x, type_, (low, high))
        s.output(s.add(nodes.Table, q, values=s.constants((high - low + 1,), 4, 6), raw_min=low))


def maxima(s: Sketch) -> None:
    """Windows and whole axes."""
    line, image = s.input((6, 3)), s.input((4, 6, 2))
    s.output(
        s.pool(line, (2,), True), s.pool(line, (6,), True), s.pool(image, (2, 2), True), s.pool(image, (4, 6), True)
    )


def padded_maxima(s: Sketch) -> None:
    """Padding must never win, on unsigned values neither."""
    line = s.input((5, 2), FixedType(False, 5, 3))
    image = s.input((3, 5, 2))
    s.output(
        s.pool(line, (2,), True, padding=((0, 1),)),
        s.pool(image, (2, 2), True, strides=(2, 2), padding=((0, 1), (0, 1))),
        s.pool(line, (3,), True, strides=(1,), padding=((1, 1),)),
    )


def moving_maxima(s: Sketch) -> None:
    """Windows on a line that overlap, and that leave places out."""
    line = s.input((9, 3))
    s.output(s.pool(line, (3,), True, strides=(2,)), s.pool(line, (2,), True, strides=(3,)))


def moving_image_maxima(s: Sketch) -> None:
    """The same on an image."""
    image = s.input((5, 7, 2))
    s.output(s.pool(image, (3, 3), True, strides=(2, 2)), s.pool(image, (1, 2), True, strides=(2, 3)))


def sums(s: Sketch) -> None:
    """Sums over windows and over whole axes: of any number of rows, of one, of one channel, and rounded at once."""
    line, image = s.input((6, 3)), s.input((4, 6, 2))
    column, row, bits = s.input((5, 1)), s.input((1, 3)), s.input((7, 2), FixedType(False, 1, 1))
    s.output(
        s.pool(column, (5,), False),
        s.pool(row, (1,), False),
        s.pool(bits, (7,), False),
        s.quantize(s.pool(line, (6,), False), FixedType(True, 7, 6)),
        s.pool(line, (6,), False),
        s.pool(line, (2,), False),
        s.pool(image, (4, 6), False),
        s.quantize(s.pool(image, (2, 3), False), rounding=FLOOR),
    )


def merges(s: Sketch) -> None:
    """Sums, differences and products, on different grids and of a tensor with itself."""
    a, b = s.input((3, 4)), s.input((3, 4), FixedType(False, 6, 1))
    s.output(
        s.add(nodes.Add, a, b),
        s.add(nodes.Add, a, b, negate=True),
        s.quantize(s.add(nodes.Multiply, a, b)),
        s.add(nodes.Multiply, a, a),
    )


def broadcasts(s: Sketch) -> None:
    """A mask over rows, one row for all, and both at once."""
    a, mask, row = s.input((3, 4)), s.input((3, 1), FixedType(False, 1, 1)), s.input((1, 4))
    s.output(s.add(nodes.Multiply, a, mask), s.add(nodes.Add, a, row), s.add(nodes.Multiply, mask, row))


def concatenations(s: Sketch) -> None:
    """Two and three tensors, on different grids, along first and last axes."""
    a, b, c = s.input((4,)), s.input((3,), FixedType(False, 5, 1)), s.input((2,), FixedType(True, 7, 6))
    s.output(s.add(nodes.Concatenate, a, b, axis=0), s.add(nodes.Concatenate, a, b, c, axis=0))
    p, q = s.input((3, 4)), s.input((3, 2))
    s.output(s.add(nodes.Concatenate, p, q, axis=1))
    u, v = s.input((2, 3)), s.input((1, 3), FixedType(True, 6, 1))
    s.output(s.add(nodes.Concatenate, u, v, axis=0))


def shapes(s: Sketch) -> None:
    """Flatten before a dense layer and before other layers, transposes of two and three axes."""
    x = s.input((3, 4))
    flat = s.add(nodes.Reshape, x, shape=(12,))
    s.output(s.dense(flat, 2), s.dense(s.quantize(flat, FixedType(True, 5, 3)), 2))
    s.output(s.dense(s.add(nodes.Reshape, x, shape=(4, 3)), 2))
    s.output(s.add(nodes.Transpose, x, permutation=(1, 0)))
    cube = s.input((2, 3, 4))
    s.output(s.add(nodes.Transpose, cube, permutation=(2, 0, 1)), s.add(nodes.Transpose, cube, permutation=(0, 2, 1)))


def odd_outputs(s: Sketch) -> None:
    """An input as output, one tensor twice, a reshape of an output, a single row."""
    x = s.input((2, 3))
    y = s.quantize(x, FixedType(True, 5, 3))
    s.output(x, y, y, s.add(nodes.Reshape, y, shape=(6,)))
    single = s.input((1, 3, 4))
    s.output(s.add(nodes.Transpose, single, permutation=(0, 2, 1)))


KINDS: dict[str, Callable[[Sketch], None]] = {
    function.__name__: function
    for function in (
        quantizers,
        dense_chain,
        convolutions,
        odd_convolutions,
        skipping_windows,
        scales,
        activations,
        tables,
        maxima,
        padded_maxima,
        moving_maxima,
        moving_image_maxima,
        sums,
        merges,
        broadcasts,
        concatenations,
        shapes,
        odd_outputs,
    )
}


def sketch(*kinds: str) -> FixedGraph:
    """One graph of all these kinds."""
    s = Sketch()
    for kind in kinds:
        KINDS[kind](s)
    return s.finish()


def events(graph: FixedGraph, count: int, seed: int = 2) -> list[np.ndarray]:
    """Port integers: the first event all low, the second all high, then alternating ends, then at random."""
    random = np.random.default_rng(seed)
    arrays = []
    for name in graph.inputs:
        port = graph.nodes[name]
        assert isinstance(port, nodes.Input)
        raw = random.integers(port.raw_min, port.raw_max + 1, (count, *port.shape))
        raw[0], raw[1] = port.raw_min, port.raw_max
        raw[2:20] = random.choice([port.raw_min, port.raw_max], raw[2:20].shape)
        arrays.append(raw.astype(np.int64))
    return arrays
