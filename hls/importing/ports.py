"""Which fixed-point type arrives on each input: the type of the quantizer that reads it first."""

from __future__ import annotations

import re
from collections.abc import Iterator

from hls.errors import UnsupportedError
from hls.graph.fixed import FixedType
from hls.importing import hgq, hgq2, hgq2_attention, hgq2_einsum, hgq2_softmax, hgq2_tables, hgq2_values, pquant
from hls.importing.element_types import Formats
from hls.importing.quantizers import Grid, function_name, grid, parse_quantizer
from hls.importing.spec import LayerSpec, ModelSpec, TensorRef

_TRANSPARENT = {"Flatten", "Reshape", "Permute", "Dropout", "GaussianNoise", "GaussianDropout"}
_SEVERAL_OF_HGQ2 = hgq2.MERGES | hgq2_values.MERGES | hgq2_einsum.MERGES
"""Layers of HGQ2 that read several tensors, each through a quantizer of its own."""
_OF_HGQ2 = {
    *hgq2.SINGLE_INPUT, *hgq2_tables.HANDLERS, *hgq2_softmax.HANDLERS, *hgq2_values.HANDLERS, *hgq2_einsum.HANDLERS,
} - _SEVERAL_OF_HGQ2  # fmt: skip
"""Layers of HGQ2 that read one tensor."""
_TYPE = re.compile(r"(?:ap_|ac_)?(u?)(?:fixed<\s*(\d+)\s*,\s*(-?\d+)\s*>|(u?)int<\s*(\d+)\s*>)")


def parse_type(text: str) -> FixedType:
    """``ap_fixed<16,6>``, ``ap_ufixed<8,0>``, ``ap_int<8>`` or ``ap_uint<8>``, the prefix optional.

    Raises:
        UnsupportedError: anything else.

    >>> parse_type("ap_fixed<16,6>"), parse_type("uint<8>")
    (FixedType(signed=True, width=16, integer=6), FixedType(signed=False, width=8, integer=8))
    """
    match = _TYPE.fullmatch(text.strip())
    if match is None or int(match[2] or match[5]) < 1:
        raise UnsupportedError(f"input_type {text!r} is no fixed-point type; write it like ap_fixed<16,6>")
    width = int(match[2] or match[5])
    return FixedType(not (match[1] or match[4]), width, int(match[3]) if match[3] is not None else width)


def port_grid(model: ModelSpec, ref: TensorRef, input_type: str | None) -> Grid:
    """What the port of one model input carries: the type of the quantizer that reads it.

    Beyond its ends a port saturates. Where that quantizer wraps around instead, a stated type is the port's, which then
    holds what the quantizer, on the chip, wraps.

    Raises:
        UnsupportedError: no quantizer, or different ones, read the input, and no ``input_type`` was given.
    """
    found = list(_first_quantizers(model, ref))
    first = found[0] if found else None
    alike = first is not None and all(item == first for item in found)
    if first is not None and alike and not (first.wraps and input_type is not None):
        return first
    if input_type is not None:
        type_ = parse_type(input_type)
        return Grid(type_, type_.raw_min, type_.raw_max)
    what = "several different quantizers read it" if any(found) else "no quantizer reads it first"
    raise UnsupportedError(
        f"input {ref.layer!r} has no fixed-point type: {what}; state one that holds the events: --input-type "
        "'ap_fixed<16,6>' (qtrigger new, qtrigger estimate; --events FILE of new proposes one), input_type = "
        '"ap_fixed<16,6>" under [model] in '
        "project.toml, or "
        'import_keras(model, input_type="ap_fixed<16,6>")'
    )


def _readers(model: ModelSpec, ref: TensorRef) -> Iterator[tuple[LayerSpec, int]]:
    for layer in model.layers.values():
        for number, call in enumerate(layer.calls):
            if ref in call.inputs:
                yield layer, number


def _first_quantizers(model: ModelSpec, ref: TensorRef) -> Iterator[Grid | None]:
    if ref in model.outputs:
        yield None
    for layer, number in _readers(model, ref):
        if layer.class_name in _TRANSPARENT:
            yield from _first_quantizers(model, TensorRef(layer.name, number, 0))
        elif layer.class_name == hgq.PROXY:
            yield hgq.proxy_formats(layer).port()
        elif layer.class_name in _OF_HGQ2:
            own = layer.class_name == hgq2_values.QUANTIZER
            found = hgq2_values.quantizer_formats(layer) if own else hgq2.input_formats(layer)
            yield None if found is None else found.port()
        elif layer.class_name in (_SEVERAL_OF_HGQ2 | hgq2_attention.HANDLERS.keys()):
            yield from (None if found is None else found.port() for found in _as_read(layer, number, ref))
        elif layer.class_name in pquant.HANDLERS:
            found = pquant.input_formats(layer)
            yield None if found is None else found.port()
        elif layer.class_name == "QActivation" and function_name(layer.config.get("activation")) is None:
            quantizer = parse_quantizer(layer.config.get("activation"), f"layer {layer.name!r}, activation")
            yield grid(quantizer) if quantizer is not None else None
        else:
            yield None


def _as_read(layer: LayerSpec, number: int, ref: TensorRef) -> Iterator[Formats | None]:
    """The types in which a layer of HGQ2 reads a tensor, at every place where it does."""
    inputs = layer.calls[number].inputs
    if layer.class_name in hgq2_attention.HANDLERS:
        yield from hgq2_attention.input_formats(layer, [place == ref for place in inputs])
        return
    for place, read in enumerate(inputs):
        if read == ref:
            yield hgq2.formats_of_several(layer, place)
