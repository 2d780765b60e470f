"""Where products go, as a parameter of a scan: measured accordingly, and kept by a picked project."""

from __future__ import annotations

from pathlib import Path

import pytest

from hls.project import read_project
from hls.scan import Objective, ScanOptions, scan
from hls.scan.pick import pick
from hls.scan.subject import find_subject


@pytest.mark.slow
def test_multipliers_are_a_parameter_that_synthesis_measures(tmp_path: Path) -> None:
    """The network has two products."""
    subject = find_subject("firmware_projects/evn-semivisible", fixed=True)
    objectives = (Objective("dsps", "min"), Objective("luts", "min"))
    options = ScanOptions(search="grid", stated={"multipliers": ["auto", "lut"]}, objectives=objectives, jobs=1)

    result = scan(subject, tmp_path / "scan", options)

    auto, lut = result.trials
    assert auto.source == lut.source == "rtl, yosys"
    assert (auto.figures["dsps"], lut.figures["dsps"]) == (2, 0)
    assert lut.figures["luts"] > auto.figures["luts"]
    assert result.frontier == [auto, lut]
    picked = read_project(pick(result, lut, "picked", parent=tmp_path))
    assert picked.target.multipliers == "lut"
