"""Blocks of events: one process, or the background's four in their shares."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qmodels.anomaly.samples.collisions import collisions
from qmodels.anomaly.samples.observation import observe
from qmodels.anomaly.samples.processes import BACKGROUND, PROCESSES, SHARES, SIGNALS
from qmodels.errors import ModelDataError
from qmodels.generation.blocks import KEPT, Block, block_seed, check_version
from qmodels.generation.pythia import programs
from qmodels.seeds import check_seed
from qmodels.types import Floats32

GENERATOR_VERSION = 2
"""Raised whenever the same seed would give other events with the same PYTHIA."""
BLOCK_EVENTS = 4000
"""Starting PYTHIA for each of four processes takes as long as 200 events."""
COCKTAIL = "background"
SAMPLES = (COCKTAIL, *(process.name for process in (*SIGNALS, *BACKGROUND)))
"""The cocktail, the signals, and each process of the cocktail by itself."""
CODES = {name: code for code, name in enumerate(PROCESSES)}
"""What a file says for the process of an event."""


@dataclass(frozen=True)
class Plan:
    """What fixes every event of a sample: ``collisions`` events a block, those that are not kept left out."""

    sample: str
    seed: int
    collisions: int = BLOCK_EVENTS
    generator_version: int = GENERATOR_VERSION

    def to_json(self) -> str:
        """One line, the same for the same plan."""
        return json.dumps(asdict(self), sort_keys=True)

    def generator_name(self) -> str:
        """The programs behind an event, with their versions; ModelDataError if one is not installed."""
        return programs("pythia8mc", "fastjet")

    def make(self, block: int, most: int) -> Block:
        """Generate block number ``block``, stopping after ``most`` events are kept.

        Raises ModelDataError as :func:`collisions` does, or if the plan is one of another version of this program.
        """
        check_version(self.generator_version, GENERATOR_VERSION)
        seed = block_seed(self.seed, self.sample, block)
        shares = SHARES if self.sample == COCKTAIL else {self.sample: 1.0}
        events: list[Floats32] = []
        fates: list[str] = []
        codes: list[int] = []
        for code, seen in _mixture(shares, seed):
            if isinstance(seen, str):
                fates.append(seen)
                continue
            fates.append(KEPT)
            events.append(seen)
            codes.append(code)
            if len(events) == min(most, self.collisions):
                break
        arrays: dict[str, npt.NDArray[Any]] = {
            "events": np.array(events, np.float32),
            "processes": np.array(codes, np.int8),
        }
        return Block(arrays, np.array(fates, np.str_), self.generator_name())


def make_plan(sample: str, seed: int) -> Plan:
    """The plan of a sample; ModelDataError for an unknown one or a negative seed."""
    check_seed(seed)
    if sample not in SAMPLES:
        raise ModelDataError(f"no sample is called {sample!r}; choose one of {', '.join(SAMPLES)}")
    return Plan(sample, seed)


def _mixture(shares: Mapping[str, float], seed: int) -> Iterator[tuple[int, Floats32 | str]]:
    """Events without end, or why one is not seen, each with the code of its process.

    The shares are of the events that are seen: the process of the next one is drawn, and tried until there is one.
    """
    random = np.random.default_rng(seed)
    names, parts = list(shares), np.array(list(shares.values()))
    sources = {name: collisions(PROCESSES[name], seed) for name in names}
    while True:
        name = names[int(random.choice(len(names), p=parts / parts.sum()))]
        for particles in sources[name]:
            seen = observe(particles, random)
            yield CODES[name], seen
            if not isinstance(seen, str):
                break
