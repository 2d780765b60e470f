"""Resources and latency in the report: every source under its own name, vendors' runs kept, budgets from presets."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import pytest

import hls
from hls.errors import FirmwareError, ProjectError
from hls.graph import FixedGraph
from hls.importing import import_keras
from hls.project import read_project
from hls.project.report.html import write_html
from hls.project.report.rows import gather_figures
from hls.project.report.schema import ModuleInfo
from hls.project.vendor_runs import keep_vendor_reports
from hls.rtl import RtlTiming
from hls.rtl.netlist import DEVICES, NetlistResources, RoutedDesign, SharedModule
from hls.target import Target
from hls.target.resources import Counts
from hls.verification.build_folder import BuildFolder
from hls.witnesses.finding import WITNESSES
from tests.conftest import TOML
from tests.models import write_model

SAMPLES = Path(__file__).parents[1] / "figures" / "vendor_reports" / "samples" / "vitis"
TARGET = Target("xcvu13p-flga2577-2-e", "vitis", 5.0)


@pytest.fixture
def graph(model_file: Path) -> FixedGraph:
    return import_keras(model_file)


@pytest.mark.parametrize(("part", "own"), [("LFE5U-85F-8BG756C", True), ("LFE5U-85F-6BG756C", False)])
def test_what_was_placed_on_the_projects_own_part_says_how_much_of_it(graph: FixedGraph, part: str, own: bool) -> None:
    routed = RoutedDesign(DEVICES["ecp5-85k"].title, Counts(lut=8364, ff=1), 4.0, 1.0, "a", "b", (), "nextpnr")
    figures = gather_figures(graph, replace(TARGET, part=part), (), None, None, routed)
    (row,) = (row for row in figures.resources if row.source == "nextpnr")
    assert row.on_own_part is own
    assert row.utilisation.get("lut") == (pytest.approx(0.1, rel=0.01) if own else None)


def test_estimates_state_their_error_and_what_they_predict(graph: FixedGraph) -> None:
    figures = gather_figures(graph, TARGET, (), None)
    assert [(row.route, row.source, row.stage) for row in figures.resources] == [
        ("rtl", "analytic", "post-route"),
        ("hls4ml", "analytic", "C synthesis"),
    ]
    for row in figures.resources:
        assert row.relative_error is not None
        assert row.relative_error["lut"] > 0
        assert row.lut_range is not None
        assert "lut" in row.counts
        assert row.lut_range[0] <= row.counts["lut"] <= row.lut_range[1]
        assert row.verdict is not None
        assert row.verdict.startswith("fits")
    assert all(row.relative_error is not None for row in figures.latency)


def test_measurements_are_rows_of_their_own(graph: FixedGraph) -> None:
    netlist = NetlistResources("xcup", {"LUT6": 30, "FDRE": 12}, lut_low=20, lut_high=30, ff=12, carry=0, dsp=0, bram=2)
    figures = gather_figures(graph, TARGET, (RtlTiming(7, 1, 5.0), netlist), None)
    yosys = next(row for row in figures.resources if row.source == "yosys")
    assert (yosys.counts["lut"], yosys.lut_range, yosys.counts["ff"], yosys.relative_error) == (30, (20, 30), 12, None)
    assert yosys.counts["bram"] == 1.0  # two 18K blocks are one tile
    assert yosys.utilisation["lut"] == pytest.approx(25 / 1_728_000)
    simulated = next(row for row in figures.latency if row.source == "rtl-simulation")
    assert (simulated.cycles, simulated.interval, simulated.latency_ns) == (7, 1, 35.0)


def test_modules_that_are_there_several_times(project: Path) -> None:
    netlist = NetlistResources("xcup", {"LUT6": 30}, lut_low=20, lut_high=30, ff=12, carry=0, dsp=0, bram=0)
    shared = SharedModule(("hidden", "relu"), 3, 8)
    rows = gather_figures(import_keras(project / "model.h5"), TARGET, (netlist, shared), None).resources
    report = hls.build(project).model_copy(update={"resources": rows})
    found = next(row for row in report.resources if row.source == "yosys").modules
    assert found == [ModuleInfo(layers=["hidden", "relu"], copies=3, lut=8)]
    page = write_html(report, project / "build").read_text(encoding="utf-8")
    assert "3 copies of hidden, relu at 8 LUTs each; all else takes 6." in page


def test_an_asic_has_no_luts(graph: FixedGraph) -> None:
    netlist = NetlistResources("asic", {"$_NAND_": 30}, lut_low=0, lut_high=0, ff=12, carry=0, dsp=0, bram=0)
    figures = gather_figures(graph, replace(TARGET, part="asic"), (netlist,), None)
    assert [(row.source, row.counts) for row in figures.resources] == [("yosys", {"ff": 12})]
    assert not figures.layers
    layers = gather_figures(graph, TARGET, (), None).layers
    estimated = next(row for row in gather_figures(graph, TARGET, (), None).resources if row.route == "rtl")
    assert sum(layers.values()) == pytest.approx(estimated.counts["lut"], abs=1)


def test_a_part_that_nobody_knows_has_no_utilisation(graph: FixedGraph) -> None:
    figures = gather_figures(graph, Target("xcvu13q-flga2577-2-e", "vitis", 5.0), (), None)
    assert all(not row.utilisation and row.verdict is None for row in figures.resources)
    assert "VU13P" in figures.notes[0].upper()  # the nearest is suggested


def test_a_vendors_run_survives_the_next_build(project: Path) -> None:
    hls.build(project)
    shutil.copytree(SAMPLES, project / "build" / "hls", dirs_exist_ok=True)
    for _ in range(2):  # found in hls/, then in vendor/, where the first of these builds put it
        report = hls.build(project)
        rows = {row.stage: row for row in report.resources if row.source == "vendor"}
        ours = next(row for row in report.resources if row.stage == "C synthesis")
        assert "lut" in ours.counts
        assert "lut" in rows["csynth"].counts
        assert rows["csynth"].ratio is not None
        assert rows["csynth"].ratio["lut"] == rows["csynth"].counts["lut"] / ours.counts["lut"]
        assert rows["post-route"].ratio is None  # never against an estimate of another stage
        assert any('state firmware = "hls4ml"' in note for note in report.figure_notes)
        assert report.timing is not None
        assert report.timing.state == "not known"  # its clock is not that of our RTL, which is built
    toml = project / "project.toml"
    toml.write_text(toml.read_text().replace("[target]", '[target]\nmultipliers = "lut"'))  # of our RTL, not hls4ml's
    assert "vendor" in {row.source for row in hls.build(project).resources}
    toml.write_text(toml.read_text().replace("[target]", '[target]\nfirmware = "hls4ml"'))  # judged, not built anew
    assert "vendor" in {row.source for row in hls.build(project).resources}
    other = project / "model.h5"
    write_model(other, seed=9)
    assert "vendor" not in {row.source for row in hls.build(project).resources}


OTHER_TARGETS: dict[str, Any] = {
    "part": "xcvu9p-flga2104-2-e",
    "backend": "vivado",
    "clock_ns": 4.0,
    "io_type": "io_stream",
    "strategy": "resource",
    "reuse_factor": 2,
}


def test_a_vendors_run_of_another_target_is_not_kept(project: Path, tmp_path: Path) -> None:
    """Of every setting but those that change nothing in the hls4ml project, which the tool was run on."""
    of_our_rtl = {
        "multipliers",
        "firmware",
        "latency",
        "place_and_route",
        "interval",
        "interval_ns",
        "adders",
        "ports",
        "io",
    }
    assert OTHER_TARGETS.keys() == {field.name for field in fields(Target)} - of_our_rtl
    report = hls.build(project)
    shutil.copytree(SAMPLES, project / "build" / "hls", dirs_exist_ok=True)
    previous, was = BuildFolder(project / "build", tmp_path), read_project(project).target

    def kept(name: str, digest: str, target: Target) -> bool:
        return keep_vendor_reports(previous, BuildFolder(tmp_path / name, tmp_path), digest, target) is not None

    assert kept("same", report.graph.digest, was)
    assert kept("multipliers", report.graph.digest, replace(was, multipliers="lut"))
    assert kept("firmware", report.graph.digest, replace(was, firmware="hls4ml"))
    assert kept("interval", report.graph.digest, replace(was, interval_ns=25))
    for setting, value in OTHER_TARGETS.items():
        assert not kept(setting, report.graph.digest, replace(was, **{setting: value})), setting
    assert not kept("network", "0" * 64, was)


def test_a_vendors_report_of_lost_weights_is_an_error(project: Path) -> None:
    hls.build(project)
    shutil.copytree(SAMPLES, project / "build" / "hls", dirs_exist_ok=True)
    for path in (project / "build" / "hls").rglob("*_csynth.xml"):
        text = path.read_text()
        path.write_text(_with_count(_with_count(text, "LUT", 0), "DSP", 0))
    with pytest.raises(FirmwareError, match="weights were not found"):
        hls.build(project)


def _with_count(text: str, resource: str, count: int) -> str:
    import re

    return re.sub(rf"(<Resources>.*?<{resource}>)\d+(</{resource}>)", rf"\g<1>{count}\g<2>", text, count=1, flags=re.S)


def test_budget_presets(make_project: Callable[[str], Path]) -> None:
    budget = '[budget]\npreset = "level-1-slot"\nlatency_bx = 2\nluts = 1000\n'
    project = read_project(make_project(TOML + budget))
    limits = project.limits()
    assert limits["interval_ns"] == 25.0
    assert limits["latency_ns"] == 2 * 25.0
    assert limits["luts"] == 1000  # stated, so it replaces the preset's
    assert limits["ffs"] > 0


@pytest.mark.parametrize(
    ("line", "message"),
    [('preset = "level-2"', "level-1-slot"), ("preset = 5", "name of a preset"), ('luts = "many"', "must be a number")],
)
def test_bad_budgets_are_named(line: str, message: str, make_project: Callable[[str], Path]) -> None:
    with pytest.raises(ProjectError, match=message):
        read_project(make_project(TOML + f"[budget]\n{line}\n"))


def test_a_budget_is_broken_by_the_best_source(make_project: Callable[[str], Path]) -> None:
    report = hls.build(make_project(TOML + "[budget]\nluts = 1\n"))
    assert not report.passed
    assert report.budget.checks[0].source == "analytic"


def test_large_networks_are_not_synthesised_unasked(
    make_project: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("rtl", "netlist", "csim", "qkeras"):
        kind = WITNESSES.load(name)
        monkeypatch.setattr(kind, "limits", replace(kind.limits, multiplications=0))
    report = hls.build(make_project(TOML.replace('witnesses = ["emulator"]\n', "")))
    assert not report.failed
    told = report.witnesses["netlist"]
    assert told.status == "not run"
    assert "left out by default" in str(told.reason)
