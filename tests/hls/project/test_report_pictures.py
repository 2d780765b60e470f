"""The drawings of the page: the network, values against types, events against the budget."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import hls
from hls.project.report.chart import Column, bit_chart
from hls.project.report.drawing import BOX_HEIGHT, BOX_WIDTH, Drawing, draw
from hls.project.report.network_schema import Layer, LayerValues
from hls.project.report.schema import Budget, BudgetCheck, Latency, Report
from hls.project.report.time_line import Limit, Passage, time_line

COMMON: dict[str, Any] = {
    "operations": ["Quantize"],
    "shape": [1],
    "accumulator_bits": None,
    "parameters": 0,
    "multiplications": 0,
}
QUIET: dict[str, Any] = {"saturated": None, "zeroed": None, "unused_high": 0, "unused_low": 0, "negative": False}


def layer(name: str, *inputs: str) -> Layer:
    """A layer that reads ``inputs``."""
    return Layer(
        name=name, type="ap_fixed<8,4>", width=8, integer=4, low=-8, high=4, observed=2.0, inputs=list(inputs), **COMMON
    )


def test_types_and_values_by_hand() -> None:
    """ap_fixed<8,4> spans 2^-4 to 2^3, ap_ufixed<4,2> 2^-2 to 2^2: seven units of 80 pixels. Of five values of the
    second one is 0, three are 1 (2^0, so the third bit), and one is 2."""
    unsigned = Layer(
        name="b",
        type="ap_ufixed<4,2>",
        width=4,
        integer=2,
        low=0,
        high=1,
        observed=None,
        values=LayerValues(events=5, zeros=1, magnitudes=[0, 0, 3, 1], **QUIET),
        **COMMON,
    )
    chart = bit_chart([layer("a"), unsigned])
    a, b = chart.bars
    assert (a.type_x, a.type_width, a.reach_width) == (chart.left, 560, 560)
    assert a.observed_x == chart.left + 5 * 80
    assert (b.type_x, b.type_width, b.reach_width) == (chart.left + 2 * 80, 4 * 80, 2 * 80)
    assert (b.observed_x, a.columns, b.zeros) == (None, [], 0.2)
    assert b.columns == [
        Column(chart.left + 4 * 80, b.y, 79, 22),
        Column(chart.left + 5 * 80, round(b.y + 22 - 7.3, 1), 79, 7.3),
    ]
    assert [exponent for _, exponent in chart.ticks] == list(range(-4, 4))


class TestNetwork:
    FORK = (
        layer("x"),
        layer("beta"),
        layer("a", "x"),
        layer("b", "x"),
        layer("sum", "a"),
        layer("joined", "sum", "b", "beta"),
    )

    def arrows(self, drawing: Drawing) -> set[tuple[str, str]]:
        return {(arrow.source, arrow.target) for arrow in drawing.arrows}

    def test_an_arrow_for_each_that_reads_and_no_other(self) -> None:
        drawing = draw(self.FORK)
        assert self.arrows(drawing) == {(s, one.name) for one in self.FORK for s in one.inputs}
        assert not any(arrow.again for arrow in drawing.arrows)

    def test_boxes_lie_below_what_they_read_and_apart(self) -> None:
        drawing = draw(self.FORK)
        at = {box.layer.name: box for box in drawing.boxes}
        assert all(at[s].y + BOX_HEIGHT < box.y for box in drawing.boxes for s in box.layer.inputs)
        assert at["beta"].y + BOX_HEIGHT < at["joined"].y < at["beta"].y + 2 * BOX_HEIGHT  # just above who reads it
        for one in drawing.boxes:
            assert 0 <= one.x <= drawing.width - BOX_WIDTH
            assert 0 <= one.y <= drawing.height - BOX_HEIGHT
            beside = [other for other in drawing.boxes if other.y == one.y and other is not one]
            assert all(abs(other.x - one.x) > BOX_WIDTH for other in beside)

    def test_an_arrow_past_a_row_runs_through_no_box(self) -> None:
        """Straight down in each row between its ends, beside every box there."""
        drawing = draw(self.FORK)
        (path,) = (arrow.path for arrow in drawing.arrows if (arrow.source, arrow.target) == ("b", "joined"))
        (lane,) = {float(x) for x in re.findall(r"([\d.]+),[\d.]+ V", path)}
        row = next(box for box in drawing.boxes if box.layer.name == "sum")
        assert not row.x <= lane <= row.x + BOX_WIDTH

    def test_a_layer_that_is_used_again(self) -> None:
        drawing = draw((layer("x"), layer("shared", "x", "between"), layer("between", "shared"), layer("y", "shared")))
        assert [(a.source, a.target) for a in drawing.arrows if a.again] == [("between", "shared")]
        assert self.arrows(drawing) > {("x", "shared"), ("shared", "between"), ("shared", "y")}

    def test_nothing_to_draw(self) -> None:
        assert draw(()).boxes == []


@pytest.fixture
def report(project: Path) -> Report:
    return hls.build(project)


class TestTime:
    MEASURED = Latency(
        source="rtl-simulation", route="rtl", stage="RTL", cycles=10, interval=2, clock_ns=5.0, latency_ns=50.0
    )

    def told(self, report: Report, **limits: float) -> Report:
        checks = [BudgetCheck(key=k, limit=v, value=50.0, source="x", passed=True) for k, v in limits.items()]
        return report.model_copy(update={"latency": [self.MEASURED], "budget": Budget(passed=True, checks=checks)})

    def test_by_hand(self, report: Report) -> None:
        """Four events of 50 ns, 10 ns apart, end at 80 ns; the axis ends at 1.05 times 100 ns."""
        line = time_line(self.told(report, latency_ns=100.0))
        assert line is not None
        assert (line.latency_ns, line.interval_ns, line.source) == (50, 10, "rtl-simulation")
        assert line.limit == Limit(100 * 100 / 105, 100.0, True)
        assert line.passages[3] == Passage(100 * 30 / 105, 100 * 50 / 105)
        assert [ns for _, ns in line.ticks] == [0, 25, 50, 75, 100]

    def test_over_budget_and_without_one(self, report: Report) -> None:
        over, free = (time_line(self.told(report, **limits)) for limits in ({"latency_ns": 40.0}, {}))
        assert over is not None
        assert over.limit is not None
        assert not over.limit.kept
        assert free is not None
        assert free.limit is None

    def test_an_estimate_is_told_as_one(self, report: Report) -> None:
        line = time_line(report)
        assert line is not None
        assert line.source == "an estimate beyond the designs that it was fitted to"

    def test_nothing_known(self, report: Report) -> None:
        assert time_line(report.model_copy(update={"latency": []})) is None
