"""Makes files of jets: generated, or from the files of others."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np

from hls.machine.pools import Pool, open_pool
from qmodels.errors import ModelDataError
from qmodels.generation.cache import cached
from qmodels.generation.headers import SampleHeader
from qmodels.generation.making import Progress, made_blocks
from qmodels.generation.options import number_asked, pool_asked
from qmodels.jets.samples.blocks import JetPlan
from qmodels.jets.samples.columns import CLASSES, JET_COLUMNS, JET_FEATURES, LABELS
from qmodels.jets.samples.files import VERSION, Jets, read_jets, usable_jets, write_jets
from qmodels.jets.samples.pythia import SETTINGS
from qmodels.seeds import check_seed
from qmodels.types import Floats32

DATA_OPTIONS = ("sample", "jobs", "scheduler", "source")
TEST_OFFSET = 1_000_000
"""Added to a seed: no jet that trained a network is among those on which a build measures it."""


def write_data(
    path: Path, n: int | None, seed: int, options: Mapping[str, Any], progress: Progress | None = None
) -> SampleHeader:
    """Write a file of ``n`` jets, and return what it says of itself.

    ``options`` may hold sample (classes, such as "qg"; all in turn if not given) and jobs or scheduler for a
    simulation, or source: a file of the public layout, or a folder of such, whose usable jets are written.

    Raises:
        ModelDataError: options are wrong or do not go together, or the jets cannot be made or read.
    """
    source = options.get("source")
    if source is not None:
        other = next((name for name in ("sample", "jobs", "scheduler") if name in options), None)
        if other is not None:
            raise ModelDataError(f"{other} goes with a simulation only")
        return _converted(Path(source), path, n, progress)
    jets, pool = number_asked(n), pool_asked(options)
    return generate(path, make_plan(seed, options.get("sample")), jets, pool, progress)


def make_plan(seed: int, sample: str | None = None) -> JetPlan:
    """The plan of jets of the classes in ``sample``, or of all; ModelDataError for one that there is not."""
    classes = tuple(CLASSES if sample is None else sample)
    unknown = [name for name in classes if name not in CLASSES]
    if unknown or not classes or len(set(classes)) < len(classes):
        raise ModelDataError(f"sample {sample!r} is none: name some of the classes {''.join(CLASSES)}, each once")
    check_seed(seed)
    return JetPlan(classes, seed)


def generate(
    path: Path, plan: JetPlan, n: int, pool: AbstractContextManager[Pool], progress: Progress | None = None
) -> SampleHeader:
    """Write the first ``n`` jets of ``plan``; resumable as :func:`made_blocks` is."""
    with made_blocks(path, plan, n, pool, progress) as made:
        return write_jets(
            path,
            ((block.arrays["constituents"], block.arrays["jets"]) for block in made.blocks()),
            lambda: SampleHeader(plan.sample, plan.seed, made.generator, made.generated, made.skipped),
        )


def cached_jets(n: int, seed: int, most: int, progress: Progress | None = None) -> Jets:
    """``n`` jets of all classes with their hardest ``most`` constituents, kept in the user's cache folder.

    Raises ModelDataError as :func:`generate`, or if the cache folder cannot be written.
    """
    plan = make_plan(seed)
    path = cached(
        "jets",
        f"jets-{n}-{seed}",
        f"{plan.to_json()} {plan.generator_name()} {SETTINGS} {VERSION}",
        lambda path: generate(path, plan, n, open_pool(), progress),
    )
    return read_jets(path, most)


def _converted(source: Path, path: Path, n: int | None, progress: Progress | None) -> SampleHeader:
    skipped: Counter[str] = Counter()
    written = looked_at = 0

    def blocks() -> Iterator[tuple[Floats32, Floats32]]:
        nonlocal written, looked_at
        for jets, why in usable_jets(source):
            if n is not None and written + len(jets) >= n:
                end = int(np.flatnonzero(why == "")[n - written - 1]) + 1
                jets, why = jets.chosen(slice(n - written)), why[:end]
            written, looked_at = written + len(jets), looked_at + len(why)
            skipped.update(str(reason) for reason in why if reason)
            if progress is not None:
                progress(written, n or written)
            yield jets.constituents, _columns(jets)
            if written == n:
                return
        if not written:
            counts = ", ".join(f"{why} {count:,}" for why, count in sorted(skipped.items()))
            raise ModelDataError(f"{source}: no jet of {looked_at:,} can be used: {counts}")

    return write_jets(path, blocks(), lambda: SampleHeader("other", None, str(source), looked_at, skipped))


def _columns(jets: Jets) -> Floats32:
    """Rows of ``JET_COLUMNS``; what a file of others does not say under their names is zero."""
    columns = np.zeros((len(jets), len(JET_COLUMNS)), np.float32)
    columns[:, [JET_COLUMNS.index(name) for name in JET_FEATURES]] = jets.features
    columns[np.arange(len(jets)), np.array([JET_COLUMNS.index(name) for name in LABELS])[jets.classes]] = 1.0
    total = jets.constituents[:, :, :4].sum(axis=1, dtype=np.float64)
    pt = np.hypot(total[:, 0], total[:, 1])
    columns[:, 0] = pt
    columns[:, 1] = np.arcsinh(np.divide(total[:, 2], pt, out=np.zeros_like(pt), where=pt > 0))
    columns[:, 2] = np.sqrt(np.maximum(total[:, 3] ** 2 - (total[:, :3] ** 2).sum(axis=1), 0.0))
    return columns
