"""`qtrigger check` on projects of one name, and on an expected.json that a merge has torn."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from hls.cli import main
from hls.project.expected import EXPECTED_FILE


def check(monkeypatch: pytest.MonkeyPatch, *words: object) -> int:
    monkeypatch.setattr(sys, "argv", ["qtrigger", "check", *map(str, words)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(str(ended.value.code))


def test_update_mends_a_torn_file(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert check(monkeypatch, project, "--update") == 0
    whole = (project / EXPECTED_FILE).read_text()
    (project / EXPECTED_FILE).write_text(f"<<<<<<< ours\n{whole}=======\n{whole}>>>>>>> theirs\n")
    assert check(monkeypatch, project) == 2
    assert check(monkeypatch, project, "--update") == 0
    assert (project / EXPECTED_FILE).read_text() == whole


def test_two_projects_of_one_name_keep_their_cases_apart(
    make_project: Callable[..., Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make_project()
    second = tmp_path / "other" / first.name
    shutil.copytree(first, second)
    for folder in (first, second):
        check(monkeypatch, folder, "--update")
    expected = second / EXPECTED_FILE
    expected.write_text(expected.read_text().replace('"graph_digest": "', '"graph_digest": "x'))
    assert check(monkeypatch, second, first, "--junit", tmp_path / "check.xml") == 1
    cases = ElementTree.parse(tmp_path / "check.xml").getroot().iter("testcase")
    by_name = {(case.get("classname"), case.get("name")): len(case) for case in cases}
    assert sum(by_name.values()) == 1
