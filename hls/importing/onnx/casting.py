"""ONNX operators that give whole numbers or truths: casts, Floor, Ceil, Round, Sign."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np

from hls.importing.onnx.backend import Rounding
from hls.importing.onnx.operation import Handler, Operation
from hls.importing.onnx.tensors import Constant, Tensor

_FLOAT32, _BOOL, _DOUBLE = 1, 9, 11
_DTYPES: Mapping[int, type[np.generic]] = {
    _FLOAT32: np.float32, 2: np.uint8, 3: np.int8, 4: np.uint16, 5: np.int16, 6: np.int32, 7: np.int64,
    _BOOL: np.bool_, 10: np.float16, _DOUBLE: np.float64, 12: np.uint32, 13: np.uint64,
}  # fmt: skip
"""Of ONNX's numbers of element types."""
_WIDE_INTEGERS = (6, 7)
_OF_FEW_BITS: Mapping[int, tuple[str, int]] = {10: ("float16", 11), 16: ("bfloat16", 8)}
_NOTHING = np.zeros(1, np.float32)


def _cast(op: Operation) -> Tensor | Constant:
    found, kind = op.argument(0), op.attribute("to", _FLOAT32)
    if isinstance(found, Constant):
        return _constant(op, found, kind)
    x = op.tensor()
    if kind in (_FLOAT32, _DOUBLE):
        return x
    if kind == _BOOL:
        above, below = (op.backend.compare(x.handle, _NOTHING, sign) for sign in ("GreaterEqual", "LessEqual"))
        return replace(x, handle=op.backend.opposite(op.backend.both(above, below)))
    if kind in _WIDE_INTEGERS:
        return replace(x, handle=op.backend.whole(x.handle, "DOWN"))
    if kind in _OF_FEW_BITS:
        name, bits = _OF_FEW_BITS[kind]
        raise op.unsupported(
            f"a cast to {name}, which rounds to {bits} bits every number from there on", "export the model in float32"
        )
    raise op.unsupported(
        f"a cast to ONNX's element type {kind}, beyond whose ends each library has a way of its own",
        "cast to int32 or int64 (a Clip before it keeps the ends)",
    )


def _constant(op: Operation, found: Constant, kind: int) -> Constant:
    if kind not in _DTYPES:
        raise op.unsupported(f"a cast of a constant to ONNX's element type {kind}", "cast it to float32")
    with np.errstate(all="ignore"):
        values = found.values.astype(_DTYPES[kind])
    return Constant(values.astype(np.float32) if values.dtype == np.float16 else values)


def _whole(op: Operation, rounding: Rounding) -> Tensor:
    x = op.tensor()
    return replace(x, handle=op.backend.whole(x.handle, rounding))


def _sign(op: Operation) -> Tensor | Constant:
    """One above zero less one below it."""
    if op.constants is not None:
        return Constant(np.sign(op.constants[0]))
    x = op.tensor()
    above, below = (op.backend.compare(x.handle, _NOTHING, sign) for sign in ("Greater", "Less"))
    handle: Any = op.backend.add(above, below, negate=True)
    return replace(x, handle=handle)


HANDLERS: Mapping[str, Handler] = {
    "Cast": _cast,
    "Ceil": partial(_whole, rounding="CEIL"),
    "Floor": partial(_whole, rounding="FLOOR"),
    "Round": partial(_whole, rounding="ROUND"),
    "Sign": _sign,
}
