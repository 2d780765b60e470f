"""Blocks of collisions: the unit that is generated in one go, on one processor, from a seed of its own."""

from __future__ import annotations

import json
import zipfile
import zlib
from collections import Counter
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt

from hls.machine.files import whole_file
from qmodels.compression.samples.pythia import GENERATOR_VERSION, MAX_SEED, collisions, generator_name
from qmodels.compression.samples.selection import Rows, Selected, Selection, rows_of, select
from qmodels.errors import ModelDataError

BLOCK_EVENTS = 1000
KEPT = ""


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
        """PYTHIA's seed of a block, from 1 to its largest; those of other blocks, samples and seeds are unrelated."""
        sequence = np.random.SeedSequence([self.seed, zlib.crc32(self.sample.encode()), block])
        return int(sequence.generate_state(1)[0]) % MAX_SEED + 1


@dataclass(frozen=True, eq=False)
class Block:
    """``rows`` of the k events kept; ``fates`` (n,) of all that were generated, in order: empty for those kept, else
    why not."""

    rows: Rows
    fates: npt.NDArray[np.str_]
    generator: str

    def __len__(self) -> int:
        return len(self.rows.particles)

    def first(self, most: int) -> Block:
        """The block as it is when generation stops at the kept event number ``most``."""
        if len(self) < most:
            return self
        end = int(np.flatnonzero(self.fates == KEPT)[most - 1]) + 1
        return Block(self.rows.first(most), self.fates[:end], self.generator)

    def skipped(self) -> Counter[str]:
        """Events that were not kept, by reason."""
        return Counter(str(why) for why in self.fates if why != KEPT)


def make_block(plan: Plan, block: int, most: int) -> Block:
    """Generate and select block number ``block``, stopping after ``most`` events are kept.

    Raises ModelDataError as :func:`collisions` does, or if the plan is one of another version of this program.
    """
    if plan.generator_version != GENERATOR_VERSION:
        raise ModelDataError(
            f"events of generator version {plan.generator_version} are asked for, this is version {GENERATOR_VERSION}: "
            "install the same qtrigger wherever events are generated"
        )
    kept: list[Selected] = []
    fates: list[str] = []
    selection = plan.selection
    generated = collisions(
        plan.sample, plan.collisions, plan.block_seed(block), selection.particle_pt, selection.max_eta
    )
    for collision in generated:
        fates.extend(collision.passed_over)
        selected = select(collision.particles, selection)
        if isinstance(selected, str):
            fates.append(selected)
            continue
        fates.append(KEPT)
        kept.append(selected)
        if len(kept) == most:
            break
    return Block(rows_of(kept), np.array(fates, np.str_), generator_name())


def write_block(path: Path, block: Block) -> None:
    """Write a block; it appears whole or not at all."""
    with whole_file(path) as draft, draft.open("wb") as file:
        generator = np.array(block.generator)
        np.savez(file, fates=block.fates, generator=generator, **asdict(block.rows))


def read_block(path: Path) -> Block:
    """Read what :func:`write_block` wrote; ModelDataError if it is damaged."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            rows = Rows(*(arrays[field.name] for field in fields(Rows)))
            return Block(rows, arrays["fates"], str(arrays["generator"]))
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ModelDataError(f"{path}: damaged block of events ({error}); remove it and generate again") from error
