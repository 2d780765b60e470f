"""Has the blocks of a sample made, keeps them until the sample is whole, and goes through their events in order."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

from hls.errors import FirmwareError
from hls.machine.pools import Pool
from qmodels.errors import ModelDataError
from qmodels.generation.blocks import Block, read_block, write_block

Progress = Callable[[int, int], None]
_FRUITLESS = 20
"""Blocks without a single event after which a selection is given up."""


class Plan(Protocol):
    """What fixes every event of a sample; it is pickled to where its blocks are made."""

    @property
    def sample(self) -> str:
        """Which physics."""

    @property
    def collisions(self) -> int:
        """Events generated for a block."""

    def to_json(self) -> str:
        """One line, the same for the same plan."""

    def generator_name(self) -> str:
        """The programs behind an event, with their versions; ModelDataError if one is not installed."""

    def make(self, block: int, most: int) -> Block:
        """Block number ``block``, stopping after ``most`` events are kept."""


@dataclass
class Made:
    """The blocks of a whole sample, and what is known of it once they were gone through."""

    folder: Path
    count: int
    events: int
    generated: int = 0
    skipped: Counter[str] = field(default_factory=Counter)
    _generators: set[str] = field(default_factory=set)

    def blocks(self) -> Iterator[Block]:
        """Every block in order, the last one ending with the last event; counts them."""
        left = self.events
        for index in range(self.count):
            block = read_block(_block_file(self.folder, index)).first(left)
            left -= len(block)
            self.generated += len(block.fates)
            self.skipped.update(block.skipped())
            self._generators.add(block.generator)
            yield block

    @property
    def generator(self) -> str:
        """The generator of every block; ModelDataError if there are several."""
        if len(self._generators) > 1:
            raise ModelDataError(f"{self.folder}: has blocks of {' and of '.join(sorted(self._generators))}; remove it")
        (generator,) = self._generators
        return generator


@contextmanager
def made_blocks(
    path: Path, plan: Plan, events: int, pool: AbstractContextManager[Pool], progress: Progress | None = None
) -> Iterator[Made]:
    """The blocks that hold the first ``events`` events of ``plan``, for a file ``path`` that is to be written of them.

    ``pool`` is entered once the request is found to be in order; it changes nothing of the events, and a larger sample
    begins with those of a smaller. Blocks are kept in ``PATH.blocks`` until the end of the ``with``: called again after
    a kill, it goes on from there. ``progress(events so far, events)`` is called after every block.

    Raises:
        ModelDataError: fewer than one event; the generator or the pool fails, no event passes the selection, or
            ``PATH.blocks`` is of another request or in use.
    """
    if events < 1:
        raise ModelDataError(f"number of events is {events}: ask for at least 1")
    request = json.dumps({"plan": json.loads(plan.to_json()), "events": events, "generator": plan.generator_name()})
    with _blocks_folder(path, request) as folder:
        with _pool_errors(), pool as opened:
            count = _make_blocks(folder, plan, events, opened, progress or (lambda done, total: None))
        yield Made(folder, count, events)


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


def make(plan: Plan, block: int, most: int) -> Block:
    """``plan.make``, as a function of a module, which is what a pool calls."""
    return plan.make(block, most)


def _write_made(pool: Pool, plan: Plan, block: int, most: int, path: Path) -> None:
    write_block(path, pool.call(make, plan, block, most))


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
