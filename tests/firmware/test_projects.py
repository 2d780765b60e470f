"""Every firmware project of this repository, built whole and compared with what it recorded."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import hls
from hls.check import compare, read_expected
from hls.project import read_project

ROOT = Path(__file__).resolve().parents[2] / "firmware_projects"
# The largest first: its RTL takes longest, and nobody should wait for it alone at the end.
PROJECTS = sorted(
    (path.parent.name for path in ROOT.glob("*/project.toml")),
    key=lambda name: ("two-body-paper" in name, (ROOT / name / "model.h5").stat().st_size),
    reverse=True,
)


def test_the_example_is_there() -> None:
    assert "evn-two-body" in PROJECTS


@pytest.mark.parametrize("name", PROJECTS)
def test_models_are_small_enough_for_git(name: str) -> None:
    assert all(path.stat().st_size < 1 << 20 for path in (ROOT / name).glob("*.h5"))


@pytest.mark.slow
@pytest.mark.parametrize("name", PROJECTS)
def test_builds_to_what_was_recorded(name: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    shutil.copytree(ROOT / name, folder, ignore=shutil.ignore_patterns("build", ".build*"))
    report = hls.build(folder)
    found = compare(name, report, read_expected(folder))
    assert [check for check in found if check.status != "passed"] == []
    content = json.loads((folder / "build" / "report.json").read_text())
    witnesses = read_project(folder).file.verify.witnesses
    assert set(content["witnesses"]) == set(witnesses or ())
    assert {told["mismatches"] for told in content["witnesses"].values()} == {0}
    assert content["graph"]["overflow_proved"] is True
    assert (folder / "build" / "figures" / "fidelity.png").stat().st_size > 1000
