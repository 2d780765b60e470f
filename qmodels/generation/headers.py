"""What a file of generated or converted events says of itself."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class SampleHeader:
    """Where the events of a file come from: ``generated`` or read, of which ``skipped`` (by reason) are not in it.

    ``seed`` is None for events of others, which are not made here.
    """

    sample: str
    seed: int | None
    generator: str
    generated: int
    skipped: Mapping[str, int]

    @property
    def events(self) -> int:
        """Events in the file."""
        return self.generated - sum(self.skipped.values())

    def attributes(self) -> dict[str, str | int]:
        """The same as attributes of an HDF5 file."""
        told: dict[str, str | int] = {
            "sample": self.sample,
            "generator": self.generator,
            "generated": self.generated,
            "skipped": json.dumps(dict(self.skipped), sort_keys=True),
        }
        return told if self.seed is None else {**told, "seed": self.seed}
