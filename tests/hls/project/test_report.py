"""report.json's models, the budget, the page and the chart."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

import hls
from hls.cli.table import print_report
from hls.errors import ProjectError
from hls.project.report import read_report
from hls.project.report.budget import check_budget
from hls.project.report.cards import Card, cards
from hls.project.report.curves import curve_tables
from hls.project.report.html import write_html
from hls.project.report.schema import Curve, CurvePoint, Latency, Metric, Resources, fidelity_metric
from hls.target import Firmware
from tests.conftest import TOML


def curve(**points: tuple[float | None, float]) -> Curve:
    """Points by β: ``at1=(reference, firmware)``."""
    rows = [CurvePoint(at=int(at[2:]), reference=true, firmware=got) for at, (true, got) in points.items()]
    return Curve(unit="nats", over="log10_beta", points=rows)


PNG = b"\x89PNG\r\n\x1a\n picture"


class TestBudget:
    TAU = Metric(reference=0.99, firmware=0.95, unit="1")
    ANALYTIC = Resources(
        source="analytic",
        route="rtl",
        stage="post-route",
        counts={"lut": 900, "ff": 100, "bram": 3.0},
        extrapolated=["bram"],
    )
    YOSYS = Resources(source="yosys", route="rtl", stage="netlist", counts={"lut": 1200})
    TIMING = Latency(
        source="rtl-simulation", route="rtl", stage="measured", cycles=12, interval=2, clock_ns=5.0, latency_ns=60.0
    )

    @pytest.mark.parametrize(
        ("key", "limit", "passed", "value", "source"),
        [
            ("tau_min", 0.95, True, 0.95, "fidelity"),
            ("tau_min", 0.951, False, 0.95, "fidelity"),
            ("tau_max", 0.94, False, 0.95, "fidelity"),
            ("auc_min", 0.1, False, None, None),
            ("luts", 1000, False, 1200, "yosys"),  # closer to silicon than the estimate
            ("ffs", 100, True, 100, "analytic"),
            ("brams", 3, None, 3, "analytic"),  # beyond what was fitted, it shows nothing
            ("brams", 2, False, 3, "analytic"),
            ("dsps", 0, None, None, None),
            ("latency_ns", 59, False, 60, "rtl-simulation"),
            ("interval_ns", 10, True, 10, "rtl-simulation"),
        ],
    )
    def test_one_limit(
        self, key: str, limit: float, passed: bool | None, value: float | None, source: str | None
    ) -> None:
        budget = check_budget({key: limit}, {"tau": self.TAU}, [self.ANALYTIC, self.YOSYS], [self.TIMING], "rtl")
        (check,) = budget.checks
        assert (check.passed, check.value, check.source) == (passed, value, source)
        assert budget.passed is (passed is not False)

    @pytest.mark.parametrize(
        ("key", "route", "value", "source"),
        [
            ("luts", "rtl", 1200, "yosys"),
            ("luts", "hls4ml", 9000, "vendor"),
            ("ffs", "rtl", 100, "analytic"),
            ("ffs", "hls4ml", None, None),  # our RTL's are no figure of it
            ("latency_ns", "rtl", 60, "rtl-simulation"),
            ("latency_ns", "hls4ml", 500, "analytic"),
            ("interval_ns", "hls4ml", 200, "analytic"),
        ],
    )
    def test_only_the_firmware_that_is_built_is_judged(
        self, key: str, route: Firmware, value: float | None, source: str | None
    ) -> None:
        vendor = Resources(source="vendor", route="hls4ml", stage="csynth", counts={"lut": 9000})
        folded = Latency(
            source="analytic", route="hls4ml", stage="csynth", cycles=100, interval=40, clock_ns=5.0, latency_ns=500.0
        )
        rows = [self.ANALYTIC, self.YOSYS, vendor], [self.TIMING, folded]
        budget = check_budget({key: 1e6}, {}, *rows, route)
        (check,) = budget.checks
        assert (check.value, check.source, check.route) == (value, source, route)
        assert check.passed is (None if value is None else True)
        assert budget.not_shown == (value is None)

    @pytest.mark.parametrize(("own", "value", "source"), [(True, 1300, "nextpnr"), (False, 1200, "yosys")])
    def test_what_was_placed_judges_only_the_part_that_it_was_placed_on(
        self, own: bool, value: float, source: str
    ) -> None:
        placed = Resources(
            source="nextpnr", route="rtl", stage="placed and routed", counts={"lut": 1300}, on_own_part=own
        )
        (check,) = check_budget({"luts": 1250}, {}, [self.ANALYTIC, self.YOSYS, placed], [], "rtl").checks
        assert (check.value, check.source, check.passed) == (value, source, value <= 1250)

    @pytest.mark.parametrize(
        ("key", "limit", "passed", "value", "at"),
        [
            ("kl_max", 8.0, True, 8.0, 1),
            ("kl_max", 7.9, False, 8.0, 1),
            ("kl_min", 2.0, True, 2.0, 2),
            ("kl_min", 2.1, False, 2.0, 2),
        ],
    )
    def test_the_worst_point_of_a_curve_decides(
        self, key: str, limit: float, passed: bool, value: float, at: int
    ) -> None:
        curved = curve(at1=(9.0, 8.0), at2=(1.0, 2.0), at3=(None, 4.0))
        (check,) = check_budget({key: limit}, {"kl": curved}, [], [], "rtl").checks
        assert (check.passed, check.value, check.source) == (passed, value, f"fidelity, log10_beta = {at}")

    @pytest.mark.parametrize("key", ["kl_min", "kl_max"])
    def test_a_point_that_is_no_number_breaks_either_limit(self, key: str) -> None:
        curved = curve(at1=(9.0, 8.0), at2=(1.0, float("nan")))
        (check,) = check_budget({key: 8.0}, {"kl": curved}, [], [], "rtl").checks
        assert check.passed is False


class TestCurves:
    def test_side_by_side_with_gaps(self) -> None:
        short, plain = curve(at2=(None, 5.0)), Metric(reference=None, firmware=1.0, unit="1")
        [(over, table)] = curve_tables({"kl": curve(at2=(1.0, 2.0), at1=(3.0, 4.0)), "tau": plain, "bits": short})
        assert (over, table.columns) == ("log10_beta", ("kl [nats]", "bits [nats]"))
        found = [(row.at, [p and (p.reference, p.firmware) for p in row.points]) for row in table.rows]
        assert found == [(1.0, [(3.0, 4.0), None]), (2.0, [(1.0, 2.0), (None, 5.0)])]

    def test_what_a_system_returns(self) -> None:
        points = [{"at": -1.0, "reference": None, "firmware": 2.0}]
        assert isinstance(fidelity_metric({"unit": "1", "over": "beta", "points": points}), Curve)
        assert isinstance(fidelity_metric({"unit": "1", "reference": 1.0, "firmware": 2.0}), Metric)
        with pytest.raises(ValidationError, match="points"):
            fidelity_metric({"unit": "1", "over": "beta", "points": []})

    def test_are_shown_and_read_back(self, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
        report = hls.build(project).model_copy(update={"fidelity": {"kl": curve(at1=(3.25, 4.5), at2=(None, 6.5))}})
        folder = project / "build"
        page = write_html(report, folder).read_text(encoding="utf-8")
        print_report(report)
        for shown in (re.sub("<[^>]*>", "", page), capsys.readouterr().out):
            assert re.search(r"3\.25 → +4\.5", shown)
            assert "6.5" in shown
        (folder / "report.json").write_text(report.model_dump_json(), encoding="utf-8")
        assert read_report(folder).fidelity == report.fidelity


class TestPage:
    def test_is_one_file_with_everything_in_it(self, project: Path) -> None:
        report = hls.build(project)
        figures = project / "build" / "figures"
        figures.mkdir()
        (figures / "fidelity.png").write_bytes(PNG)
        page = write_html(report, project / "build").read_text(encoding="utf-8")
        assert "data:image/png;base64,iVBORw0KGgogcGljdHVyZQ==" in page
        assert not re.search(r'(src|href)="(?!data:)', page)
        assert "url(" not in page
        assert page.count("<img") == 1
        assert not re.search(r"https?://(?!www\.w3\.org)|@import|<script|<link", page)
        for layer in report.graph.pipeline:
            assert layer.name in page
            assert layer.type.replace("<", "&lt;").replace(">", "&gt;") in page

    def test_what_the_firmware_takes_stands_on_top(self, project: Path) -> None:
        report = hls.build(project)
        measured = Latency(
            source="rtl-simulation", route="rtl", stage="RTL", cycles=17, interval=4, clock_ns=5.0, latency_ns=85.0
        )
        told = report.model_copy(
            update={
                "project": report.project.model_copy(update={"firmware": "rtl", "clock_ns": 5.0}),
                "resources": [TestBudget.ANALYTIC, TestBudget.YOSYS],
                "latency": [measured],
            }
        )
        page = write_html(told, project / "build").read_text(encoding="utf-8")
        assert "<b>85 ns</b><span>latency, 17 clocks, measured in simulation</span>" in page
        assert "<b>20 ns</b><span>from one event to the next, 4 clocks, measured in simulation</span>" in page
        assert "<b>1\N{NARROW NO-BREAK SPACE}200</b><span>LUTs, by Yosys, before placement</span>" in page

    def test_estimates_that_are_all_there_is_are_told_as_such(self, project: Path) -> None:
        """Those of a small network lie beyond what was fitted, but for the interval, which is no estimate."""
        latency, interval = cards(hls.build(project))[1:3]
        beyond = "by an estimate beyond the designs that it was fitted to"
        assert (latency.value, latency.meaning) == ("~ 5 ns", f"latency, 1 clock, {beyond}")
        assert (interval.value, interval.meaning) == ("5 ns", "from one event to the next, 1 clock, estimated")

    def test_the_fidelity_that_the_budget_limits(self, project: Path) -> None:
        curved, plain = curve(at1=(9.0, 8.0), at2=(1.0, 3.0)), Metric(reference=0.5, firmware=0.25, unit="GeV")
        report = hls.build(project).model_copy(update={"fidelity": {"kl": curved, "loss": plain}})
        limited = report.model_copy(update={"budget": check_budget({"kl_max": 9}, {"kl": curved}, [], [], "rtl")})
        assert cards(report)[3] == Card("0.25 GeV", "loss, 0.5 of the float reference")
        assert cards(limited)[3] == Card("3 nats", "kl at log10 beta 2, 1 of the float reference")

    def test_an_asic_has_gates_and_no_luts(self, project: Path) -> None:
        report = hls.build(project)
        gates = Resources(source="yosys", route="rtl", stage="netlist", gate_equivalents=1234.0, area=5.5)
        told = cards(report.model_copy(update={"resources": [TestBudget.ANALYTIC, gates]}))
        assert [card.value for card in told[:2]] == ["1\N{NARROW NO-BREAK SPACE}234", "5.5"]
        assert not any("LUT" in card.meaning for card in told)

    def test_the_verdict_is_no_broader_than_what_was_compared(
        self, project: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        report = hls.build(project)
        few = report.witnesses["emulator"].model_copy(update={"events": 7})
        both = report.model_copy(update={"witnesses": {**report.witnesses, "csim": few}})
        for told, line in (
            (report, "not compared: only emulator ran"),
            (both, "bit-exact: csim on 7 events, our RTL itself on none"),
        ):
            print_report(told)
            shown = capsys.readouterr().out.splitlines()[0]
            assert line in shown
            assert f"{told.verification.events}" not in shown
        page = write_html(report, project / "build").read_text(encoding="utf-8")
        assert "not compared: only emulator ran" in page
        assert "✓" not in page

    def test_can_be_heard(self, project: Path) -> None:
        """Landmarks with names, tables with headers, and words for every picture."""
        page = write_html(hls.build(project), project / "build").read_text(encoding="utf-8")
        assert re.search(r'<html lang="en">.*<header>.*</header>.*<main>.*</main>', page, re.DOTALL)
        named = dict(re.findall(r'<h2 id="([^"]+)">(.*?)</h2>', page))
        sections = re.findall(r"<section([^>]*)>", page)
        assert [re.search('aria-labelledby="([^"]+)"', found)[1] for found in sections] == list(named)  # type: ignore[index]
        for table in re.findall(r"<table.*?</table>", page, re.DOTALL):
            assert not re.search(r"<th(?! scope)", table)
            assert table.count('scope="row"') == table.count("<tr") - 1
        for picture in re.findall(r"<svg[^>]*>|<img[^>]*>", page):
            assert re.search(r'(aria-label|alt)="[^"]+"', picture)

    def test_escapes_what_it_is_told(self, project: Path) -> None:
        report = hls.build(project)
        graph = report.graph.model_copy(update={"notes": ["<script>alert(1)</script>"]})
        page = write_html(report.model_copy(update={"graph": graph}), project / "build").read_text(encoding="utf-8")
        assert "<script" not in page


def test_a_large_limit_is_a_number_that_is_read(project: Path) -> None:
    report = hls.build(project)
    budget = check_budget({"luts": 172800, "latency_ns": 40.5}, {}, [], [], "rtl")
    page = write_html(report.model_copy(update={"budget": budget}), project / "build").read_text(encoding="utf-8")
    assert "<td>172\N{NARROW NO-BREAK SPACE}800</td>" in page
    assert "<td>40.5</td>" in page


class TestNotebook:
    def test_a_report(self, project: Path) -> None:
        report = hls.build(project)
        line = f"<Report tiny: not compared: only emulator ran; {report.html}>"
        assert (repr(report), str(report)) == (line, line)
        shown = report._repr_html_()
        assert "<b>– tiny: not compared: only emulator ran</b>" in shown
        over = report.model_copy(update={"budget": report.budget.model_copy(update={"passed": False})})
        assert "<b>✗ tiny: not compared: only emulator ran, over budget</b>" in over._repr_html_()

    def test_a_graph(self, project: Path) -> None:
        graph = hls.import_keras(project / "model.h5")
        assert repr(graph) == "<FixedGraph tiny: 4 to 2, 5 layers, 44 parameters, 33 multiplications>"
        shown = graph._repr_html_()
        assert "<td>relu</td><td>Quantize</td><td>6</td><td>ap_ufixed&lt;6,2&gt;</td>" in shown
        assert shown.count("<tr>") == 1 + 5


class TestProduct:
    """What is judged, and said of it, in a project whose multipliers are shared."""

    FOLDED = '[target]\nstrategy = "resource"\nreuse_factor = 4\n'
    BUDGET = "\n[budget]\ninterval_ns = 5\n"

    def test_a_folded_project_breaks_the_budget_of_an_unrolled_one(
        self, make_project: Callable[..., Path], capsys: pytest.CaptureFixture[str]
    ) -> None:
        unrolled = hls.build(make_project(TOML + self.BUDGET, "unrolled"))
        folded = hls.build(make_project(TOML.replace("[target]\n", self.FOLDED) + self.BUDGET, "folded"))
        assert [report.budget.passed for report in (unrolled, folded)] == [True, False]
        assert [report.budget.checks[0].route for report in (unrolled, folded)] == ["rtl", "hls4ml"]
        for report, words in ((unrolled, "our RTL"), (folded, "the hls4ml project")):
            print_report(report)
            assert f"5 ns, {words})" in capsys.readouterr().out
            assert f"built as {words}" in report.html.read_text(encoding="utf-8")

    def test_that_the_firmware_itself_was_not_compared_is_said(
        self, project: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        report = hls.build(project)
        assert report.own_witnesses == ("rtl", "netlist")
        folded = report.project.model_copy(update={"firmware": "hls4ml"})
        for told in (report.model_copy(update={"project": folded}), report):
            print_report(told)
            page = write_html(told, project / "build").read_text(encoding="utf-8")
            for shown in (page, capsys.readouterr().out):
                assert f"no {' nor '.join(told.own_witnesses)} ran" in shown
        ran = {**report.witnesses, "netlist": report.witnesses["emulator"]}
        assert report.model_copy(update={"witnesses": ran}).own_witnesses == ()

    def test_a_limit_without_a_figure_is_not_shown(self, project: Path, capsys: pytest.CaptureFixture[str]) -> None:
        report = hls.build(project)
        budget = check_budget({"luts": 1e6, "brams": 5.0}, {}, [TestBudget.ANALYTIC], [], "rtl")
        told = report.model_copy(update={"budget": budget})
        page = write_html(told, project / "build").read_text(encoding="utf-8")
        print_report(told)
        for shown in (page, capsys.readouterr().out):
            assert "1 of 2 limits not shown" in shown
            assert "within budget" not in shown


class TestReading:
    def test_nothing_built(self, tmp_path: Path) -> None:
        with pytest.raises(ProjectError, match="qtrigger build"):
            read_report(tmp_path / "build")

    @pytest.mark.parametrize("content", ["", "{}", "[1]"])
    def test_no_report(self, tmp_path: Path, content: str) -> None:
        (tmp_path / "report.json").write_text(content)
        with pytest.raises(ProjectError, match="schema version 1"):
            read_report(tmp_path)

    def test_another_schema_version(self, project: Path) -> None:
        report = hls.build(project)
        path = project / "build" / "report.json"
        path.write_text(json.dumps({**report.model_dump(mode="json"), "schema_version": 2}))
        with pytest.raises(ProjectError, match="schema_version"):
            read_report(project / "build")
