"""What ``qtrigger data simulation`` does: simulate pairs, or copy what can be used of a file of them.

The sample says which example of the paper they are of, electrons or top pairs; of a file its number of columns does.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from qmodels.errors import ModelDataError
from qmodels.generation.options import number_asked, pool_asked
from qmodels.simulation.collisions import find_sample
from qmodels.simulation.generating import SAMPLE, generate, make_plan
from qmodels.simulation.pair_files import PairHeader, latent_columns, read_pairs, write_pairs
from qmodels.simulation.ttbar import samples as ttbar
from qmodels.simulation.ttbar.collisions import SETTINGS as TOP_SETTINGS
from qmodels.simulation.ttbar.layout import COLUMNS
from qmodels.types import EventProgress


def write_data(
    path: Path, n: int | None, seed: int, options: Mapping[str, Any], progress: EventProgress | None = None
) -> PairHeader:
    """Write ``n`` pairs to ``path``, and return what it says of itself.

    ``options`` may hold sample, and jobs or scheduler, for a simulation; or source, a file in the authors' layout, of
    which all usable events are copied if ``n`` is None.

    Raises:
        ModelDataError: options are wrong, missing or do not go together, or the events cannot be made.
    """
    source = options.get("source")
    if source is not None:
        wrong = [name for name in ("sample", "jobs", "scheduler") if name in options]
        if wrong:
            raise ModelDataError(f"{wrong[0]} goes with a simulation only, not with a file to convert")
        return _copied(Path(source), path, n)
    events, pool = number_asked(n), pool_asked(options)
    sample = options.get("sample", SAMPLE)
    if sample in TOP_SETTINGS:
        return ttbar.generate(path, ttbar.make_plan(sample, seed), events, pool, progress)
    return generate(path, make_plan(find_sample(sample, TOP_SETTINGS), seed), events, pool, progress)


def _copied(source: Path, path: Path, n: int | None) -> PairHeader:
    top = latent_columns(source) == COLUMNS
    pairs, skipped = (ttbar.read_events if top else read_pairs)(source)
    read = len(pairs) + sum(skipped.values())
    if n is not None and n > len(pairs):
        raise ModelDataError(f"{source}: has {len(pairs)} usable events, {n} are asked for")
    if n is not None and n < len(pairs):
        skipped = {**skipped, "not asked for": len(pairs) - n}
        pairs = pairs.take(slice(0, n))
    header = PairHeader(source.name, len(pairs), read, skipped)
    (ttbar.write_events if top else write_pairs)(path, pairs, header)
    return header
