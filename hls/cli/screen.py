"""What is printed on stdout for a reader: colours where they are wanted, and tables as wide as the terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from rich.cells import cell_len
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

_PAGE = 200
"""Columns where nobody looks: in a file or a pipe."""
_INDENT = 2
_GAPS = 2, 1
"""Columns between two of a table: as many as there is room for."""


def console() -> Console:
    """A console on stdout, of the width that ``COLUMNS`` or the terminal states; elsewhere no sentence is broken."""
    wide = not sys.stdout.isatty() and "COLUMNS" not in os.environ
    return Console(
        highlight=False,
        width=_PAGE if wide else None,
        soft_wrap=wide,
        color_system=None if os.environ.get("NO_COLOR") else "auto",
    )


def new_table(*columns: str, words: Sequence[str] = (), title: str | None = None) -> Table:
    """A table without lines. Its first column and those of ``words`` are to the left."""
    table = Table(box=None, header_style="bold", padding=(0, _GAPS[0], 0, 0), title=title)
    for index, column in enumerate(columns):
        table.add_column(column, justify="left" if not index or column in words else "right")
    return table


def print_table(out: Console, table: Table) -> None:
    """``table``, its cells broken between words where it is too wide.

    Where it is too wide even so, each row is a paragraph instead: its cells with their headings.
    """
    for gap in _GAPS:
        if _fitted(table, out.width, gap):
            table.padding = (0, gap, 0, 0)
            out.print(table, soft_wrap=False)
            return
    if table.title:
        out.print(table.title, style="bold")
    names, *others = ([column.header, *column.cells] for column in table.columns)
    for index, row in enumerate(table.rows, start=1):
        out.print(Text.assemble((f"{_text(names[0]).plain}: ", "bold"), _text(names[index])), style=row.style)
        cells = [_told(column[0], column[index]) for column in others if _text(column[index]).plain.strip()]
        out.print(Padding(Text("; ").join(cells), (0, 0, 0, _INDENT)), style=row.style, soft_wrap=False)


def _fitted(table: Table, room: int, gap: int) -> bool:
    """Give each column the width of its text, or less where ``room`` is short; False if not even its words fit."""
    wanted = []
    for column in table.columns:
        texts = [_text(cell).plain for cell in (column.header, *column.cells)]
        word = max((cell_len(word) for text in texts for word in text.split()), default=0)
        wanted.append((column, word, max(cell_len(text) for text in texts)))
    spare = room - sum(word + gap for _, word, _ in wanted)
    if spare < 0:
        return False
    wanted.sort(key=lambda of: of[2] - of[1])  # those that want least first: what they leave goes to the others
    for left, (column, word, whole) in enumerate(wanted):
        extra = min(whole - word, spare // (len(wanted) - left))
        column.width = word + extra
        spare -= extra
    return True


def _told(heading: object, cell: object) -> Text:
    return Text(" ").join(text for text in (_text(heading), _text(cell)) if text.plain.strip())


def _text(cell: object) -> Text:
    return cell if isinstance(cell, Text) else Text.from_markup(str(cell))
