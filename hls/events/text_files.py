"""Event files of text: a line of names, then one of numbers for each event; as they are or packed by gzip."""

from __future__ import annotations

import csv
import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from hls.errors import EventError
from hls.events.event_file import Array, EventFile, damage

_DELIMITERS = (",", ";", "\t")
PACKED = b"\x1f\x8b"
"""How a file begins that gzip packed."""
_DAMAGE = (OSError, EOFError, UnicodeDecodeError, csv.Error, zlib.error)
_CURE = "not read as a table ({})"
_UNPACKED = "not unpacked as a table ({}); was it copied whole?"
_LARGEST_TEXT = 1 << 30
"""Bytes of a table that is packed: of a few may come any number."""


def is_table(head: bytes) -> bool:
    """Whether a file that begins so is text whose first line names several columns, or one above numbers."""
    try:
        lines = head.decode("utf-8-sig", errors="strict" if len(head) < 1 << 12 else "ignore").splitlines()
    except UnicodeDecodeError:
        return False
    lines = lines[_comments(lines) :]
    if not lines or "\0" in lines[0]:
        return False
    names = next(csv.reader(lines[:1], delimiter=_delimiter(lines[0])))
    several = len(names) > 1 or (len(lines) > 1 and _is_number(lines[1]))
    return several and not any(map(_is_number, names))


def _comments(lines: list[str]) -> int:
    """How many lines come before the names: such as begin with a #, but for the last where it divides as the next does.

    >>> _comments(["# made by me", "pt,eta", "1,2"]), _comments(["# made by me", "# pt,eta", "1,2"])  # numpy.savetxt
    (1, 1)
    """
    count = next((place for place, line in enumerate(lines) if not line.startswith("#")), len(lines))
    if 0 < count < len(lines):
        delimiter = _delimiter(lines[count])
        if lines[count - 1].count(delimiter) == lines[count].count(delimiter) and _is_number(
            lines[count].split(delimiter)[0]
        ):
            return count - 1
    return count


def _delimiter(line: str) -> str:
    return max(_DELIMITERS, key=line.count)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


@contextmanager
def opened_text(path: Path) -> Iterator[EventFile]:
    """A table in text; the delimiter is a comma, a semicolon or a tabulator."""
    with damage(path, _DAMAGE, _CURE), path.open(encoding="utf-8-sig", newline="") as file:
        table = _table(path, file.readlines())
    yield table


@contextmanager
def opened_packed(path: Path) -> Iterator[EventFile]:
    """The same packed by gzip."""
    with damage(path, _DAMAGE, _UNPACKED), gzip.open(path) as stream:
        content = stream.read(1 << 12)
        if not is_table(content):
            raise EventError(
                f"{path}: packed by gzip, and no table in text inside; unpack it (gunzip), and give what is in it"
            )
        content += stream.read(_LARGEST_TEXT)
        if len(content) > _LARGEST_TEXT:
            raise EventError(f"{path}: more than {_LARGEST_TEXT >> 30} GiB of text; give fewer events")
        table = _table(path, io.StringIO(content.decode("utf-8-sig"), newline="").readlines())
    yield table


def _table(path: Path, lines: list[str]) -> EventFile:
    lines = lines[_comments(lines) :]
    names, *rows = list(csv.reader(lines, delimiter=_delimiter(lines[0])))
    names = [name.strip() for name in (names[0].removeprefix("#"), *names[1:])]
    rows = [row for row in rows if row]
    for number, row in enumerate(rows):
        if len(row) != len(names):
            raise EventError(f"{path}: event {number} has {len(row)} values, the first line names {len(names)}")

    def read(name: str, _: int | None) -> Array:
        place = names.index(name)
        return _numbers([row[place].strip() for row in rows])

    return EventFile(path, "column", tuple(names), read, ordered=True)


def _numbers(cells: list[str]) -> Array:
    """Integers where all are, else floats, an empty cell no number; texts where a cell is neither."""
    for kind in (np.int64, np.float64):
        try:
            return np.array([cell if cell or kind is np.int64 else "nan" for cell in cells]).astype(kind)
        except (ValueError, OverflowError):
            continue
    return np.array(cells)
