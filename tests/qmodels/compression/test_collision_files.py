"""What is written is read back; whatever a file of others may have wrong is named."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from qmodels.compression.samples.collision_files import CollisionHeader, read_collisions, read_header, write_collisions
from qmodels.compression.samples.selection import MAX_PARTICLES, Rows
from qmodels.errors import ModelDataError
from tests.qmodels.compression.synthetic import HEADER, rows, write


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write(tmp_path / "c.h5", [[[9.0, 0.5, 1.0], [2.0, -0.5, -3.0]], [[3.0, 0.0, 0.0]], [[4.0, 1.0, 2.0]]])


def edit(path: Path, change: Callable[[h5py.File], None]) -> None:
    with h5py.File(path, "r+") as opened:
        change(opened)


def set_particle(path: Path, event: int, row: int, values: tuple[float, float, float]) -> None:
    edit(path, lambda opened: opened["particles"].__setitem__((event, row), values))


def test_round_trip(file: Path) -> None:
    read = read_collisions(file)
    assert read.header == HEADER == read_header(file)
    assert len(read) == HEADER.events == 3
    assert {read.particles.dtype, read.muons.dtype} == {np.dtype(np.float32)}
    assert read.visible.tolist() == [2, 1, 1]
    np.testing.assert_array_equal(read.particles[0, :3], [[9.0, 0.5, 1.0], [2.0, -0.5, -3.0], [0.0, 0.0, 0.0]])


def test_a_converted_file_has_no_seed(tmp_path: Path) -> None:
    header = replace(HEADER, seed=None)
    events = np.zeros((3, 50, 3), np.float32)
    events[:, 0, 0] = 1.0
    write_collisions(tmp_path / "c.h5", [rows(events)], lambda: header)
    assert read_collisions(tmp_path / "c.h5").header == header


def test_the_same_content_is_the_same_bytes_in_any_blocks(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    particles, muons = rng.random((700, 50, 3), np.float32), rng.random((700, 2, 3), np.float32)
    visible = rng.integers(50, 200, 700, np.int32)
    written = set()
    for step in (130, 256, 700):
        spans = [slice(start, start + step) for start in range(0, 700, step)]
        blocks = (Rows(particles[span], muons[span], visible[span]) for span in spans)
        write_collisions(tmp_path / "c.h5", blocks, lambda: HEADER)
        with h5py.File(tmp_path / "c.h5") as opened:
            assert opened["particles"].chunks == (256, 50, 3)
            np.testing.assert_array_equal(opened["particles"][()], particles)
            np.testing.assert_array_equal(opened["visible"][()], visible)
        written.add((tmp_path / "c.h5").read_bytes())
    assert len(written) == 1


def test_a_failed_write_leaves_what_was_there(file: Path) -> None:
    before = file.read_bytes()

    def broken() -> CollisionHeader:
        raise ModelDataError("too few")

    with pytest.raises(ModelDataError, match="too few"):
        write_collisions(file, [], broken)
    assert file.read_bytes() == before
    assert list(file.parent.iterdir()) == [file]


def test_angles_outside_are_wrapped(file: Path) -> None:
    set_particle(file, 1, 0, (3.0, 0.0, 4.0))
    assert read_collisions(file).particles[1, 0, 2] == np.float32(4.0 - 2 * np.pi)


def test_rows_out_of_order_are_put_in_order(file: Path) -> None:
    set_particle(file, 0, 1, (20.0, 0.1, 0.2))
    np.testing.assert_array_equal(read_collisions(file).particles[0, :2, 0], [20.0, 9.0])


@pytest.mark.parametrize("rows", [3, 80])
def test_another_number_of_rows(file: Path, rows: int) -> None:
    rng = np.random.default_rng(3)
    given = np.sort(rng.random((3, rows, 3), np.float32), axis=1)[:, ::-1]

    def change(opened: h5py.File) -> None:
        del opened["particles"]
        opened["particles"] = given
        opened["visible"][()] = rows

    edit(file, change)
    particles = read_collisions(file).particles
    assert particles.shape == (3, MAX_PARTICLES, 3)
    assert np.count_nonzero(particles[0, :, 0]) == min(rows, MAX_PARTICLES)
    if rows < MAX_PARTICLES:
        np.testing.assert_array_equal(particles[:, :rows], given)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((np.nan, 0.0, 0.0), r"c\.h5: event 2 has a number in 'particles' that is not finite"),
        ((4.0, np.inf, 0.0), r"c\.h5: event 2 has a number in 'particles' that is not finite"),
        ((-4.0, 0.0, 0.0), r"c\.h5: event 2 has a negative pT"),
        ((4.0, 0.0, 270.0), r"c\.h5: event 2 has φ beyond"),
        ((0.0, 0.0, 0.0), r"c\.h5: event 2 has no particle"),
    ],
)
def test_bad_particles(file: Path, values: tuple[float, float, float], message: str) -> None:
    set_particle(file, 2, 0, values)
    with pytest.raises(ModelDataError, match=message):
        read_collisions(file)


def test_a_file_of_the_first_version_counts_the_particles_it_has(file: Path) -> None:
    def change(opened: h5py.File) -> None:
        opened.attrs["version"] = 1
        del opened["visible"]

    edit(file, change)
    assert read_collisions(file).visible.tolist() == [2, 1, 1]


def _nothing(opened: h5py.File) -> None:
    for name in ("particles", "muons", "visible"):
        opened[name].resize(0, axis=0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda opened: opened.attrs.__setitem__("format", "other"), "its attribute format is not"),
        (lambda opened: opened.attrs.__setitem__("version", 3), "version 3 of the format, 2 is read"),
        (lambda opened: opened.attrs.__delitem__("skipped"), "damaged header"),
        (lambda opened: opened.attrs.__setitem__("skipped", "{"), "damaged header"),
        (lambda opened: opened.attrs.__setitem__("selection", '{"colour": 1}'), "damaged header"),
        (lambda opened: opened.__delitem__("muons"), "dataset 'muons' is missing"),
        (lambda opened: opened["muons"].resize(2, axis=0), "do not fit"),
        (_nothing, "holds no events"),
        (lambda opened: opened.__delitem__("visible"), "dataset 'visible' is missing"),
        (lambda opened: opened["visible"].resize(2, axis=0), r"'visible' has shape \(2,\), \(3,\) is needed"),
        (
            lambda opened: opened["visible"].__setitem__(1, 0),
            "event 1 has a number in 'visible' that cannot be a count",
        ),
    ],
)
def test_a_damaged_file(file: Path, change: Callable[[h5py.File], None], message: str) -> None:
    edit(file, change)
    with pytest.raises(ModelDataError, match=message):
        read_collisions(file)


def test_a_dataset_of_another_shape(file: Path) -> None:
    def change(opened: h5py.File) -> None:
        del opened["particles"]
        opened["particles"] = np.ones((3, 50))

    edit(file, change)
    with pytest.raises(ModelDataError, match=r"dataset 'particles' has shape \(3, 50\)"):
        read_collisions(file)


def test_missing_truncated_or_not_hdf5(file: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelDataError, match="no such collision file"):
        read_collisions(tmp_path / "nothing.h5")
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    with pytest.raises(ModelDataError, match="truncated"):
        read_collisions(file)
    file.write_bytes(b"PAR1")
    with pytest.raises(ModelDataError, match="not an HDF5 file"):
        read_collisions(file)
