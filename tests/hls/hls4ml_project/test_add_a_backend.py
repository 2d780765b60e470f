"""The backend of docs/how-to/add-a-backend.md, from a package outside the tree, all the way."""

from __future__ import annotations

import re
import shutil
import sys
import tomllib
from pathlib import Path

import pytest
from typer.testing import CliRunner

import hls
from hls.cli.app import app
from hls.errors import ProjectError, UnsupportedError
from hls.figures.estimates import estimate_hls4ml
from hls.figures.vendor_reports import VendorReportError, find_reports
from hls.hls4ml_project import write_project
from hls.importing import import_keras
from hls.project.new_project import create_project
from hls.project.project_file import read_project
from hls.target import BACKENDS, Target
from tests.packages import install

PAGE = Path(__file__).resolve().parents[3] / "docs" / "how-to" / "add-a-backend.md"
PART = "xcvu13p-flga2577-2-e"


def block(language: str) -> str:
    """The page's one fenced block of that language."""
    (text,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    return str(text)


@pytest.fixture(autouse=True)
def acme(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """The page's package, installed for one test."""
    place = tmp_path_factory.mktemp("site-packages")
    (place / "acme_qtrigger.py").write_text(block("python"), encoding="utf-8")
    install(place, "acme-qtrigger", tomllib.loads(block("toml"))["project"]["entry-points"])
    monkeypatch.syspath_prepend(place)
    monkeypatch.delitem(sys.modules, "acme_qtrigger", raising=False)


def test_it_is_one_of_the_backends_by_name(model_file: Path, tmp_path: Path) -> None:
    assert "acme" in BACKENDS.names()
    with pytest.raises(ProjectError, match="nearest is 'acme'"):
        Target(PART, "acmee", 5.0)
    folder = create_project("mine", model_file, PART, backend="acme", clock_ns=5, input_type=None, parent=tmp_path)
    assert read_project(folder).target.backend == "acme"
    every = "acme | catapult | libero | oneapi | quartus | vitis | vivado"
    assert every in (folder / "project.toml").read_text(encoding="utf-8")


def test_its_projects_are_estimated(model_file: Path) -> None:
    answer = CliRunner().invoke(app, ["estimate", str(model_file), "--part", PART, "--backend", "acme", "--json"])
    assert answer.exit_code == 0, answer.output
    assert "the fit knows Vivado and Vitis HLS only, not acme" in answer.output
    design = estimate_hls4ml(import_keras(model_file), Target(PART, "acme", 5.0))
    assert design["lut"].value > 0
    assert design["lut"].extrapolated


def test_its_projects_are_written_or_refused_in_its_own_words(model_file: Path, tmp_path: Path) -> None:
    graph = import_keras(model_file)
    written = write_project(graph, Target(PART, "acme", 5.0, strategy="resource"), "net", tmp_path / "hls")
    assert written.notes == ("Acme HLS ignores the reuse factor",)
    assert (tmp_path / "hls" / "firmware" / "net.cpp").is_file()
    with pytest.raises(UnsupportedError, match="Acme HLS has no FIFOs"):
        write_project(graph, Target(PART, "acme", 5.0, "io_stream"), "net", tmp_path / "stream")


def test_its_reports_are_found(tmp_path: Path) -> None:
    report = tmp_path / "acme.rpt"
    report.write_text("version: 7\nLUT: 1,234\n")
    (found,) = find_reports(tmp_path)
    assert (found.tool, found.version, found.stage, found.lut) == ("Acme HLS", "7", "csynth", 1234)
    report.write_text("version: 7\n")
    with pytest.raises(VendorReportError, match=r"acme\.rpt: section LUT is missing"):
        find_reports(tmp_path)


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")
def test_its_c_simulation_is_a_witness(model_file: Path, tmp_path: Path) -> None:
    folder = create_project("mine", model_file, PART, backend="acme", clock_ns=5, input_type=None, parent=tmp_path)
    report = hls.build(folder, witnesses=["emulator", "csim"])
    assert report.passed
    assert report.witnesses["csim"].mismatches == 0
    assert report.witnesses["csim"].events > 1000
