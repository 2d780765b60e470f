"""From a part's name to its family, and from cells to resources."""

from __future__ import annotations

import pytest

from hls.errors import UnsupportedError
from hls.rtl.netlist import FAMILIES, family_of


@pytest.mark.parametrize(
    ("part", "name"),
    [
        ("xcvu13p-flga2577-2-e", "xcup"),
        ("XCVU9P-FLGB2104-2-E", "xcup"),
        ("xcku5p-ffvb676-2-e", "xcup"),
        ("xczu7ev-ffvc1156-2-e", "xcup"),
        ("xcu250-figd2104-2L-e", "xcup"),
        ("xcku115-flvb2104-2-i", "xcu"),
        ("xcvu440-flga2892-2-e", "xcu"),
        ("xc7z020clg400-1", "xc7"),
        ("xc7vx690tffg1927-2", "xc7"),
        ("LFE5UM-85F", "ecp5"),
        ("iCE40HX8K-CT256", "ice40"),
        ("LIFCL-40", "nexus"),
        ("5CSEBA6U23I7", "cyclonev"),
        ("asic", "asic"),
        ("nangate-45nm", "asic"),
    ],
)
def test_parts(part: str, name: str) -> None:
    assert family_of(part) is FAMILIES[name]


@pytest.mark.parametrize("part", ["AGFB014R24B3E3V", "xcvc1902-vsva2197-2MP-e-S", "MPF300TS", "", "vu13p"])
def test_parts_that_yosys_does_not_know(part: str) -> None:
    with pytest.raises(UnsupportedError, match=f"part '{part}': Yosys cannot"):
        family_of(part)


def test_resources_by_hand() -> None:
    """LUTs: 3 + 4 + 1 + 1 shift register; of the 7 small ones, 3 pairs may share."""
    cells = {"LUT2": 3, "LUT5": 4, "LUT6": 1, "SRL16E": 1, "FDRE": 5, "FDSE": 2, "CARRY4": 6, "DSP48E2": 1,
             "RAMB18E2": 1, "RAMB36E2": 2, "INV": 9}  # fmt: skip
    family = FAMILIES["xcup"]
    assert family.count(cells) == {"lut": 9, "ff": 7, "carry": 6, "dsp": 1, "bram": 5}
    assert family.paired(cells) == 3
    assert FAMILIES["ecp5"].count({"LUT4": 5, "CCU2C": 2})["lut"] == 9
    assert FAMILIES["ecp5"].paired({"LUT4": 5, "CCU2C": 2}) == 0
