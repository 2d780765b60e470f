"""Samples of collisions, made block by block into collision files."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

from hls.machine.pools import Pool, open_pool
from qmodels.compression.samples.blocks import Plan, rows_in
from qmodels.compression.samples.collision_files import (
    VERSION,
    CollisionHeader,
    Collisions,
    read_collisions,
    write_collisions,
)
from qmodels.compression.samples.pythia import BACKGROUND, SETTINGS, find_sample
from qmodels.compression.samples.selection import Rows, Selection
from qmodels.generation.cache import cached
from qmodels.generation.making import Made, Progress, made_blocks
from qmodels.seeds import check_seed


def make_plan(sample: str, seed: int, selection: Selection) -> Plan:
    """The plan of a sample; the background keeps its muons, as few of its events have two.

    Raises ModelDataError for an unknown sample or a negative seed.
    """
    check_seed(seed)
    find_sample(sample)
    return Plan(sample, seed, replace(selection, muons=selection.muons and sample != BACKGROUND))


def generate(
    path: Path,
    sample: str,
    events: int,
    seed: int,
    *,
    jobs: int | None = None,
    selection: Selection | None = None,
    progress: Progress | None = None,
    scheduler: str | None = None,
) -> Path:
    """Write a collision file of ``events`` events that pass the ``selection`` (ours if not given).

    ``jobs`` processes work on it (as many as there are processors if not given), or the Dask cluster at ``scheduler``.
    Neither changes the file, and a larger file of the same seed begins with the events of a smaller. Blocks are kept in
    ``PATH.blocks`` until the file is whole: called again after a kill, it goes on from there.
    ``progress(events so far, events)`` is called after every block.

    Raises:
        ModelDataError: an argument is out of range, PYTHIA or the cluster fails, no event passes the selection, or
            ``PATH.blocks`` is of another request or in use.
    """
    plan = make_plan(sample, seed, selection or Selection())
    return generate_plan(path, plan, events, open_pool(jobs, scheduler), progress)


def generate_plan(
    path: Path, plan: Plan, events: int, pool: AbstractContextManager[Pool], progress: Progress | None = None
) -> Path:
    """:func:`generate` on ``pool``, which is entered once the request is found to be in order."""
    with made_blocks(path, plan, events, pool, progress) as made:
        write_collisions(path, _rows(made), lambda: _header(plan, made))
    return path


def _rows(made: Made) -> Iterator[Rows]:
    return (rows_in(block) for block in made.blocks())


def _header(plan: Plan, made: Made) -> CollisionHeader:
    return CollisionHeader(plan.sample, plan.seed, made.generator, made.generated, made.skipped, plan.selection)


def cached_collisions(sample: str, events: int, seed: int, progress: Progress | None = None) -> Collisions:
    """``events`` events of ``sample`` with our selection, kept in the user's cache folder.

    The first call generates them on all processors; later ones read the file.

    Raises:
        ModelDataError: as :func:`generate`, or the cache folder cannot be written.
    """
    plan = make_plan(sample, seed, Selection())
    fixed_by = f"{plan.to_json()} {plan.generator_name()} {SETTINGS[sample]} {VERSION}"
    path = cached(
        "collisions",
        f"{sample}-{events}-{seed}",
        fixed_by,
        lambda path: generate_plan(path, plan, events, open_pool(), progress),
    )
    return read_collisions(path)
