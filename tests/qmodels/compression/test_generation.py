"""Samples block by block: which events end up in a file, in what order, after a kill, by whom."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import numpy as np
import pytest

from hls.machine.pools import Pool, open_pool
from qmodels.compression.samples import generation
from qmodels.compression.samples.blocks import Plan
from qmodels.compression.samples.collision_files import read_collisions
from qmodels.compression.samples.generation import cached_collisions, generate, generate_plan
from qmodels.compression.samples.pythia import SETTINGS
from qmodels.compression.samples.selection import Selection
from qmodels.errors import ModelDataError
from qmodels.generation.blocks import KEPT, MAX_SEED, Block, read_block
from tests.qmodels.compression.synthetic import fake_block, fake_pool

K, M, P = KEPT, "no pair of muons", "PYTHIA failed"
FATES = [[K, M, K, P], [M, M], [K, K, M, K]]
PLAN = Plan("b-to-ks", 7, Selection(), collisions=4)
REAL = Plan("hidden-valley", 7, Selection(), collisions=5)
"""Blocks of 5 collisions."""


def momenta(path: Path) -> list[float]:
    return [float(value) for value in read_collisions(path).particles[:, 0, 0]]


def test_events_come_in_order_and_are_counted_up_to_the_last(tmp_path: Path) -> None:
    made: list[int] = []
    seen: list[tuple[int, int]] = []
    path = generate_plan(tmp_path / "e.h5", PLAN, 4, fake_pool(FATES, made), lambda *state: seen.append(state))
    assert momenta(path) == [1, 3, 2001, 2002]
    header = read_collisions(path).header
    assert (header.generated, dict(header.skipped)) == (8, {M: 3, P: 1})
    assert header.events == 4
    assert (header.sample, header.seed, header.generator, header.selection) == ("b-to-ks", 7, "by hand", Selection())
    assert made == [0, 1, 2]
    assert seen == [(2, 4), (2, 4), (4, 4)]
    assert list(tmp_path.iterdir()) == [path]


def test_the_first_events_of_a_larger_file_are_a_smaller_one(tmp_path: Path) -> None:
    files = [generate_plan(tmp_path / f"{n}.h5", PLAN, n, fake_pool(FATES, [])) for n in range(1, 6)]
    assert [momenta(file) for file in files] == [[1, 3, 2001, 2002, 2004][:n] for n in range(1, 6)]
    generated = [read_collisions(file).header.generated for file in files]
    assert generated == [1, 3, 7, 8, 10]


def test_no_block_is_asked_for_more_than_is_missing(tmp_path: Path) -> None:
    asked: list[int] = []

    def call(function: object, plan: Plan, block: int, most: int) -> Block:
        asked.append(most)
        return fake_block(block, [K, M, K], most, "by hand")

    path = generate_plan(tmp_path / "e.h5", PLAN, 5, nullcontext(Pool(call, 1, 1)))
    assert asked == [5, 3, 1]
    assert momenta(path) == [1, 3, 1001, 1003, 2001]


@pytest.mark.parametrize("width", [2, 3, 8])
def test_any_number_of_workers_writes_the_same(tmp_path: Path, width: int) -> None:
    alone = generate_plan(tmp_path / "alone.h5", PLAN, 9, fake_pool(FATES, []))
    many = generate_plan(tmp_path / "many.h5", PLAN, 9, fake_pool(FATES, [], width))
    assert alone.read_bytes() == many.read_bytes()


class Killed(Exception):
    pass


def test_after_a_kill_it_goes_on(tmp_path: Path) -> None:
    made: list[int] = []

    def stop(done: int, total: int) -> None:
        if len(made) == 2:
            raise Killed

    path = tmp_path / "e.h5"
    with pytest.raises(Killed):
        generate_plan(path, PLAN, 4, fake_pool(FATES, made), stop)
    assert not path.exists()
    generate_plan(path, PLAN, 4, fake_pool(FATES, made))
    assert made == [0, 1, 2]
    assert momenta(path) == [1, 3, 2001, 2002]


def test_blocks_of_another_request_are_not_mixed_in(tmp_path: Path) -> None:
    made: list[int] = []
    path = tmp_path / "e.h5"

    def stop(done: int, total: int) -> None:
        raise Killed

    with pytest.raises(Killed):
        generate_plan(path, PLAN, 4, fake_pool(FATES, made), stop)
    for plan, events in ((PLAN, 5), (Plan("b-to-ks", 8, Selection(), collisions=4), 4)):
        with pytest.raises(ModelDataError, match=r"e\.h5\.blocks: holds blocks of another request"):
            generate_plan(path, plan, events, fake_pool(FATES, made))
    assert made == [0]


def test_a_damaged_block_is_named(tmp_path: Path) -> None:
    path = tmp_path / "e.h5"
    with pytest.raises(Killed):
        generate_plan(path, PLAN, 4, fake_pool(FATES, []), _raise_killed)
    block = tmp_path / "e.h5.blocks" / "000000.npz"
    block.write_bytes(block.read_bytes()[:100])
    with pytest.raises(ModelDataError, match=r"000000\.npz: damaged block"):
        generate_plan(path, PLAN, 4, fake_pool(FATES, []))


def _raise_killed(done: int, total: int) -> None:
    raise Killed


def test_two_at_once_are_kept_apart(tmp_path: Path) -> None:
    path = tmp_path / "e.h5"

    def second(done: int, total: int) -> None:
        with pytest.raises(ModelDataError, match=r"another process is writing e\.h5"):
            generate_plan(path, PLAN, 4, fake_pool(FATES, []))

    generate_plan(path, PLAN, 4, fake_pool(FATES, []), second)


def test_a_selection_that_nothing_passes_ends(tmp_path: Path) -> None:
    made: list[int] = []
    with pytest.raises(ModelDataError, match="no event of 80 of 'b-to-ks' passes"):
        generate_plan(tmp_path / "e.h5", PLAN, 4, fake_pool([[M] * 4], made))
    assert len(made) == 20


def test_blocks_of_two_generators_do_not_mix(tmp_path: Path) -> None:
    with pytest.raises(ModelDataError, match="PYTHIA 0 and of PYTHIA 1"):
        generate_plan(tmp_path / "e.h5", PLAN, 2, fake_pool([[K]], [], generator="PYTHIA {}"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("background", 0, 1), "number of events is 0"),
        (("background", 5, -1), "seed is -1"),
        (("signal", 5, 1), "no sample is called 'signal'; choose one of background"),
    ],
)
def test_bad_requests(tmp_path: Path, arguments: tuple[str, int, int], message: str) -> None:
    with pytest.raises(ModelDataError, match=message):
        generate(tmp_path / "e.h5", *arguments)
    assert list(tmp_path.iterdir()) == []


def test_no_jobs_and_no_scheduler(tmp_path: Path) -> None:
    with pytest.raises(ModelDataError, match="number of jobs is 0"):
        generate(tmp_path / "e.h5", "background", 5, 1, jobs=0)
    with pytest.raises(ModelDataError, match="no Dask scheduler answers at 'nowhere'"):
        generate(tmp_path / "e.h5", "background", 5, 1, scheduler="nowhere")


def test_blocks_have_seeds_of_their_own() -> None:
    plans = [Plan(sample, seed, Selection()) for sample in SETTINGS for seed in range(4)]
    seeds = [plan.block_seed(block) for plan in plans for block in range(200)]
    assert len(set(seeds)) == len(seeds)
    assert 1 <= min(seeds) <= max(seeds) <= MAX_SEED
    assert Plan.from_json(PLAN.to_json()) == PLAN


def test_another_version_of_the_generator_is_refused() -> None:
    with pytest.raises(ModelDataError, match="generator version 99"):
        Plan("background", 1, Selection(), generator_version=99).make(0, 1)


def test_a_process_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(ModelDataError, match="no sample is called 'nothing'"):
        generate_plan(tmp_path / "e.h5", Plan("nothing", 1, Selection()), 1, open_pool(1))


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Seven events of two blocks, made by PYTHIA in two processes."""
    return generate_plan(tmp_path_factory.mktemp("real") / "e.h5", REAL, 7, open_pool(2))


@pytest.fixture(scope="module")
def cluster_address() -> Iterator[str]:
    from distributed import LocalCluster

    cluster = LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None, host="127.0.0.1", protocol="tcp://"
    )
    with cluster:
        yield cluster.scheduler_address


@pytest.mark.slow
def test_a_dask_cluster_writes_the_same(real: Path, cluster_address: str, tmp_path: Path) -> None:
    path = generate_plan(tmp_path / "e.h5", REAL, 7, open_pool(scheduler=cluster_address))
    assert path.read_bytes() == real.read_bytes()


@pytest.mark.slow
def test_a_killed_program_goes_on_to_the_same_file(real: Path, tmp_path: Path) -> None:
    path = tmp_path / "e.h5"
    code = (
        "from pathlib import Path\n"
        "from qmodels.compression.samples.generation import generate_plan\n"
        "from qmodels.compression.samples.blocks import Plan\n"
        "from hls.machine.pools import open_pool\n"
        f"generate_plan(Path({str(path)!r}), Plan.from_json({REAL.to_json()!r}), 7, open_pool(1))"
    )
    program = subprocess.Popen([sys.executable, "-c", code])
    first = tmp_path / "e.h5.blocks" / "000000.npz"
    while not first.exists():
        assert program.poll() is None
        time.sleep(0.02)
    workers = _children(program.pid)
    os.kill(program.pid, signal.SIGKILL)
    program.wait()
    assert not path.exists()
    _wait_for_the_end_of(workers)
    before = first.stat().st_mtime_ns
    assert len(read_block(first)) <= 5
    seen: list[int] = []
    generate_plan(path, REAL, 7, open_pool(1), lambda done, total: seen.append(first.stat().st_mtime_ns))
    assert set(seen) == {before}
    assert path.read_bytes() == real.read_bytes()
    assert list(tmp_path.iterdir()) == [path]


def _children(process: int) -> list[int]:
    tasks = Path(f"/proc/{process}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def _wait_for_the_end_of(processes: list[int]) -> None:
    """A killed program leaves no process behind that goes on working; TimeoutError if one stays."""
    for _ in range(1000):
        if not any(Path(f"/proc/{process}").exists() for process in processes):
            return
        time.sleep(0.02)
    raise TimeoutError(processes)


def test_cached_events_are_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made: list[int] = []
    monkeypatch.setattr(generation, "open_pool", lambda: fake_pool([[K, M, K]], made))
    first, again = (cached_collisions("hidden-valley", 3, 1) for _ in range(2))
    assert made == [0, 1]
    np.testing.assert_array_equal(first.particles, again.particles)
    assert len(cached_collisions("hidden-valley", 2, 1)) == 2
    assert json.loads(json.dumps(dict(again.header.skipped))) == {M: 1}


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    with pytest.raises(ModelDataError, match="set XDG_CACHE_HOME"):
        cached_collisions("background", 1, 1)
