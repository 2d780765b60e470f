"""The README's commands run as written, and the reference names every key that there is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from hls.project.expected import read_expected
from hls.project.project_file import ModelSection, ProjectFile, TargetSection, VerifySection
from hls.project.report.schema import (
    Budget,
    BudgetCheck,
    Curve,
    CurvePoint,
    DisagreementInfo,
    Environment,
    GraphInfo,
    Latency,
    Layer,
    Metric,
    ProjectInfo,
    ReferenceLatency,
    Report,
    Resources,
    VerificationInfo,
    WitnessInfo,
)
from hls.target.resources import LIMITS, RESOURCES

ROOT = Path(__file__).resolve().parents[1]


def blocks(language: str) -> Iterator[str]:
    """Fenced blocks of the README in this language."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    yield from re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def test_the_readme_stays_short() -> None:
    assert len((ROOT / "README.md").read_text(encoding="utf-8").splitlines()) <= 150


def test_the_results_are_those_recorded() -> None:
    """The table of results repeats expected.json, to the digits that it shows."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `(evn-[a-z-]+)` \|(.*)\|$", text, re.MULTILINE)
    assert len(rows) == len(list((ROOT / "firmware_projects").glob("evn-*/expected.json")))
    for name, line in rows:
        expected = read_expected(ROOT / "firmware_projects" / name)
        cells = [cell.strip() for cell in line.split("|")]
        tau, auc = (f"{expected.fidelity[metric].value:.3f}" for metric in ("kendall_tau", "auc"))
        assert [cells[3].split()[-1], cells[4].split()[-1]] == [tau, auc]
        assert cells[5:7] == [f"{expected.events:,}", "0"]


@pytest.mark.slow
def test_the_readme_runs_as_written(tmp_path: Path) -> None:
    example = Path("firmware_projects", "evn-two-body")
    shutil.copytree(ROOT / example, tmp_path / example, ignore=shutil.ignore_patterns("build", ".build*"))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"}

    def run(*command: str, text: str | None = None) -> str:
        done = subprocess.run(
            command, input=text, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    model, python = blocks("python")
    run(sys.executable, "-", text=model)
    for block in blocks("sh"):
        run("bash", "-e", text=block)
    last = run(sys.executable, "-", text=python).splitlines()[-1]
    assert last.startswith("True ")
    assert (tmp_path / "firmware_projects" / "mine" / "expected.json").is_file()


@pytest.mark.parametrize(
    ("page", "models"),
    [
        ("project-toml", [ProjectFile, ModelSection, TargetSection, VerifySection]),
        (
            "report-json",
            [
                Report, ProjectInfo, GraphInfo, Layer, WitnessInfo, DisagreementInfo, VerificationInfo, Metric, Curve,
                CurvePoint,
                Resources, Latency, ReferenceLatency, BudgetCheck, Budget, Environment,
            ],
        ),
    ],
)  # fmt: skip
def test_the_reference_names_every_key(page: str, models: list[type[BaseModel]]) -> None:
    text = (ROOT / "docs" / "reference" / f"{page}.md").read_text(encoding="utf-8")
    keys = {key for model in models for key, field in model.model_fields.items() if not field.exclude}
    words = set(re.findall(r"[a-z_0-9]+", text))
    assert keys - words == set()


def test_the_reference_names_every_resource() -> None:
    report, project = ((ROOT / "docs/reference" / name).read_text() for name in ("report-json.md", "project-toml.md"))
    assert [kind.key for kind in RESOURCES if f"`{kind.key}`" not in report] == []
    assert [limit for limit in LIMITS if f"`{limit}`" not in project] == []


def test_links_lead_somewhere() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), (page, link)
