"""What was proved of two circuits is kept, so that a proof that was stopped goes on where it ended.

A pair of cones that is equal is so wherever it comes again: it is known by what both compute of which variables, and
not by the run in which it was asked for. When all of two circuits is proved, their number is kept in place of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from hls.machine.cache import cached_folder, digest
from hls.proof.netlist.side import Side
from hls.proof.solver import solver_version
from hls.rtl.netlist import yosys_version

_ALL = "proved.txt"
_LENGTH = 40
"""Digits of a mark; a line that is shorter was cut off as it was written."""


@dataclass
class Remembered:
    """Marks of pairs that are known to be equal: all that were added, and those of runs before if there is a ``file``.

    A file that is damaged knows less.
    """

    file: Path | None = None
    _marks: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        if self.file is not None and self.file.is_file():
            lines = self.file.read_text(encoding="utf-8", errors="replace").split("\n")[:-1]
            self._marks |= {line for line in lines if len(line) == _LENGTH}

    def __contains__(self, mark: str) -> bool:
        return mark in self._marks

    def add(self, marks: Iterable[str]) -> None:
        """These pairs are proved."""
        fresh = set(marks) - self._marks
        self._marks |= fresh
        if fresh and self.file is not None:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with self.file.open("a", encoding="utf-8") as out:
                out.write("".join(f"{mark}\n" for mark in sorted(fresh)))


@dataclass(frozen=True)
class Half:
    """Where the proof of two circuits is kept; without a ``cache`` nowhere."""

    cache: Path | None
    key: str

    @property
    def proved(self) -> int | None:
        """How many registers and output bits were proved, if all were."""
        if self.cache is None:
            return None
        kept = self.cache / self.key / _ALL
        return int(kept.read_text(encoding="utf-8")) if kept.is_file() else None

    def close(self, proved: int) -> None:
        """All is proved."""
        if self.cache is not None:
            cached_folder(self.cache, self.key, lambda place: _write(place / _ALL, f"{proved}\n"))
            self._pairs(self.cache).unlink(missing_ok=True)

    def pairs(self) -> Remembered:
        """What is known of the pairs of both."""
        return Remembered(None if self.cache is None else self._pairs(self.cache))

    def _pairs(self, cache: Path) -> Path:
        return cache / f"{self.key}.pairs"


def half_of(sides: Sequence[Side], ports: str, cache: Path | None) -> Half:
    """Where the proof of ``sides`` is kept: it depends on their gates, their ``ports``, the tools and this room."""
    if cache is None:
        return Half(None, "")
    files = [file for side in sides for file in side.files]
    code = sorted(Path(__file__).parent.glob("*.py"))
    return Half(cache, f"half-{digest([yosys_version(), solver_version(), ports, *files, *code])[:32]}")


def _write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
