"""Samples of events, made block by block into event files, and what ``qtrigger data anomaly`` does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.machine.pools import Pool, open_pool
from qmodels.anomaly.samples.blocks import SAMPLES, Plan, make_plan
from qmodels.anomaly.samples.files import Reading, read_events, write_events
from qmodels.errors import ModelDataError
from qmodels.generation.cache import cached
from qmodels.generation.headers import SampleHeader
from qmodels.generation.making import Made, Progress, made_blocks
from qmodels.generation.options import number_asked, pool_asked
from qmodels.types import Floats32

Rows = tuple[Floats32, npt.NDArray[np.int8] | None]


def write_data(
    path: Path, n: int | None, seed: int, options: Mapping[str, Any], progress: Progress | None = None
) -> SampleHeader:
    """Write ``n`` events to an event file, and return what it says of itself.

    ``options`` may hold sample, and jobs or scheduler, for a simulation; or source, a file of the public layout, of
    which the rows that are no events are left out and counted.

    Raises:
        ModelDataError: options are wrong, missing or do not go together, or the events cannot be made.
    """
    source = options.get("source")
    if source is not None:
        given = [name for name in options if name != "source"]
        if given:
            raise ModelDataError(f"{given[0]} goes with a simulation only, not with a file to convert")
        return _converted(Path(source), path, n, progress)
    if "sample" not in options:
        raise ModelDataError(f"no sample is named; choose one of {', '.join(SAMPLES)}")
    events, pool = number_asked(n), pool_asked(options)
    return generate(path, make_plan(options["sample"], seed), events, pool, progress)


def generate(
    path: Path, plan: Plan, events: int, pool: AbstractContextManager[Pool], progress: Progress | None = None
) -> SampleHeader:
    """Write a file of ``events`` events, made on ``pool``: see :func:`qmodels.generation.making.made_blocks`."""
    with made_blocks(path, plan, events, pool, progress) as made:
        return write_events(path, _rows(made), lambda: _header(plan, made))


def _rows(made: Made) -> Iterator[Rows]:
    return ((block.arrays["events"], block.arrays["processes"]) for block in made.blocks())


def _header(plan: Plan, made: Made) -> SampleHeader:
    return SampleHeader(plan.sample, plan.seed, made.generator, made.generated, made.skipped)


def _converted(source: Path, path: Path, n: int | None, progress: Progress | None) -> SampleHeader:
    reading = Reading(source)

    def rows() -> Iterator[Rows]:
        for events in reading.blocks(n):
            yield events, None
            if progress is not None:
                progress(reading.read, reading.read)

    def header() -> SampleHeader:
        reading.check_any()
        return reading.header()

    return write_events(path, rows(), header)


def cached_events(sample: str, events: int, seed: int, progress: Progress | None = None) -> Floats32:
    """``events`` events (n, 19, 3) of ``sample``, kept in the user's cache folder.

    The first call generates them on all processors; later ones read the file.

    Raises:
        ModelDataError: they cannot be made, or the cache folder cannot be written.
    """
    plan = make_plan(sample, seed)
    path = cached(
        "anomaly",
        f"{sample}-{events}-{seed}",
        f"{plan.to_json()} {plan.generator_name()}",
        lambda path: generate(path, plan, events, open_pool(), progress),
    )
    return read_events(path)
