"""Firmware projects of this repository, built whole and compared with what they recorded: one of each kind."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import hls
from hls.importing import import_keras
from hls.project import read_project
from hls.project.expected import compare, read_expected

ROOT = Path(__file__).resolve().parents[2] / "firmware_projects"
# The largest first: its RTL takes longest, and nobody should wait for it alone at the end.
PROJECTS = sorted(
    (path.parent.name for path in ROOT.glob("*/project.toml")),
    key=lambda name: ("two-body-paper" in name, (ROOT / name / "model.h5").stat().st_size),
    reverse=True,
)
# `qtrigger check` builds these: PYTHIA makes their events for minutes on a fresh machine, ...
SLOW_EVENTS = {
    name for name in PROJECTS if name.startswith(("jets-", "anomaly-", "simulation-decoder-lean", "simulation-encoder"))
}
# ... or another project, which is built here, has the same topology and the same kinds of firmware.
SAME_KINDS = {"evn-pair-paper", "evn-semivisible-paper", "compression-encoder-16", "compression-encoder-32"}
LEFT_TO_CHECK = SLOW_EVENTS | SAME_KINDS


def test_the_example_is_there() -> None:
    assert "evn-two-body" in PROJECTS


@pytest.mark.parametrize("name", PROJECTS)
def test_models_are_small_enough_for_git(name: str) -> None:
    assert all(path.stat().st_size < 1 << 20 for path in (ROOT / name).glob("*.h5"))


@pytest.mark.parametrize("name", PROJECTS)
def test_the_arithmetic_is_what_was_recorded(name: str) -> None:
    """In a moment, where the build that compares the bits takes minutes."""
    project = read_project(ROOT / name)
    graph = import_keras(project.weights, input_type=project.file.model.input_type)
    assert graph.digest() == read_expected(ROOT / name).graph_digest


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name in PROJECTS if name not in LEFT_TO_CHECK])
def test_builds_to_what_was_recorded(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    shutil.copytree(ROOT / name, folder, ignore=shutil.ignore_patterns("build", ".build*"))
    asked = list(read_project(folder).file.verify.witnesses or ())
    report = hls.build(folder, witnesses=asked)
    assert [check for check in compare(name, report, read_expected(folder)) if check.status != "passed"] == []
    content = json.loads((folder / "build" / "report.json").read_text())
    assert set(content["witnesses"]) == set(asked) - {"proof"}
    if "proof" in asked:
        assert {link["state"] for link in content["proof"]["links"]} == {"proved", "tested"}
    assert {result["mismatches"] for result in content["witnesses"].values()} == {0}
    assert content["graph"]["overflow_proved"] is True
    if read_project(folder).file.model.system is not None:
        assert (folder / "build" / "figures" / "fidelity.png").stat().st_size > 1000
