"""Samples of top pairs: made by PYTHIA and a parametrised detector block by block, written, read, and kept."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from hls.machine.pools import Pool, open_pool
from qmodels.errors import ModelDataError
from qmodels.generation.blocks import KEPT, Block, block_seed, check_version
from qmodels.generation.cache import cached
from qmodels.generation.making import made_blocks
from qmodels.generation.pythia import programs
from qmodels.seeds import check_seed
from qmodels.simulation.generating import TEST_SEEDS
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

Progress = Callable[[int, int], None]
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
class TopPlan:
    """What fixes every event of a sample; a ``qmodels.generation.making.Plan``."""

    sample: str
    seed: int
    collisions: int = BLOCK_EVENTS
    generator_version: int = GENERATOR_VERSION

    def to_json(self) -> str:
        """One line, the same for the same plan."""
        return json.dumps(asdict(self), sort_keys=True)

    def generator_name(self) -> str:
        """PYTHIA and FastJet with their versions; ModelDataError if one is not installed."""
        return programs("pythia8mc", "fastjet")

    def make(self, block: int, most: int) -> Block:
        """Block number ``block``, stopping after ``most`` events are kept; ModelDataError as ``collisions`` raises."""
        check_version(self.generator_version, GENERATOR_VERSION)
        seed = block_seed(self.seed, self.sample, block)
        random = np.random.default_rng(seed)
        kept, fates = [], []
        for collision in collisions(self.sample, self.collisions, seed):
            if isinstance(collision, str):
                fates.append(collision)
                continue
            x = measured(collision.visible, random)
            fates.append(x if isinstance(x, str) else KEPT)
            if not isinstance(x, str):
                kept.append((collision.z, x))
                if len(kept) == most:
                    break
        rows = np.array(kept, np.float32).reshape(-1, 2, COLUMNS)
        return Block({"z": rows[:, 0], "x": rows[:, 1]}, np.array(fates, np.str_), self.generator_name())


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
    """Write a file of the first ``events`` events of ``plan``, made on all processors or on ``pool``.

    Called again after a kill it goes on: :func:`qmodels.generation.making.made_blocks`, whose errors it raises.
    """
    with made_blocks(path, plan, events, pool or open_pool(), progress) as made:
        arrays = [block.arrays for block in made.blocks()]
        pairs = Pairs(*(np.concatenate([block[name] for block in arrays]) for name in ("z", "x")))
        header = PairHeader(plan.sample, len(pairs), made.generated, dict(made.skipped), plan.seed, made.generator)
        write_events(path, pairs, header)
    return header


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
    name, text = f"{plan.sample}-{events}-{plan.seed}", f"{plan.to_json()} {plan.generator_name()}"
    path = cached("simulation", name, text, lambda file: generate(file, plan, events, None, progress))
    return read_events(path)[0]


def _on_shell(particles: Floats32, masses: tuple[float, ...]) -> Mask:
    """Whether energies are those of the momenta and masses."""
    numbers = np.nan_to_num(particles)
    wanted = with_energies(momenta_of(numbers), masses)
    energies, due = (rows.reshape(-1, PARTICLES, 4)[..., 3].astype(np.float64) for rows in (numbers, wanted))
    return np.asarray((np.abs(energies - due) <= MASS_TOLERANCE * due).all(axis=1))


def _in_order(x: Floats32) -> Mask:
    """Whether each jet has no less pT than the next."""
    return np.asarray((np.diff(transverse(x)[:, FIRST_JET:], axis=1) <= 0.0).all(axis=1))
