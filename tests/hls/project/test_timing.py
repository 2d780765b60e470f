"""Whether a clock is met: said of the part that was placed and routed, and of no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hls.figures.vendor_reports import VendorReport
from hls.project.report.schema import Resources
from hls.project.report.timing import judge_timing
from hls.rtl.netlist import DEVICES, RoutedDesign
from hls.target import Target
from hls.target.resources import Counts

CELLS = Resources(
    source="yosys", route="rtl", stage="netlist", counts={"lut": 9}, path_ns=7.9, path_source="Artix-7 cells"
)


def routed(path_ns: float) -> RoutedDesign:
    title = DEVICES["ecp5-85k"].title
    return RoutedDesign(title, Counts(lut=9), path_ns, 1.0, "a", "b", (), "nextpnr")


def post_route(period_ns: float | None, stage: Any = "post-route") -> VendorReport:
    return VendorReport("Vivado", "2024.1", stage, Path("timing.rpt"), clock_ns=5.0, period_ns=period_ns)


def target(part: str = "xcvu13p-flga2577-2-e", **more: Any) -> Target:
    return Target(part, "vitis", 5.0, **more)


@pytest.mark.parametrize(("path_ns", "state"), [(4.9, "met"), (5.0, "met"), (5.1, "not met")])
def test_on_the_projects_own_part_it_is_known(path_ns: float, state: str) -> None:
    timing = judge_timing(target("LFE5U-85F-8BG756C"), [CELLS], [], routed(path_ns), None)
    assert (timing.state, timing.path_ns) == (state, path_ns)


@pytest.mark.parametrize("part", ["xcvu13p-flga2577-2-e", "LFE5U-85F-6BG756C", "LFE5U-45F-8BG554C"])
def test_another_part_grade_or_size_shows_nothing(part: str) -> None:
    timing = judge_timing(target(part), [], [], routed(4.0), None)
    assert (timing.state, timing.path_ns) == ("not known", None)
    assert "on a Lattice ECP5-85, speed grade 8 it reaches 250 MHz" in timing.words


def test_cells_before_they_are_placed_show_nothing() -> None:
    timing = judge_timing(target(), [CELLS], [], None, None)
    assert timing.state == "not known"
    assert "7.9 ns, longer than the clock (Artix-7 cells, before placement)" in timing.words


@pytest.mark.parametrize(
    ("report", "state"),
    [
        (post_route(4.5), "met"),
        (post_route(5.5), "not met"),
        (post_route(None), "not known"),
        (post_route(4.5, "csynth"), "not known"),  # what HLS expects is no measurement
    ],
)
def test_the_vendors_report_decides(report: VendorReport, state: str) -> None:
    """Of either firmware; which reports are of the one that is built, the rows say."""
    assert judge_timing(target(firmware="hls4ml"), [CELLS], [report], routed(4.0), None).state == state
    assert judge_timing(target(), [CELLS], [report], None, None).state == state
