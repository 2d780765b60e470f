"""Samples of Z → e⁺e⁻ made by PYTHIA and a parametrised detector: block by block, kept in the cache if asked for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from hls.machine.pools import Pool
from qmodels.seeds import check_seed
from qmodels.simulation.blocks import TEST_SEEDS, BlockPlan, Event, Progress, generated, kept_file
from qmodels.simulation.collisions import GENERATOR_VERSION, collisions, find_sample
from qmodels.simulation.measuring import measured
from qmodels.simulation.pair_files import PairHeader, read_pairs, write_pairs
from qmodels.simulation.pairs import OFF_PEAK, Pairs
from qmodels.simulation.particles import WINDOW, Z_MASS, pair_mass

SAMPLE = "z-ee"
BLOCK_EVENTS = 5000


@dataclass(frozen=True)
class PairPlan(BlockPlan):
    """What fixes every event of a sample of electrons and positrons."""

    collisions: int = BLOCK_EVENTS
    generator_version: int = GENERATOR_VERSION
    current_version: ClassVar[int] = GENERATOR_VERSION
    columns: ClassVar[int] = 8

    def events(self, seed: int, random: np.random.Generator) -> Iterator[Event]:
        """As ``BlockPlan.events``; those off the peak are not measured."""
        for collision in collisions(self.sample, self.collisions, seed):
            if isinstance(collision, str):
                yield collision
            elif abs(float(pair_mass(collision.z[None])[0]) - Z_MASS) >= WINDOW:
                yield OFF_PEAK
            else:
                x = measured(collision.visible, random)
                yield x if isinstance(x, str) else (collision.z, x)


def make_plan(sample: str, seed: int) -> PairPlan:
    """The plan of a sample; ModelDataError for an unknown one or a negative seed."""
    check_seed(seed)
    return PairPlan(find_sample(sample), seed)


def generate(
    path: Path,
    plan: PairPlan,
    events: int,
    pool: AbstractContextManager[Pool] | None = None,
    progress: Progress | None = None,
) -> PairHeader:
    """Write a file of the first ``events`` events of ``plan``: see :func:`qmodels.simulation.blocks.generated`."""
    return generated(path, plan, events, write_pairs, pool, progress)


def unseen_pairs(events: int, seed: int, progress: Progress | None = None) -> Pairs:
    """``events`` events of ``SAMPLE`` to test on, kept in the user's cache folder: the first call makes them.

    Those of a seed are others than those that `qtrigger data` makes of it, so that nobody tests on what was trained on.
    Raises ModelDataError as :func:`generate`, or if the cache folder cannot be written.
    """
    return _cached(make_plan(SAMPLE, seed + TEST_SEEDS), events, progress)


def training_pairs(events: int, seed: int, progress: Progress | None = None) -> Pairs:
    """The events that `qtrigger data simulation` makes, kept in the user's cache folder likewise."""
    return _cached(make_plan(SAMPLE, seed), events, progress)


def _cached(plan: PairPlan, events: int, progress: Progress | None) -> Pairs:
    return read_pairs(kept_file(plan, events, write_pairs, progress))[0]
