"""ONNX operators that sum products: MatMul and Einsum, of two tensors or of a tensor and a constant."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from string import ascii_letters
from typing import Any

import numpy as np

from hls.importing.onnx import folding
from hls.importing.onnx.backend import Floats
from hls.importing.onnx.equations import Equation, equation_of, of_matrices
from hls.importing.onnx.operation import Operation
from hls.importing.onnx.tensors import BATCH, Constant, Tensor, arranged, batch_axis, channels_last, squeezed
from hls.importing.onnx.windows import reduced

_AGAIN = "write it with MatMul, Mul and ReduceSum, which compute the same"


def by_matrix(op: Operation, x: Tensor, kernel: Constant, bias: Floats | None) -> Tensor:
    """``x`` times a matrix of constants, along its last axis."""
    if x.axes[-1] == BATCH:
        raise op.unsupported("multiplies along the batch", "make the batch the first axis")
    x = channels_last(op.backend, x, len(x.axes) - 1, op.where)
    inputs, outputs = kernel.values.shape
    if inputs != x.shape[-1]:
        raise op.unsupported(f"a matrix for {inputs} values, and {x.shape[-1]} arrive", "export the model again")
    return Tensor(op.backend.dense(x.handle, kernel, bias), (*x.shape[:-1], outputs), x.axes)


def matmul(op: Operation) -> Tensor:
    """MatMul; the axes before the last two of constants have one element."""
    a, b = (_trimmed(op, index) for index in range(2))
    ranks = [_rank(one) for one in (a, b)]
    if min(ranks) < 2:
        raise op.unsupported("a tensor of the batch alone, or a single number", "export the model again")
    if isinstance(a, Tensor) and isinstance(b, Constant) and ranks[1] == 2:
        found = by_matrix(op, a, b, None)
    else:
        found = _summed(op, a, b, of_matrices(ranks))
    row = [len(found.axes) - 2 + place for place, index in enumerate((0, 1)) if _is_vector(op.argument(index))]
    return squeezed(op.backend, found, row, op.where) if row else found


def _is_vector(found: object) -> bool:
    return isinstance(found, Constant) and found.values.ndim == 1


def _trimmed(op: Operation, index: int) -> Tensor | Constant:
    """An argument, a constant as a matrix, or as several along axes of its own before the last two."""
    found = op.argument(index)
    if not isinstance(found, Constant):
        return op.tensor(index)
    if _is_vector(found):
        return folding.moved(found, lambda array: np.expand_dims(array, index))
    while found.values.ndim > 2 and len(found.values) == 1:
        found = folding.moved(found, lambda array: array[0])
    return found


def einsum(op: Operation) -> Tensor:
    """Einsum of two operands."""
    if len(op.arguments) != 2:
        raise op.unsupported(f"{len(op.arguments)} operands", "take two at a time, which computes the same")
    a, b = (found if isinstance(found := op.argument(index), Constant) else op.tensor(index) for index in range(2))
    text = str(op.attribute("equation", ""))
    equation = equation_of(text, [_rank(one) for one in (a, b)])
    if equation is None:
        raise op.unsupported(f"the equation {text!r}", "export the model again")
    if any(len(set(one)) != len(one) for one in (equation.first, equation.second, equation.out)):
        raise op.unsupported(f"the equation {text!r} takes a diagonal", _AGAIN)
    return _summed(op, a, b, equation)


def _rank(one: Tensor | Constant) -> int:
    return one.values.ndim if isinstance(one, Constant) else len(one.axes)


def _summed(op: Operation, a: Tensor | Constant, b: Tensor | Constant, equation: Equation) -> Tensor:
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return _of_two(op, a, b, equation)
    if isinstance(a, Tensor) and isinstance(b, Constant):
        return _by_constant(op, a, equation.first, b, equation.second, equation.out)
    if isinstance(a, Constant) and isinstance(b, Tensor):
        return _by_constant(op, b, equation.second, a, equation.first, equation.out)
    raise op.unsupported("a product of constants alone", "fold it: qonnx-cleanup, or onnxsim")


def _of_two(op: Operation, a: Tensor, b: Tensor, equation: Equation) -> Tensor:
    batch = equation.first[batch_axis(a, op.where)]
    if equation.second[batch_axis(b, op.where)] != batch or batch not in equation.out:
        raise op.unsupported("sums over the batch, or multiplies its events", "keep the batch as an axis of all three")
    x, first = _held(op, a, equation.first, equation.second + equation.out)
    y, second = _held(op, b, equation.second, equation.first + equation.out)
    sizes = {**first, **second}
    alone = (first.keys() ^ second.keys()) - set(equation.out)
    if alone or any(first[letter] != second[letter] for letter in first.keys() & second.keys()):
        raise op.unsupported(f"a product of tensors of shapes {a.sizes} and {b.sizes}", "export the model again")
    if first and second:
        order = [letter for letter in equation.out if letter in sizes]
        handle = op.backend.contract(x, y, ("".join(first), "".join(second)), "".join(order))
    else:  # one number an event
        order, handle = list(sizes), op.backend.multiply(x, y)
    return _made(handle, sizes, order, batch, equation.out)


def _held(op: Operation, x: Tensor, letters: str, others: str) -> tuple[Any, dict[str, int]]:
    """A tensor without axes of one element, and the letters of those held; it is summed over what no other has."""
    alone = [axis for axis, letter in enumerate(letters) if letter not in others]
    x = reduced(op, x, alone, "sum") if alone else x
    thin = [axis for axis, place in enumerate(x.axes) if place != BATCH and x.size(axis) == 1]
    left = [letter for axis, letter in enumerate(letters) if axis not in thin]
    x = squeezed(op.backend, x, thin, op.where)
    return x.handle, {letter: x.shape[place - 1] for place, letter in sorted(zip(x.axes, left, strict=True)) if place}


def _made(handle: Any, sizes: Mapping[str, int], order: Sequence[str], batch: str, out: str) -> Tensor:
    places = {letter: place for place, letter in enumerate(order, start=1)}
    shape = tuple(sizes[letter] for letter in order) or (1,)
    return Tensor(handle, shape, tuple(BATCH if letter == batch else places.get(letter) for letter in out))


def _on_diagonal(op: Operation, kernel: Constant, axis: int) -> Constant:
    """With another axis in front, beside which its places of ``axis`` are zero but where both are the same."""
    size = kernel.values.shape[axis]
    folding.bounded(kernel.values.size * size, op.where)
    shape = [size if place == axis else 1 for place in range(kernel.values.ndim)]
    same = np.eye(size, dtype=bool).reshape(size, *shape)
    return folding.moved(kernel, lambda array: np.where(same, array, np.zeros((), array.dtype)))


def _by_constant(op: Operation, x: Tensor, letters: str, kernel: Constant, axes: str, out: str) -> Tensor:
    """Over the axes that both have, as a matrix from those to the constant's others."""
    batch = letters[batch_axis(x, op.where)]
    if batch in axes or batch not in out:
        raise op.unsupported("multiplies along the batch, or sums over it", "make the batch the first axis")
    if not set(axes) <= set(letters + out):
        raise op.unsupported("a constant with an axis of its own that is summed over", "sum the constant first")
    if any(x.size(letters.index(one)) != kernel.values.shape[axes.index(one)] for one in axes if one in letters):
        raise op.unsupported(
            f"a constant of shape {kernel.values.shape} beside {x.sizes}",
            "bring the tensor to that size first (Expand)",
        )
    for letter in sorted(set(axes) & set(letters) & set(out)):
        twin = next(free for free in ascii_letters if free not in letters + axes + out)
        kernel, axes = _on_diagonal(op, kernel, axes.index(letter)), twin + axes
        letters = letters.replace(letter, twin)
    summed, new = [one for one in axes if one in letters], [one for one in axes if one not in letters]
    alone = [axis for axis, one in enumerate(letters) if one not in axes + out]
    x = reduced(op, x, alone, "sum") if alone else x
    kept = sorted((place, axis) for axis, place in enumerate(x.axes) if place and letters[axis] in out)
    x = arranged(op.backend, x, (*(axis for _, axis in kept), *map(letters.index, summed)))
    sizes = {one: kernel.values.shape[axes.index(one)] for one in axes}
    before, rows, columns = x.shape[: len(kept)], *(math.prod(sizes[one] for one in part) for part in (summed, new))
    handle = x.handle if x.shape == (*before, rows) else op.backend.reshape(x.handle, (*before, rows))
    turned = [axes.index(one) for one in (*summed, *new)]
    matrix = folding.moved(kernel, lambda array: np.transpose(array, turned).reshape(rows, columns))
    handle = op.backend.dense(handle, matrix, None)
    shape = (*before, *(sizes[one] for one in new)) or (1,)
    handle = handle if shape == (*before, columns) else op.backend.reshape(handle, shape)
    order = [*(letters[axis] for _, axis in kept), *new]
    return _made(handle, dict(zip(order, shape, strict=False)), order, batch, out)
