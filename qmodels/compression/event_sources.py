"""Events of each sample by its name: from files, or generated."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qmodels.compression.collision_files import Collisions, read_collisions
from qmodels.compression.generation import cached_collisions


def event_source(data: Path | None, events: int, seed: int) -> Callable[[str], Collisions]:
    """Reads ``data``/SAMPLE.h5; without ``data``, generates ``events`` events of ``seed`` and keeps them.

    What it returns raises ModelDataError for a file that is missing or damaged.
    """
    if data is not None:
        return lambda name: read_collisions(data / f"{name}.h5")
    return lambda name: cached_collisions(name, events, seed)
