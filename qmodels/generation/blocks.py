"""Blocks of events: the unit that is generated in one go, on one processor, from a seed of its own."""

from __future__ import annotations

import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.machine.files import whole_file
from qmodels.errors import ModelDataError

KEPT = ""
MAX_SEED = 900_000_000
"""PYTHIA's largest."""
_OF_THE_BLOCK = ("fates", "generator")


@dataclass(frozen=True, eq=False)
class Block:
    """``arrays`` by name, each with the k events kept along its first axis; ``fates`` (n,) of all that were generated,
    in order: empty for those kept, else why not."""

    arrays: Mapping[str, npt.NDArray[Any]]
    fates: npt.NDArray[np.str_]
    generator: str

    def __len__(self) -> int:
        return int(np.sum(self.fates == KEPT))

    def first(self, most: int) -> Block:
        """The block as it is when generation stops at the kept event number ``most``."""
        if len(self) < most:
            return self
        end = int(np.flatnonzero(self.fates == KEPT)[most - 1]) + 1
        arrays = {name: array[:most] for name, array in self.arrays.items()}
        return Block(arrays, self.fates[:end], self.generator)

    def skipped(self) -> Counter[str]:
        """Events that were not kept, by reason."""
        return Counter(str(why) for why in self.fates if why != KEPT)


def block_seed(seed: int, sample: str, block: int) -> int:
    """PYTHIA's seed of a block, from 1 to its largest; those of other blocks, samples and seeds are unrelated."""
    sequence = np.random.SeedSequence([seed, zlib.crc32(sample.encode()), block])
    return int(sequence.generate_state(1)[0]) % MAX_SEED + 1


def check_version(asked: int, own: int) -> None:
    """ModelDataError for a plan of another version of a generator than the one that stands where a block is made."""
    if asked != own:
        raise ModelDataError(
            f"events of generator version {asked} are asked for, this is version {own}: install the same qtrigger "
            "wherever events are generated"
        )


def write_block(path: Path, block: Block) -> None:
    """Write a block; it appears whole or not at all."""
    with whole_file(path) as draft, draft.open("wb") as file:
        np.savez(file, fates=block.fates, generator=np.array(block.generator), **dict[str, Any](block.arrays))


def read_block(path: Path, names: Iterable[str] | None = None) -> Block:
    """Read what :func:`write_block` wrote; ModelDataError if it is damaged, or lacks one of the ``names``."""
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            wanted = [name for name in stored if name not in _OF_THE_BLOCK] if names is None else names
            return Block({name: stored[name] for name in wanted}, stored["fates"], str(stored["generator"]))
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise ModelDataError(f"{path}: damaged block of events ({error}); remove it and generate again") from error
