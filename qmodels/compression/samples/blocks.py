"""Blocks of collisions: what fixes them, and how one is made."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields

import numpy as np

from qmodels.compression.samples.pythia import GENERATOR_VERSION, collisions, generator_name
from qmodels.compression.samples.selection import Rows, Selected, Selection, rows_of, select
from qmodels.generation.blocks import KEPT, Block, block_seed, check_version

BLOCK_EVENTS = 1000


@dataclass(frozen=True)
class Plan:
    """What fixes every event of a sample: ``collisions`` of them a block."""

    sample: str
    seed: int
    selection: Selection
    collisions: int = BLOCK_EVENTS
    generator_version: int = GENERATOR_VERSION

    def to_json(self) -> str:
        """One line, the same for the same plan."""
        return json.dumps(asdict(self), sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """The plan that :meth:`to_json` wrote."""
        fields = json.loads(text)
        return cls(**{**fields, "selection": Selection(**fields["selection"])})

    def block_seed(self, block: int) -> int:
        """PYTHIA's seed of a block."""
        return block_seed(self.seed, self.sample, block)

    def generator_name(self) -> str:
        """The programs behind an event, with their versions; ModelDataError if one is not installed."""
        return generator_name()

    def make(self, block: int, most: int) -> Block:
        """Generate and select block number ``block``, stopping after ``most`` events are kept.

        Raises ModelDataError as :func:`collisions` does, or if the plan is one of another version of this program.
        """
        check_version(self.generator_version, GENERATOR_VERSION)
        kept: list[Selected] = []
        fates: list[str] = []
        selection = self.selection
        seed = self.block_seed(block)
        for collision in collisions(self.sample, self.collisions, seed, selection.particle_pt, selection.max_eta):
            fates.extend(collision.passed_over)
            selected = select(collision.particles, selection)
            if isinstance(selected, str):
                fates.append(selected)
                continue
            fates.append(KEPT)
            kept.append(selected)
            if len(kept) == most:
                break
        return block_of(rows_of(kept), fates, generator_name())


def block_of(rows: Rows, fates: list[str], generator: str) -> Block:
    """The block of these kept events."""
    return Block({field.name: getattr(rows, field.name) for field in fields(Rows)}, np.array(fates, np.str_), generator)


def rows_in(block: Block) -> Rows:
    """The kept events of a block."""
    return Rows(**{field.name: block.arrays[field.name] for field in fields(Rows)})
