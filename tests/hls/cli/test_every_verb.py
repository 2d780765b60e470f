"""What all verbs have in common: the same options, one JSON object, errors as JSON, a log, and help with examples."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from hls.cli.app import VERBS as VERB_MODULES
from hls.cli.app import app
from hls.cli.manner import manner
from hls.cli.verb import Answer, verb
from tests.hls.cli.asking import Ask, asking

COMMON = ("--json", "--quiet", "--verbose", "--log-file")
VERBS = sorted(command.name for command in app.registered_commands if command.name)
# What each verb refuses: a file or folder that is not there, or a word that it does not know.
REFUSED = {
    "build": ["none"],
    "check": ["none"],
    "data": ["nothing", "--events", "5", "--out", "x.h5"],
    "doctor": ["--log-file", "."],
    "estimate": ["none.h5"],
    "evaluate": ["nothing", "none"],
    "export": ["emulator", "none", "--out", "out"],
    "new": ["mine", "--model", "none.h5", "--part", "vu13p"],
    "pack": ["none", "--inputs", "none.h5", "--beta", "0.1", "--out", "x.qtb"],
    "parts": ["xcvu99p"],
    "prove": ["none"],
    "quantize": ["none.keras", "--events", "none.npy", "--out", "x.keras"],
    "report": ["none"],
    "scan": ["nothing"],
    "train": ["nothing"],
    "unpack": ["none.qtb", "--out", "x.h5"],
}


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    return asking(tmp_path, monkeypatch, capsys)


@pytest.mark.parametrize("name", VERBS)
def test_help_has_the_options_and_an_example(ask: Ask, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    shown = ask(name, "--help")
    assert shown.code == 0
    assert [option for option in COMMON if option not in shown.out] == []
    assert f"qtrigger {name}" in shown.out.split("Example")[1]


@pytest.mark.parametrize("name", VERBS)
def test_an_error_is_an_object_with_the_same_exit_status(ask: Ask, name: str) -> None:
    plain, told = ask(name, *REFUSED[name]), ask(name, *REFUSED[name], "--json")
    assert (plain.code, told.code) == (2, 2)
    if name != "check":  # which goes on with the other projects, and tells of each
        error = told.data["error"]
        assert plain.refused(error["message"])
        assert (error["kind"], error["exit_status"]) == ("error", 2)
    else:
        (check,) = told.data["checks"]
        assert check["status"] == "error"


@pytest.mark.parametrize("name", VERBS)
def test_a_command_line_that_cannot_be_read_is_told_as_json(ask: Ask, name: str) -> None:
    told = ask(name, "--no-such-option", "--json")
    assert told.code == 2
    assert "no-such-option" in told.data["error"]["message"]


def test_one_object_that_says_what_was_done(ask: Ask, project: Path, model_file: Path) -> None:
    def told(name: str, *words: object) -> dict[str, Any]:
        """The object, which has the keys that the reference lists."""
        data = ask(name, *words, "--json").data
        keys = next(module.JSON_KEYS for module in VERB_MODULES if name == module.NAME)
        assert isinstance(keys, str) or [*data] == [key for key in keys if key != "pins"]
        return data

    assert told("build", project)["project"]["name"] == "tiny"
    assert told("report", project)["graph"]["layers"] > 0
    assert told("check", project, "--update")["passed"] is True
    made = told("new", "mine", "--model", model_file, "--part", "vu13p")
    assert made == {"version": 1, "folder": "firmware_projects/mine", "input_type": None}
    assert told("estimate", model_file)["version"] == 1
    exported = told("export", "emulator", project, "--out", "emulator")
    assert exported["form"] == "emulator"
    assert all((Path("emulator") / name).exists() for name in exported["files"])
    data = told("data", "two-body", "--events", "9", "--seed", "4", "--out", "events.h5")
    assert (data["events"], data["seed"], data["from"]) == (9, 4, None)
    assert told("parts", "vu13p")["parts"][0]["name"] == "xcvu13p"
    assert told("doctor")["findings"]


def test_quiet_leaves_stderr_empty(ask: Ask, project: Path) -> None:
    assert ask("build", project).err
    quiet = ask("build", project, "--quiet")
    assert (quiet.code, quiet.err) == (0, "")
    assert "tiny" in quiet.out
    assert ask("build", project, "--quiet", "--verbose").refused("--quiet", "--verbose")


def test_verbose_and_the_log_tell_steps_programs_and_traces(ask: Ask, project: Path, tmp_path: Path) -> None:
    log = tmp_path / "logs" / "build.log"
    verbose = ask("build", project, "--verbose", "--log-file", log, "--events", "50")
    for text in (verbose.err, log.read_text()):
        assert re.search(r"^\d{4}-\d\d-\d\d .* qtrigger .*: build .*--events 50$", text, re.MULTILINE)
        assert re.search(r"emulator: \d+ in .* s$", text, re.MULTILINE)
    ask("build", "none", "--log-file", log)
    assert len(re.findall(r" qtrigger \S+: build ", log.read_text())) == 2  # it is appended to
    assert "Traceback" in log.read_text()
    assert not manner().verbose


def test_a_verb_is_made_with_its_options() -> None:
    @verb
    def command() -> Answer:
        raise NotImplementedError

    assert set(command.__annotations__) == {"as_json", "quiet", "verbose", "log_file"}


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[bytes]:
    program = Path(sys.executable).with_name("qtrigger")
    keep = {name: value for name, value in os.environ.items() if not name.startswith(("LC_", "LANG", "PYTHON"))}
    return subprocess.run([program, *words], capture_output=True, env=keep | environment, check=False)


def test_a_terminal_of_ascii_reads_ascii() -> None:
    assert run("check", "none", LC_ALL="C").stdout.startswith(b"NO none: build: ")
    assert run("check", "none", LC_ALL="C.UTF-8").stdout.decode().startswith("✗ none: build: ")


def test_closed_streams_change_no_exit_status() -> None:
    program = Path(sys.executable).with_name("qtrigger")
    for words, status in (("parts vu13p >&-", 0), ("parts nosuch --json >&- 2>&-", 2)):
        assert subprocess.run(["bash", "-c", f"{program} {words}"], check=False).returncode == status


def test_completion_of_verbs_and_options() -> None:
    script = run(_QTRIGGER_COMPLETE="source_bash")  # what --show-completion prints in a shell
    assert b"_QTRIGGER_COMPLETE" in script.stdout
    for typed, completed in (
        ("qtrigger bui", [b"build"]),
        ("qtrigger parts --log", [b"--log-file"]),
        ("qtrigger new mine --part xcvu13", [b"xcvu13p"]),
        ("qtrigger build mine --witness net", [b"netlist"]),
    ):
        place = str(typed.count(" "))
        found = run(_QTRIGGER_COMPLETE="complete_bash", COMP_WORDS=typed, COMP_CWORD=place)
        assert found.stdout.split() == completed
