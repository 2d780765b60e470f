"""Event files of ROOT: branches of a TTree, fields of an RNTuple."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hls.errors import EventError
from hls.events.columns import dense
from hls.events.event_file import Array, EventFile, damage, require_size
from hls.machine.extras import absence_named, require

START = b"root"
_TREES = ("TTree", "TNtuple", "TNtupleD", "TChain", "ROOT::RNTuple", "ROOT::Experimental::RNTuple")
_DAMAGE = (
    *(OSError, RuntimeError, ValueError, TypeError, LookupError, AttributeError, AssertionError, ArithmeticError),
    *(struct.error, zlib.error),
)
"""uproot builds classes from what a file says of itself, so damage there raises whatever these do."""
_CURE = "not read by uproot ({}); was it copied whole?"


@contextmanager
def opened_root(path: Path) -> Iterator[EventFile]:
    """A ROOT file; the branch ``pt`` of the tree ``Events`` is called ``Events/pt``."""
    require("uproot")
    import uproot
    from uproot.deserialization import DeserializationError

    kinds = (*_DAMAGE, DeserializationError)

    def read(name: str, length: int | None) -> Array:
        with damage(path, kinds, _CURE), absence_named():
            tree, branch = places[name]
            require_size(path, tree.num_entries * 8)
            return dense(path, "branch", name, tree[branch].array(library="ak"), length)

    with damage(path, kinds, _CURE):
        file = uproot.open(path)
    with file:
        with damage(path, kinds, _CURE):
            _require_whole(path, file)
            places = {f"{name}/{key}": (tree, key) for name, tree in _trees(file) for key in tree.keys()}  # noqa: SIM118
        if not places:
            raise EventError(f"{path}: has no tree with branches; it has {', '.join(file.keys()) or 'nothing'}")
        yield EventFile(path, "branch", tuple(places), read)


def _require_whole(path: Path, file: Any) -> None:
    wanted = file.file.fEND
    if path.stat().st_size < wanted:
        raise EventError(f"{path}: truncated: it should have {wanted:,} bytes; copy it again")


def _trees(file: Any) -> Iterator[tuple[str, Any]]:
    """Each tree once, by its latest cycle."""
    for name, kind in file.classnames(cycle=False).items():
        if kind in _TREES:
            yield name, file[name]
