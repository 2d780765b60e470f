"""What each ONNX operator means, told once for every backend."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from hls.errors import UnsupportedError
from hls.importing.onnx import folding, quantizing, resizing, windows
from hls.importing.onnx.backend import Floats
from hls.importing.onnx.operation import Operation
from hls.importing.onnx.tensors import (
    BATCH,
    Constant,
    Tensor,
    arranged,
    batch_axis,
    channels_last,
    in_order,
    positive_axis,
    reshaped,
    squeezed,
    transposed,
    unsqueezed,
    vector,
)

Handler = Callable[[Operation], Tensor | Constant]


def _along_last(op: Operation) -> Tensor:
    x = op.tensor()
    if x.axes[-1] == BATCH:
        raise op.unsupported("multiplies along the batch", "make the batch the first axis")
    return channels_last(op.backend, x, len(x.axes) - 1, op.where)


def _products(op: Operation, kernel: Constant, bias: Floats | None) -> Tensor:
    x = _along_last(op)
    inputs, outputs = kernel.values.shape
    if inputs != x.shape[-1]:
        raise op.unsupported(f"a matrix for {inputs} values, and {x.shape[-1]} arrive", "export the model again")
    return Tensor(op.backend.dense(x.handle, kernel, bias), (*x.shape[:-1], outputs), x.axes)


def _matmul(op: Operation) -> Tensor:
    if isinstance(op.argument(0), Constant) or isinstance(op.argument(1), Tensor):
        raise op.unsupported("a product of matrices, of which the second is no constant", "leave it off the chip")
    kernel = op.constant(1, "matrix")
    while kernel.values.ndim > 2 and len(kernel.values) == 1:
        kernel = folding.moved(kernel, lambda array: array[0])
    if kernel.values.ndim != 2:
        raise op.unsupported(f"a matrix of {kernel.values.ndim} axes", "two axes")
    return _products(op, kernel, None)


def _gemm(op: Operation) -> Tensor:
    kernel, alpha, beta = op.constant(1, "matrix"), op.attribute("alpha", 1.0), op.attribute("beta", 1.0)
    if op.attribute("transA", 0) or kernel.values.ndim != 2:
        raise op.unsupported("transA, or a matrix of other than two axes", "export the model again")
    if op.attribute("transB", 0):
        kernel = folding.moved(kernel, np.transpose)
    addend = op.argument(2)
    if alpha == 1 and beta == 1 and isinstance(addend, Constant) and math.prod(addend.values.shape[:-1]) == 1:
        if addend.values.size not in (1, kernel.values.shape[1]):
            raise op.unsupported(f"a bias of shape {addend.values.shape}", "export the model again")
        bias = np.broadcast_to(np.asarray(addend.values, np.float32).reshape(-1), kernel.values.shape[1:])
        return _products(op, kernel, bias)
    x = _products(op, kernel, None)
    if alpha != 1:
        x = _scaled(op, x, np.array([alpha], np.float32), None)
    if isinstance(addend, Constant):
        x = _scaled(op, x, None, np.asarray(addend.values, np.float32) * np.float32(beta))
    elif addend is not None:
        x = _together(op, x, addend, lambda a, b: op.backend.add(a, b, negate=False))
    return x


def _scaled(op: Operation, x: Tensor, factor: Floats | None, offset: Floats | None, *, divide: bool = False) -> Tensor:
    """A constant factor and a constant offset, of whatever shapes."""
    for values, isfactor in ((factor, True), (offset, False)):
        if values is None:
            continue
        x, row, shape = vector(op.backend, x, np.asarray(values, np.float32), op.where)
        handle = op.backend.scale(x.handle, *((row, None) if isfactor else (None, row)), divide=isfactor and divide)
        x = Tensor(handle if shape is None else op.backend.reshape(handle, shape), x.shape, x.axes)
    return x


def _together(op: Operation, a: Tensor, b: Tensor, combine: Callable[[object, object], object]) -> Tensor:
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
    if known is not None and len(known) == 2:
        return folding.arithmetic(kind, known[0], known[1], op.where)
    a, b = op.argument(0), op.argument(1)
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        if kind == "Div":
            raise op.unsupported("a quotient of two tensors", "leave it off the chip")
        if kind == "Mul":
            return _together(op, a, b, op.backend.multiply)
        return _together(op, a, b, lambda p, q: op.backend.add(p, q, negate=kind == "Sub"))
    first = isinstance(a, Tensor)
    x, values = (op.tensor(0), op.floats(1, "constant")) if first else (op.tensor(1), op.floats(0, "constant"))
    if kind in ("Mul", "Div"):
        if kind == "Div" and (not first or not values.all()):
            raise op.unsupported("a division of a constant, or by zero", "leave it off the chip")
        return _scaled(op, x, values, None, divide=kind == "Div")
    if kind == "Sub" and not first:
        x = _scaled(op, x, np.array([-1], np.float32), None)
    return _scaled(op, x, None, -values if kind == "Sub" and first else values)


def _negate(op: Operation) -> Tensor | Constant:
    if op.constants is not None:
        return Constant(-op.constants[0])
    return _scaled(op, op.tensor(), np.array([-1], np.float32), None)


def _batch_normalization(op: Operation) -> Tensor:
    """A factor and an offset a channel, every step rounded to float32 as ONNX Runtime does."""
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
    return _scaled(op, x, factor.reshape(shape), offset.reshape(shape))


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


def _clip(op: Operation) -> Tensor:
    x = op.tensor()
    ends = [
        op.number(index, name) if op.argument(index) is not None else op.attribute(name, None)
        for index, name in ((1, "min"), (2, "max"))
    ]
    low, high = (None if end is None or abs(end) > 1e30 else float(end) for end in ends)
    return Tensor(op.backend.clip(x.handle, low, high), x.shape, x.axes)


def _hard_sigmoid(op: Operation) -> Tensor:
    slope, offset = (np.array([op.attribute(*pair)], np.float32) for pair in (("alpha", 0.2), ("beta", 0.5)))
    x = _scaled(op, op.tensor(), slope, offset)
    return Tensor(op.backend.clip(x.handle, 0.0, 1.0), x.shape, x.axes)


def _function(op: Operation) -> Tensor:
    x = op.tensor()
    name = op.node.kind.lower()
    if name == "softmax":
        axis = op.attribute("axis", -1 if op.opset >= 13 else 1)
        if positive_axis(axis, len(x.axes), op.where) != len(x.axes) - 1:
            raise op.unsupported(f"a softmax along axis {axis}", "take the last axis")
    return Tensor(op.backend.function(x.handle, name), x.shape, x.axes)


def _same(op: Operation) -> Tensor | Constant:
    found = op.argument(0)
    return found if isinstance(found, Constant) else op.tensor()


def _cast(op: Operation) -> Tensor | Constant:
    found = op.argument(0)
    if isinstance(found, Constant):
        dtype = {1: np.float32, 6: np.int32, 7: np.int64, 11: np.float32}.get(op.attribute("to", 1))
        return Constant(found.values if dtype is None else found.values.astype(dtype))
    if op.attribute("to", 1) not in (1, 10, 11):
        raise op.unsupported("a cast of values to integers", "quantize them")
    return op.tensor()


def _transpose(op: Operation) -> Tensor | Constant:
    found = op.argument(0)
    rank = found.values.ndim if isinstance(found, Constant) else len(op.tensor().axes)
    order = op.whole("perm", range(rank)[::-1]) or []
    if sorted(order) != list(range(rank)):
        raise op.unsupported(f"an order {order} of {rank} axes", "export the model again")
    if isinstance(found, Constant):
        return folding.moved(found, lambda array: np.transpose(array, order))
    return transposed(op.tensor(), order)


def _reshape(op: Operation) -> Tensor | Constant:
    found, target = op.argument(0), op.axes("shape", 1) or []
    if isinstance(found, Constant):
        shape = [found.values.shape[i] if n == 0 and i < found.values.ndim else n for i, n in enumerate(target)]
        return folding.moved(found, lambda array: array.reshape(shape))
    if target and target[0] == op.batch:
        target[0] = 1
    return reshaped(op.backend, op.tensor(), target, op.where)


def _flatten(op: Operation) -> Tensor | Constant:
    found = op.argument(0)
    axis = op.attribute("axis", 1)
    if isinstance(found, Constant):
        rows = math.prod(found.values.shape[:axis])
        return folding.moved(found, lambda array: array.reshape(rows, -1))
    if axis not in (0, 1):
        raise op.unsupported(f"flattens from axis {axis} on", "flatten all axes but the batch")
    return reshaped(op.backend, op.tensor(), (1, -1), op.where)


def _squeeze(op: Operation) -> Tensor | Constant:
    found, axes = op.argument(0), op.axes("axes", 1)
    if isinstance(found, Constant):
        return folding.moved(found, lambda array: np.squeeze(array, None if axes is None else tuple(axes)))
    return squeezed(op.backend, op.tensor(), axes, op.where)


def _unsqueeze(op: Operation) -> Tensor | Constant:
    found, axes = op.argument(0), op.axes("axes", 1) or []
    if isinstance(found, Constant):
        return folding.moved(found, lambda array: np.expand_dims(array, tuple(axes)))
    return unsqueezed(op.tensor(), axes, op.where)


def _concat(op: Operation) -> Tensor | Constant:
    axis = op.attribute("axis", 1)
    if op.constants is not None:
        folding.bounded(sum(values.size for values in op.constants), op.where)
        return Constant(np.concatenate(op.constants, axis))
    tensors = [op.tensor(index) for index in range(len(op.arguments))]
    first = tensors[0]
    place = positive_axis(axis, len(first.axes), op.where)
    if any(len(x.axes) != len(first.axes) for x in tensors) or first.axes[place] == BATCH:
        raise op.unsupported("concatenates the batch, or tensors of different axes", "concatenate other axes")
    alike = [in_order(op.backend, x, op.where) for x in tensors]
    if place != len(first.axes) - 1 and len({x.axes for x in tensors}) == 1 and None not in first.axes:
        alike = tensors
    where = (alike[0].axes[place] or 1) - 1
    sizes = [x.shape for x in alike]
    if len({shape[:where] + shape[where + 1 :] for shape in sizes}) != 1:
        raise op.unsupported(f"concatenates tensors of shapes {sizes}", "export the model again")
    shape = list(sizes[0])
    shape[where] = sum(size[where] for size in sizes)
    return Tensor(op.backend.concatenate([x.handle for x in alike], where), tuple(shape), alike[0].axes)


def _shape(op: Operation) -> Constant:
    found = op.argument(0)
    sizes = found.values.shape if isinstance(found, Constant) else op.tensor().sizes
    return Constant(np.array(sizes, np.int64))


def _taken(op: Operation, x: Tensor, axis: int, places: Sequence[int]) -> Tensor:
    """The places of an axis, by a matrix of zeros and ones."""
    if x.axes[axis] == BATCH:
        raise op.unsupported("takes a part of the batch", "take a part of another axis")
    if not places:
        raise op.unsupported("takes nothing of a tensor", "export the model again")
    last = channels_last(op.backend, x, axis, op.where)
    folding.bounded(last.shape[-1] * len(places), op.where)
    matrix = np.zeros((last.shape[-1], len(places)), np.float32)
    matrix[list(places), range(len(places))] = 1
    handle = op.backend.dense(last.handle, Constant(matrix), None)
    return Tensor(handle, (*last.shape[:-1], len(places)), last.axes)


def _gathered(op: Operation) -> Tensor:
    """Places of a tensor, which a list names; of a number alone the axis is gone."""
    x, indices = op.tensor(), op.constant(1, "list of places").values
    axis = positive_axis(op.attribute("axis", 0), len(x.axes), op.where)
    length = x.size(axis)
    if indices.ndim > 1 or np.abs(indices).max(initial=0) > length:
        what = f"takes places of shape {indices.shape} of an axis of {length}"
        raise op.unsupported(what, "take one place, or a list of those that there are")
    found = _taken(op, x, axis, [int(place) % length for place in indices.reshape(-1)])
    return found if indices.ndim else squeezed(op.backend, found, [axis], op.where)


def _sliced(op: Operation) -> Tensor:
    x = op.tensor()
    starts, ends = op.axes("starts", 1) or [], op.axes("ends", 2) or []
    axes, steps = op.axes("axes", 3) or list(range(len(starts))), op.axes("steps", 4) or [1] * len(starts)
    if not len(starts) == len(ends) == len(axes) == len(steps) or 0 in steps:
        raise op.unsupported("a slice of other starts than ends", "export the model again")
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        place = positive_axis(axis, len(x.axes), op.where)
        places = range(*slice(start, end, step).indices(x.size(place)))
        if places != range(x.size(place)):
            x = _taken(op, x, place, places)
    return x


def _resize(op: Operation) -> Tensor:
    """Nearest neighbours."""
    x = op.tensor()
    for axis, taken in resizing.places(op).items():
        x = _taken(op, x, axis, taken)
    return x


def _gather(op: Operation) -> Tensor | Constant:
    if op.constants is None:
        return _gathered(op)
    values, indices = op.constants[:2]
    folding.bounded(values.size * indices.size, op.where)
    return Constant(np.take(values, indices, axis=op.attribute("axis", 0)))


def _slice(op: Operation) -> Tensor | Constant:
    if op.constants is None:
        return _sliced(op)
    starts, ends = op.axes("starts", 1) or [], op.axes("ends", 2) or []
    values = op.constants[0]
    axes, steps = op.axes("axes", 3) or range(len(starts)), op.axes("steps", 4) or [1] * len(starts)
    cut = [slice(None)] * values.ndim
    for axis, start, end, step in zip(axes, starts, ends, steps, strict=True):
        cut[axis] = slice(start, end, step)
    return Constant(values[tuple(cut)])


def _constant(op: Operation) -> Constant:
    for name, dtype in (("value", None), ("value_float", np.float32), ("value_int", np.int64)):
        if name in op.node.attributes:
            return Constant(np.asarray(op.node.attributes[name], dtype))
    for name, dtype in (("value_floats", np.float32), ("value_ints", np.int64)):
        if name in op.node.attributes:
            return Constant(np.asarray(op.node.attributes[name], dtype))
    raise op.unsupported("a constant without a value", "export the model again")


def _constant_of_shape(op: Operation) -> Constant:
    value = op.attribute("value", None)
    number = np.float32(0) if value is None or not np.size(value) else np.asarray(value).reshape(-1)[0]
    return folding.filled([int(n) for n in op.constant(0, "shape").values.reshape(-1)], number, op.where)


HANDLERS: Mapping[str, Handler] = {
    **dict.fromkeys(("Add", "Sub", "Mul", "Div"), _arithmetic),
    **dict.fromkeys(("Sigmoid", "Tanh", "Softmax"), _function),
    **dict.fromkeys(("Identity", "Dropout"), _same),
    **dict.fromkeys(("Quant", "IntQuant"), quantizing.quant),
    **dict.fromkeys(("Resize", "Upsample"), _resize),
    **dict.fromkeys(("MaxPool", "MaxPoolNHWC"), partial(windows.pool, maximum=True)),
    "AveragePool": partial(windows.pool, maximum=False),
    "BatchNormalization": _batch_normalization,
    "BipolarQuant": quantizing.bipolar,
    "Cast": _cast,
    "Clip": _clip,
    "Concat": _concat,
    "Constant": _constant,
    "ConstantOfShape": _constant_of_shape,
    "Conv": windows.conv,
    "DequantizeLinear": quantizing.dequantize_linear,
    "Flatten": _flatten,
    "Gather": _gather,
    "Gemm": _gemm,
    "GlobalAveragePool": windows.reduce,
    "GlobalMaxPool": partial(windows.reduce, maximum=True),
    "HardSigmoid": _hard_sigmoid,
    "LeakyRelu": _leaky,
    "MatMul": _matmul,
    "MultiThreshold": quantizing.multi_threshold,
    "Neg": _negate,
    "Pad": windows.pad,
    "QuantizeLinear": quantizing.quantize_linear,
    "ReduceMax": partial(windows.reduce, maximum=True),
    "ReduceMean": windows.reduce,
    "ReduceSum": partial(windows.reduce, total=True),
    "Relu": _unary("relu"),
    "Reshape": _reshape,
    "Shape": _shape,
    "Slice": _slice,
    "Squeeze": _squeeze,
    "Transpose": _transpose,
    "Trunc": quantizing.trunc,
    "Unsqueeze": _unsqueeze,
}


def handler(op: Operation) -> Handler:
    """What makes this operator.

    Raises:
        UnsupportedError: none is known.
    """
    found = HANDLERS.get(op.node.kind)
    if found is None:
        raise UnsupportedError(
            f"{op.where} is not supported; leave it off the chip, or write it with those that are known: "
            f"{', '.join(sorted(HANDLERS))}"
        )
    return found
