"""Types and quantizers out of texts and out of what Keras saved as tensors."""

from __future__ import annotations

from typing import Any

import pytest

from hls.errors import UnsupportedError
from hls.graph.fixed import FixedType
from hls.importing.ports import parse_type
from hls.importing.quantizers import parse_quantizer


@pytest.mark.parametrize(
    ("text", "type_"),
    [
        ("ap_fixed<16,6>", FixedType(True, 16, 6)),
        ("ap_ufixed<8,0>", FixedType(False, 8, 0)),
        (" fixed< 3 , -2 > ", FixedType(True, 3, -2)),
        ("ac_fixed<1,1>", FixedType(True, 1, 1)),
        ("ap_int<8>", FixedType(True, 8, 8)),
        ("ap_uint<1>", FixedType(False, 1, 1)),
    ],
)
def test_a_type(text: str, type_: FixedType) -> None:
    assert parse_type(text) == type_


@pytest.mark.parametrize("text", ["ap_fixed<0,0>", "ap_uint<0>", "ap_fixed<4>", "float", "ap_fixed<4,2>x"])
def test_what_is_no_type_is_refused(text: str) -> None:
    with pytest.raises(UnsupportedError, match="is no fixed-point type"):
        parse_type(text)


@pytest.mark.parametrize("value", [4, [4], [[4]]])
@pytest.mark.parametrize("kind", ["__tensor__", "__numpy__"])
def test_an_option_saved_as_a_tensor_is_a_number(kind: str, value: Any) -> None:
    config = {"bits": {"class_name": kind, "config": {"value": value}}, "integer": 1, "alpha": 1}
    quantizer = parse_quantizer({"class_name": "quantized_bits", "config": config}, "layer 'a'")
    assert quantizer is not None
    assert (quantizer.bits, quantizer.integer) == (4, 1)
