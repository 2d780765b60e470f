"""The README's commands run as written, and the reference names every key that there is."""

from __future__ import annotations

import os
import re
import runpy
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import BaseModel

from hls.cli.app import VERBS
from hls.project.expected import read_expected
from hls.project.project_file import ModelSection, ProjectFile, TargetSection, VerifySection
from hls.project.report.network_schema import GraphInfo, Layer
from hls.project.report.schema import (
    Budget,
    BudgetCheck,
    Curve,
    CurvePoint,
    Environment,
    Latency,
    Metric,
    ProjectInfo,
    ReferenceLatency,
    Report,
    Resources,
)
from hls.project.report.verification_schema import DisagreementInfo, VerificationInfo, WitnessInfo
from hls.target.resources import LIMITS, RESOURCES

ROOT = Path(__file__).resolve().parents[1]


def blocks(page: str, languages: str = "python|sh") -> list[tuple[str, str]]:
    """Fenced blocks of the page in these languages, in its order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"^```({languages})\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


@pytest.fixture
def run(tmp_path: Path) -> Callable[[str, str], str]:
    """Runs a block of a page in an empty folder, beside what the blocks before it left; returns what it printed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = {**os.environ, "PATH": path, "TF_CPP_MIN_LOG_LEVEL": "3"}
    programs = {"python": [sys.executable, "-"], "sh": ["bash", "-e"]}

    def done(language: str, text: str) -> str:
        run = subprocess.run(
            programs[language], input=text, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, (text, run.stdout, run.stderr)
        return run.stdout

    return done


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
        if name == "evn-two-body":  # whose build is shown
            assert f"qkeras on {expected.events:,} events" in text
            assert f"   {expected.fidelity['kendall_tau'].value:.5f}\n" in text


@pytest.mark.slow
def test_the_readme_runs_as_written(run: Callable[[str, str], str], tmp_path: Path) -> None:
    example = Path("firmware_projects", "evn-two-body")
    shutil.copytree(ROOT / example, tmp_path / example, ignore=shutil.ignore_patterns("build", ".build*"))
    said = [run(*block) for block in blocks("README.md")]
    assert said[-1].splitlines()[-1].startswith("True ")
    assert (tmp_path / "firmware_projects" / "mine" / "expected.json").is_file()


@pytest.mark.slow
def test_the_tutorial_runs_as_written(run: Callable[[str, str], str]) -> None:
    train, new, build, report, emulate, prove = (run(*block) for block in blocks("docs/tutorial.md"))
    assert new.startswith("firmware_projects/mine: ready")
    assert build.startswith("✓ mine  bit-exact: qkeras on 10,")
    for witness in ("qkeras", "csim", "rtl"):
        assert re.search(rf"^{witness} +10,\d{{3}} +0 ", build, re.MULTILINE)
    assert report.startswith("✓ mine")
    trained = re.findall(r"accuracy: (0\.\d{4})", train)[-1]
    assert emulate == f"{trained} of the firmware's decisions are right\n"
    assert [line for line in prove.splitlines() if line.startswith("✓ graph = ")] != []


def test_the_tutorial_builds_the_network_of_the_readme() -> None:
    """What the tutorial leaves to the test of the README is there."""
    ours, theirs = ((ROOT / page).read_text(encoding="utf-8") for page in ("docs/tutorial.md", "README.md"))
    network = re.findall(r"^x = .*$", ours, re.MULTILINE)
    assert len(network) == 6
    for line in (*network, "qtrigger new mine --model", "qtrigger check firmware_projects/mine --update"):
        assert line in ours
        assert line in theirs


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


def test_the_reference_of_the_command_line_is_what_it_is() -> None:
    page = runpy.run_path(str(ROOT / "docs" / "cli.py"))
    text = page["PAGE"].read_text(encoding="utf-8")
    shown = text.partition(page["START"])[2].partition(page["END"])[0]
    assert shown == page["verbs"](), "python docs/cli.py writes it"
    assert sorted(re.findall("^## qtrigger (.*)$", shown, re.M)) == sorted(module.NAME for module in VERBS)


def test_links_lead_somewhere() -> None:
    for page in (ROOT / "README.md", *(ROOT / "docs").rglob("*.md")):
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / link).exists(), (page, link)
