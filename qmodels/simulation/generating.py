"""Samples of Z → e⁺e⁻ made by PYTHIA and a parametrised detector: block by block, kept in the cache if asked for."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from hls.machine.pools import Pool, open_pool
from qmodels.generation.blocks import KEPT, Block, block_seed, check_version
from qmodels.generation.cache import cached
from qmodels.generation.making import made_blocks
from qmodels.generation.pythia import programs
from qmodels.seeds import check_seed
from qmodels.simulation.collisions import GENERATOR_VERSION, collisions, find_sample
from qmodels.simulation.measuring import measured
from qmodels.simulation.pair_files import PairHeader, read_pairs, write_pairs
from qmodels.simulation.pairs import OFF_PEAK, Pairs
from qmodels.simulation.particles import WINDOW, Z_MASS, pair_mass

Progress = Callable[[int, int], None]
SAMPLE = "z-ee"
BLOCK_EVENTS = 5000
TEST_SEEDS = 10**9
"""From here on seeds are those of test events."""


@dataclass(frozen=True)
class PairPlan:
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
            if abs(float(pair_mass(collision.z[None])[0]) - Z_MASS) >= WINDOW:
                fates.append(OFF_PEAK)
                continue
            x = measured(collision.visible, random)
            fates.append(x if isinstance(x, str) else KEPT)
            if not isinstance(x, str):
                kept.append((collision.z, x))
                if len(kept) == most:
                    break
        rows = np.array(kept, np.float32).reshape(-1, 2, 8)
        return Block({"z": rows[:, 0], "x": rows[:, 1]}, np.array(fates, np.str_), self.generator_name())


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
    """Write a file of the first ``events`` events of ``plan``, made on all processors or on ``pool``.

    Called again after a kill it goes on: :func:`qmodels.generation.making.made_blocks`, whose errors it raises.
    """
    with made_blocks(path, plan, events, pool or open_pool(), progress) as made:
        arrays = [block.arrays for block in made.blocks()]
        pairs = Pairs(*(np.concatenate([block[name] for block in arrays]) for name in ("z", "x")))
        header = PairHeader(plan.sample, len(pairs), made.generated, dict(made.skipped), plan.seed, made.generator)
        write_pairs(path, pairs, header)
    return header


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
    name, text = f"{plan.sample}-{events}-{plan.seed}", f"{plan.to_json()} {plan.generator_name()}"
    path = cached("simulation", name, text, lambda file: generate(file, plan, events, None, progress))
    return read_pairs(path)[0]
