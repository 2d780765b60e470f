"""Element by element: quantizers with any saturation range, activations, scales and lookup tables."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from hls.errors import UnsupportedError
from hls.graph import nodes
from hls.graph.fixed import FixedArray, FixedType, round_shift, widen
from hls.hls4ml_project.lowering import Lowering, state, unused_table
from hls.hls4ml_project.types import Attribute, HlsType, Value, coarsest, float_constants

WIDEST_TABLE_BITS = 20
"""Of all tables of a layer together: a million entries, which a compiler takes in seconds."""


@state.register
def quantize(node: nodes.Quantize, low: Lowering) -> Value:
    """Round and saturate: one cast where the saturation ends are those of a type, offsets around casts elsewhere."""
    x, edge = low.input(node)
    fraction = node.type.fraction
    half_even = node.rounding is nodes.Rounding.NEAREST_EVEN
    ends = np.array([edge.raw_min, edge.raw_max], dtype=object)
    bottom, top = (int(v) for v in round_shift(ends, edge.fraction - fraction, half_even=half_even))
    dropped = x.fraction - fraction  # of the type that is stated: behind a scale of 1 it is coarser than the edge
    mode = "RND_CONV" if half_even and dropped > 0 else "TRN"
    if dropped > x.type.type.width:
        # ap_fixed looks at the highest dropped bit, which the source must have.
        x = low.cast(node, x, HlsType(FixedType(x.type.type.signed, dropped, dropped - x.fraction)))
    final = low.fit(node.type)
    overflow = saturation(final, node.raw_min, node.raw_max, bottom, top)
    if overflow is not None:
        return low.cast_at_source(node, x, HlsType(final, mode, overflow))
    wide = low.fit(FixedType.covering(min(bottom, 0), max(top, 0), fraction))
    return clamp(low, node, low.cast_at_source(node, x, HlsType(wide, mode)), bottom, top)


@state.register
def wrap(node: nodes.Wrap, low: Lowering) -> Value:
    """A cast to a type that wraps."""
    if low.fit(node.type) != node.type:
        raise UnsupportedError(
            f"layer {node.layer!r} wraps to one bit, which ac_fixed declares with two; choose another backend"
        )
    x, _ = low.input(node)
    return low.cast_at_source(node, x, HlsType(node.type, "TRN", "WRAP"))


def saturation(type_: FixedType, raw_min: int, raw_max: int, bottom: int, top: int) -> str | None:
    """Overflow mode of ``type_`` that takes ``[bottom, top]`` to ``[raw_min, raw_max]``; None where there is none."""
    if raw_min <= bottom and top <= raw_max:
        return "WRAP"
    low_ok = bottom >= raw_min or raw_min == type_.raw_min
    high_ok = top <= raw_max or raw_max == type_.raw_max
    if low_ok and high_ok:
        return "SAT"
    if type_.signed and raw_max == type_.raw_max and raw_min == -raw_max < 0:
        return "SAT_SYM"
    return None


def clamp(low: Lowering, node: nodes.Quantize, x: Value, bottom: int, top: int) -> Value:
    """``x`` in ``[bottom, top]``, already on its grid, clamped to ends that belong to no type.

    Shift the range so that an end falls on an end of an unsigned type, saturate there, and shift back. Rounding is
    over before the first shift, so ties are not disturbed.
    """
    first, last = max(node.raw_min, bottom), min(node.raw_max, top)
    bits = max((last - first).bit_length(), 2 if low.backend.ac_fixed else 1)
    saturating = HlsType(FixedType(False, bits, bits - node.type.fraction), "TRN", "SAT")
    shifted = 0
    for shift in clamping_shifts((node.raw_min, node.raw_max), (bottom, top), saturating.type.raw_max):
        x = low.offset(node, x, shift - shifted, saturating)
        shifted = shift
    return low.offset(node, x, -shifted, HlsType(low.fit(node.type)))


def clamping_shifts(ends: tuple[int, int], found: tuple[int, int], largest: int) -> list[int]:
    """What to add to integers in ``found`` for saturation to ``[0, largest]`` to clamp them to ``ends``, one by one.

    The upper end goes to ``largest``, then the lower one to zero; an end that none of ``found`` crosses needs no shift.
    To clamp [-20, 40] to [-3, 9] with 4 bits:

    >>> clamping_shifts((-3, 9), (-20, 40), largest=15)
    [6, 3]

    40 + 6 becomes 15; moved on to a shift of 3, which is 12, and back it is 9. -20 + 6 becomes 0; 0 - 3 becomes 0
    again, and back it is -3.
    """
    (raw_min, raw_max), (bottom, top) = ends, found
    shifts = [largest - raw_max] if top > raw_max else []
    return [*shifts, -raw_min] if bottom < raw_min else shifts


@state.register
def relu(node: nodes.Relu, low: Lowering) -> Value:
    """Plain or leaky, without rounding."""
    x, _ = low.input(node)
    result = low.exact(low.graph.edges[node.name])
    if node.slope_shift is None:
        return low.pointwise(node, "Activation", x, result, {"activation": "relu"}, unused_table())
    slope = HlsType(low.fit(FixedType(False, 1, 1 - node.slope_shift)))
    attributes: dict[str, Attribute] = {"activation": "leakyrelu", "activ_param": 2.0**-node.slope_shift}
    return low.pointwise(node, "LeakyReLU", x, result, attributes, {"param": slope, **unused_table()})


@state.register
def scale(node: nodes.Scale, low: Lowering) -> Value:
    """Per-channel factor and offset: hls4ml's BatchNormalization, whose products and sums are of full width."""
    x, _ = low.input(node)
    channels = max(node.factor.integers.size, node.offset.integers.size)
    factor, offset = (
        FixedArray(np.broadcast_to(constant.integers, (channels,)), constant.fraction)
        for constant in (node.factor, node.offset)
    )
    if np.all(factor.to_float() == 1) and not np.any(offset.integers):
        return x  # hls4ml would drop such a layer and its cast with it
    if low.streaming and x.layer_shape[-1] % channels:
        x = low.shaped(node, x, x.shape)
    return low.affine(node, x, factor, offset, low.exact(low.graph.edges[node.name]))


@state.register
def table(node: nodes.Table, low: Lowering) -> Value:
    """Exact lookup: by the bits of the input where the backend can, else by a counted index into an embedding."""
    x, edge = low.input(node)
    if node.channels > 1:
        node, x = _addressed(low, node, x)
    if low.backend.layers.tables == "bits":
        return _lookup_by_bits(low, node, x)
    return _lookup_by_index(low, node, x, edge.shape)


def _addressed(low: Lowering, node: nodes.Table, x: Value) -> tuple[nodes.Table, Value]:
    """One table of all, and in it the place of each value: hls4ml has a table a layer."""
    whole = (node.channels * node.entries - 1).bit_length()
    address = HlsType(low.fit(FixedType(False, max(whole, 1), max(whole, 1))))
    step = FixedArray(np.full(node.channels, 1, object), -x.fraction)
    placed = low.affine(node, x, step, FixedArray(node.first.astype(object), 0), address)
    return nodes.Table(node.name, node.inputs, node.layer, node.values, 0), placed


def _lookup_by_bits(low: Lowering, node: nodes.Table, x: Value) -> Value:
    type_ = x.type.type
    if type_.width > WIDEST_TABLE_BITS:
        what = f"a table over {type_.width} bits is not built (at most {WIDEST_TABLE_BITS})"
        raise low.refuse(node, what, "put a quantizer of fewer bits before it")
    raw = np.arange(1 << type_.width)
    raw = np.where(raw > type_.raw_max, raw - (1 << type_.width), raw)
    known = node.values.integers
    position = raw - node.raw_min
    inside = (position >= 0) & (position < known.size)
    integers = np.where(inside, widen(known)[np.clip(position, 0, known.size - 1)], 0)
    values = coarsest(FixedArray(integers, node.values.fraction))
    attributes: dict[str, Attribute] = {
        "activation": "unary_lut",
        "table_data": float_constants(values, node.name),
    }
    result = low.exact(low.graph.edges[node.name])
    return low.pointwise(node, "UnaryLUT", x, result, attributes, {"table": HlsType(low.fit(values.type))})


def _lookup_by_index(low: Lowering, node: nodes.Table, x: Value, shape: tuple[int, ...]) -> Value:
    size = node.values.integers.size
    if low.streaming or low.backend.layers.tables == "none":
        raise low.refuse(node, "a lookup table is not built")
    bits = max((size - 1).bit_length(), 2)
    unit = FixedArray(np.array([1], dtype=object), -x.fraction)
    start = FixedArray(np.array([-node.raw_min], dtype=object), 0)
    counted = HlsType(FixedType(False, bits, bits))
    index = x
    if x.fraction != 0 or node.raw_min != 0:
        index = low.affine(node, x, unit, start, counted)
    elif x.type.type != counted.type:
        index = low.cast(node, x, counted)
    values, value_type = low.constant("embeddings", node.values, node)
    values["embeddings_data"] = values["embeddings_data"].reshape(size, 1)
    flat = low.shaped(node, index, (index.size,))
    attributes: dict[str, Attribute] = {"n_in": index.size, "n_out": 1, "vocab_size": size, **values}
    result = low.exact(low.graph.edges[node.name])
    made = low.emit(node, "Embedding", (flat,), (index.size, 1), result, attributes, value_type)
    return replace(made, shape=shape)
