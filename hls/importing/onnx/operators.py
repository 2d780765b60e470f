"""Which function tells what an ONNX operator means, once for every backend."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from hls.errors import UnsupportedError
from hls.importing.onnx import (
    arithmetic,
    blocks,
    casting,
    choosing,
    folding,
    ordering,
    padding,
    products,
    quantizing,
    repeating,
    shapes,
    thresholds,
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
    **blocks.HANDLERS,
    **ordering.HANDLERS,
    **shapes.HANDLERS,
    **thresholds.HANDLERS,
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
    "Pad": padding.pad,
    "QuantizeLinear": quantizing.quantize_linear,
    "ReduceL1": partial(arithmetic.sum_of, arithmetic.absolute),
    "ReduceMax": partial(windows.reduce, how="max"),
    "ReduceMean": windows.reduce,
    "ReduceMin": partial(windows.reduce, how="min"),
    "ReduceSum": partial(windows.reduce, how="sum"),
    "ReduceSumSquare": partial(arithmetic.sum_of, arithmetic.square),
    "Tile": repeating.tile,
    "Trunc": quantizing.trunc,
}
_NORMALIZED = (
    "mean, variance or norm are those of each event, and a root of them is no finite binary number; use "
    f"BatchNormalization, {ANOTHER}"
)
_IN_STEPS = (
    "of QuantizeLinear and DequantizeLinear the same network is read, which ONNX Runtime writes as "
    "quantize_static(..., quant_format=QuantFormat.QDQ)"
)
_OF_EACH_EVENT = (
    "its scale is that of each event; take fixed ones: quantize_static(..., quant_format=QuantFormat.QDQ), which is "
    "another network"
)
_CURES = {
    **dict.fromkeys(
        ("GroupNormalization", "InstanceNormalization", "LayerNormalization", "LpNormalization", "RMSNormalization"),
        _NORMALIZED,
    ),
    **dict.fromkeys(("ConvInteger", "MatMulInteger", "QLinearConv", "QLinearMatMul"), _IN_STEPS),
    "DynamicQuantizeLinear": _OF_EACH_EVENT,
}
_FAMILIES = ("qonnx.", "finn.", "onnx.brevitas", "brevitas")
"""How the domains of QONNX, FINN and Brevitas begin, in which they have had the operators that are read here."""
_OF_ONNX_RUNTIME = ("DequantizeLinear", "Gelu", "QuantizeLinear")
"""Those that its own domain has as ONNX has them."""


def _folded(op: Operation) -> Constant:
    return folding.function(op.node.kind, op.constant(0, "argument"))


def handler(op: Operation) -> Handler:
    """What makes this operator.

    Raises:
        UnsupportedError: none is known.
    """
    domain = op.node.domain
    theirs = domain == "com.microsoft" and op.node.kind in _OF_ONNX_RUNTIME
    if domain and not domain.startswith(_FAMILIES) and not theirs:
        raise op.unsupported(
            f"an operator of the domain {domain!r} is not supported",
            "leave it off the chip, or, of a function of the file's own, put in what it is made of: "
            "onnx.inliner.inline_local_functions(onnx.load(FILE))",
        )
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
