"""Other people's events to a collision file, through the same selection as ours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from qmodels.compression.samples.collision_files import CollisionHeader, write_collisions
from qmodels.compression.samples.readers import Branches, Source, open_source
from qmodels.compression.samples.selection import Rows, Selected, Selection, rows_of, select, wrapped
from qmodels.errors import ModelDataError
from qmodels.types import Floats64

NOT_FINITE = "NaN or infinity"
NEGATIVE = "negative pT"
_BLOCK_EVENTS = 1000


def convert(
    source: Path,
    path: Path,
    sample: str,
    selection: Selection,
    *,
    events: int | None = None,
    branches: Branches | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> CollisionHeader:
    """Write the first ``events`` events (all if not given) of a ROOT or HepMC file that pass ``selection``.

    φ is wrapped into ±π and particles without any pT are left out, as the selection asks for some. An event with a
    NaN, an infinity or a negative pT is skipped and counted. ``progress(read, in the file)`` is called now and then.

    Raises:
        ModelDataError: the file cannot be read, has an angle beyond ±2π, or too few of its events pass.
    """
    opened = open_source(source, branches)
    state = _Conversion(source, opened, selection, events, progress or (lambda done, total: None))

    def header() -> CollisionHeader:
        if not state.kept:
            raise ModelDataError(f"{source}: none of its {state.read} events passes: {_counts(state.skipped)}")
        if events is not None and state.kept < events:
            passing = f"{state.kept} of its {state.read} pass ({_counts(state.skipped)})"
            raise ModelDataError(f"{source}: {events} events asked for, {passing}; ask for fewer")
        return CollisionHeader(sample, None, f"file {source.name}", state.read, state.skipped, selection)

    return write_collisions(path, state.blocks(), header)


@dataclass
class _Conversion:
    source: Path
    opened: Source
    selection: Selection
    most: int | None
    progress: Callable[[int, int], None]
    read: int = 0
    kept: int = 0
    skipped: Counter[str] = field(default_factory=Counter)

    def blocks(self) -> Iterator[Rows]:
        """The events kept, up to ``_BLOCK_EVENTS`` at a time."""
        block: list[Selected] = []
        for selected in self._selected():
            block.append(selected)
            if len(block) == _BLOCK_EVENTS:
                yield rows_of(block)
                block = []
        if block:
            yield rows_of(block)
        self.progress(self.read, self.read)

    def _selected(self) -> Iterator[Selected]:
        for particles in self.opened.events:
            result = self._select(particles)
            self.read += 1
            if self.read % _BLOCK_EVENTS == 0:
                self.progress(self.read, self.opened.total)
            if isinstance(result, str):
                self.skipped[result] += 1
                continue
            self.kept += 1
            yield result
            if self.kept == self.most:
                return

    def _select(self, particles: Floats64) -> Selected | str:
        if not np.isfinite(particles).all():
            return NOT_FINITE
        if (particles[:, 0] < 0).any():
            return NEGATIVE
        phi = particles[:, 2]
        if (np.abs(phi) > 2 * np.pi + 1e-6).any():
            worst = phi[np.argmax(np.abs(phi))]
            raise ModelDataError(f"{self.source}: event {self.read} has φ = {worst:g}; angles must be in radians")
        return select(np.column_stack([particles[:, :2], wrapped(phi), particles[:, 3]]), self.selection)


def _counts(skipped: Counter[str]) -> str:
    return ", ".join(f"{why} {count}" for why, count in sorted(skipped.items())) or "it has none"
