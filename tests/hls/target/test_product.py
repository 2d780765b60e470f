"""Which of the two firmwares a target means, and what contradicts it."""

from __future__ import annotations

from typing import Any

import pytest

from hls.errors import ProjectError
from hls.target import Target

PART = "xcvu13p-flga2577-2-e"


@pytest.mark.parametrize(
    ("settings", "product"),
    [
        ({}, "rtl"),
        ({"multipliers": "lut"}, "rtl"),
        ({"reuse_factor": 2}, "hls4ml"),
        ({"strategy": "resource"}, "hls4ml"),
        ({"io_type": "io_stream"}, "hls4ml"),
        ({"firmware": "rtl", "multipliers": "lut"}, "rtl"),
        ({"firmware": "hls4ml"}, "hls4ml"),
        ({"firmware": "hls4ml", "strategy": "resource", "reuse_factor": 12}, "hls4ml"),
    ],
)
def test_the_product_is_the_one_stated_else_what_the_settings_ask_for(settings: dict[str, Any], product: str) -> None:
    assert Target(PART, "vitis", 5.0, **settings).product == product


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"reuse_factor": 12}, ["reuse_factor = 12"]),
        ({"strategy": "resource", "reuse_factor": 12}, ["strategy = 'resource'", "reuse_factor = 12"]),
        ({"io_type": "io_stream"}, ["io_type = 'io_stream'"]),
    ],
)
def test_our_rtl_is_not_what_another_setting_asks_for(settings: dict[str, Any], named: list[str]) -> None:
    with pytest.raises(ProjectError, match='state firmware = "hls4ml"') as refusal:
        Target(PART, "vitis", 5.0, firmware="rtl", **settings)
    assert all(setting in str(refusal.value) for setting in named)
    assert "io_parallel" not in str(refusal.value)


def test_there_are_two_firmwares() -> None:
    with pytest.raises(ProjectError, match="firmware = 'vhdl': must be one of rtl, hls4ml"):
        Target(PART, "vitis", 5.0, firmware="vhdl")
