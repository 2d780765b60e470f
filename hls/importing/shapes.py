"""Which shapes a node may read: what a file says of a layer and what reaches it must fit each other."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import singledispatch

from hls.graph import Edge, nodes
from hls.graph.windows import output_length

_LARGEST = 1 << 24
"""Elements of a tensor, padding among them: more than any chip has wires, so a damaged file or a mistake."""


@singledispatch
def misfit(node: nodes.Node, inputs: Sequence[Edge]) -> str | None:
    """Why ``node`` cannot read tensors of these shapes; None if it can, and for kinds not known here."""
    del node, inputs
    return None


@misfit.register
def _(node: nodes.Dense, inputs: Sequence[Edge]) -> str | None:
    shape = inputs[0].shape
    if shape[-1] != node.kernel.shape[0]:
        return f"the kernel expects {node.kernel.shape[0]} values, {shape[-1]} arrive"
    return _bias(node.bias.shape, node.kernel.shape[-1])


@misfit.register
def _(node: nodes.Conv, inputs: Sequence[Edge]) -> str | None:
    shape, rank = inputs[0].shape, len(node.strides)
    if len(shape) != rank + 1:
        return f"it convolves over {rank} axes and reads a tensor of shape {shape}"
    expected = node.kernel.shape[-2] * node.groups
    if expected != shape[-1]:
        return f"the kernel expects {expected} channels, {shape[-1]} arrive"
    if node.kernel.shape[-1] % node.groups:
        return f"{node.kernel.shape[-1]} filters do not share {node.groups} groups"
    wrong = _windows(shape[:-1], node.kernel.shape[:rank], node.strides, node.dilation, node.padding, shape[-1])
    return wrong or _bias(node.bias.shape, node.kernel.shape[-1])


@misfit.register
def _(node: nodes.Pool, inputs: Sequence[Edge]) -> str | None:
    shape, rank = inputs[0].shape, len(node.window)
    if len(shape) != rank + 1:
        return f"it pools over {rank} axes and reads a tensor of shape {shape}"
    return _windows(shape[:-1], node.window, node.strides, (1,) * rank, node.padding, shape[-1])


@misfit.register
def _(node: nodes.Scale, inputs: Sequence[Edge]) -> str | None:
    channels = inputs[0].shape[-1:]
    for constant in (node.factor, node.offset):
        if constant.shape not in ((1,), channels):
            return f"constants of shape {constant.shape} for {channels[0]} channels"
    return None


@misfit.register
def _(node: nodes.Table, inputs: Sequence[Edge]) -> str | None:
    channels = inputs[0].shape[-1]
    return None if node.channels in (1, channels) else f"{node.channels} tables for {channels} channels"


@misfit.register(nodes.Add)
@misfit.register(nodes.Multiply)
def _(_node: nodes.Node, inputs: Sequence[Edge]) -> str | None:
    a, b = (edge.shape for edge in inputs)
    pairs = zip(reversed(a), reversed(b), strict=False)
    if all(m == n or 1 in (m, n) for m, n in pairs):
        return None
    return f"tensors of shapes {a} and {b} do not go together"


@misfit.register
def _(node: nodes.Concatenate, inputs: Sequence[Edge]) -> str | None:
    shapes = [edge.shape for edge in inputs]
    if not 0 <= node.axis < len(shapes[0]):
        return f"a tensor of shape {shapes[0]} has no axis {node.axis + 1}"
    others = {(*shape[: node.axis], *shape[node.axis + 1 :]) for shape in shapes}
    same_rank = len({len(shape) for shape in shapes}) == 1
    return None if same_rank and len(others) == 1 else f"tensors of shapes {shapes} do not go together"


@misfit.register
def _(node: nodes.Reshape, inputs: Sequence[Edge]) -> str | None:
    shape = inputs[0].shape
    fits = node.shape and min(node.shape) > 0 and math.prod(node.shape) == math.prod(shape)
    return None if fits else f"a tensor of shape {shape} cannot be reshaped to {node.shape}"


@misfit.register
def _(node: nodes.Transpose, inputs: Sequence[Edge]) -> str | None:
    shape = inputs[0].shape
    fits = sorted(node.permutation) == list(range(len(shape)))
    return None if fits else f"axes {[axis + 1 for axis in node.permutation]} are no order of those of {shape}"


def _bias(shape: tuple[int, ...], outputs: int) -> str | None:
    return None if shape == (outputs,) else f"its bias has the shape {shape}, {outputs} outputs want ({outputs},)"


def _windows(
    spatial: Sequence[int],
    window: Sequence[int],
    strides: Sequence[int],
    dilation: Sequence[int],
    padding: Sequence[tuple[int, int]],
    channels: int,
) -> str | None:
    padded = [length + sum(around) for length, around in zip(spatial, padding, strict=True)]
    if math.prod(padded) * channels > _LARGEST:
        return f"{math.prod(padded) * channels:,} values with padding, more than fit on any chip"
    lengths = map(output_length, spatial, window, strides, dilation, padding)
    if min(lengths) < 1:
        return f"a window of {tuple(window)} does not fit into {tuple(spatial)}"
    return None
