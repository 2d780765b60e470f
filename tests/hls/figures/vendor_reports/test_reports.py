"""Reports in the vendors' formats: what is read, and what is refused."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from hls.figures.vendor_reports import VendorReport, VendorReportError, check_plausible, find_reports
from hls.figures.vendor_reports.hls_xml import read_cosim, read_csynth
from hls.figures.vendor_reports.intel import read_fit_summary, read_quartus_data
from hls.figures.vendor_reports.javascript import read_variables
from hls.figures.vendor_reports.result import time_ns
from hls.figures.vendor_reports.smarthls import read_smarthls
from hls.figures.vendor_reports.vivado import read_timing, read_utilisation

SAMPLES = Path(__file__).parent / "samples"
CSYNTH = "tagger_prj/solution1/syn/report/tagger_csynth.xml"
COSIM = "tagger_prj/solution1/sim/report/tagger_cosim.rpt"
Project = Callable[[str], Path]


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A copy of one tool's sample project."""

    def copy(tool: str) -> Path:
        return Path(shutil.copytree(SAMPLES / tool, tmp_path / tool))

    return copy


def change(path: Path, old: str, new: str) -> Path:
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return path


def figures(report: VendorReport) -> tuple[object, ...]:
    return report.lut, report.ff, report.dsp, report.bram, report.uram, report.cycles, report.interval


def test_a_vitis_project_gives_four_stages_in_order() -> None:
    csynth, cosim, synth, routed = find_reports(SAMPLES / "vitis", multipliers=500)
    assert [r.stage for r in (csynth, cosim, synth, routed)] == ["csynth", "cosim", "synth", "post-route"]
    # Seven 18K blocks are three and a half 36 kbit tiles, the unit of Vivado.
    assert figures(csynth) == (23456, 4321, 12, 3.5, 0, 241, 60)
    assert (csynth.tool, csynth.version, csynth.part, csynth.top) == (
        "Vitis HLS", "2023.1", "xcvu13p-flga2577-2-e", "tagger",
    )  # fmt: skip
    assert (csynth.clock_ns, csynth.period_ns, csynth.latency_ns, csynth.timing_met) == (5.0, 3.602, 1205.0, True)
    assert (cosim.cycles, cosim.interval, cosim.latency_ns) == (243, 61, 1215.0)
    assert figures(synth) == (12345, 3210, 10, 3.5, 0, None, None)
    assert figures(routed) == (11890, 3150, 10, 3.5, 0, None, None)
    # 5 ns asked for, worst slack -0.125 ns
    assert (routed.clock_ns, routed.period_ns, routed.timing_met) == (5.0, 5.125, False)
    assert all(report.source == "vendor" for report in (csynth, cosim, synth, routed))


def test_vivado_hls_calls_dsps_by_another_name(project: Project) -> None:
    path = project("vitis") / CSYNTH
    change(path, "DSP>", "DSP48E>")
    report = read_csynth(path)
    assert (report.tool, report.dsp) == ("Vivado HLS", 12)


def test_seven_series_names_and_parts_without_ultraram(project: Project) -> None:
    path = project("vitis") / "vivado_synth.rpt"
    for old, new in (("CLB LUTs*", "Slice LUTs*"), ("CLB Registers", "Slice Registers"), ("| URAM ", "| none ")):
        change(path, old, new)
    assert figures(read_utilisation(path)) == (12345, 3210, 10, 3.5, None, None, None)


def test_intel_hls_compiler() -> None:
    csynth, fitted = find_reports(SAMPLES / "quartus")
    assert (csynth.tool, csynth.stage, figures(csynth)) == (
        "Intel HLS compiler", "csynth", (6543, 8765, 9, 11, None, 34, 6),
    )  # fmt: skip
    assert csynth.bram_kbit == 20
    assert fitted.stage == "post-route"
    from_js = read_quartus_data(SAMPLES / "quartus/tagger-fpga.prj/reports/lib/quartus_data.js")
    assert from_js is not None
    assert (from_js.lut, from_js.ff, from_js.period_ns) == (4936, 7000, 3.2)  # 2468 ALMs, 312.5 MHz
    summary = read_fit_summary(SAMPLES / "quartus/tagger.fit.summary")
    assert (summary.lut, summary.ff, summary.dsp, summary.bram) == (5000, 7100, 9, 12)
    assert (summary.version, summary.part, summary.top) == ("21.1.0", "10AX115N2F40E2LG", "tagger_top")


def test_quartus_that_was_not_run_is_no_result(project: Project) -> None:
    path = project("quartus") / "tagger-fpga.prj/reports/lib/quartus_data.js"
    assert read_quartus_data(change(path, "312.5 MHz", "TBD")) is None


def test_oneapi() -> None:
    compiled, fitted = find_reports(SAMPLES / "oneapi")
    assert figures(compiled) == (619, 847, 2, 8, None, 11, 1)
    assert compiled.period_ns == pytest.approx(1e3 / 480, abs=1e-6)  # the slowest loop
    assert (fitted.lut, fitted.ff, fitted.stage) == (700, 900, "post-route")
    assert fitted.period_ns == pytest.approx(1e3 / 450, abs=1e-6)


def test_catapult_gives_time_and_vivado_the_resources() -> None:
    catapult, vivado = find_reports(SAMPLES / "catapult")
    assert (catapult.tool, catapult.cycles, catapult.interval, catapult.clock_ns, catapult.lut) == (
        "Catapult", 6, 7, 5.0, None,
    )  # fmt: skip
    assert (vivado.stage, vivado.lut, vivado.period_ns) == ("synth", 12345, 4.375)


def test_libero() -> None:
    (report,) = find_reports(SAMPLES / "libero")
    assert figures(report) == (5120, 2040, 20, 6, None, 41, 20)
    assert (report.clock_ns, report.period_ns, report.stage) == (5.0, 4.6, "post-route")


def test_a_folder_without_reports_has_none(tmp_path: Path) -> None:
    assert find_reports(tmp_path) == []


def test_the_newest_of_several_solutions_counts(project: Project) -> None:
    home = project("vitis")
    second = home / "tagger_prj/solution2/syn/report"
    shutil.copytree(home / "tagger_prj/solution1/syn/report", second)
    change(second / "tagger_csynth.xml", "23456", "22222")
    for path, when in ((home / CSYNTH, 1000), (second / "tagger_csynth.xml", 2000)):
        os.utime(path, (when, when))
    assert next(r.lut for r in find_reports(home) if r.stage == "csynth") == 22222


@pytest.mark.parametrize(
    ("text", "ns"),
    [("4.35 ns", 4.35), ("0.120 us", 120), ("1.5 ms", 1.5e6), ("2 µs", 2000), ("350 ps", 0.35), ("1,205.5 ns", 1205.5)],
)
def test_times_carry_their_unit(text: str, ns: float) -> None:
    assert time_ns(Path("r"), "s", text) == pytest.approx(ns, rel=1e-12)


@pytest.mark.parametrize("text", ["4.35", "", "fast", "4 parsec", "ns", "-1 ns", "nan ns"])
def test_a_time_without_a_unit_is_refused(text: str) -> None:
    with pytest.raises(VendorReportError, match="latency table"):
        time_ns(Path("r"), "latency table", text)


@pytest.mark.parametrize(
    ("old", "new", "section"),
    [
        ("<LUT>23456</LUT>", "", "AreaEstimates/Resources/LUT"),
        ("<LUT>23456</LUT>", "<LUT>many</LUT>", "AreaEstimates/Resources/LUT"),
        ("<LUT>23456</LUT>", "<LUT>-5</LUT>", "AreaEstimates/Resources/LUT"),
        ("<Interval-max>60</Interval-max>", "", "SummaryOfOverallLatency/Interval-max"),
        ("<unit>ns</unit>", "<unit>furlongs</unit>", "UserAssignments/TargetClockPeriod"),
        ("1.205 us", "1.205 ns", "SummaryOfOverallLatency"),  # the unit that switches
        ("</profile>", "", "not well-formed"),
        ("<profile>", "<!DOCTYPE a [<!ENTITY b 'c'>]><profile>", "entities"),
    ],
)
def test_a_damaged_csynth_report_names_file_and_section(project: Project, old: str, new: str, section: str) -> None:
    path = change(project("vitis") / CSYNTH, old, new)
    with pytest.raises(VendorReportError) as refusal:
        read_csynth(path)
    assert str(path) in str(refusal.value)
    assert section in str(refusal.value)


def test_a_latency_that_hls_cannot_tell_is_none(project: Project) -> None:
    path = project("vitis") / CSYNTH
    for old in ("<Worst-caseLatency>241", "<Interval-max>60"):
        change(path, old, old.split(">")[0] + ">undef")
    report = read_csynth(path)
    assert (report.cycles, report.interval, report.latency_ns) == (None, None, None)


def test_a_failed_or_missing_cosimulation_is_no_result(project: Project) -> None:
    path = project("vitis") / COSIM
    with pytest.raises(VendorReportError, match="not Pass"):
        read_cosim(change(path, "      Pass|", "      Fail|"))
    with pytest.raises(VendorReportError, match="not run"):
        read_cosim(change(path, "      Fail|", "        NA|"))


@pytest.mark.parametrize("label", ["CLB LUTs", "CLB Registers", "Block RAM Tile", "DSPs"])
def test_a_utilisation_report_without_a_table_is_refused(project: Project, label: str) -> None:
    path = change(project("vitis") / "vivado_synth.rpt", f"| {label}", "| something else")
    with pytest.raises(VendorReportError, match=label) as refusal:
        read_utilisation(path)
    assert str(path) in str(refusal.value)


def test_an_unconstrained_design_has_no_period(project: Project) -> None:
    path = project("vitis") / "impl/timing_summary_routed.rpt"
    with pytest.raises(VendorReportError, match="Clock Summary"):
        read_timing(change(path, "ap_clk  {0.000 2.500}", ""))


def test_a_failed_libero_simulation_is_refused(project: Project) -> None:
    path = change(
        project("libero") / "hls_output/reports/summary.results.rpt", "co-simulation: PASS", "co-simulation: FAIL"
    )
    with pytest.raises(VendorReportError, match="FAIL"):
        read_smarthls(path)


@pytest.mark.parametrize("luts", ["0", "235"])
def test_a_design_without_its_weights_is_an_error(project: Project, luts: str) -> None:
    home = project("vitis")
    change(home / CSYNTH, "<LUT>23456</LUT>", f"<LUT>{luts}</LUT>")
    change(home / CSYNTH, "<DSP>12</DSP>", "<DSP>0</DSP>")
    with pytest.raises(VendorReportError, match="weights were not found") as refusal:
        find_reports(home, multipliers=4000)
    assert "tagger_csynth.xml" in str(refusal.value)


def test_dsps_count_as_logic() -> None:
    few_luts = VendorReport("Vitis HLS", None, "csynth", Path("r"), lut=300, dsp=40)
    check_plausible(few_luts, 4000)
    with pytest.raises(VendorReportError):
        check_plausible(few_luts, 4301)


def test_a_log_that_lost_the_weights_is_an_error(project: Project) -> None:
    home = project("vitis")
    log = home / "vivado.log"
    log.write_text(
        "CRITICAL WARNING: [Synth 8-4445] could not open $readmem data file './w2_rom.dat'; please make sure\n"
    )
    with pytest.raises(VendorReportError, match="readmem") as refusal:
        find_reports(home)
    assert str(log.resolve()) in str(refusal.value)


def sample_files() -> list[Path]:
    return [path for path in sorted(SAMPLES.rglob("*")) if path.is_file()]


@pytest.mark.parametrize("path", sample_files(), ids=lambda path: path.name)
def test_a_report_cut_off_anywhere_is_read_or_refused_by_name(path: Path, tmp_path: Path) -> None:
    tool = path.relative_to(SAMPLES).parts[0]
    home = Path(shutil.copytree(SAMPLES / tool, tmp_path / tool))
    cut, whole = home / path.relative_to(SAMPLES / tool), path.read_text(encoding="utf-8")
    refused = 0
    for part in range(24):
        cut.write_text(whole[: len(whole) * part // 24], encoding="utf-8")
        try:
            find_reports(home)
        except VendorReportError as error:
            assert cut.name in str(error)
            refused += 1
    assert refused > 0


@pytest.mark.parametrize("content", [b"\x00\xff\xfe" * 50, b"<profile/>", b"{}", b"var areaJSON={", b"[" * 5000])
def test_rubbish_is_refused_by_name(content: bytes, tmp_path: Path) -> None:
    names = (
        "p/solution1/syn/report/t_csynth.xml", "t_cosim.rpt", "vivado_synth.rpt", "reports/lib/report_data.js",
        "resources/json/summary.ndjson", "t.fit.summary", "rtl.rpt", "summary.results.rpt", "timing_summary.rpt",
    )  # fmt: skip
    for number, name in enumerate(names):
        path = tmp_path / str(number) / name
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
        with pytest.raises(VendorReportError, match=path.name.split(".")[0]):
            find_reports(tmp_path / str(number))


def test_links_out_of_the_project_are_not_followed(tmp_path: Path) -> None:
    home = tmp_path / "project"
    home.mkdir()
    (home / "vivado_synth.rpt").symlink_to(SAMPLES / "vitis/vivado_synth.rpt")
    assert find_reports(home) == []


def test_javascript_literals() -> None:
    text = "var a = {x: [1, -2.5e1, 'it''s'], \"y\": \"\\u0041\" + 'b', z: null,};var b=true;"
    with pytest.raises(VendorReportError, match="section a"):
        read_variables(Path("f.js"), text, ("a", "b"))
    text = text.replace("'it''s'", "'it\\'s'")
    assert read_variables(Path("f.js"), text, ("a", "b")) == {
        "a": {"x": [1, -25.0, "it's"], "y": "Ab", "z": None},
        "b": True,
    }
    assert read_variables(Path("f.js"), text, ("c",)) == {}
