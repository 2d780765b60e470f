"""Samples of top pairs: made by PYTHIA and a parametrised detector block by block, written, read, and kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from hls.machine.pools import Pool
from qmodels.errors import ModelDataError
from qmodels.seeds import check_seed
from qmodels.simulation.blocks import TEST_SEEDS, BlockPlan, Event, Progress, generated, kept_file
from qmodels.simulation.pair_files import PairHeader, read_particles, usable, write_pairs
from qmodels.simulation.pairs import MASS_TOLERANCE, NOT_FINITE, OFF_SHELL, Mask, Pairs, finite, told_apart
from qmodels.simulation.ttbar.collisions import GENERATOR_VERSION, SETTINGS, collisions
from qmodels.simulation.ttbar.layout import (
    COLUMNS,
    FIRST_JET,
    LATENT_MASSES,
    LATENT_NAMES,
    MEASURED_MASSES,
    MEASURED_NAMES,
    PARTICLES,
    inside,
    momenta_of,
    transverse,
    with_energies,
)
from qmodels.simulation.ttbar.measuring import OUTSIDE, measured
from qmodels.types import Floats32

SAMPLE = "ttbar"
QUICK_SAMPLE = "ttbar-partons"
BLOCK_EVENTS = 2000
UNORDERED = "jets that are not in order of pT"
MEANING = "e, nu, b, bbar, u, dbar, and of e, missing momentum and four jets"
NAMES = tuple(
    tuple(f"{part}_{name}" for name in names for part in ("px", "py", "pz", "E"))
    for names in (LATENT_NAMES, MEASURED_NAMES)
)


@dataclass(frozen=True)
class TopPlan(BlockPlan):
    """What fixes every event of a sample of top pairs."""

    collisions: int = BLOCK_EVENTS
    generator_version: int = GENERATOR_VERSION
    current_version: ClassVar[int] = GENERATOR_VERSION
    columns: ClassVar[int] = COLUMNS

    def events(self, seed: int, random: np.random.Generator) -> Iterator[Event]:
        """As ``BlockPlan.events``."""
        for collision in collisions(self.sample, self.collisions, seed):
            if isinstance(collision, str):
                yield collision
            else:
                x = measured(collision.visible, random)
                yield x if isinstance(x, str) else (collision.z, x)


def make_plan(sample: str, seed: int) -> TopPlan:
    """The plan of a sample; ModelDataError for an unknown one or a negative seed."""
    check_seed(seed)
    if sample not in SETTINGS:
        raise ModelDataError(f"no sample is called {sample!r}; choose one of {', '.join(SETTINGS)}")
    return TopPlan(sample, seed)


def generate(
    path: Path,
    plan: TopPlan,
    events: int,
    pool: AbstractContextManager[Pool] | None = None,
    progress: Progress | None = None,
) -> PairHeader:
    """Write a file of the first ``events`` events of ``plan``: see :func:`qmodels.simulation.blocks.generated`."""
    return generated(path, plan, events, write_events, pool, progress)


def write_events(path: Path, pairs: Pairs, header: PairHeader) -> None:
    """Write a file in the layout of the paper's authors; it appears whole or not at all."""
    write_pairs(path, pairs, header, (NAMES[0], NAMES[1]))


def read_events(path: Path) -> tuple[Pairs, Mapping[str, int]]:
    """The usable events of a file of ours or of the authors', and how many others it has, by reason.

    Raises ModelDataError if there is no such file, a dataset is missing, damaged, of other columns or of another
    length than the other, or no event can be used.
    """
    z, x = read_particles(path, (COLUMNS,), (COLUMNS,), MEANING)
    tests = (
        (NOT_FINITE, finite(z) & finite(x)),
        (OFF_SHELL, _on_shell(z, LATENT_MASSES) & _on_shell(x, MEASURED_MASSES)),
        (UNORDERED, _in_order(x)),
        (OUTSIDE, inside(x)),
    )
    return usable(path, *told_apart(Pairs(z, x), tests))


def unseen_events(events: int, seed: int, progress: Progress | None = None, sample: str = SAMPLE) -> Pairs:
    """``events`` events to test on, kept in the user's cache folder: the first call makes them.

    Those of a seed are others than those that `qtrigger data` makes of it, so that nobody tests on what was trained on.
    Raises ModelDataError as :func:`generate`, or if the cache folder cannot be written.
    """
    return _cached(make_plan(sample, seed + TEST_SEEDS), events, progress)


def training_events(events: int, seed: int, progress: Progress | None = None) -> Pairs:
    """The events that `qtrigger data simulation --sample ttbar` makes, kept in the user's cache folder likewise."""
    return _cached(make_plan(SAMPLE, seed), events, progress)


def _cached(plan: TopPlan, events: int, progress: Progress | None) -> Pairs:
    return read_events(kept_file(plan, events, write_events, progress))[0]


def _on_shell(particles: Floats32, masses: tuple[float, ...]) -> Mask:
    """Whether energies are those of the momenta and masses."""
    numbers = np.nan_to_num(particles)
    wanted = with_energies(momenta_of(numbers), masses)
    energies, due = (rows.reshape(-1, PARTICLES, 4)[..., 3].astype(np.float64) for rows in (numbers, wanted))
    return np.asarray((np.abs(energies - due) <= MASS_TOLERANCE * due).all(axis=1))


def _in_order(x: Floats32) -> Mask:
    """Whether each jet has no less pT than the next."""
    return np.asarray((np.diff(transverse(x)[:, FIRST_JET:], axis=1) <= 0.0).all(axis=1))
