"""A command that is stopped: it says in one line what is kept and how to go on, and leaves nothing running."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_WORDS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated", signal.SIGHUP: "hung up"}


class Stopped(BaseException):
    """A signal stops the command. ``kept`` says what there is of its work, and how to go on."""

    def __init__(self, number: signal.Signals) -> None:
        super().__init__(number)
        self.number = number
        self.kept = "nothing was written"

    def __str__(self) -> str:
        return f"{_WORDS[self.number]}: {self.kept}"

    @property
    def code(self) -> int:
        """The exit code by which shells tell a program that a signal ended: 130 for Ctrl-C."""
        return 128 + self.number


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """While the block runs a signal raises ``Stopped`` and ends the programs that work for us.

    A second one ends this process at once. A signal that whoever started us has had ignored (nohup) stays ignored.
    """
    from hls.machine.programs import allow_again, stop_all

    def stop(number: int, _frame: FrameType | None) -> None:
        for known in before:
            signal.signal(known, signal.SIG_DFL)
        stop_all()
        raise Stopped(signal.Signals(number))

    before: dict[signal.Signals, Any] = {
        number: signal.getsignal(number) for number in _SIGNALS if signal.getsignal(number) != signal.SIG_IGN
    }
    for number in before:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        allow_again()


@contextmanager
def keeping(what: str) -> Iterator[None]:
    """Says what is kept of a block that is stopped."""
    try:
        yield
    except Stopped as stop:
        stop.kept = what
        raise
