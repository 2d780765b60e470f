"""Saturation and clamping, value by value, against what ap_fixed does on overflow."""

from __future__ import annotations

import itertools

import pytest

from hls.graph.fixed import FixedType
from hls.hls4ml_project.pointwise import clamping_shifts, saturation


def overflown(type_: FixedType, mode: str, raw: int) -> int:
    """What a cast to ``type_`` makes of an integer, after the tables of Xilinx's UG902."""
    if mode == "WRAP":
        return (raw - type_.raw_min) % (1 << type_.width) + type_.raw_min
    low = -type_.raw_max if mode == "SAT_SYM" else type_.raw_min
    return min(max(raw, low), type_.raw_max)


@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("width", [1, 2, 3])
def test_the_overflow_mode_saturates_where_the_quantizer_does(signed: bool, width: int) -> None:
    """Every saturation range of a type, met by every interval around it; None is said only where no mode does it."""
    type_ = FixedType(signed, width, width)
    inside = range(type_.raw_min, type_.raw_max + 1)
    around = range(type_.raw_min - 3, type_.raw_max + 4)
    for raw_min, raw_max in itertools.combinations_with_replacement(inside, 2):
        for bottom, top in itertools.combinations_with_replacement(around, 2):
            values = range(bottom, top + 1)
            wanted = [min(max(value, raw_min), raw_max) for value in values]
            right = {
                mode
                for mode in ("WRAP", "SAT", *(["SAT_SYM"] if signed else []))
                if [overflown(type_, mode, value) for value in values] == wanted
            }
            found = saturation(type_, raw_min, raw_max, bottom, top)
            assert found in right if found else "SAT" not in right
            if bottom >= raw_min and top <= raw_max:
                assert found == "WRAP"  # no logic where nothing overflows


def test_clamping_by_shifts_is_clamping() -> None:
    """Saturation to an unsigned type after each shift, then back, for every range in a small neighbourhood."""
    for bottom, top in itertools.combinations_with_replacement(range(-6, 7), 2):
        for raw_min, raw_max in itertools.combinations_with_replacement(range(-4, 5), 2):
            spread = min(raw_max, top) - max(raw_min, bottom)
            largest = (1 << max(spread.bit_length(), 1)) - 1
            for value in range(bottom, top + 1):
                x, shifted = value, 0
                for shift in clamping_shifts((raw_min, raw_max), (bottom, top), largest):
                    x, shifted = min(max(x + shift - shifted, 0), largest), shift
                assert x - shifted == min(max(value, raw_min), raw_max)
