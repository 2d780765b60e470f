"""Programs that are stopped take their children with them."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from hls.errors import ToolError
from hls.machine.programs import allow_again, run_program, started, stop_all

_PARENT = "sleep 60 & echo $!; wait"


def has_ended(process: int) -> bool:
    """Within two seconds."""
    for _ in range(100):
        try:
            state = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0]
            if state == "Z":
                return True
        except FileNotFoundError:
            return True
        time.sleep(0.02)
    return False


@pytest.fixture(autouse=True)
def _allowed() -> Iterator[None]:
    yield
    allow_again()


def test_what_a_program_writes_and_its_exit_code() -> None:
    done = run_program(["sh", "-c", "printf '\\377a'; printf b >&2; exit 3"], environment={"X": "1"})
    assert (done.returncode, done.stdout, done.stderr) == (3, "\ufffda", "b")
    with pytest.raises(FileNotFoundError):
        run_program(["no-such-program"])


def test_a_program_that_fills_the_disk_says_so(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left") as raised:
        run_program(["cp", "/etc/hostname", "/dev/full"], tmp_path, environment={"LC_ALL": "C"})
    assert raised.value.filename == str(tmp_path)


def test_an_error_in_the_block_ends_a_program_and_its_children() -> None:
    with pytest.raises(KeyError), started(["sh", "-c", _PARENT]) as process:
        assert process.stdout is not None
        child = int(process.stdout.readline())
        raise KeyError
    assert process.returncode < 0
    assert has_ended(child)


def test_stopping_ends_what_runs_in_other_threads_and_starts_nothing_more() -> None:
    ready = threading.Event()
    children: list[int] = []

    def work() -> None:
        with started(["sh", "-c", _PARENT], stderr=subprocess.DEVNULL) as process:
            assert process.stdout is not None
            children.append(int(process.stdout.readline()))
            ready.set()
            process.wait()

    thread = threading.Thread(target=work)
    thread.start()
    assert ready.wait(5)
    stop_all()
    thread.join(5)
    assert not thread.is_alive()
    assert has_ended(children[0])
    with pytest.raises(ToolError, match="being stopped"):
        run_program(["true"])
    assert os.getpgrp() != children[0]
