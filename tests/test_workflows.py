"""The workflows of docs/how-to/ci.md: their shell steps run as written, on a repository with one project."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from tests.hls.cli.asking import asking

ROOT = Path(__file__).resolve().parents[1]
PAGE = ROOT / "docs" / "how-to" / "ci.md"


def workflows() -> list[dict[str, Any]]:
    return [yaml.safe_load(block) for block in re.findall(r"^```yaml\n(.*?)^```$", PAGE.read_text(), re.S | re.M)]


def gitlab() -> dict[str, Any]:
    return next(found["firmware"] for found in workflows() if "firmware" in found)


def github() -> dict[str, Any]:
    return next(found["jobs"]["check"] for found in workflows() if "jobs" in found)


def steps(ci: str) -> Iterator[str]:
    yield from gitlab()["script"] if ci == "gitlab" else (step["run"] for step in github()["steps"] if "run" in step)


@pytest.fixture
def repository(
    make_project: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Path:
    """A repository with one project that is as recorded."""
    (tmp_path / "firmware_projects").mkdir()
    assert (
        asking(tmp_path, monkeypatch, capsys)("check", make_project(name="firmware_projects/tiny"), "--update").code
        == 0
    )
    return tmp_path


def shell(repository: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run a step as the runner does; its Python installs nothing, and tells what it was asked for."""
    tools = repository / ".tools"
    tools.mkdir(exist_ok=True)
    python = tools / "python"
    python.write_text(f'#!/bin/sh\n[ "$2" = pip ] && exec echo "$@"\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    path = os.pathsep.join((str(tools), str(Path(sys.executable).parent), os.environ["PATH"]))
    environment = {**os.environ, "PATH": path, "GITHUB_STEP_SUMMARY": str(repository / "summary.md")}
    return subprocess.run(
        ["bash", "-e", "-c", script], cwd=repository, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("ci", ["gitlab", "github"])
def test_the_steps_run_as_written(repository: Path, ci: str) -> None:
    install, check = steps(ci)
    asked = shell(repository, install)
    (extra,) = re.findall(r"^-m pip install qtrigger\[(\w+)\]$", asked.stdout, re.MULTILINE)
    assert extra in tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]

    good = shell(repository, check)
    assert (good.returncode, good.stderr.count("error")) == (0, 0), good.stderr
    suite = ElementTree.parse(repository / "check.xml").getroot()[0]
    assert (suite.get("name"), suite.get("failures")) == ("tiny", "0")
    assert (repository / "firmware_projects" / "tiny" / "build" / "report.html").is_file()
    if ci == "github":
        assert "| tiny |" in (repository / "summary.md").read_text()


def test_they_keep_what_they_name() -> None:
    artifacts = gitlab()["artifacts"]
    assert artifacts["reports"]["junit"] in gitlab()["script"][-1]
    used = {step["uses"].partition("@")[0]: step.get("with", {}) for step in github()["steps"] if "uses" in step}
    assert set(used) == {f"actions/{name}" for name in ("checkout", "setup-python", "cache", "upload-artifact")}
    assert used["actions/cache"]["path"] in gitlab()["cache"]["paths"]
    assert used["actions/upload-artifact"]["path"].split() == [artifacts["reports"]["junit"], *artifacts["paths"]]
    assert f"`{used['actions/setup-python']['cache-dependency-path']}`:" in PAGE.read_text()
