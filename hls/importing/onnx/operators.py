"""Which function tells what an ONNX operator means, once for every backend."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from hls.errors import UnsupportedError
from hls.importing.onnx import (
    arithmetic,
    casting,
    choosing,
    folding,
    products,
    quantizing,
    repeating,
    shapes,
    transposed,
    windows,
)
from hls.importing.onnx.operation import Handler, Operation
from hls.importing.onnx.tensors import Constant
from hls.importing.refusals import ANOTHER

HANDLERS: Mapping[str, Handler] = {
    **arithmetic.HANDLERS,
    **casting.HANDLERS,
    **choosing.HANDLERS,
    **shapes.HANDLERS,
    **dict.fromkeys(("Quant", "IntQuant"), quantizing.quant),
    **dict.fromkeys(("MaxPool", "MaxPoolNHWC"), partial(windows.pool, maximum=True)),
    "AveragePool": partial(windows.pool, maximum=False),
    "BipolarQuant": quantizing.bipolar,
    "Conv": windows.conv,
    "ConvTranspose": transposed.conv_transpose,
    "DequantizeLinear": quantizing.dequantize_linear,
    "Einsum": products.einsum,
    "Expand": repeating.expand,
    "GlobalAveragePool": windows.reduce,
    "GlobalMaxPool": partial(windows.reduce, how="max"),
    "MatMul": products.matmul,
    "MultiThreshold": quantizing.multi_threshold,
    "Pad": windows.pad,
    "QuantizeLinear": quantizing.quantize_linear,
    "ReduceMax": partial(windows.reduce, how="max"),
    "ReduceMean": windows.reduce,
    "ReduceMin": partial(windows.reduce, how="min"),
    "ReduceSum": partial(windows.reduce, how="sum"),
    "Tile": repeating.tile,
    "Trunc": quantizing.trunc,
}
_NORMALIZED = (
    "mean, variance or norm are those of each event, and a root of them is no finite binary number; use "
    f"BatchNormalization, {ANOTHER}"
)
_CURES = dict.fromkeys(
    ("GroupNormalization", "InstanceNormalization", "LayerNormalization", "LpNormalization", "RMSNormalization"),
    _NORMALIZED,
)


def _folded(op: Operation) -> Constant:
    return folding.function(op.node.kind, op.constant(0, "argument"))


def handler(op: Operation) -> Handler:
    """What makes this operator.

    Raises:
        UnsupportedError: none is known.
    """
    if op.node.kind in folding.FUNCTIONS and isinstance(op.argument(0), Constant):
        return _folded
    found = HANDLERS.get(op.node.kind)
    if found is None and op.node.kind in _CURES:
        raise op.unsupported("is not supported", _CURES[op.node.kind])
    if found is None:
        raise UnsupportedError(
            f"{op.where} is not supported; leave it off the chip, or write it with those that are known: "
            f"{', '.join(sorted(HANDLERS))}"
        )
    return found
