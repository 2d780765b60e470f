"""Events made by hand, and a pool that makes blocks without PYTHIA."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hls.machine.pools import Pool
from qmodels.compression.samples.blocks import Plan, block_of
from qmodels.compression.samples.collision_files import CollisionHeader, write_collisions
from qmodels.compression.samples.selection import Rows, Selection
from qmodels.generation.blocks import KEPT, Block

HEADER = CollisionHeader("background", 4, "by hand", 5, {"no particles": 2}, Selection(muons=False))


def rows(particles: npt.NDArray[np.float32]) -> Rows:
    """Those events (n, 50, 3), not clustered and without muons."""
    visible = (particles[:, :, 0] > 0).sum(axis=1, dtype=np.int32)
    return Rows(particles, np.zeros((len(particles), 2, 3), np.float32), visible)


def write(path: Path, particles: Sequence[Sequence[Sequence[float]]]) -> Path:
    """A collision file of events, lists of (pT, η, φ)."""
    array = np.zeros((len(particles), 50, 3), np.float32)
    for event, filled in zip(array, particles, strict=True):
        event[: len(filled)] = np.reshape(filled, (-1, 3))
    write_collisions(path, [rows(array)], lambda: HEADER)
    return path


def fake_block(block: int, fates: Sequence[str], most: int, generator: str) -> Block:
    """A block of these fates whose kept events have one particle each, of pT 1000·block + its place in ``fates``."""
    places = [place for place, fate in enumerate(fates) if fate == KEPT]
    particles = np.zeros((len(places), 50, 3), np.float32)
    particles[:, 0, 0] = [1000 * block + place + 1 for place in places]
    return block_of(rows(particles), list(fates), generator).first(most)


@contextmanager
def fake_pool(
    fates: Sequence[Sequence[str]], made: list[int], width: int = 1, generator: str = "by hand"
) -> Iterator[Pool]:
    """Makes block i with the fates ``fates[i]`` (the last for all beyond) and notes i in ``made``."""

    def call(function: object, plan: Plan, block: int, most: int) -> Block:
        made.append(block)
        return fake_block(block, fates[min(block, len(fates) - 1)], most, generator.format(block))

    yield Pool(call, width, width)
