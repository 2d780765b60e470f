"""Samples of pairs made block by block, whatever collides: written as a file, or kept in the user's cache folder."""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from hls.machine.pools import Pool, open_pool
from qmodels.generation.blocks import KEPT, Block, block_seed, check_version
from qmodels.generation.cache import cached
from qmodels.generation.making import made_blocks
from qmodels.generation.pythia import programs
from qmodels.simulation.pair_files import PairHeader
from qmodels.simulation.pairs import Pairs
from qmodels.types import Floats

Progress = Callable[[int, int], None]
Write = Callable[[Path, Pairs, PairHeader], None]
Event = tuple[Floats, Floats] | str
"""z and x of an event, or why it is left out."""
TEST_SEEDS = 10**9
"""From here on seeds are those of test events."""


@dataclass(frozen=True)
class BlockPlan(ABC):
    """What fixes every event of a sample; a ``qmodels.generation.making.Plan``."""

    sample: str
    seed: int
    collisions: int
    generator_version: int
    current_version: ClassVar[int]
    columns: ClassVar[int]
    """Of z, and of x."""

    @abstractmethod
    def events(self, seed: int, random: np.random.Generator) -> Iterator[Event]:
        """What becomes of each collision of a block; ModelDataError as PYTHIA's ``collisions`` raise."""

    def to_json(self) -> str:
        """One line, the same for the same plan."""
        return json.dumps(asdict(self), sort_keys=True)

    def generator_name(self) -> str:
        """PYTHIA and FastJet with their versions; ModelDataError if one is not installed."""
        return programs("pythia8mc", "fastjet")

    def make(self, block: int, most: int) -> Block:
        """Block number ``block``, stopping after ``most`` events are kept; ModelDataError as ``events`` raises."""
        check_version(self.generator_version, self.current_version)
        seed = block_seed(self.seed, self.sample, block)
        kept, fates = [], []
        for event in self.events(seed, np.random.default_rng(seed)):
            fates.append(event if isinstance(event, str) else KEPT)
            if not isinstance(event, str):
                kept.append(event)
                if len(kept) == most:
                    break
        rows = np.array(kept, np.float32).reshape(-1, 2, self.columns)
        return Block({"z": rows[:, 0], "x": rows[:, 1]}, np.array(fates, np.str_), self.generator_name())


def generated(
    path: Path,
    plan: BlockPlan,
    events: int,
    write: Write,
    pool: AbstractContextManager[Pool] | None,
    progress: Progress | None,
) -> PairHeader:
    """Have the first ``events`` events of ``plan`` made on all processors or on ``pool``, and ``write`` them.

    Called again after a kill it goes on: :func:`qmodels.generation.making.made_blocks`, whose errors it raises.
    """
    with made_blocks(path, plan, events, pool or open_pool(), progress) as made:
        arrays = [block.arrays for block in made.blocks()]
        pairs = Pairs(*(np.concatenate([block[name] for block in arrays]) for name in ("z", "x")))
        header = PairHeader(plan.sample, len(pairs), made.generated, dict(made.skipped), plan.seed, made.generator)
        write(path, pairs, header)
    return header


def kept_file(plan: BlockPlan, events: int, write: Write, progress: Progress | None) -> Path:
    """The file of these events in the user's cache folder: the first call makes it."""
    name, text = f"{plan.sample}-{events}-{plan.seed}", f"{plan.to_json()} {plan.generator_name()}"
    return cached("simulation", name, text, lambda file: generated(file, plan, events, write, None, progress))
