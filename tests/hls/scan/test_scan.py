"""Whole scans of a small network that needs no training: interrupted, on a cluster, picked."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hls.errors import FirmwareError, ProjectError, ToolError
from hls.importing import import_keras
from hls.machine.pools import open_pool
from hls.project import read_project
from hls.scan import ScanOptions, Step, scan
from hls.scan.pick import choose, pick
from hls.scan.picture import draw_frontier
from hls.scan.subject import find_subject
from tests.conftest import TOML

TWO_BODY = Path(__file__).parents[3] / "firmware_projects" / "evn-two-body"
STATED = {"reuse_factor": ["1", "2"], "clock_ns": ["2.5", "5"]}
OPTIONS = ScanOptions(search="grid", stated=STATED, jobs=1, synthesise=False)


@pytest.mark.slow
def test_a_scan_goes_on_where_it_stopped(project: Path, tmp_path: Path) -> None:
    out = tmp_path / "scan"
    subject = find_subject(str(project))
    few = replace(OPTIONS, stated={"reuse_factor": ["1", "2"]})
    first: list[Step] = []
    second: list[Step] = []

    scan(subject, out, few, first.append)
    result = scan(subject, out, OPTIONS, second.append)

    assert [(len(step.results), step.total) for step in first] == [(0, 2), (1, 2), (2, 2)]
    assert [(len(step.results), step.total) for step in second] == [(2, 4), (3, 4), (4, 4)]
    assert not {step.latest.key for step in first if step.latest} & {step.latest.key for step in second if step.latest}
    assert len(result.trials) == 4
    # One of the points shares multipliers, so all are measured as what can: figures of two firmwares do not compare.
    assert {trial.source for trial in result.trials} == {"hls4ml, analytic"}
    assert result.frontier
    assert all(trial in result.trials for trial in result.frontier)
    draw_frontier(result, out / "frontier.png")
    assert (out / "frontier.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.slow
def test_a_picked_point_is_a_project_that_can_be_built(project: Path, tmp_path: Path) -> None:
    result = scan(find_subject(str(project)), tmp_path / "scan", OPTIONS)
    wanted = next(trial for trial in result.trials if trial.parameters["clock_ns"] == 2.5)
    assert wanted.parameters["reuse_factor"] == 1

    folder = pick(result, wanted, "picked", parent=tmp_path)

    assert read_project(folder).target.clock_ns == 2.5
    assert read_project(folder).target.product == "hls4ml"  # as it was measured
    assert import_keras(folder / "model.h5").digest() == import_keras(project / "model.h5").digest()
    assert choose(result, wanted.key[:8]) == wanted
    with pytest.raises(FirmwareError, match="no point of the frontier has luts < 1"):
        choose(result, "luts<1")
    with pytest.raises(FirmwareError, match="no single trial"):
        choose(result, "zzz")


@pytest.mark.slow
def test_a_project_of_a_system_may_keep_its_network(tmp_path: Path) -> None:
    """No training, one network; a picked point is the project with other hardware, all its other settings kept."""
    subject = find_subject(str(TWO_BODY), fixed=True)
    options = ScanOptions(search="grid", stated={"multipliers": ["auto", "lut"]}, jobs=1, synthesise=False)

    result = scan(subject, tmp_path, options)
    wanted = next(trial for trial in result.trials if trial.parameters["multipliers"] == "lut")
    picked = read_project(pick(result, wanted, "no-dsp", parent=tmp_path))

    assert [trial.parameters for trial in result.trials] == [
        {"clock_ns": 5.0, "reuse_factor": 1, "strategy": "latency", "multipliers": kind, "interval": 1}
        for kind in ("auto", "lut")
    ]
    old = read_project(TWO_BODY)
    assert picked.target == replace(old.target, multipliers="lut")
    assert (picked.file.model, picked.file.verify, picked.file.budget) == (
        old.file.model,
        old.file.verify,
        old.file.budget,
    )
    assert (picked.folder / "classifier.h5").read_bytes() == (TWO_BODY / "classifier.h5").read_bytes()
    assert not (picked.folder / "expected.json").exists()


@pytest.mark.parametrize(
    ("settings", "stated", "asked", "product"),
    [
        ("", {}, None, "rtl"),
        ("", {"clock_ns": ["2.5", "5"]}, None, "rtl"),
        ("", {"reuse_factor": ["1", "2"]}, None, "hls4ml"),
        ("", {}, "hls4ml", "hls4ml"),
        ("reuse_factor = 4\n", {"reuse_factor": ["1"]}, None, "hls4ml"),
        ('firmware = "hls4ml"\n', {}, None, "hls4ml"),
        ('firmware = "rtl"\n', {"reuse_factor": ["1", "2"]}, "hls4ml", "hls4ml"),
    ],
)
def test_all_points_are_measured_as_one_firmware(
    make_project: Callable[..., Path], settings: str, stated: dict[str, list[str]], asked: str | None, product: str
) -> None:
    subject = find_subject(str(make_project(TOML.replace("[target]\n", f"[target]\n{settings}"))))
    assert subject.measured_as(asked, subject.space.narrowed(stated)).target.firmware == product


def test_a_point_that_the_firmware_cannot_be_is_refused_before_any_trial(
    make_project: Callable[..., Path], tmp_path: Path
) -> None:
    subject = find_subject(str(make_project(TOML.replace("[target]\n", '[target]\nfirmware = "rtl"\n'))))
    with pytest.raises(ProjectError, match=r"asked for by reuse_factor = 2: state firmware = \"hls4ml\""):
        scan(subject, tmp_path / "scan", OPTIONS)
    assert not (tmp_path / "scan").exists()


@pytest.mark.slow
def test_intervals_are_scanned_with_hls4mls_reuse_beside_them(
    make_project: Callable[..., Path], tmp_path: Path
) -> None:
    """A project that states nanoseconds: its own interval is a point, and a picked one states clocks instead."""
    project = make_project(TOML.replace("[target]\n", "[target]\ninterval_ns = 80\n"))
    subject = find_subject(str(project))
    options = ScanOptions(search="grid", stated={"interval": ["1", "16", "64"]}, jobs=1, synthesise=False)

    result = scan(subject, tmp_path / "scan", options)

    assert [objective.name for objective in result.objectives] == ["luts", "interval_ns"]
    assert {trial.source for trial in result.trials} == {"rtl, analytic"}
    assert {trial.source for trial in result.beside} == {"hls4ml, analytic"}
    assert [trial.parameters["reuse_factor"] for trial in result.beside] == [1, 16, 64]
    unrolled, own, longest = result.trials
    assert own.figures["interval_ns"] <= 80.0 < longest.figures["interval_ns"] <= 320.0
    assert unrolled.figures["interval_ns"] == 5.0
    draw_frontier(result, tmp_path / "frontier.png")
    assert (tmp_path / "frontier.png").read_bytes().startswith(b"\x89PNG")
    other = read_project(pick(result, longest, "longer", parent=tmp_path)).target
    assert (other.interval, other.interval_ns) == (64, None)
    same = read_project(pick(result, own, "same", parent=tmp_path)).target
    assert (same.interval, same.interval_ns) == (None, 80.0)
    with pytest.raises(FirmwareError, match="of hls4ml's firmware vary reuse_factor"):
        scan(subject, tmp_path / "none", replace(options, firmware="hls4ml"))


def test_a_system_has_no_network_to_keep() -> None:
    with pytest.raises(FirmwareError, match="'two-body' is a system; name a project's folder"):
        find_subject("two-body", fixed=True)


@pytest.mark.slow
def test_a_short_training_gives_poor_networks_not_none(tmp_path: Path) -> None:
    stated = {"charge": ["1", "3"], "input_fraction": ["9"], "hidden": [""]}
    options = ScanOptions(search="grid", stated=stated, events=20_000, epochs=1, synthesise=False)

    result = scan(find_subject("two-body"), tmp_path, options)

    assert [trial.failed for trial in result.trials] == [None, None]
    assert all(trial.figures["luts"] > 0 and "kendall_tau" in trial.fidelity for trial in result.trials)
    log = (tmp_path / "workers.log").read_text()
    assert "Traceback" not in log


def _once_deadly(task: tuple[int, str]) -> int:
    """Kills its own process, the first time that it is run with 3."""
    value, folder = task
    trap = Path(folder, "sprung")
    if value == 3 and not trap.exists():
        trap.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return value


@pytest.mark.slow
def test_a_killed_process_is_told_and_what_was_done_is_kept(tmp_path: Path) -> None:
    tasks = [(value, str(tmp_path)) for value in range(5)]
    with open_pool(1, log=tmp_path / "log") as pool, pytest.raises(ToolError, match="goes on where it stopped"):
        list(pool.as_finished(_once_deadly, tasks))
    with open_pool(1, log=tmp_path / "log") as pool:
        assert sorted(value for _, value in pool.as_finished(_once_deadly, tasks)) == [0, 1, 2, 3, 4]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a Dask scheduler with two workers, each a process of its own on loopback."""
    place = tmp_path_factory.mktemp("dask")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    file = place / "scheduler.json"
    commands = [
        ["scheduler", "--port", "0", "--no-dashboard", "--host", "127.0.0.1", "--scheduler-file", str(file)],
        *[["worker", "--scheduler-file", str(file), "--nthreads", "1", "--nworkers", "1", "--no-dashboard"]] * 2,
    ]
    running: list[subprocess.Popen[bytes]] = []
    try:
        for command in commands:
            with (place / f"{len(running)}.log").open("wb") as log:
                start = [sys.executable, "-m", "distributed.cli.dask_" + command[0], *command[1:]]
                running.append(subprocess.Popen(start, cwd=place, env=environment, stdout=log, stderr=log))
            until = time.monotonic() + 60
            while not file.exists() and time.monotonic() < until:
                time.sleep(0.1)
        yield json.loads(file.read_text())["address"]
    finally:
        for process in reversed(running):
            process.terminate()
            process.wait(20)


@pytest.mark.slow
def test_a_cluster_loses_nothing_when_a_worker_is_killed(cluster: str, tmp_path: Path) -> None:
    tasks = [(value, str(tmp_path)) for value in range(5)]

    with open_pool(scheduler=cluster) as pool:
        found = sorted(value for _, value in pool.as_finished(_once_deadly, tasks))

    assert (tmp_path / "sprung").exists()
    assert found == [0, 1, 2, 3, 4]


@pytest.mark.slow
def test_a_cluster_gives_the_same_results_as_this_machine(cluster: str, project: Path, tmp_path: Path) -> None:
    subject = find_subject(str(project))

    here = scan(subject, tmp_path / "here", OPTIONS)
    there = scan(subject, tmp_path / "there", replace(OPTIONS, scheduler=cluster))

    def told(trials: object) -> object:
        return [trial.model_copy(update={"seconds": 0.0}) for trial in trials]  # type: ignore[attr-defined]

    assert told(there.trials) == told(here.trials)


def test_no_scheduler_at_the_address_is_said(tmp_path: Path) -> None:
    with (
        pytest.raises(FirmwareError, match="no Dask scheduler answers"),
        open_pool(scheduler="tcp://127.0.0.1:9"),
    ):
        pass
