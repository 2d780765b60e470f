"""The command line: what it prints where, and with which exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from xml.etree import ElementTree

import h5py
import numpy as np
import pytest

from hls import __version__
from hls.cli import bug_report
from hls.errors import FirmwareError
from tests.conftest import TOML
from tests.hls.cli.asking import Ask, asking
from tests.models import write_model


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    return asking(tmp_path, monkeypatch, capsys)


def test_as_a_program_of_its_own(project: Path) -> None:
    program = Path(sys.executable).with_name("qtrigger")
    commands = (["build", str(project)], ["build", str(project / "none")])
    good, bad = (subprocess.run([program, *c], capture_output=True, text=True, check=False) for c in commands)
    assert (good.returncode, bad.returncode) == (0, 2)
    assert bad.stderr.startswith("error: ")
    assert bad.stderr.count("\n") == 1


def test_build_report_and_their_exit_codes(ask: Ask, project: Path, tmp_path: Path) -> None:
    early = ask("report", project)
    assert early.refused("not built yet", "qtrigger build")
    built = ask("build", project)
    assert built.code == 0
    assert "– tiny" in built.out
    assert "not compared: only emulator ran" in built.out
    assert "tiny/build/report.html" in built.out
    assert "emulator:" in built.err  # progress, away from the result
    again = ask("report", project, "--json")
    assert again.code == 0
    assert json.loads(again.out) == json.loads((project / "build" / "report.json").read_text())


def test_build_json_is_nothing_but_json(ask: Ask, project: Path, tmp_path: Path) -> None:
    built = ask("build", project, "--events", "50", "--json")
    report = json.loads(built.out)
    assert report["verification"]["events"] == 50
    assert report["verification"]["corner_events"] == 25


def test_a_broken_budget_is_exit_code_one(ask: Ask, make_project: Callable[..., Path], tmp_path: Path) -> None:
    folder = make_project(TOML + "\n[budget]\nauc_min = 0.9\n")
    built = ask("build", folder)
    assert built.code == 1
    assert "over budget" in built.out
    assert ask("report", folder).code == 1


def test_refusals_are_one_line_without_traceback(ask: Ask, project: Path, tmp_path: Path) -> None:
    assert ask("build", tmp_path / "none").refused("none", "qtrigger new")
    assert ask("build", project, "--witness", "scim").refused("'scim'", "'csim'")
    assert ask("build", project, "--inputs", "no.npy").refused("no.npy")
    (project / "model.h5").write_bytes(b"no model")
    assert ask("build", project).refused("model.h5")
    assert ask("train", "event_variable").refused("event_variables/two-body")
    assert ask("train", "two-body", "--preset", "huge").refused("'huge'", "trigger")
    assert ask("data", "nothing", "--events", "5", "--out", "x.h5").refused("nothing")
    assert ask("build", project, "--events", "0").code == 2
    assert ask("bild").code == 2


def test_new_then_build(ask: Ask, tmp_path: Path, model_file: Path) -> None:
    made = ask("new", "mine", "--model", model_file, "--part", "xcvu13p-flga2577-2-e")
    assert made.code == 0
    assert "qtrigger build firmware_projects/mine" in made.out
    folder = tmp_path / "firmware_projects" / "mine"
    assert sorted(path.name for path in folder.iterdir()) == ["model.h5", "project.toml"]
    assert ask("build", folder, "--witness", "emulator").code == 0
    again = ask("new", "mine", "--model", model_file, "--part", "x")
    assert again.refused("exists already")


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--part", "a b"], "part"),
        (["--part", "x;rm"], "part"),
        (["--part", "x", "--backend", "vits"], "backend"),
        (["--part", "x", "--clock-ns", "-1"], "clock_ns"),
        (["--part", "x", "--clock-ns", "nan"], "clock_ns"),
        (["--part", "x", "--input-type", "float"], ""),
    ],
)
def test_new_refuses_and_leaves_nothing(ask: Ask, tmp_path: Path, options: list[str], part: str) -> None:
    model = write_model(tmp_path / "tiny.h5", quantized_input="--input-type" not in options)
    assert ask("new", "mine", "--model", model, *options).refused(part)
    assert list(tmp_path.iterdir()) == [model]


def test_data_writes_an_event_file(ask: Ask, tmp_path: Path) -> None:
    for name, seed in (("a.h5", "3"), ("b.h5", "3"), ("c.h5", "4")):
        command = ("data", "two-body", "--events", "100", "--seed", seed, "--out", name)
        assert ask(*command).code == 0
    energies = []
    for name in ("a.h5", "b.h5", "c.h5"):
        with h5py.File(tmp_path / name) as file:
            energies.append(np.asarray(file["events/E_b"]))
    assert len(energies[0]) == 100
    assert (energies[0] == energies[1]).all()
    assert not (energies[0] == energies[2]).any()


def test_doctor(ask: Ask) -> None:
    findings = {row["what"]: row["status"] for row in json.loads(ask("doctor", "--json").out)["findings"]}
    assert {"Python", "packages", "g++", "cores", "memory", "disk"} <= set(findings)


class TestCheck:
    def test_records_then_passes_then_finds_a_regression(self, ask: Ask, project: Path, tmp_path: Path) -> None:
        assert "nothing recorded yet" in ask("check", project).out
        assert ask("check", project).code == 2
        assert ask("check", project, "--update").code == 0
        assert (project / "expected.json").is_file()
        passed = ask("check", project, "--junit", "check.xml")
        assert passed.code == 0
        suite = ElementTree.parse(tmp_path / "check.xml").getroot()[0]
        assert (suite.get("name"), suite.get("failures"), suite.get("errors")) == ("tiny", "0", "0")

        write_model(project / "model.h5", seed=9)
        changed = ask("check", project, "--junit", "check.xml", "--json")
        assert changed.code == 1
        failed = [check["name"] for check in json.loads(changed.out)["checks"] if check["status"] == "failed"]
        assert failed == ["graph"]
        suite = ElementTree.parse(tmp_path / "check.xml").getroot()[0]
        assert suite.get("failures") == "1"
        assert ask("check", project, "--update").code == 0
        assert ask("check", project).code == 0

    def test_all_projects_of_a_repository(self, ask: Ask, make_project: Callable[..., Path], tmp_path: Path) -> None:
        assert ask("check").refused("firmware_projects")
        (tmp_path / "firmware_projects").mkdir()
        folders = [make_project(name=f"firmware_projects/{name}") for name in ("one", "two")]
        assert ask("check", *folders, "--update").code == 0
        (folders[0] / "project.toml").write_text("[")
        mixed = ask("check")
        assert mixed.code == 2
        assert "✗ one: build" in mixed.out
        assert "✓ two: graph" in mixed.out


@dataclass(frozen=True)
class Epoch:
    """What a system reports after an epoch."""

    stage: str = "float"
    epoch: int = 2
    epochs: int = 3
    loss: float = 0.5
    val_loss: float = 0.25
    auc: float = 0.875
    events_per_second: float = 12345.0
    eta_seconds: float = 6.0


class Recorder:
    """A physics system that trains at once and remembers how it was asked."""

    name = "recorder"
    variants = ("plain", "other")
    presets = ("small", "large")

    def __init__(self) -> None:
        self.asked: dict[str, object] = {}

    def train(
        self, variant: str, preset: str, out: Path, *, progress: Callable[[Epoch], None], **options: object
    ) -> Path:
        self.asked = {"variant": variant, "preset": preset, "out": out, **options}
        if options["events"] == 12:
            options["twelve"]
        if options["events"] == 13:
            raise FirmwareError("13 events are\n too few")
        progress(Epoch())
        return out / "model.h5"


class TestTrain:
    @pytest.fixture
    def system(self, monkeypatch: pytest.MonkeyPatch) -> Recorder:
        recorder = Recorder()
        monkeypatch.setattr("hls.project.systems.finding.systems", lambda: {recorder.name: recorder})
        return recorder

    def test_hands_on_what_was_asked_and_shows_each_epoch(self, ask: Ask, system: Recorder) -> None:
        trained = ask(
            "train", "other", "--preset", "large", "--events", "50", "--epochs", "3", "--seed", "7", "--resume",
            "--data", "events.h5",
        )  # fmt: skip
        assert trained.code == 0
        assert trained.out == "runs/other/model.h5: trained recorder/other, preset large\n"
        assert trained.err == (
            "float: epoch 2/3  loss 0.5000  val_loss 0.2500  AUC 0.8750  12,345 events/s  6 s left\n"
        )
        assert system.asked == {
            "variant": "other", "preset": "large", "out": Path("runs/other"),
            "events": 50, "epochs": 3, "seed": 7, "resume": True, "data": Path("events.h5"),
        }  # fmt: skip

    def test_leaves_the_rest_to_the_system(self, ask: Ask, system: Recorder) -> None:
        assert ask("train", "recorder", "--out", "here").code == 0
        assert system.asked["variant"] == "plain"
        assert system.asked["events"] is system.asked["epochs"] is None
        assert system.asked["out"] == Path("here")

    def test_bad_input_of_the_system(self, ask: Ask, system: Recorder) -> None:
        assert ask("train", "plain", "--events", "13").refused("13 events are too few")

    @pytest.mark.parametrize("shown", ["0", "1"])
    def test_a_fault_of_ours_is_not_told_as_the_users(
        self, ask: Ask, system: Recorder, monkeypatch: pytest.MonkeyPatch, shown: str
    ) -> None:
        monkeypatch.setenv("QTRIGGER_TRACEBACK", shown)
        answer = ask("train", "plain", "--events", "12")
        assert answer.code == 70
        *trace, told = answer.err.splitlines()
        assert told.startswith("bug: this is a fault of qtrigger's, not of yours: KeyError: 'twelve' (")
        assert f"qtrigger {__version__}, Python" in told
        assert "please report it" in told
        assert ("QTRIGGER_TRACEBACK=1 shows the trace" in told) is (shown == "0")
        assert any("Traceback" in line for line in trace) is (shown == "1")


def test_where_to_send_a_report_is_what_the_package_states(monkeypatch: pytest.MonkeyPatch) -> None:
    stated = Message()
    monkeypatch.setattr(bug_report, "metadata", lambda name: stated)
    assert "to those from whom you have qtrigger" in bug_report.bug_report(KeyError("x"))
    stated["Project-URL"] = "Homepage, https://example.org"
    stated["Project-URL"] = "Issues, https://example.org/issues"
    assert "report it with the command that you gave at https://example.org/issues;" in bug_report.bug_report(
        KeyError("x")
    )
