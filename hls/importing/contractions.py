"""Sums of products of two tensors: matrix products, ``Dot`` and einsum, every sum over the axes that both have."""

from __future__ import annotations

from math import prod
from string import ascii_lowercase

import numpy as np

from hls.errors import ModelFileError, UnsupportedError
from hls.graph import nodes
from hls.graph.fixed import FixedArray
from hls.importing.emitter import Emitter, Handler
from hls.importing.options import sizes
from hls.importing.refusals import PRODUCT
from hls.importing.spec import Constant, LayerSpec

_LETTERS = ascii_lowercase
_MOST_PRODUCTS = 1 << 24


def contracted(emit: Emitter, where: str, inputs: tuple[str, str], axes: tuple[str, str], out: str) -> str:
    """As einsum of ``axes``, a letter each, to ``out``; the batch is left out of all three. ``where``: who asks.

    Raises:
        ModelFileError: axes of one letter have different lengths.
        UnsupportedError: one tensor has an axis twice, or one that neither the other nor the result has.
    """
    first, second = axes
    letters = dict.fromkeys(first + second)
    alone = (set(first) ^ set(second)) - set(out)
    if any(len(set(one)) != len(one) for one in (first, second, out)) or alone or not set(out) <= set(letters):
        raise UnsupportedError(f"{where}: {PRODUCT}")
    lengths: dict[str, int] = {}
    for x, one in zip(inputs, axes, strict=True):
        shape = emit.edge(x).shape
        pairs = zip(one, shape, strict=False)
        if len(shape) != len(one) or any(lengths.setdefault(letter, n) != n for letter, n in pairs):
            raise ModelFileError(
                f"{where}: a product of {first} and {second} of a tensor of {shape}; save the model again"
            )
    if prod(lengths.values()) > _MOST_PRODUCTS:
        raise ModelFileError(f"{where}: {prod(lengths.values()):,} products are more than fit on any chip")
    order = _order(first, second)
    spread = [_spread(emit, x, one, order, lengths) for x, one in zip(inputs, axes, strict=True)]
    products = emit(nodes.Multiply, "products", (spread[0], spread[1]))
    summed = "".join(letter for letter in order if letter not in out)
    wanted = out + summed
    if wanted != order:
        products = emit(nodes.Transpose, "turned", (products,), tuple(order.index(letter) for letter in wanted))
    shape = tuple(lengths[letter] for letter in out) or (1,)
    if not summed:
        return products
    terms = prod(lengths[letter] for letter in summed)
    ones, zero = FixedArray(np.ones((terms, 1), np.int64), 0), FixedArray(np.zeros(1, np.int64), 0)
    if wanted == summed[:1]:  # of two vectors
        return emit(nodes.Dense, "sum", (products,), ones, zero)
    rows = emit(nodes.Reshape, "terms", (products,), (prod(shape), terms))
    return emit(nodes.Reshape, "sums", (emit(nodes.Dense, "sum", (rows,), ones, zero),), shape)


def _order(first: str, second: str) -> str:
    """All letters, as both tensors have them where that can be, so that none is transposed before the product."""
    order, rest = "", second
    for letter in first:
        before, found, after = rest.partition(letter)
        order, rest = (order + before, after) if found else (order, rest)
        order += letter
    return "".join(dict.fromkeys(order + rest))


def _spread(emit: Emitter, x: str, axes: str, order: str, lengths: dict[str, int]) -> str:
    """The tensor with its axes in that order, and one of length 1 for each that it has not."""
    here = "".join(letter for letter in order if letter in axes)
    if here != axes:
        x = emit(nodes.Transpose, "axes", (x,), tuple(axes.index(letter) for letter in here))
    if here == order:
        return x
    return emit(nodes.Reshape, "spread", (x,), tuple(lengths[letter] if letter in axes else 1 for letter in order))


def _where(spec: LayerSpec) -> str:
    return f"layer {spec.name!r}"


def _refused(spec: LayerSpec) -> UnsupportedError:
    return UnsupportedError(f"{_where(spec)}: {PRODUCT}")


def _matmul(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """Of two tensors of matrices, or of a tensor and a matrix of constants."""
    match emit.arguments:
        case (str(x), Constant() as kernel) if kernel.value.ndim == 2:
            return _by_constants(emit, x, kernel)
        case (str(a), str(b)) if spec.class_name == "ops.Matmul":
            ranks = [len(emit.edge(x).shape) for x in (a, b)]
            if ranks[0] == ranks[1] >= 2:
                head = _LETTERS[3 : 1 + ranks[0]]
                return contracted(emit, _where(spec), (a, b), (f"{head}ac", f"{head}cb"), f"{head}ab")
    raise _refused(spec)


def _by_constants(emit: Emitter, x: str, kernel: Constant) -> str:
    columns = kernel.value.shape[1]
    return emit(
        nodes.Dense, "matrix", (x,), FixedArray.from_float(kernel.value), FixedArray(np.zeros(columns, np.int64), 0)
    )


def _einsum(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """Of two tensors with the batch in front of both and of the result."""
    text = str(spec.config.get("subscripts")).replace(" ", "")
    left, _, out = text.partition("->")
    first, _, second = left.partition(",")
    match emit.arguments:
        case (str(a), str(b)) if text.replace("->", "").replace(",", "").isalpha():
            if first[:1] == second[:1] == out[:1]:
                return contracted(emit, _where(spec), (a, b), (first[1:], second[1:]), out[1:])
    raise _refused(spec)


def _dot(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """Over one axis of each; of two vectors one number."""
    ranks = [len(emit.edge(x).shape) for x in inputs]
    if len(inputs) != 2 or spec.config.get("normalize"):
        raise UnsupportedError(
            f"layer {spec.name!r}: a Dot that is normalized, and that of products alone is read here; leave the norm "
            "out, which is another network"
        )
    stated = sizes(spec.config.get("axes"), 2)
    places = [axis - 1 if axis > 0 else axis + rank for axis, rank in zip(stated, ranks, strict=False)]
    if len(places) != 2 or any(not 0 <= place < rank for place, rank in zip(places, ranks, strict=True)):
        raise ModelFileError(f"layer {spec.name!r}: axes={spec.config.get('axes')} of {ranks}; save the model again")
    first = _LETTERS[: ranks[0]]
    second = _LETTERS[ranks[0] : sum(ranks)]
    common = first[places[0]]
    second = second[: places[1]] + common + second[places[1] + 1 :]
    out = "".join(letter for letter in first + second if letter != common)
    return contracted(emit, _where(spec), (inputs[0], inputs[1]), (first, second), out)


MERGES = ("Dot", "ops.Matmul", "ops.Dot", "ops.Einsum")
HANDLERS: dict[str, Handler] = {"Dot": _dot, "ops.Matmul": _matmul, "ops.Dot": _matmul, "ops.Einsum": _einsum}
