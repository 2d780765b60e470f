"""Pools of workers: results and errors of calls, what is said when a worker dies, and what a closed pool leaves."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from hls.errors import FirmwareError, ToolError
from hls.machine import pools
from hls.machine.pools import open_pool


def double(value: int) -> int:
    if value < 0:
        raise ValueError(f"{value} is negative")
    return 2 * value


def die(how: str) -> None:
    if how == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "lacks":
        raise ModuleNotFoundError("No module named 'absent'")
    raise RuntimeError(how)


class Odd(Exception):
    """Cannot be pickled: it is made of two things and keeps one."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(first + second)


def fail_oddly() -> None:
    raise Odd("a", "b")


def sleep_or_fail(task: tuple[str, Path]) -> None:
    """One sleeps, the other fails as soon as that one has left its number in the note."""
    what, note = task
    if what == "sleep":
        note.write_text(str(os.getpid()))
        time.sleep(600)
    while not (note.exists() and note.read_text()):
        time.sleep(0.02)
    raise ValueError("failed")


def test_calls_run_elsewhere_and_give_their_results() -> None:
    with open_pool(2) as pool:
        assert pool.call(os.getpid) != os.getpid()
        assert dict(pool.as_finished(double, [1, 2, 3])) == {1: 2, 2: 4, 3: 6}
        with pytest.raises(ValueError, match="-1 is negative"):
            pool.call(double, -1)


def test_a_worker_that_dies_is_told(tmp_path: Path) -> None:
    with open_pool(1) as pool:
        with pytest.raises(ToolError, match=r"a process of die ended with code 1 \(ModuleNotFoundError: .*; the same"):
            pool.call(die, "lacks")
        with pytest.raises(ToolError, match="a process of die was killed"):
            pool.call(die, "killed")
    log = tmp_path / "log"
    with open_pool(1, log=log) as pool, pytest.raises(ToolError, match="log may tell why"):
        pool.call(die, "lacks")
    assert "ModuleNotFoundError" in log.read_text()


def test_an_error_of_ours_comes_back_as_what_it_is_with_its_trace() -> None:
    with open_pool(1) as pool:
        with pytest.raises(RuntimeError, match=r"^broken\n") as raised:
            pool.call(die, "broken")
        assert "in die" in raised.value.__notes__[0]
        with pytest.raises(RuntimeError, match=r"^Odd: ab\n"):
            pool.call(fail_oddly)


def test_what_still_runs_when_a_pool_is_closed_is_ended(tmp_path: Path) -> None:
    note = tmp_path / "note"
    with pytest.raises(ValueError, match="failed"), open_pool(2) as pool:
        list(pool.as_finished(sleep_or_fail, [("sleep", note), ("fail", note)]))
    process = Path("/proc", note.read_text())
    for _ in range(500):
        if not process.exists():
            return
        time.sleep(0.02)
    raise TimeoutError(process)


def test_at_least_one_process_is_asked_for() -> None:
    with pytest.raises(FirmwareError, match="number of jobs is 0"), open_pool(0):
        pass


def test_a_cluster_without_workers_names_the_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    from distributed import LocalCluster

    monkeypatch.setattr(pools, "_CONNECT_SECONDS", 1)
    with (
        LocalCluster(
            n_workers=0, processes=False, dashboard_address=None, host="127.0.0.1", protocol="tcp://"
        ) as cluster,
        pytest.raises(FirmwareError, match="has no workers; start some with `dask worker`"),
        open_pool(scheduler=cluster.scheduler_address),
    ):
        pass
