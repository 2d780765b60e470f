"""ONNX operators that compare, and Where, which chooses."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from hls.importing.onnx import folding
from hls.importing.onnx.arithmetic import scaled, together
from hls.importing.onnx.backend import Comparison
from hls.importing.onnx.operation import Argument, Handler, Operation
from hls.importing.onnx.repeating import as_wide_as, expanded
from hls.importing.onnx.tensors import Array, Constant, Tensor, in_order, vector

_FUNCTIONS: Mapping[str, Callable[[Array, Array], Array]] = {
    "And": np.logical_and, "Or": np.logical_or, "Xor": np.logical_xor,
    "Equal": np.equal, "Greater": np.greater, "GreaterOrEqual": np.greater_equal, "Less": np.less,
    "LessOrEqual": np.less_equal,
}  # fmt: skip
_TURNED: Mapping[Comparison, Comparison] = {
    "Greater": "Less", "GreaterEqual": "LessEqual", "Less": "Greater", "LessEqual": "GreaterEqual",
}  # fmt: skip
_COMPARISONS: Mapping[str, Comparison] = {
    "Greater": "Greater", "GreaterOrEqual": "GreaterEqual", "Less": "Less", "LessOrEqual": "LessEqual",
}  # fmt: skip


def _folded(op: Operation) -> Constant | None:
    """What two constants give, as exporters leave it of shapes."""
    if op.constants is None:
        return None
    a, b = op.constants
    folding.bounded(int(np.prod(np.broadcast_shapes(a.shape, b.shape), dtype=object)), op.where)
    return Constant(np.asarray(_FUNCTIONS[op.node.kind](a, b)))


def _equal(op: Operation) -> Tensor | Constant:
    """What is neither above nor below."""
    return _folded(op) or together(op, _bits(op, "GreaterEqual"), _bits(op, "LessEqual"), op.backend.both)


def _not(op: Operation) -> Tensor | Constant:
    if op.constants is not None:
        return Constant(np.logical_not(op.constants[0]))
    return _opposite(op, op.tensor())


def _opposite(op: Operation, x: Tensor) -> Tensor:
    return replace(x, handle=op.backend.opposite(x.handle))


def _and(op: Operation) -> Tensor | Constant:
    return _folded(op) or _both(op, op.argument(0), op.argument(1))


def _or(op: Operation) -> Tensor | Constant:
    """Not neither of both."""
    return _folded(op) or _opposite(op, _neither(op))


def _xor(op: Operation) -> Tensor | Constant:
    """Neither both nor neither."""
    return _folded(op) or _both(
        op, _opposite(op, _both(op, op.argument(0), op.argument(1))), _opposite(op, _neither(op))
    )


def _neither(op: Operation) -> Tensor:
    turned = [
        Constant(np.logical_not(found.values)) if isinstance(found, Constant) else _opposite(op, op.tensor(index))
        for index, found in enumerate(op.arguments[:2])
    ]
    return _both(op, *turned)


def _both(op: Operation, a: Argument, b: Argument) -> Tensor:
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return together(op, a, b, op.backend.both)
    x, mask = (a, b) if isinstance(a, Tensor) else (b, a)
    if not isinstance(x, Tensor) or not isinstance(mask, Constant):
        raise op.unsupported("an argument that is missing", "export the model again")
    bits = replace(x, handle=op.backend.truth(x.handle))
    return scaled(op, expanded(op, bits, mask.values.shape), np.asarray(mask.values, np.float32), None)


def _compare(op: Operation, comparison: Comparison) -> Tensor | Constant:
    return _folded(op) or _bits(op, comparison)


def _bits(op: Operation, comparison: Comparison) -> Tensor:
    """Of two tensors, or of a tensor and numbers."""
    a, b = op.argument(0), op.argument(1)
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return together(op, a, b, lambda p, q: op.backend.compare(p, q, comparison))
    if isinstance(a, Tensor):
        return _with_numbers(op, a, op.floats(1, "constant"), comparison)
    return _with_numbers(op, op.tensor(1), op.floats(0, "constant"), _TURNED[comparison])


def _with_numbers(op: Operation, x: Tensor, values: Array, comparison: Comparison) -> Tensor:
    x, row, shape = vector(op.backend, as_wide_as(op, x, values), values, op.where)
    bits = op.backend.compare(x.handle, row, comparison)
    bits = bits if shape is None else op.backend.reshape(bits, shape)
    return Tensor(bits, shape or x.shape, x.axes)


def _where(op: Operation) -> Tensor | Constant:
    if op.constants is not None:
        folding.bounded(int(np.prod(np.broadcast_shapes(*(a.shape for a in op.constants)), dtype=object)), op.where)
        return Constant(np.asarray(np.where(*op.constants)))
    condition = op.argument(0)
    if isinstance(condition, Constant):
        return _masked(op, np.asarray(condition.values, bool))
    return _chosen(op)


def _masked(op: Operation, mask: Array) -> Tensor:
    """By a constant: what is not chosen times zero, and the other one times zero where this one is chosen."""
    sides = [found for found in (op.argument(1), op.argument(2)) if found is not None]
    shapes = [found.values.shape if isinstance(found, Constant) else found.sizes for found in sides]
    whole = np.broadcast_shapes(mask.shape, *shapes)
    parts: list[Tensor] = []
    offset = np.zeros(1, np.float32)
    for found, chosen in zip(sides, (mask, ~mask), strict=True):
        factor = np.asarray(chosen, np.float32)
        if isinstance(found, Constant):
            offset = np.asarray(np.where(chosen, found.values, 0), np.float32)
        else:
            x = expanded(op, found, whole)
            parts.append(x if chosen.all() else scaled(op, x, factor, None))
    if len(parts) == 2:
        return together(op, parts[0], parts[1], lambda p, q: op.backend.add(p, q, negate=False))
    return scaled(op, parts[0], None, offset) if offset.any() else parts[0]


def _chosen(op: Operation) -> Tensor:
    """By a comparison, of two tensors or numbers."""
    tensors = [in_order(op.backend, found, op.where) for found in op.arguments if isinstance(found, Tensor)]
    if len({len(x.axes) for x in tensors}) != 1:
        raise op.unsupported(f"tensors of {', '.join(str(len(x.axes)) for x in tensors)} axes", "reshape them")
    numbers = [found for found in op.arguments if isinstance(found, Constant)]
    if any(found.values.size != 1 for found in numbers):
        raise op.unsupported("chooses a constant of several numbers", "choose one number, and add the others behind it")
    left = iter(tensors)
    condition, x, y = (
        float(found.values.reshape(-1)[0]) if isinstance(found, Constant) else next(left).handle
        for found in op.arguments
    )
    shape = np.broadcast_shapes(*(one.shape for one in tensors))
    return Tensor(op.backend.choose(condition, x, y), shape, tensors[0].axes)


HANDLERS: Mapping[str, Handler] = {
    **{kind: partial(_compare, comparison=comparison) for kind, comparison in _COMPARISONS.items()},
    "And": _and,
    "Equal": _equal,
    "Not": _not,
    "Or": _or,
    "Where": _where,
    "Xor": _xor,
}
