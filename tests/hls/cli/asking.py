"""Asks `qtrigger` in this process, as starting one takes seconds."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hls.cli import main


@dataclass(frozen=True)
class Answer:
    """What one command gave."""

    code: int
    out: str
    err: str

    def refused(self, *parts: str) -> bool:
        """Exit code 2, one line of error on stderr that holds every part, nothing on stdout, no traceback."""
        lines = [line for line in self.err.splitlines() if line.startswith("error: ")]
        return self.code == 2 and len(lines) == 1 and not self.out and all(part in lines[0] for part in parts)

    @property
    def data(self) -> dict[str, Any]:
        """What stdout holds: one JSON object and nothing else, in ASCII."""
        assert self.out.isascii()
        found = json.loads(self.out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON"))
        assert isinstance(found, dict)
        return found


Ask = Callable[..., Answer]


def asking(folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Runs ``qtrigger`` with the arguments it is called with, in ``folder``."""
    monkeypatch.chdir(folder)

    def run(*arguments: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["qtrigger", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as left:
            main()
        captured = capsys.readouterr()
        return Answer(int(left.value.code or 0), captured.out, captured.err)

    return run
