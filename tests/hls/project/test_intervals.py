"""What a network needs at other intervals, as the report says it."""

from __future__ import annotations

from pathlib import Path

import pytest

import hls
from hls.project.report.html import write_html
from hls.project.report.intervals import interval_panels, needs_by_interval
from hls.project.report.schema import IntervalNeeds
from hls.target import LUT, Target
from tests.hls.rtl.folded.networks import menagerie

TARGET = Target("xcvu13p-flga2577-2-e", "vitis", 5.0, interval=360, multipliers=LUT)


def test_both_firmwares_from_unrolled_to_serial() -> None:
    rows = needs_by_interval(menagerie(), TARGET)
    ours, theirs = ([row for row in rows if row.route == route] for route in ("rtl", "hls4ml"))
    intervals = [row.interval for row in ours]
    assert intervals == sorted(set(intervals))
    assert {1, 360} <= set(intervals)
    assert [row.interval for row in theirs] == intervals
    assert ours[-1].lut < ours[0].lut
    assert all(row.dsp == 0 for row in ours)


def test_a_panel_for_each_kind_that_is_needed() -> None:
    ours = [IntervalNeeds(route="rtl", interval=n, lut=c, dsp=0, bram=0, latency_ns=5) for n, c in ((1, 999), (16, 9))]
    (panel,) = interval_panels(ours)
    assert panel.label == "LUT"
    # A third of the way up for each decade, and from one end of the axis to the other.
    (left, high, _), (right, low, _) = panel.ours
    assert (left, right) == (panel.left, panel.width - 12)
    assert (panel.ground - low) * 3 == pytest.approx(panel.ground - high, abs=0.2)
    assert [text for _, text in panel.across] == ["1", "2", "4", "8", "16"]
    assert interval_panels(ours[:1]) == []


def test_a_report_draws_them(project: Path) -> None:
    report = hls.build(project)
    assert next(row.interval for row in report.intervals if row.route == "rtl") == 1
    rows = needs_by_interval(menagerie(), TARGET)
    told = report.model_copy(update={"intervals": rows})
    page = write_html(told, project / "build").read_text(encoding="utf-8")
    assert "At other intervals" in page
    assert "LUT against the interval" in page
