"""Makes the tables of docs/reference/support.md by running every cell: `python docs/support.py [COLUMN]...`.

A row (support_rows.py) is the smallest network of one layer, a column (support_cells.py) a witness. A cell is a tick
only where the witness computed the same integers as the emulator for all events; else it says why not, in the words
of the refusal. The networks of a column are one design (of netlists, a few), so that a compiler runs once for all of
them, and what is found is kept in ``CACHE`` until networks or sources change: an interrupted run goes on where it was.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

from support_cells import TICK, cells, columns, reason
from support_rows import ROWS, graph_of

import hls
from hls.errors import UnsupportedError
from hls.graph import FixedGraph

PAGE = Path(__file__).parent / "reference" / "support.md"
CACHE = Path(__file__).parents[1] / "build" / "support.json"
START, END = "<!-- cells -->\n", "<!-- /cells -->"
NOT_RUN = "not run"


def fingerprint(graphs: Mapping[str, FixedGraph]) -> str:
    """Of the networks and of the sources that decide a cell."""
    hashed = hashlib.sha256()
    for path in (*sorted(Path(__file__).parent.glob("support*.py")), *sorted(Path(hls.__file__).parent.rglob("*.py"))):
        hashed.update(path.read_bytes())
    for graph in graphs.values():
        hashed.update(graph.digest().encode())
    return hashed.hexdigest()


def tables(found: Mapping[str, Mapping[str, str]]) -> str:
    """The page's part: a table, and what its numbers stand for."""
    names, notes = columns(), list[str]()
    lines = [f"| layer | {' | '.join(names)} |\n", f"|---|{'---|' * len(names)}\n"]
    for row in ROWS:
        texts = [found.get(name, {}).get(row, NOT_RUN) for name in names]
        for text in texts:
            if text != TICK and text not in notes:
                notes.append(text)
        shown = [text if text == TICK else f"{notes.index(text) + 1}" for text in texts]
        lines.append(f"| {row} | {' | '.join(shown)} |\n")
    lines.append("\n")
    lines += [f"{number}. {note}\n" for number, note in enumerate(notes, start=1)]
    return "".join(lines)


def main(wanted: list[str]) -> None:
    """Make what is not kept, column by column, and write the page, where cells that no run has made yet say so."""
    graphs, refused = {}, {}
    for row in ROWS:
        try:
            graphs[row] = graph_of(row)
        except UnsupportedError as error:
            refused[row] = reason(str(error))
    key = fingerprint(graphs)
    kept = json.loads(CACHE.read_text(encoding="utf-8")) if CACHE.is_file() else {}
    found: dict[str, dict[str, str]] = kept.get(key, {})
    for column in wanted or columns():
        if column not in found:
            found[column] = refused | cells(column, graphs)
            CACHE.parent.mkdir(exist_ok=True)
            CACHE.write_text(json.dumps({key: found}), encoding="utf-8")
    text = PAGE.read_text(encoding="utf-8")
    before, after = text.partition(START)[0], text.partition(END)[2]
    PAGE.write_text(before + START + tables(found) + END + after, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
