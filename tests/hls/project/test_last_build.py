"""A build adds to what is there: what is of the same firmware stays, and says of which build it is."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import hls
from hls.project.report import read_report
from hls.project.report.schema import Report
from hls.project.report.words import kept_words
from tests.models import write_model

ROUTED = Path(__file__).parents[1] / "figures" / "vendor_reports" / "samples" / "vitis" / "impl"


def edited(project: Path, change: Any) -> Report:
    """The last build as if it had found something else."""
    path = project / "build" / "report.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    return read_report(project / "build")


def as_if_simulated(content: dict[str, Any]) -> None:
    content["witnesses"]["rtl"] = content["witnesses"]["emulator"] | {"events": 77, "version": "Verilator"}
    content["witnesses"]["csim"] = content["witnesses"]["emulator"] | {"events": 66, "mismatches": 2}
    row = next(row for row in content["latency"] if row["route"] == "rtl")
    content["latency"].append(row | {"source": "rtl-simulation", "cycles": 5, "relative_error": None})


def writing(verilog: str) -> Any:
    """Stands in for a build that writes its Verilog."""

    def write(project: Any, graph: Any, firmware: Any, home: Any, closure: Any) -> None:
        (home.rtl / "src").mkdir(parents=True)
        (home.rtl / "src" / "top.v").write_text(verilog)

    return write


@pytest.fixture
def simulated(project: Path) -> Path:
    """A project whose last build has Verilog, a netlist, a proof, and results of rtl and csim."""
    hls.build(project)
    for name in ("rtl/src/top.v", "rtl/tb/inputs.hex", "netlist/top.json", "proof.json"):
        path = project / "build" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    edited(project, as_if_simulated)
    return project


def test_what_fewer_witnesses_do_not_write_stays(simulated: Path) -> None:
    for _ in range(2):  # and stays again
        report = hls.build(simulated)
        assert (simulated / "build/rtl/src/top.v").read_text() == "rtl/src/top.v"
        assert (simulated / "build/netlist/top.json").is_file()
        assert (simulated / "build/proof.json").is_file()
        assert set(report.witnesses) == {"emulator"}
        assert report.passed is None  # nothing was compared now, whatever was once
        assert {name: kept.result.events for name, kept in report.kept.items()} == {"rtl": 77, "csim": 66}
        (row,) = (row for row in report.latency if row.source == "rtl-simulation")
        assert row.cycles == 5
        assert row.kept_from == report.kept["rtl"].built
        assert any(f"measured by the build of {row.kept_from}" in note for note in report.figure_notes)


def test_the_report_says_what_is_kept(simulated: Path) -> None:
    built = read_report(simulated / "build").environment.created
    report = hls.build(simulated)
    told = f"csim did not run now; in the build of {built} it found 2 mismatches in 66 events (integers uniform"
    assert any(words.startswith(told) for words in kept_words(report))
    assert "csim did not run now" in (simulated / "build/report.html").read_text()


def test_what_ran_now_replaces_it(simulated: Path) -> None:
    edited(simulated, lambda content: content.update(kept={"emulator": {
        "built": "once", "source": "x", "result": content["witnesses"]["emulator"]}}))  # fmt: skip
    assert set(hls.build(simulated).kept) == {"rtl", "csim"}


@pytest.mark.parametrize("change", ["network", "clock", "release"])
def test_nothing_is_kept_of_another_firmware(change: str, simulated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if change == "network":
        write_model(simulated / "model.h5", seed=9)
    elif change == "clock":
        toml = simulated / "project.toml"
        toml.write_text(toml.read_text().replace("[target]\n", "[target]\nclock_ns = 4.0\n"))
    else:
        monkeypatch.setattr("hls.project.last_build.__version__", "9.9")
    report = hls.build(simulated)
    assert report.kept == {}
    assert not (simulated / "build/rtl").exists()
    assert not (simulated / "build/netlist").exists()
    assert "rtl-simulation" not in {row.source for row in report.latency}


def test_limits_and_events_change_no_firmware(simulated: Path) -> None:
    toml = simulated / "project.toml"
    toml.write_text(toml.read_text() + "seed = 5\n\n[budget]\nluts = 10\n")
    assert set(hls.build(simulated, events=40).kept) == {"rtl", "csim"}


def test_results_of_other_verilog_are_not_kept(simulated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As where its pipeline was cut elsewhere: csim's are."""
    monkeypatch.setattr("hls.project.build._vhdl", writing("another"))
    report = hls.build(simulated)
    assert set(report.kept) == {"csim"}
    assert not (simulated / "build/netlist").exists()


def test_a_vendors_reports_of_our_rtl_are_read_and_stay(simulated: Path) -> None:
    """Run by build/rtl/vivado.tcl, whose reports lie in reports/; the clock is met or not by them."""
    shutil.copytree(ROUTED, simulated / "build/rtl/reports")
    for _ in range(2):
        report = hls.build(simulated)
        (row,) = (row for row in report.resources if row.source == "vendor")
        assert (row.route, row.stage) == ("rtl", "post-route")
        assert (simulated / "build/rtl/reports/utilization_routed.rpt").is_file()
        assert report.timing is not None
        assert report.timing.state != "not known"
        assert "post-route" in report.timing.words


def test_verilog_written_anew_keeps_what_lies_beside_the_same(simulated: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROUTED, simulated / "build/rtl/reports")
    (simulated / "build/rtl/reports/top.dcp").symlink_to("elsewhere.dcp")
    monkeypatch.setattr("hls.project.build._vhdl", writing("rtl/src/top.v"))
    assert "vendor" in {row.source for row in hls.build(simulated).resources}
    assert (simulated / "build/rtl/tb/inputs.hex").is_file()
    assert (simulated / "build/rtl/reports/top.dcp").is_symlink()
    monkeypatch.setattr("hls.project.build._vhdl", writing("another"))
    assert "vendor" not in {row.source for row in hls.build(simulated).resources}
    assert not (simulated / "build/rtl/reports").exists()
