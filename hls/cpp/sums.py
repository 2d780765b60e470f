"""Sums of weights times elements, of a convolution over two axes: what a matrix product at positions is as well.

The windows slide over a frame: the input with its padding around it. Terms whose weight is zero are left out. Where
numbers have 16 bits and their sum 32, products are taken in pairs of neighbouring channels, which processors are
fastest at.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hls.cpp.numbers import type_for, width_for
from hls.cpp.writer import Tensor, Writer
from hls.graph import nodes
from hls.graph.windows import output_length, ungrouped

_PAIRED, _PAIRED_SUM = 16, 32


@dataclass(frozen=True)
class _Frame:
    """Pixels with padding around them; ``step`` is how many entries of the frame a pixel takes: channels, or pairs."""

    rows: int
    columns: int
    channels: int
    step: int
    top: int
    left: int
    framed_rows: int
    framed_columns: int

    @property
    def entries(self) -> int:
        return self.framed_rows * self.framed_columns * self.step

    @property
    def bare(self) -> bool:
        """Whether there is no padding."""
        return (self.rows, self.columns) == (self.framed_rows, self.framed_columns)

    @property
    def source(self) -> str:
        """The struct of C++."""
        numbers = (self.rows, self.columns, self.channels, self.top, self.left, self.framed_rows, self.framed_columns)
        return f"Frame{{{', '.join(map(str, numbers))}}}"


def write_sums(node: nodes.Conv, shape: tuple[int, int, int], writer: Writer) -> None:
    """Write the step of ``node`` over an input of ``shape`` (rows, columns, channels)."""
    source, target = writer.tensors[node.inputs[0]], writer.declare(node.name)
    edge, x = writer.edge(node.name), writer.edge(node.inputs[0])
    weights = _weights(node, edge.fraction - x.fraction - node.kernel.fraction)
    bias = node.bias.at_fraction(edge.fraction).integers
    lowest, highest = int(weights.min(initial=0)), int(weights.max(initial=0))
    held = width_for(edge.partial_bound, lowest, highest, x.magnitude)
    paired = max(source.width, width_for(lowest, highest)) <= _PAIRED and held <= _PAIRED_SUM
    rows, columns, channels = shape
    (top, bottom), (left, right) = node.padding
    frame = _Frame(rows, columns, channels, -(-channels // 2) if paired else channels, top, left,
                   rows + top + bottom, columns + left + right)  # fmt: skip
    entries = _enframed(source, frame, paired, writer)
    starts, places, terms = _pairs(weights, node, frame) if paired else _terms(weights, node, frame)
    arguments = [entries, target.variable, _windows(node, shape, frame),
                 writer.indices("start", starts), writer.indices("place", places),
                 writer.constants("weight", terms, "std::int32_t" if paired else None),
                 writer.constants("bias", bias)]  # fmt: skip
    if paired:
        writer.call("sums_of_pairs", arguments)
    else:
        writer.call("sums", arguments, type_for(edge.partial_bound, lowest, highest, x.magnitude))


def _weights(node: nodes.Conv, shift: int) -> npt.NDArray[np.object_]:
    """(outputs, rows, columns, channels) on the grid of the sum, zeros where a group does not look."""
    whole = ungrouped(node.kernel, node.groups).integers.astype(object) * (1 << shift)
    return np.moveaxis(whole, -1, 0)


def _enframed(source: Tensor, frame: _Frame, paired: bool, writer: Writer) -> str:
    """The variable of the input as the windows want it."""
    if paired:
        made = writer.frame(_PAIRED, 2 * frame.entries)
        writer.call("enframe_pairs", [source.variable, made.variable, frame.source])
        return made.variable
    if frame.bare:
        return source.variable
    made = writer.frame(source.width, frame.entries)
    writer.call("enframe", [source.variable, made.variable, frame.source])
    return made.variable


def _windows(node: nodes.Conv, shape: tuple[int, ...], frame: _Frame) -> str:
    sizes = [
        output_length(shape[axis], node.kernel.shape[axis], node.strides[axis], node.dilation[axis], node.padding[axis])
        for axis in (0, 1)
    ]
    down = node.strides[0] * frame.framed_columns * frame.step
    right = node.strides[1] * frame.step
    return f"Windows{{{', '.join(map(str, (*sizes, down, right, node.kernel.shape[-1])))}}}"


def _offsets(node: nodes.Conv, frame: _Frame) -> npt.NDArray[np.int64]:
    """(rows, columns) of the kernel: where its pixels begin in a frame, from the window's own corner."""
    rows, columns = (np.arange(node.kernel.shape[axis]) * node.dilation[axis] for axis in (0, 1))
    return np.asarray((rows[:, None] * frame.framed_columns + columns[None, :]) * frame.step)


Terms = tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], npt.NDArray[np.object_]]
"""Where each output's terms begin, their places in the window, their weights."""


def _terms(weights: npt.NDArray[np.object_], node: nodes.Conv, frame: _Frame) -> Terms:
    places = _offsets(node, frame)[..., None] + np.arange(frame.channels)
    return _listed(weights != 0, places, weights)


def _pairs(weights: npt.NDArray[np.object_], node: nodes.Conv, frame: _Frame) -> Terms:
    even = np.zeros((*weights.shape[:-1], 2 * frame.step), np.int64)
    even[..., : frame.channels] = weights
    first, second = even[..., ::2], even[..., 1::2]
    packed = ((second << _PAIRED) | (first & 0xFFFF)).astype(object)
    places = _offsets(node, frame)[..., None] + np.arange(frame.step)
    return _listed((first != 0) | (second != 0), places, packed)


def _listed(present: npt.NDArray[np.bool_], places: npt.NDArray[np.int64], terms: npt.NDArray[np.object_]) -> Terms:
    counts = present.reshape(len(present), -1).sum(axis=1)
    starts = np.concatenate([[0], np.cumsum(counts)])
    return starts, np.broadcast_to(places, present.shape)[present], terms[present]
