"""Comparing a report with what was recorded."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

import hls
from hls.errors import ProjectError
from hls.project.check import Check
from hls.project.check_pages import junit, summary
from hls.project.checking import Checked
from hls.project.expected import (
    Expected,
    ExpectedMetric,
    compare,
    read_expected,
    record,
    write_expected,
)
from hls.project.report.budget import check_budget
from hls.project.report.schema import Curve, CurvePoint, Latency, Metric, Report, Resources, Timing
from hls.project.report.words import compared_words, float32_words, verdict_words
from hls.proof.certificate import Link, Proof
from tests.models import write_model


@pytest.fixture
def report(project: Path) -> Report:
    """A built report, given a fidelity metric."""
    built = hls.build(project)
    return built.model_copy(update={"fidelity": {"auc": Metric(reference=0.9, firmware=0.85, unit="1")}})


def of_tiny(*checks: Check, name: str = "tiny") -> Checked:
    return Checked(name, Path("there", name), checks, 1.0)


def failed(report: Report, expected: Expected) -> list[str]:
    return [check.name for check in compare("tiny", report, expected) if check.status == "failed"]


def with_auc(expected: Expected, value: float, allowed: float) -> Expected:
    return expected.model_copy(update={"fidelity": {"auc": ExpectedMetric(value=value, allowed_change=allowed)}})


def test_what_is_recorded_passes(report: Report) -> None:
    assert failed(report, record(report, None)) == []


@pytest.mark.parametrize(
    ("value", "allowed", "names"),
    [
        (0.85, 0.0, []),
        (0.8500005, 1e-6, []),
        (0.86, 0.02, []),
        (0.86, 0.005, ["fidelity auc"]),
        (0.84, 0.005, ["fidelity auc"]),
    ],
)
def test_fidelity_within_its_allowed_change(report: Report, value: float, allowed: float, names: list[str]) -> None:
    assert failed(report, with_auc(record(report, None), value, allowed)) == names


def test_a_metric_that_is_no_number_fails(report: Report) -> None:
    nan = report.model_copy(update={"fidelity": {"auc": Metric(reference=None, firmware=float("nan"), unit="1")}})
    assert failed(nan, record(report, None)) == ["fidelity auc"]


def with_curve(report: Report, *firmware: float) -> Report:
    points = [CurvePoint(at=at, reference=None, firmware=value) for at, value in enumerate(firmware)]
    return report.model_copy(update={"fidelity": {"kl": Curve(unit="nats", over="beta", points=points)}})


def test_every_point_of_a_curve_is_compared(report: Report) -> None:
    expected = record(with_curve(report, 1.0, 2.0, 3.0), None)
    assert expected.fidelity["kl"].value == [1.0, 2.0, 3.0]
    assert failed(with_curve(report, 1.0, 2.0, 3.0), expected) == []
    moved = [c.message for c in compare("tiny", with_curve(report, 1.0, 2.5, 3.0), expected) if c.status == "failed"]
    assert moved == ["is 2.5, was 2 ± 1e-06 at beta = 1"]
    assert failed(with_curve(report, 1.0, 2.0), expected) == ["fidelity kl"]
    assert failed(with_curve(report, 1.0, float("nan"), 3.0), expected) == ["fidelity kl"]


def test_what_is_gone_fails(report: Report) -> None:
    expected = record(report, None)
    assert failed(report.model_copy(update={"fidelity": {}}), expected) == ["fidelity auc"]
    more = expected.model_copy(update={"witnesses": ["emulator", "csim"], "events": expected.events + 1})
    assert failed(report, more) == ["bits of csim", "events"]


def test_mismatches_fail(report: Report) -> None:
    told = report.witnesses["emulator"].model_copy(update={"mismatches": 3})
    wrong = report.model_copy(update={"witnesses": {"emulator": told}})
    assert failed(wrong, record(report, None)) == ["bits of emulator"]


def test_allowed_changes_that_someone_wrote_are_kept(report: Report) -> None:
    expected = with_auc(record(report, None), 0.1, 0.25)
    assert record(report, expected).fidelity["auc"] == ExpectedMetric(value=0.85, allowed_change=0.25)


def test_another_firmware_than_recorded_fails(report: Report) -> None:
    expected = record(report, None)
    assert expected.firmware == "rtl"
    other = expected.model_copy(update={"firmware": "hls4ml"})
    (check,) = [check for check in compare("tiny", report, other) if check.status == "failed"]
    assert (check.name, "was the hls4ml project" in check.message) == ("firmware", True)
    assert failed(report, expected.model_copy(update={"firmware": None})) == []  # a file of old


def test_a_limit_without_a_figure_is_neither_passed_nor_failed(report: Report) -> None:
    limits = {"luts": 1.0, "brams": 5.0, "auc_min": 0.5, "tau_min": 0.5}
    figures = [Resources(source="analytic", route="rtl", stage="post-route", counts={"lut": 7})]
    told = report.model_copy(update={"budget": check_budget(limits, report.fidelity, figures, [], "rtl")})
    checks = {check.name: check for check in compare("tiny", told, record(report, None))}
    assert checks["budget luts"].message == "7 (our RTL, analytic), limit 1"
    assert {name: checks[f"budget {name}"].status for name in limits} == {
        "luts": "failed",
        "brams": "not shown",
        "auc_min": "passed",
        "tau_min": "failed",
    }
    suite = ElementTree.fromstring(junit([of_tiny(*checks.values())])).find("testsuite")
    assert suite is not None
    assert (suite.get("failures"), suite.get("skipped")) == ("2", "1")
    assert len(list(suite.iter("skipped"))) == 1


def test_the_file(report: Report, tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="--update"):
        read_expected(tmp_path)
    write_expected(tmp_path, record(report, None))
    assert read_expected(tmp_path) == record(report, None)
    (tmp_path / "expected.json").write_text('{"schema_version": 1}')
    with pytest.raises(ProjectError, match="graph_digest"):
        read_expected(tmp_path)


def explained(report: Report) -> Report:
    """The same, with 12 events in which QKeras's float32 is off."""
    changes = {"float32_differs": 12, "float32_deviation": 3.0, "float32_allowed": 8.0, "float32_share": 0.001}
    told = report.witnesses["emulator"].model_copy(update=changes)
    graph = report.graph.model_copy(update={"float32_inexact": ["far"]})
    return report.model_copy(update={"witnesses": {"emulator": told}, "graph": graph})


def test_what_float32_explains_passes_and_is_said(report: Report) -> None:
    (found,) = [c for c in compare("tiny", explained(report), record(report, None)) if c.name == "bits of emulator"]
    assert found.status == "passed"
    assert found.message == (
        "agrees within float32's own error: 12 events differ by at most 3 LSB where up to 8 (0.001 of the output's "
        "range) can be explained, by roundings in far"
    )
    assert f"<system-out>{found.message}</system-out>" in junit([of_tiny(found)])


def test_the_verdict_in_words(report: Report) -> None:
    assert verdict_words(report) == "not compared: only emulator ran"
    assert (report.passed, compared_words(report)) == (None, "")
    fewer = report.witnesses["emulator"].model_copy(update={"events": 5})
    second = {**report.witnesses, "netlist": fewer, "csim": report.witnesses["emulator"]}
    both = report.model_copy(update={"witnesses": second})
    assert (verdict_words(both), both.passed) == ("bit-exact", True)
    assert compared_words(both) == f"csim on {report.verification.events} events, netlist on 5 events"
    report = explained(report)
    report = report.model_copy(update={"witnesses": {**report.witnesses, "csim": second["csim"]}})
    assert verdict_words(report) == "agrees within float32's own error (12 events)"
    wrong = explained(report).witnesses["emulator"].model_copy(update={"mismatches": 1})
    assert verdict_words(report.model_copy(update={"witnesses": {"emulator": wrong}})) == "differs"
    assert float32_words(wrong, ["far"]) == ""
    useless = explained(report).witnesses["emulator"].model_copy(update={"float32_share": 1.0})
    assert "where any value of its range can be explained" in float32_words(useless, ["far"])


def rtl_report(report: Report, lut: float, cycles: int, source: str = "yosys") -> Report:
    """``report`` whose firmware is our RTL, with these figures."""
    rows = [
        Resources.model_validate({"source": source, "route": "rtl", "stage": "netlist", "lut": lut}),
        Resources.model_validate(
            {"source": "analytic", "route": "rtl", "stage": "estimate", "lut": 9e6, "dsp": 4, "extrapolated": ["dsp"]}
        ),
        Resources.model_validate({"source": "vendor", "route": "hls4ml", "stage": "C synthesis", "lut": 7}),
    ]
    timing = Latency(
        source="rtl-simulation", route="rtl", stage="RTL", cycles=cycles, interval=1, clock_ns=5, latency_ns=5 * cycles
    )
    project = report.project.model_copy(update={"firmware": "rtl"})
    return report.model_copy(update={"project": project, "resources": rows, "latency": [timing]})


class TestFigures:
    def test_the_best_source_of_the_judged_firmware_is_recorded(self, report: Report) -> None:
        figures = record(rtl_report(report, 1000, 3), None).figures
        assert {name: (f.value, f.source, f.allowed_change) for name, f in figures.items()} == {
            "lut": (1000, "yosys", 20),
            "latency_cycles": (3, "rtl-simulation", 0),
            "interval": (1, "rtl-simulation", 0),
        }

    @pytest.mark.parametrize(
        ("lut", "cycles", "source", "names"),
        [
            (1020, 3, "yosys", []),
            (1021, 3, "yosys", ["figure lut"]),
            (979, 3, "yosys", ["figure lut"]),
            (1000, 4, "yosys", ["figure latency_cycles"]),
            (1000, 3, "vendor", ["figure lut"]),
        ],
    )
    def test_what_moved_fails(self, report: Report, lut: float, cycles: int, source: str, names: list[str]) -> None:
        recorded = record(rtl_report(report, 1000, 3), None)
        assert failed(rtl_report(report, lut, cycles, source), recorded) == names

    @pytest.mark.parametrize(("routed", "value", "source"), [(None, 500.0, "yosys"), (4.0, 250.0, "place and route")])
    def test_the_attainable_clock(self, report: Report, routed: float | None, value: float, source: str) -> None:
        told = rtl_report(report, 1000, 3)
        netlist, *others = told.resources
        timing = Timing(state="met", clock_ns=5.0, path_ns=routed, words="")
        rows = [netlist.model_copy(update={"path_ns": 2.0}), *others]
        figure = record(told.model_copy(update={"resources": rows, "timing": timing}), None).figures["fmax_mhz"]
        assert (figure.value, figure.source, figure.allowed_change) == (value, source, value / 50)

    def test_a_figure_that_nothing_gives_any_more_fails(self, report: Report) -> None:
        recorded = record(rtl_report(report, 1000, 3), None)
        gone = rtl_report(report, 1000, 3).model_copy(update={"latency": []})
        assert failed(gone, recorded) == ["figure latency_cycles", "figure interval"]

    def test_a_proof_that_was_done_must_be(self, report: Report) -> None:
        link = Link(
            name="graph = verilog", state="proved", method="linear forms", tool="ours", tool_version="1", seconds=1.0
        )
        proof = Proof(project="tiny", digest=report.graph.digest, links=(link,))
        recorded = record(report.model_copy(update={"proof": proof}), None)
        assert recorded.proved == ["graph = verilog"]
        assert failed(report, recorded) == ["proof of graph = verilog"]
        assert failed(report.model_copy(update={"proof": proof}), recorded) == []


def test_the_summary_names_what_is_not_as_recorded() -> None:
    one = of_tiny(Check("one", "graph", "passed"), Check("one", "budget luts", "not shown", "nothing"), name="one")
    two = of_tiny(Check("two", "graph", "failed", "a | b"), name="two")
    assert summary([one, two]).splitlines()[2:] == [
        "| one | 1 passed, 1 not shown | ✓ nothing |",
        "| two | 0 passed | ✗ graph: a \\| b |",
    ]


class TestLayers:
    """What moved is told with the layer in which it did."""

    @staticmethod
    def pipeline(report: Report, *layers: tuple[str, str, float]) -> Report:
        """``report`` of a network of these layers: name, digest, LUTs."""
        first = report.graph.pipeline[0]
        made = [first.model_copy(update={"name": name, "digest": of, "lut": lut}) for name, of, lut in layers]
        digest = "-".join(of for _, of, _ in layers)
        graph = report.graph.model_copy(update={"pipeline": made, "digest": digest})
        return rtl_report(report.model_copy(update={"graph": graph}), sum(lut for *_, lut in layers), 3)

    @pytest.mark.parametrize(
        ("layers", "told"),
        [
            ([("p", "a", 1), ("q", "b", 2), ("r", "c", 3)], None),
            ([("one", "a", 1), ("two", "b", 2), ("three", "c", 3)], None),
            ([("p", "a", 1), ("q", "x", 2), ("r", "c", 3)], "layer 'q' differs"),
            ([("p", "a", 1), ("r", "c", 3)], "layer 'q' is gone"),
            ([("p", "a", 1), ("q", "b", 2), ("s", "d", 1), ("r", "c", 3)], "layer 's' is new"),
        ],
    )
    def test_the_graph(self, report: Report, layers: list[tuple[str, str, float]], told: str | None) -> None:
        recorded = record(self.pipeline(report, ("p", "a", 1), ("q", "b", 2), ("r", "c", 3)), None)
        checks = compare("tiny", self.pipeline(report, *layers), recorded)
        (graph,) = (check for check in checks if check.name == "graph")
        assert graph.is_wrong == (told is not None)
        assert (told or "") in graph.message

    def test_many_are_counted(self, report: Report) -> None:
        recorded = record(self.pipeline(report, *((name, name, 1) for name in "pqrst")), None)
        now = self.pipeline(report, *((name, name.upper(), 1) for name in "pqrst"))
        (graph,) = (check for check in compare("tiny", now, recorded) if check.name == "graph")
        assert "layer 'p' differs, layer 'q' differs, layer 'r' differs and 2 more" in graph.message

    def test_the_luts(self, report: Report) -> None:
        recorded = record(self.pipeline(report, ("p", "a", 500), ("q", "b", 500)), None)
        now = self.pipeline(report, ("p", "a", 501), ("q", "b", 900))
        (luts,) = (check for check in compare("tiny", now, recorded) if check.name == "figure lut")
        assert luts.message == (
            "is 1401 (+40.1 %), was 1000 ± 20 (yosys), layer 'q' from 500 to 900 by the estimate; if meant, run with "
            "--update"
        )

    def test_a_changed_weight_changes_its_layer_alone(self, project: Path) -> None:
        first = hls.build(project)
        write_model(project / "model.h5", seed=9)
        again = hls.build(project)
        same = [was.digest == now.digest for was, now in zip(first.graph.pipeline, again.graph.pipeline, strict=True)]
        assert same.count(False) == sum(layer.parameters > 0 for layer in first.graph.pipeline)
