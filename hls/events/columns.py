"""Columns that may hold lists, as ROOT's and Parquet's do, as plain arrays."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from hls.errors import EventError
from hls.events.event_file import Array


def dense(path: Path, noun: str, name: str, column: Any, length: int | None) -> Array:
    """An awkward array (n, ...) as numpy's; of lists the first ``length`` values, zeros where there are fewer.

    Raises:
        EventError: values are missing, or lists differ in length and none is stated.
    """
    import awkward as ak

    what = f"{path}: {noun} {name!r}"
    absent = int(np.sum(ak.to_numpy(ak.is_none(column))))
    if absent:
        raise EventError(f"{what} has no value in {absent:,} of {len(column):,} events; leave those events out")
    if length is not None and column.ndim > 1:
        column = ak.fill_none(ak.pad_none(column, length, clip=True), 0)
    try:
        return np.asarray(ak.to_numpy(column, allow_missing=False))
    except ValueError as error:
        raise EventError(f"{what} {_why_not(column)}") from error


def _why_not(column: Any) -> str:
    """What keeps a column from being an array."""
    import awkward as ak

    if column.ndim < 2:
        return "is a record; name one of its fields"
    counts = ak.to_numpy(ak.num(column))
    if counts.min() == counts.max():
        return "has lists of lists that differ in length, or values that are missing; write it as an array"
    return (
        f"has {counts.min()} to {counts.max()} values an event, an input takes a constant number; "
        f"NAME[:{counts.max()}] takes so many and puts zeros behind fewer"
    )
