"""Events of each sample by its name: from files, or generated."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from qmodels.compression.samples.collision_files import Collisions, read_collisions
from qmodels.compression.samples.generation import cached_collisions

CLASSIFIER_OFFSET, TEST_OFFSET = 1000, 2000
"""Added to a seed: no event that trained a network or the classifier is among those on which a build measures them."""


def held_out(sample: str, events: int, seed: int) -> Collisions:
    """``events`` test events of ``sample``, kept in the user's cache folder."""
    return cached_collisions(sample, events, seed + TEST_OFFSET)


def event_source(data: Path | None, events: int, seed: int) -> Callable[[str], Collisions]:
    """Reads ``data``/SAMPLE.h5; without ``data``, generates ``events`` events of ``seed`` and keeps them.

    What it returns raises ModelDataError for a file that is missing or damaged.
    """
    if data is not None:
        return lambda name: read_collisions(data / f"{name}.h5")
    return lambda name: cached_collisions(name, events, seed)
