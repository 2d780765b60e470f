"""`qtrigger check` as a CI runs it: what it calls a project, and what it leaves for the CI to show."""

from __future__ import annotations

import codecs
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest

from hls.project.expected import EXPECTED_FILE
from tests.conftest import TOML
from tests.hls.cli.asking import Ask, asking


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    return asking(tmp_path, monkeypatch, capsys)


@pytest.fixture
def changed(ask: Ask, project: Path) -> Path:
    """A project whose network is another one than was recorded."""
    assert ask("check", project, "--update").code == 0
    expected = project / EXPECTED_FILE
    expected.write_text(expected.read_text().replace('"graph_digest": "', '"graph_digest": "x'))
    return project


def test_a_folder_that_is_none_is_named(ask: Ask) -> None:
    answer = ask("check", "nosuch")
    assert (answer.code, answer.out) == (
        2,
        "✗ nosuch: build: nosuch: no such project folder; `qtrigger new` makes one\n",
    )


def test_a_folder_goes_by_its_own_name(ask: Ask, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    assert "✓ tiny: graph" in ask("check", ".", "--update").out
    names = [check["name"] for check in ask("check", ".", project, "--json").data["checks"]]
    assert len(names) == len(set(names))  # one project, whatever it is called twice


def test_what_fails_is_not_recorded(ask: Ask, make_project: Callable[..., Path]) -> None:
    folder = make_project(TOML + "\n[budget]\nluts = 1\n")
    answer = ask("check", folder, "--update")
    assert answer.code == 1
    assert "✗ tiny: expected.json: not recorded, as the build failed" in answer.out
    assert not (folder / EXPECTED_FILE).exists()


class TestAnExpectedFile:
    @pytest.fixture
    def whole(self, ask: Ask, project: Path) -> str:
        assert ask("check", project, "--update").code == 0
        return (project / EXPECTED_FILE).read_text()

    def test_that_a_merge_has_torn(self, ask: Ask, project: Path, whole: str) -> None:
        (project / EXPECTED_FILE).write_text(f"{{\n<<<<<<< ours\n{whole}=======\n{whole}>>>>>>> theirs\n")
        torn = ask("check", project)
        assert torn.code == 2
        assert "expected.json: line 2: conflict markers of a merge" in torn.out
        assert ask("check", project, "--update").code == 0
        assert (project / EXPECTED_FILE).read_text() == whole

    def test_with_a_byte_order_mark(self, ask: Ask, project: Path, whole: str) -> None:
        (project / EXPECTED_FILE).write_bytes(codecs.BOM_UTF8 + whole.encode())
        marked = ask("check", project)
        assert (marked.code, "byte order mark (BOM)" in marked.out) == (0, True)
        (project / EXPECTED_FILE).write_text(whole, encoding="utf-16")
        assert "UTF-16" in ask("check", project).out
        assert ask("check", project, "--update").code == 0
        assert (project / EXPECTED_FILE).read_text() == whole


def test_two_projects_of_one_name_keep_their_cases_apart(ask: Ask, changed: Path, tmp_path: Path) -> None:
    good = tmp_path / "other" / changed.name
    shutil.copytree(changed, good)
    assert ask("check", good, "--update").code == 0
    assert ask("check", good, changed, "--junit", "out/check.xml").code == 1  # which makes the folder
    cases = ElementTree.parse(tmp_path / "out" / "check.xml").getroot().iter("testcase")
    failed = {(case.get("classname"), case.get("name")): case.find("failure") is not None for case in cases}
    assert [key for key, wrong in failed.items() if wrong] == [(str(changed), "graph")]
    assert failed[str(good), "graph"] is False


def test_junit_has_times_places_and_links(
    ask: Ask, changed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CI_JOB_URL", "https://gitlab.example/p/-/jobs/7")
    monkeypatch.setenv("CI_PROJECT_DIR", str(tmp_path))
    ask("check", changed, "--junit", "check.xml")
    suite = ElementTree.parse(tmp_path / "check.xml").getroot()[0]
    assert float(suite.get("time", "0")) > 0
    cases = {case.get("name"): case for case in suite.iter("testcase")}
    assert float(cases["bits of emulator"].get("time", "0")) >= 0
    expected = (changed / EXPECTED_FILE).read_text().splitlines()
    graph = cases["graph"]
    assert graph.get("file") == "tiny/expected.json"
    assert "graph_digest" in expected[int(graph.get("line", "0")) - 1]
    page = "https://gitlab.example/p/-/jobs/7/artifacts/file/tiny/build/report.html"
    assert [entry.get("value") for entry in suite.iter("property")] == [page]
    assert page in (graph.find("failure").text or "")  # type: ignore[union-attr]


def test_annotations_where_github_runs_it(
    ask: Ask, make_project: Callable[..., Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_project()
    ask("check", folder, "--update")
    (folder / "project.toml").write_text(TOML + "\n[budget]\nluts = 1\n")
    assert "::error" not in ask("check", folder).out
    monkeypatch.setenv("GITHUB_ACTIONS", "true")
    (line,) = (line for line in ask("check", folder).out.splitlines() if line.startswith("::"))
    told = re.fullmatch(r"::error file=(\S+),line=(\d+),title=tiny%3A budget luts::\d+ \(our RTL, .*\), limit 1", line)
    assert told is not None
    assert Path(told[1]).read_text().splitlines()[int(told[2]) - 1] == "luts = 1"
    as_json = ask("check", folder, "--json")
    assert as_json.data["passed"] is False
    assert "::error" in as_json.err
    assert "::error" not in ask("check", folder, "--no-annotate").out


def test_the_summary_says_what_has_moved(ask: Ask, project: Path, tmp_path: Path) -> None:
    ask("check", project, "--update")
    expected = project / EXPECTED_FILE
    recorded = json.loads(expected.read_text())
    recorded["figures"] = {"dsp": {"value": 4, "source": "analytic", "allowed_change": 9}}
    expected.write_text(json.dumps(recorded))
    assert ask("check", project, "--summary", "pages/summary.md").code == 0
    assert (tmp_path / "pages" / "summary.md").read_text().splitlines()[-1] == "| tiny | figure dsp | 4 | 0 | -100 % |"


def test_unknown_parts_are_refused_by_new_build_and_estimate(ask: Ask, project: Path, model_file: Path) -> None:
    settings = project / "project.toml"
    settings.write_text(settings.read_text().replace("xcvu13p-flga2577-2-e", "xcvu99p-flga2577-2-e"))
    part = ("--part", "xcvu99p-flga2577-2-e")
    for words in (["build", project], ["new", "mine", "--model", model_file, *part], ["estimate", model_file, *part]):
        assert ask(*words).refused("'xcvu99p-flga2577-2-e' is not known; the nearest known are", "xcvu19p")
    settings.write_text(settings.read_text().replace("xcvu99p-flga2577-2-e", "sky130"))
    assert ask("build", project).code == 0


def test_as_tests_of_pytest(changed: Path) -> None:
    good = changed.with_name("good")
    shutil.copytree(changed, good)
    expected = good / EXPECTED_FILE
    expected.write_text(expected.read_text().replace('"graph_digest": "x', '"graph_digest": "'))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "--firmware", "."]
    done = subprocess.run(command, cwd=changed.parent, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "1 failed, 1 passed" in done.stdout
    assert "✗ graph: the arithmetic differs from what was recorded" in done.stdout
    assert "if this is meant: qtrigger check tiny --update, and commit the file" in done.stdout
    assert "Traceback" not in done.stdout
