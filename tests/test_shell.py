"""What stands around the code: licence, citation and changelog agree with the version, workflows with the Makefile."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

import hls

ROOT = Path(__file__).resolve().parents[1]


def text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_the_version_has_one_place() -> None:
    assert yaml.safe_load(text("CITATION.cff"))["version"] == hls.__version__
    latest = re.search(r"^## (\S+)", text("CHANGELOG.md"), re.MULTILINE)
    assert latest is not None
    assert latest[1] == hls.__version__


def test_the_licence_is_the_one_that_is_cited() -> None:
    assert "Apache License\n" in text("LICENSE")
    assert "Copyright 2026 The qtrigger authors" in text("LICENSE")
    assert yaml.safe_load(text("CITATION.cff"))["license"] == "Apache-2.0"


@pytest.mark.parametrize("name", [".github/workflows/ci.yml", ".gitlab-ci.yml"])
def test_workflows_run_targets_of_the_makefile(name: str) -> None:
    content = text(name)
    assert yaml.safe_load(content)
    ran = set(re.findall(r"make ([a-z]+)", content))
    assert ran == {"lint", "quick", "test"}
    assert ran <= set(re.findall(r"^([a-z]+):", text("Makefile"), re.MULTILINE))
    assert all(f'"3.{minor}"' in content for minor in (11, 12, 13))


def test_the_house_in_contributing_is_the_house() -> None:
    rooms = {path.name for path in (ROOT / "hls").iterdir() if path.is_dir() and path.name != "__pycache__"}
    named = set(
        re.findall(r"`(\w+)`", "\n".join(re.findall(r"^\| (`[^|]*) \|", text("CONTRIBUTING.md"), re.MULTILINE)))
    )
    assert named == rooms
