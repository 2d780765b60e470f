"""An event file that is open, whatever its format; and what its damage is called."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.errors import EventError

Array = npt.NDArray[Any]

LARGEST_BYTES = 4 << 30
"""Of one array: half a billion values of eight bytes, more than any verification takes."""


@dataclass(frozen=True)
class EventFile:
    """Names of its arrays, which are called a ``noun`` in this format; ``read`` gives the values of one.

    ``read`` also takes how many values of each event are wanted, of a list whose length varies; None for all of a list
    whose length does not. ``ordered`` says that the names are columns, in the order in which their writer had them.
    """

    path: Path
    noun: str
    names: tuple[str, ...]
    read: Callable[[str, int | None], Array]
    ordered: bool = False


@contextmanager
def damage(path: Path, kinds: tuple[type[Exception], ...], cure: str) -> Iterator[None]:
    """What a library raises over a damaged file becomes a line that names it; ``cure`` has a place for what it said."""
    try:
        yield
    except MemoryError as error:
        raise EventError(f"{path}: its events do not fit into memory; give fewer of them") from error
    except EventError:
        raise
    except kinds as error:
        first = (str(error).splitlines() or [type(error).__name__])[0][:120]
        raise EventError(f"{path}: {cure.format(first)}") from error


def require_size(path: Path, declared: int) -> None:
    """Raise EventError for an array of more than ``LARGEST_BYTES``, before memory is asked for."""
    if declared > LARGEST_BYTES:
        raise EventError(
            f"{path}: declares {declared / 2**30:,.0f} GiB of events, no more than {LARGEST_BYTES >> 30} are read; "
            "give fewer"
        )


def cut(array: Array, length: int | None) -> Array:
    """The first ``length`` values of each event, zeros where there are fewer; all for None.

    >>> cut(np.array([[1, 2, 3]]), 2).tolist(), cut(np.array([[1]]), 2).tolist()
    ([[1, 2]], [[1, 0]])
    """
    if length is None or array.ndim < 2:
        return array
    short = max(length - array.shape[1], 0)
    return np.pad(array[:, :length], [(0, 0), (0, short), *[(0, 0)] * (array.ndim - 2)])
