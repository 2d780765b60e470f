"""From a node and what is still to be made of it to a node that holds the values themselves."""

from __future__ import annotations

from hls.errors import UnsupportedError
from hls.graph import nodes
from hls.importing.activations import clipped
from hls.importing.emitter import Emitter
from hls.importing.onnx.affine import is_binary
from hls.importing.onnx.rounding import emit_scale
from hls.importing.onnx.value import Value

TABLE = "put a quantizer (Quant) right behind it: both together are one table; or leave it off the chip"
"""What makes numbers of finitely many bits of a function."""


def settled(emit: Emitter, x: Value) -> str:
    """A node that holds the values of ``x``.

    Raises:
        UnsupportedError: they are no finite binary numbers.
    """
    if x.function is not None:
        raise UnsupportedError(f"operator {emit.layer!r}: reads a function without a quantizer; {TABLE}")
    if not (is_binary(x.factor) and is_binary(x.offset)):
        raise UnsupportedError(
            f"operator {emit.layer!r}: a division by what is no power of two has no finite binary expansion, "
            "and no quantizer reads it; put a quantizer right behind the division or average"
        )
    node = emit_scale(emit, x.node, x.factor, x.offset)
    if x.low == 0 and x.high is None:
        return emit(nodes.Relu, "relu", (node,))
    if not x.clips:
        return node
    return clipped(emit, node, *(None if end is None else float(end) for end in (x.low, x.high)))
