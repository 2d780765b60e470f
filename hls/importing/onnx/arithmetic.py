"""ONNX operators that compute: sums, products element by element, normalizations, functions of one value."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from hls.importing.onnx import folding, windows
from hls.importing.onnx.backend import Floats
from hls.importing.onnx.idioms import SILU
from hls.importing.onnx.operation import Argument, Handler, Operation
from hls.importing.onnx.products import by_matrix
from hls.importing.onnx.repeating import as_wide_as
from hls.importing.onnx.tensors import (
    Constant,
    Tensor,
    arranged,
    batch_axis,
    in_order,
    positive_axis,
    transposed,
    vector,
)


def _gemm(op: Operation) -> Tensor:
    kernel, alpha, beta = op.constant(1, "matrix"), op.attribute("alpha", 1.0), op.attribute("beta", 1.0)
    if kernel.values.ndim != 2 or len(op.tensor().axes) != 2:
        raise op.unsupported("a matrix of other than two axes", "export the model again")
    x = transposed(op.tensor(), (1, 0)) if op.attribute("transA", 0) else op.tensor()
    if op.attribute("transB", 0):
        kernel = folding.moved(kernel, np.transpose)
    addend = op.argument(2)
    if alpha == 1 and beta == 1 and isinstance(addend, Constant) and math.prod(addend.values.shape[:-1]) == 1:
        if addend.values.size not in (1, kernel.values.shape[1]):
            raise op.unsupported(f"a bias of shape {addend.values.shape}", "export the model again")
        bias = np.broadcast_to(op.floats(2, "bias").reshape(-1), kernel.values.shape[1:])
        return by_matrix(op, x, kernel, bias)
    x = by_matrix(op, x, kernel, None)
    if alpha != 1:
        x = scaled(op, x, np.array([alpha], np.float32), None)
    if isinstance(addend, Constant):
        x = scaled(op, x, None, op.floats(2, "bias") * np.float32(beta))
    elif addend is not None:
        addend = addend if beta == 1 else scaled(op, addend, np.array([beta], np.float32), None)
        x = together(op, x, addend, lambda a, b: op.backend.add(a, b, negate=False))
    return x


def scaled(op: Operation, x: Tensor, factor: Floats | None, offset: Floats | None, *, divide: bool = False) -> Tensor:
    """A constant factor and a constant offset, of whatever shapes."""
    for values, isfactor in ((factor, True), (offset, False)):
        if values is None:
            continue
        x = as_wide_as(op, x, values)
        x, row, shape = vector(op.backend, x, np.asarray(values, np.float32), op.where)
        handle = op.backend.scale(x.handle, *((row, None) if isfactor else (None, row)), divide=isfactor and divide)
        x = Tensor(handle if shape is None else op.backend.reshape(handle, shape), x.shape, x.axes)
    return x


def together(op: Operation, a: Tensor, b: Tensor, combine: Callable[[object, object], object]) -> Tensor:
    """Two tensors element by element, held alike."""
    if len(a.axes) != len(b.axes):
        raise op.unsupported(f"tensors of {len(a.axes)} and {len(b.axes)} axes", "reshape one of them")
    if a.sizes != b.sizes or None in a.axes:
        a, b = in_order(op.backend, a, op.where), in_order(op.backend, b, op.where)
        pairs = list(zip(a.shape, b.shape, strict=True))
        if any(n != m and 1 not in (n, m) for n, m in pairs):
            raise op.unsupported(f"tensors of shapes {a.shape} and {b.shape}", "export the model again")
        return Tensor(combine(a.handle, b.handle), tuple(max(pair) for pair in pairs), a.axes)
    places = sorted((axis for axis in range(len(a.axes)) if a.axes[axis]), key=lambda axis: a.axes[axis] or 0)
    if batch_axis(a, op.where) != batch_axis(b, op.where):
        raise op.unsupported("tensors whose batches are different axes", "make the batch the first axis")
    b = arranged(op.backend, b, places)
    return Tensor(combine(a.handle, b.handle), a.shape, a.axes)


def _arithmetic(op: Operation) -> Tensor | Constant:
    known, kind = op.constants, op.node.kind
    a, b = op.argument(0), op.argument(1)
    if known is not None and isinstance(a, Constant) and isinstance(b, Constant):
        found = folding.arithmetic(kind, known[0], known[1], op.where)
        if kind in ("Mul", "Div"):
            found = folding.rescaled(a, kind, known[1], found)
        return folding.rescaled(b, kind, known[0], found) if kind == "Mul" and found.integers is None else found
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        if kind == "Div":
            raise op.unsupported("a quotient of two tensors", "leave it off the chip")
        if kind == "Mul":
            return together(op, a, b, op.backend.multiply)
        return together(op, a, b, lambda p, q: op.backend.add(p, q, negate=kind == "Sub"))
    return _by_constant(op, kind)


def _by_constant(op: Operation, kind: str) -> Tensor:
    """A tensor and a constant, on either side; a quotient of integers is cut off, as in C."""
    first = isinstance(op.argument(0), Tensor)
    x, index = (op.tensor(0), 1) if first else (op.tensor(1), 0)
    values = _aligned(op, op.floats(index, "constant"), len(x.axes))
    if kind in ("Mul", "Div"):
        if kind == "Div" and (not first or not values.all()):
            raise op.unsupported("a division of a constant, or by zero", "leave it off the chip")
        found = scaled(op, x, values, None, divide=kind == "Div")
        whole = kind == "Div" and op.integers
        return replace(found, handle=op.backend.whole(found.handle, "DOWN")) if whole else found
    if kind == "Sub" and not first:
        x = scaled(op, x, np.array([-1], np.float32), None)
    return scaled(op, x, None, -values if kind == "Sub" and first else values)


def _aligned(op: Operation, values: Floats, rank: int) -> Floats:
    """A constant whose first axis is the one that files of before opset 7 name."""
    axis = op.attribute("axis", None) if op.opset < _NUMPYS_BROADCAST else None
    if axis is None:
        return values
    behind = rank - positive_axis(axis, rank, op.where) - values.ndim
    if behind < 0:
        raise op.unsupported(f"a constant of shape {values.shape} from axis {axis} on", "export the model again")
    return values.reshape(*values.shape, *(1,) * behind)


def _sum(op: Operation, *, mean: bool = False) -> Tensor | Constant:
    """Of any number of tensors and constants."""
    found = op.argument(0)
    for index in range(1, len(op.arguments)):
        pair = replace(op, node=replace(op.node, kind="Add"), arguments=(found, op.argument(index)))
        found = _arithmetic(pair)
    if found is None:
        raise op.unsupported("nothing to add", "export the model again")
    if mean:
        windows.refuse_integers(op)
    count = np.array([len(op.arguments)], np.float32)
    if isinstance(found, Constant):
        return Constant(np.asarray(found.values / count, found.values.dtype)) if mean else found
    return scaled(op, found, count, None, divide=True) if mean else found


def _negate(op: Operation) -> Tensor | Constant:
    if op.constants is not None:
        return Constant(-op.constants[0])
    return scaled(op, op.tensor(), np.array([-1], np.float32), None)


def _batch_normalization(op: Operation) -> Tensor:
    """A factor and an offset a channel, every step rounded to float32 as ONNX Runtime does."""
    trains = op.attribute("training_mode", 0) if op.opset >= _STATES_TRAINING else any(op.node.outputs[1:])
    if trains or (op.opset < _NUMPYS_BROADCAST and not op.attribute("is_test", 0)):
        raise op.unsupported(
            "normalizes by mean and variance of each batch, as in training",
            "export the model as it runs (model.eval()), which is another network",
        )
    gamma, beta, mean, variance = (
        op.floats(index, what).reshape(-1) for index, what in enumerate(("scale", "bias", "mean", "variance"), start=1)
    )
    x = op.tensor()
    shifted = variance + np.float32(op.attribute("epsilon", 1e-5))
    if len({array.size for array in (gamma, beta, mean, variance)}) != 1 or not (shifted > 0).all():
        raise op.unsupported("a variance below zero, or arrays of different sizes", "train and export the model again")
    factor = np.asarray(gamma / np.sqrt(shifted), np.float32)
    offset = np.asarray(beta - mean * factor, np.float32)
    axis = len(x.axes) - 1 if windows.is_channels_last(op) else 1
    if axis >= len(x.axes) or x.size(axis) != factor.size:
        axis = _only_axis(op, x, factor.size)
    shape = [1] * len(x.axes)
    shape[axis] = -1
    return scaled(op, x, factor.reshape(shape), offset.reshape(shape))


def _only_axis(op: Operation, x: Tensor, size: int) -> int:
    """Early converters of Keras transpose the batch along with the channels, which are then the one axis that fits."""
    fitting = [axis for axis in range(len(x.axes)) if x.axes[axis] and x.size(axis) == size]
    if len(fitting) != 1:
        raise op.unsupported(f"normalizes {size} channels of a tensor of shape {x.sizes}", "export the model again")
    return fitting[0]


def _unary(method: str) -> Handler:
    def handler(op: Operation) -> Tensor:
        x = op.tensor()
        return Tensor(getattr(op.backend, method)(x.handle), x.shape, x.axes)

    return handler


def _leaky(op: Operation) -> Tensor:
    x = op.tensor()
    return Tensor(op.backend.leaky(x.handle, op.attribute("alpha", 0.01)), x.shape, x.axes)


def _prelu(op: Operation) -> Tensor:
    """What is above zero, less what is below, turned, times the slope of its channel."""
    x, slopes = op.tensor(), op.floats(1, "slope")
    below = replace(x, handle=op.backend.relu(op.backend.scale(x.handle, _MINUS, None)))
    above = replace(x, handle=op.backend.relu(x.handle))
    return together(op, above, scaled(op, below, slopes, None), lambda p, q: op.backend.add(p, q, negate=True))


def _power(op: Operation) -> Tensor:
    """The square: of it alone is exact what any library makes of it."""
    exponent = op.number(1, "exponent")
    if exponent != 2:
        raise op.unsupported(f"a power of {exponent:g}", "write a whole power as a product of tensors (Mul)")
    return square(op)


def square(op: Operation) -> Tensor:
    """Of the first argument."""
    return together(op, op.tensor(), op.tensor(), op.backend.multiply)


def sum_of(function: Callable[[Operation], Tensor], op: Operation) -> Tensor:
    """A function of the first argument, summed over axes."""
    return windows.reduce(replace(op, arguments=(function(op), *op.arguments[1:])), "sum")


def _clip(op: Operation) -> Tensor | Constant:
    ends = [
        op.number(index, name) if op.argument(index) is not None else op.attribute(name, None)
        for index, name in ((1, "min"), (2, "max"))
    ]
    low, high = (
        None if end is None or end * sign > _NO_END else float(end) for end, sign in zip(ends, (-1, 1), strict=True)
    )
    if any(end is not None and math.isinf(end) for end in (low, high)):
        raise op.unsupported("clips everything to an infinite number", "state ends that values lie between")
    weights = op.argument(0)
    if isinstance(weights, Constant):  # of less than 8 bits, before the DequantizeLinear
        return folding.clipped(weights, low, high)
    x = op.tensor()
    return Tensor(op.backend.clip(x.handle, low, high), x.shape, x.axes)


def _hard_sigmoid(op: Operation) -> Tensor:
    slope, offset = (np.array([op.attribute(*pair)], np.float32) for pair in (("alpha", 0.2), ("beta", 0.5)))
    x = scaled(op, op.tensor(), slope, offset)
    return Tensor(op.backend.clip(x.handle, 0.0, 1.0), x.shape, x.axes)


def _function(op: Operation) -> Tensor:
    x = op.tensor()
    name = _FUNCTIONS[op.node.kind]
    if name == "softmax":
        axis = op.attribute("axis", -1 if op.opset >= 13 else 1)
        if positive_axis(axis, len(x.axes), op.where) != len(x.axes) - 1:
            raise op.unsupported(f"a softmax along axis {axis}", "take the last axis")
    stated = {key: value for key, value in op.node.attributes.items() if key != "axis"}
    if any(value != _OPTIONS.get(key) for key, value in stated.items()):
        raise op.unsupported(f"with {stated}", "leave these options at their defaults, and train again")
    return Tensor(op.backend.function(x.handle, name), x.shape, x.axes)


def _elu(op: Operation) -> Tensor:
    x = op.tensor()
    return Tensor(op.backend.elu(x.handle, op.attribute("alpha", 1.0)), x.shape, x.axes)


def _absolute(op: Operation) -> Tensor | Constant:
    """What is above zero, and what is below, turned."""
    return Constant(np.abs(op.constants[0])) if op.constants is not None else absolute(op)


def absolute(op: Operation) -> Tensor:
    """Of the first argument."""
    x = op.tensor()
    above, below = op.backend.relu(x.handle), op.backend.relu(op.backend.scale(x.handle, _MINUS, None))
    return Tensor(op.backend.add(above, below, negate=False), x.shape, x.axes)


def _extreme(op: Operation, *, least: bool) -> Tensor:
    """Max, Min: ``a + relu(b - a)``, and less where it is the least; beside a number, which clips."""
    found = op.argument(0)
    for index in range(1, len(op.arguments)):
        if isinstance(found, Tensor):
            found = _larger(op, found, op.argument(index), least=least)
        else:
            found = _larger(op, op.tensor(index), found, least=least)
    return found if isinstance(found, Tensor) else op.tensor()


def _larger(op: Operation, a: Tensor, b: Argument, *, least: bool) -> Tensor:
    if isinstance(b, Constant) and b.values.size == 1:
        end = float(np.asarray(b.values, np.float32).reshape(-1)[0])
        if math.isinf(end):
            if (end > 0) != least:
                raise op.unsupported("an extreme of a tensor and an infinite number beyond it", "leave it out")
            return a
        low, high = (None, end) if least else (end, None)
        return Tensor(op.backend.clip(a.handle, low, high), a.shape, a.axes)
    if isinstance(b, Constant):
        return _beyond(op, a, np.asarray(b.values, np.float32), least=least)
    if b is None:
        raise op.unsupported("an argument that is missing", "export the model again")

    def joined(p: object, q: object) -> object:
        first, second = (p, q) if least else (q, p)
        beyond = op.backend.relu(op.backend.add(first, second, negate=True))
        return op.backend.add(p, beyond, negate=least)

    return together(op, a, b, joined)


def _beyond(op: Operation, a: Tensor, ends: Floats, *, least: bool) -> Tensor:
    """``ends + relu(a - ends)``, or ``ends - relu(ends - a)`` where it is the least."""
    if not np.isfinite(ends).all():
        raise op.unsupported("an extreme of a tensor and infinite numbers", "write numbers that no value goes beyond")
    turned = _MINUS if least else None
    distance = scaled(op, a, turned, ends if least else -ends)
    above = replace(distance, handle=op.backend.relu(distance.handle))
    return scaled(op, above, turned, ends)


_NUMPYS_BROADCAST, _STATES_TRAINING = 7, 14
"""The opsets from which on shapes are aligned at their end, and an attribute says whether a normalization trains."""
_NO_END = 1e30
"""Ends of a clip beyond this are float32's own, which exporters write for one that is open."""
_MINUS = np.array([-1], np.float32)
_OPTIONS = {"alpha": 1.6732631921768188, "gamma": 1.0507010221481323, "approximate": "none"}
"""Those that leave a function as Keras has it."""
_FUNCTIONS = {
    "Exp": "exponential", "Gelu": "gelu", "HardSwish": "hard_swish", "Selu": "selu", "Sigmoid": "sigmoid",
    SILU: "silu", "Softmax": "softmax",
    "Softplus": "softplus", "Softsign": "softsign", "Tanh": "tanh",
}  # fmt: skip
"""Names that Keras has for them."""
HANDLERS: Mapping[str, Handler] = {
    **dict.fromkeys(("Add", "Sub", "Mul", "Div"), _arithmetic),
    **dict.fromkeys(_FUNCTIONS, _function),
    "Abs": _absolute,
    "BatchNormalization": _batch_normalization,
    "Clip": _clip,
    "Elu": _elu,
    "Gemm": _gemm,
    "HardSigmoid": _hard_sigmoid,
    "LeakyRelu": _leaky,
    "Max": partial(_extreme, least=False),
    "Mean": partial(_sum, mean=True),
    "Min": partial(_extreme, least=True),
    "Neg": _negate,
    "PRelu": _prelu,
    "Pow": _power,
    "Relu": _unary("relu"),
    "Sum": _sum,
}
