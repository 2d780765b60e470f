"""Whole builds: what lies in build/ afterwards, what the report says, and builds that fail."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import hls
from hls.cli.table import print_report
from hls.errors import EventError, FirmwareError, ModelFileError, ProjectError, SystemNotFoundError
from hls.project import build as building
from hls.project.report import read_report
from hls.project.report.verification_schema import PortInfo
from tests.conftest import TOML
from tests.models import write_model, write_reference


def tree(folder: Path) -> dict[str, bytes]:
    """Every file under ``folder`` with its content, but for the lock."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".build.lock")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_what_a_build_leaves(project: Path) -> None:
    stages: list[str] = []
    report = hls.build(project, progress=lambda stage, done, total: stages.append(stage))
    assert (report.failed, report.passed) == (False, None)  # nothing failed, and nothing was compared
    assert list(dict.fromkeys(stages)) == ["events", "hls4ml", "emulator"]
    assert read_report(project / "build") == report
    assert report.html.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert (project / "build" / "hls" / "firmware" / "tiny.cpp").is_file()
    content = json.loads((project / "build" / "report.json").read_text())
    assert (content["schema_version"], content["passed"]) == (1, None)
    named = "project graph witnesses fidelity resources latency reference_latency budget environment"
    assert set(content) >= set(named.split())
    assert content["witnesses"]["emulator"]["events"] == content["verification"]["events"] >= 300
    assert content["witnesses"]["emulator"]["mismatches"] == 0
    assert content["graph"]["overflow_proved"] is True
    # 4 x 6 + 6 and 6 x 2 + 2
    assert content["graph"]["parameters"] == 44
    assert content["graph"]["digest"] == hls.import_keras(project / "model.h5").digest()
    assert content["environment"]["seed"] == 1


def test_a_witness_that_is_left_out(make_project: Callable[..., Path]) -> None:
    folder = make_project(TOML.replace('witnesses = ["emulator"]', 'witnesses = ["emulator", "csim"]'))
    report = hls.build(folder, without=["csim"])
    assert not report.failed
    assert set(report.witnesses) == {"emulator"}
    assert "csim" in report.verification.not_asked
    with pytest.raises(ProjectError, match="csimm"):
        hls.build(folder, without=["csimm"])


def test_vhdl_on_request(make_project: Callable[..., Path]) -> None:
    folder = make_project(TOML.replace("[verify]", "vhdl = true\n\n[verify]"))
    hls.build(folder)
    written = {path.name for path in (folder / "build" / "rtl" / "vhdl").iterdir()}
    assert "tiny_top.vhd" in written


def test_products_in_luts(make_project: Callable[..., Path]) -> None:
    folder = make_project(TOML.replace("[verify]", 'multipliers = "lut"\nvhdl = true\n\n[verify]'))
    hls.build(folder)
    assert "Booth" in (folder / "build" / "rtl" / "vhdl" / "tiny_core_multiplier.vhd").read_text()
    assert read_report(folder / "build").project.multipliers == "lut"
    assert "products in LUTs" in (folder / "build" / "report.html").read_text()


def test_two_builds_of_the_same_sources_say_the_same(project: Path) -> None:
    first, second = (hls.build(project) for _ in range(2))
    assert first.graph == second.graph
    assert first.environment.source_hash == second.environment.source_hash


def test_events_from_a_file(project: Path, tmp_path: Path) -> None:
    events = np.random.default_rng(1).uniform(-7, 7, (17, 4))
    events[0] = [100, 0, 0, -100]
    np.save(tmp_path / "events.npy", events)
    report = hls.build(project, inputs=tmp_path / "events.npy")
    checked = report.verification
    assert checked.events == 17 + checked.corner_events
    assert checked.source == "file events.npy"
    assert checked.ports == [
        PortInfo(name="x", type="ap_fixed<8,4>", beyond=1, distinct=17, saturated=2 / 68, zeroed=0.0)
    ]
    assert checked.distinct_events == 17
    (warning,) = checked.warnings
    assert warning.startswith("input 'x': 1 of 17 events lie beyond")
    assert read_report(project / "build").verification == checked
    covered = "17 of 17 events distinct; 1 lie beyond ap_fixed&lt;8,4&gt; of x"
    assert covered in (project / "build" / "report.html").read_text()


def test_events_that_cover_little_are_told(project: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    events = np.zeros((20, 4))
    events[:10, 0] = range(-5, 5)
    np.save(tmp_path / "events.npy", events)
    report = hls.build(project, inputs=tmp_path / "events.npy")
    (warning,) = report.verification.warnings
    assert warning.startswith("only 10 of 20 events are distinct")
    print_report(report)
    shown = capsys.readouterr().out
    assert f"warning: {warning}" in shown
    assert "10 of 20 events distinct\n" in shown
    assert warning in (project / "build" / "report.html").read_text()


def test_events_that_are_no_comparison_leave_the_last_build(project: Path, tmp_path: Path) -> None:
    hls.build(project)
    before = (project / "build" / "report.json").read_bytes()
    np.save(tmp_path / "events.npy", np.full((30, 4), 2.5))
    with pytest.raises(EventError, match=r"events\.npy: all 30 events are one and the same"):
        hls.build(project, inputs=tmp_path / "events.npy")
    assert (project / "build" / "report.json").read_bytes() == before
    assert hls.build(project, inputs=tmp_path / "events.npy", events=1).passed is None


def test_a_float_reference_is_timed(make_project: Callable[..., Path]) -> None:
    folder = make_project(TOML.replace("[target]", 'reference = "reference.h5"\n[target]'))
    write_reference(folder / "reference.h5")
    timed = hls.build(folder).reference_latency
    assert timed is not None
    assert timed.events_per_second * timed.batch1_microseconds > 1e6  # a batch is faster than one by one


def test_a_budget_on_a_metric_that_does_not_exist_fails(make_project: Callable[..., Path]) -> None:
    report = hls.build(make_project(TOML + "\n[budget]\nkendal_tau_min = 0.9\nluts = 500000\n"))
    assert not report.passed
    assert [check.passed for check in report.budget.checks] == [False, None]  # the LUTs are extrapolated


def test_a_wrong_witness_still_leaves_a_report(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from hls.witnesses import emulator

    honest = emulator.EmulatorWitness.run

    def wrong(self: Any, raw_inputs: Any, progress: Any = None) -> Any:
        run = honest(self, raw_inputs, progress)
        run.raw[0][7] += 1
        return run

    monkeypatch.setattr("hls.witnesses.csim.CSimWitness.run", speaking_as_emulator(wrong, project))
    report = hls.build(project, witnesses=["emulator", "csim"])
    assert not report.passed
    (found,) = read_report(project / "build").verification.disagreements
    assert (found.event, found.differing, found.compared, found.largest) == (7, 2, 2, 1)
    print_report(report)
    assert "2 of 2 values of these events differ, by 1 LSB (0.03125) at most; not localised" in capsys.readouterr().out
    page = report.html.read_text(encoding="utf-8")
    assert "Inputs of event 7" in page
    assert " ".join(map(str, found.input[0])) in page


def speaking_as_emulator(run: Callable[..., Any], project: Path) -> Callable[..., Any]:
    """``run`` with an emulator in place of the C simulation that it is called on."""
    from hls.witnesses import Task
    from hls.witnesses.emulator import EmulatorWitness

    graph = hls.import_keras(project / "model.h5")

    def replaced(self: Any, raw_inputs: Any, progress: Any = None) -> Any:
        return run(EmulatorWitness(Task(graph, project / "model.h5", None)), raw_inputs, progress)  # type: ignore[arg-type]

    return replaced


def test_without_a_compiler_csim_is_left_out_unless_named(
    make_project: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(building, "default_witnesses", lambda model_file: ("emulator", "csim"))
    folder = make_project(TOML.replace('witnesses = ["emulator"]\n', ""))
    report = hls.build(folder)
    assert not report.failed
    assert report.witnesses["csim"].status == "not run"
    assert "g++" in str(report.witnesses["csim"].reason)
    named = hls.build(folder, witnesses=["csim"])
    assert not named.passed
    assert any("csim" in line and "g++" in line for line in named.verification.failures)


class TestRefused:
    """Each leaves the project folder as it was."""

    def refuse(self, folder: Path, message: str, **options: Any) -> None:
        hls.build(folder)
        before = tree(folder)
        with pytest.raises(FirmwareError, match=message) as raised:
            self.spoil_and_build(folder, **options)
        assert "\n" not in str(raised.value)
        after = tree(folder)
        assert {name: after[name] for name in before if name.startswith("build")} == {
            name: content for name, content in before.items() if name.startswith("build")
        }
        assert not [name for name in after if name.startswith(".build-")]

    def spoil_and_build(self, folder: Path, model: bytes | None = None, **options: Any) -> None:
        if model is not None:
            (folder / "model.h5").write_bytes(model)
        hls.build(folder, **options)

    @pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 not a zip", b"\x89HDF\r\n\x1a\n truncated"])
    def test_files_that_are_no_model(self, project: Path, content: bytes) -> None:
        self.refuse(project, "model.h5", model=content)

    def test_a_truncated_model(self, project: Path) -> None:
        whole = (project / "model.h5").read_bytes()
        self.refuse(project, "model.h5", model=whole[: len(whole) // 2])

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_weights_that_are_no_numbers(self, project: Path, tmp_path: Path, bad: float) -> None:
        kernel = np.zeros((4, 6))
        kernel[2, 3] = bad
        spoilt = write_model(tmp_path / "spoilt.h5", kernel=kernel).read_bytes()
        self.refuse(project, "hidden", model=spoilt)

    @pytest.mark.parametrize("kind", ["Lambda", "TFOpLambda"])
    def test_code_in_a_model_is_never_executed(self, project: Path, kind: str) -> None:
        whole = (project / "model.h5").read_bytes()
        # Same length, so that the HDF5 file stays whole.
        name = f'"{kind}"'.encode()
        pieces = b'"qkeras>QActivation"'
        assert pieces in whole
        self.refuse(project, "never executed", model=whole.replace(pieces, name.ljust(len(pieces)), 1))

    def test_events(self, project: Path, tmp_path: Path) -> None:
        np.save(tmp_path / "nan.npy", np.full((5, 4), np.nan))
        self.refuse(project, "NaN", inputs=tmp_path / "nan.npy")

    def test_an_unknown_witness(self, project: Path) -> None:
        self.refuse(project, "'csim'", witnesses=["scim"])

    def test_a_full_disk(self, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        hls.build(project)

        def full(*_: Any) -> None:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "report.html")

        before = tree(project)
        monkeypatch.setattr(building, "write_html", full)
        with pytest.raises(FirmwareError, match=r"report\.html: the disk is full"):
            hls.build(project)
        assert tree(project) == before


def test_an_unknown_system(make_project: Callable[..., Path]) -> None:
    folder = make_project(TOML.replace("[target]", 'system = "event_variable"\n[target]'))
    with pytest.raises(SystemNotFoundError, match="event_variables"):
        hls.build(folder)


def test_a_missing_model_is_named(project: Path) -> None:
    with pytest.raises(ModelFileError, match=r"none\.h5"):
        hls.import_keras(project / "none.h5")


def test_a_killed_build_leaves_the_previous_one(project: Path) -> None:
    hls.build(project)
    before = tree(project)
    # Enough events that the kill comes in the middle.
    command = [sys.executable, "-m", "tests.slow_build", str(project)]
    other = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert other.stdout is not None
    assert other.stdout.readline() == "emulator\n"
    other.send_signal(signal.SIGKILL)
    other.communicate()
    after = tree(project)
    assert {name: content for name, content in after.items() if not name.startswith(".build-")} == before
    hls.build(project)
    assert not [name for name in tree(project) if name.startswith(".build-")]


@pytest.mark.slow
def test_qkeras_and_csim_agree_with_the_emulator(project: Path) -> None:
    start = time.monotonic()
    report = hls.build(project, witnesses=["qkeras", "emulator", "csim"], events=2000)
    assert report.verification.failures == []
    assert {name: told.mismatches for name, told in report.witnesses.items()} == {"emulator": 0, "qkeras": 0, "csim": 0}
    spoken = sum(told.seconds or 0.0 for told in report.witnesses.values())
    assert 0.0 < spoken < time.monotonic() - start


@pytest.mark.slow
def test_a_disagreement_with_qkeras_is_placed_in_its_layer(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The emulator is given other weights than QKeras reads: they differ first in the layer that was changed."""
    kernel = np.full((4, 6), 0.5)
    changed = write_model(project / "changed.h5", kernel=kernel)
    altered = hls.import_keras(changed)
    monkeypatch.setattr(building, "import_model", lambda path, statements: altered)
    report = hls.build(project, witnesses=["qkeras", "emulator"])
    (found,) = report.verification.disagreements
    assert found.layer == "hidden"
    assert report.witnesses["qkeras"].mismatches == found.events > 0
