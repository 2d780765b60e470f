"""Samples of collisions: generated block by block, resumable, the same events however many processes make them."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

from filelock import FileLock, Timeout

from hls.errors import FirmwareError
from hls.machine.pools import Pool, open_pool
from qmodels.compression.samples.blocks import Block, Plan, make_block, read_block, write_block
from qmodels.compression.samples.collision_files import (
    VERSION,
    CollisionHeader,
    Collisions,
    read_collisions,
    write_collisions,
)
from qmodels.compression.samples.pythia import BACKGROUND, SETTINGS, find_sample, generator_name
from qmodels.compression.samples.selection import Rows, Selection
from qmodels.errors import ModelDataError

Progress = Callable[[int, int], None]
_FRUITLESS = 20
"""Blocks without a single event after which a selection is given up."""


def make_plan(sample: str, seed: int, selection: Selection) -> Plan:
    """The plan of a sample; the background keeps its muons, as few of its events have two.

    Raises ModelDataError for an unknown sample or a negative seed.
    """
    if seed < 0:
        raise ModelDataError(f"seed is {seed}: use a whole number from 0 up")
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
    if events < 1:
        raise ModelDataError(f"number of events is {events}: ask for at least 1")
    request = json.dumps({"plan": json.loads(plan.to_json()), "events": events, "generator": generator_name()})
    with _blocks_folder(path, request) as folder:
        with _pool_errors(), pool as opened:
            blocks = _make_blocks(folder, plan, events, opened, progress or (lambda done, total: None))
        _assemble(path, plan, events, folder, blocks)
    return path


@contextmanager
def _pool_errors() -> Iterator[None]:
    """What the pool of processes or the cluster says is said by an error of this package."""
    try:
        yield
    except FirmwareError as error:
        raise ModelDataError(str(error)) from error


@contextmanager
def _blocks_folder(path: Path, request: str) -> Iterator[Path]:
    """The folder of the blocks, ours alone; removed when all went well."""
    folder = path.with_name(f"{path.name}.blocks")
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise ModelDataError(f"{folder}: another process is writing {path.name}; wait for it, or stop it") from None
    try:
        note = folder / "request.json"
        if not any(folder.glob("*.npz")):
            note.write_text(request, encoding="utf-8")
        elif not note.exists() or note.read_text(encoding="utf-8") != request:
            raise ModelDataError(
                f"{folder}: holds blocks of another request ({note.name}); finish that one, remove the folder, or write"
                " to another file"
            )
        yield folder
        shutil.rmtree(folder)
    finally:
        lock.release()


def _block_file(folder: Path, block: int) -> Path:
    return folder / f"{block:06}.npz"


def _make_blocks(folder: Path, plan: Plan, events: int, pool: Pool, progress: Progress) -> int:
    """Make blocks 0, 1, ... until they hold ``events`` events; returns how many blocks these are."""
    kept: dict[int, int] = {}
    pending: dict[Future[None], int] = {}
    threads = ThreadPoolExecutor(pool.width)
    try:
        while not (needed := _leading(kept, events)):
            block = len(kept) + len(pending)  # they are started in order, so this is the next
            path = _block_file(folder, block)
            if path.exists():
                kept[block] = len(read_block(path))
            elif not pending or (len(pending) < pool.width and _wanted(kept, len(pending), plan, events)):
                most = events - sum(kept.values())
                pending[threads.submit(_write_made, pool, plan, block, most, path)] = block
                continue
            else:
                kept |= _finished(pending, folder)
            progress(min(sum(kept.values()), events), events)
            if len(kept) >= _FRUITLESS and not any(kept.values()):
                raise ModelDataError(
                    f"no event of {len(kept) * plan.collisions:,} of {plan.sample!r} passes; loosen the selection"
                )
        return needed
    finally:
        threads.shutdown(wait=False, cancel_futures=True)


def _write_made(pool: Pool, plan: Plan, block: int, most: int, path: Path) -> None:
    write_block(path, pool.call(make_block, plan, block, most))


def _finished(pending: dict[Future[None], int], folder: Path) -> dict[int, int]:
    """Wait for a block, take those that are done out of ``pending``, and return how many events each of them holds."""
    kept = {}
    for future in wait(pending, return_when=FIRST_COMPLETED).done:
        future.result()
        block = pending.pop(future)
        kept[block] = len(read_block(_block_file(folder, block)))
    return kept


def _leading(kept: dict[int, int], events: int) -> int:
    """How many blocks from the first on hold ``events`` events; 0 if those made so far do not."""
    total = 0
    for block in range(len(kept) + 1):
        if total >= events:
            return block
        if block not in kept:
            return 0
        total += kept[block]
    return 0


def _wanted(kept: dict[int, int], pending: int, plan: Plan, events: int) -> bool:
    """Whether one more block is likely to be needed beside those being made."""
    total = sum(kept.values())
    rate = total / len(kept) if total else plan.collisions
    return total + pending * rate < events


def _assemble(path: Path, plan: Plan, events: int, folder: Path, blocks: int) -> CollisionHeader:
    skipped: Counter[str] = Counter()
    generators: Counter[str] = Counter()

    def rows() -> Iterator[Rows]:
        for block in _trimmed(folder, blocks, events):
            skipped.update(block.skipped())
            generators[block.generator] += len(block.fates)
            yield block.rows

    def header() -> CollisionHeader:
        if len(generators) > 1:
            raise ModelDataError(f"{folder}: has blocks of {' and of '.join(sorted(generators))}; remove it")
        ((generator, generated),) = generators.items()
        return CollisionHeader(plan.sample, plan.seed, generator, generated, skipped, plan.selection)

    return write_collisions(path, rows(), header)


def _trimmed(folder: Path, blocks: int, events: int) -> Iterator[Block]:
    """The blocks, the last one ending with event number ``events``."""
    for index in range(blocks):
        block = read_block(_block_file(folder, index)).first(events)
        events -= len(block)
        yield block


def cached_collisions(sample: str, events: int, seed: int, progress: Progress | None = None) -> Collisions:
    """``events`` events of ``sample`` with our selection, kept in the user's cache folder.

    The first call generates them on all processors; later ones read the file.

    Raises:
        ModelDataError: as :func:`generate`, or the cache folder cannot be written.
    """
    plan = make_plan(sample, seed, Selection())
    what = f"{plan.to_json()} {generator_name()} {SETTINGS[sample]} {VERSION}"
    digest = hashlib.sha256(what.encode()).hexdigest()[:12]
    path = cache_folder() / f"{sample}-{events}-{seed}-{digest}.h5"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(path.with_suffix(".lock")):  # two builds at once need the same events
            if not path.exists():
                generate_plan(path, plan, events, open_pool(), progress)
    except OSError as error:
        raise ModelDataError(f"{path.parent}: cannot keep events there ({error}); set XDG_CACHE_HOME") from error
    return read_collisions(path)


def cache_folder() -> Path:
    """Where generated events are kept: ``qtrigger/collisions`` in XDG_CACHE_HOME, or in ~/.cache."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "qtrigger" / "collisions"
