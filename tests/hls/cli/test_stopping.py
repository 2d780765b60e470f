"""Signals, readers that leave and disks that fill end a command in one line, with an exit code that is not 1."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hls.cli import main
from hls.cli.stopping import Stopped, keeping, stopped_by_signals

QTRIGGER = Path(sys.executable).with_name("qtrigger")


@pytest.fixture(autouse=True)
def ctrl_c_is_heard() -> Iterator[None]:
    """As in a terminal: what a shell starts in the background has it ignored, and so may a job of CI."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    """Exit code and stderr."""
    monkeypatch.setattr(sys, "argv", ["qtrigger", *arguments])
    with pytest.raises(SystemExit) as left:
        main()
    return int(left.value.code or 0), capsys.readouterr().err


@pytest.mark.parametrize(
    ("number", "code", "word"), [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "term")]
)
def test_a_signal_says_what_is_kept(
    number: signal.Signals,
    code: int,
    word: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setattr("hls.project.build.build", lambda *_, **__: os.kill(os.getpid(), number))
    left, said = told(monkeypatch, capsys, "build", "mine")
    assert left == code
    assert said.startswith(word)
    assert "mine/build is what it was before" in said
    assert said.count("\n") == 1
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_second_signal_is_not_ours_and_an_ignored_one_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with stopped_by_signals():
            os.kill(os.getpid(), signal.SIGHUP)
            with pytest.raises(Stopped, match="interrupted: a part"), keeping("a part"):
                os.kill(os.getpid(), signal.SIGINT)
            assert signal.getsignal(signal.SIGINT) == signal.SIG_DFL
    finally:
        signal.signal(signal.SIGHUP, before)


@pytest.mark.parametrize(
    ("error", "part"),
    [
        (OSError(errno.ENOSPC, "x", "some/file"), "some/file: the disk is full"),
        (PermissionError(errno.EACCES, "x", "some/file"), "some/file: permission denied"),
        (OSError(errno.ENOTCONN, "Transport endpoint is not connected", "f"), "f: Transport endpoint"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), "not UTF-8"),
        (MemoryError(), "not enough memory"),
    ],
)
def test_what_the_system_refuses_in_any_verb(
    error: BaseException, part: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("hls.project.read_project", refused)
    code, said = told(monkeypatch, capsys, "report", "mine")
    assert code == 2
    assert said.startswith("error: ")
    assert part in said
    assert said.count("\n") == 1


def test_a_reader_that_has_gone_and_a_full_disk_behind_stdout() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    gone = subprocess.run([QTRIGGER, "--version"], stdout=writer, stderr=subprocess.PIPE, check=False)
    os.close(writer)
    assert (gone.returncode, gone.stderr) == (141, b"")
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([QTRIGGER, "--version"], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "the disk is full" in done.stderr
