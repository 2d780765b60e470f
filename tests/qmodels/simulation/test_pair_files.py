from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from qmodels.errors import ModelDataError
from qmodels.simulation.data_command import write_data
from qmodels.simulation.pair_files import PairHeader, read_pairs, write_pairs
from qmodels.simulation.pairs import NOT_FINITE
from tests.qmodels.simulation.made_up import pairs


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pairs.h5"


def of_the_authors(path: Path, z: object, x: object) -> Path:
    with h5py.File(path, "w") as file:
        file["FDL"], file["ROL"] = z, x
    return path


def test_a_file_comes_back_as_it_was(path: Path) -> None:
    sample = pairs(20)
    write_pairs(path, sample, PairHeader("z-ee", 20, 100, {"a jet": 80}, seed=3))
    again, skipped = read_pairs(path)
    assert np.array_equal(again.z, sample.z)
    assert np.array_equal(again.x, sample.x)
    assert not skipped


def test_the_authors_have_missing_momentum_too_and_float64(path: Path) -> None:
    sample = pairs(5)
    measured = np.concatenate([sample.x, np.ones((5, 4))], axis=1).astype(np.float64)
    again, _ = read_pairs(of_the_authors(path, sample.z.reshape(5, 2, 4), measured))
    assert np.array_equal(again.x, sample.x)
    assert np.array_equal(again.z, sample.z)


@pytest.mark.parametrize(
    ("z", "x", "message"),
    [
        (np.ones((4, 7)), np.ones((4, 8)), r"FDL has shape \(4, 7\); \(events, 8\) is needed"),
        (np.ones((4, 8)), np.ones((4, 9)), r"ROL has shape \(4, 9\); \(events, 8 or 12\) is needed"),
        (np.ones(8), np.ones((4, 8)), r"FDL has shape \(8,\)"),
        (pairs(4).z, pairs(3).x, "FDL has 4 events, ROL 3"),
        (np.zeros((0, 8)), np.zeros((0, 8)), r"none of its 0 events can be used \(it has none\)"),
        (np.full((2, 8), np.nan), pairs(2).x, f"none of its 2 events can be used \\({NOT_FINITE}: 2\\)"),
        (np.array([b"text"] * 4), pairs(4).x, "'FDL' holds .*, numbers are needed"),
    ],
)
def test_what_is_no_file_of_pairs_is_named(path: Path, z: object, x: object, message: str) -> None:
    with pytest.raises(ModelDataError, match=message):
        read_pairs(of_the_authors(path, z, x))


def test_a_missing_dataset_and_a_missing_file_are_named(path: Path) -> None:
    with pytest.raises(ModelDataError, match="no such file of pairs"):
        read_pairs(path)
    with h5py.File(path, "w") as file:
        file["FDL"] = pairs(4).z
    with pytest.raises(ModelDataError, match="'ROL' is missing"):
        read_pairs(path)


def test_a_copy_counts_what_it_leaves_out(path: Path, tmp_path: Path) -> None:
    sample = pairs(6)
    sample.x[2] = np.nan
    summary = write_data(tmp_path / "copy.h5", 4, 1, {"source": of_the_authors(path, sample.z, sample.x)})
    assert (summary.events, summary.generated) == (4, 6)
    assert summary.skipped == {NOT_FINITE: 1, "not asked for": 1}
    assert len(read_pairs(tmp_path / "copy.h5")[0]) == 4


def test_options_that_do_not_go_together_are_refused(path: Path, tmp_path: Path) -> None:
    source = of_the_authors(path, pairs(3).z, pairs(3).x)
    for options, n, message in (
        ({"source": source, "jobs": 2}, None, "jobs goes with a simulation only"),
        ({"source": source}, 9, "has 3 usable events, 9 are asked for"),
        ({"jobs": 1, "scheduler": "a"}, 5, "exclude each other"),
        ({"sample": "t-tbar"}, 5, "no sample is called 't-tbar'"),
        ({}, None, "no number of events"),
    ):
        with pytest.raises(ModelDataError, match=message):
            write_data(tmp_path / "out.h5", n, 1, options)
