"""Files of top pairs, ours and the authors', whole and damaged; and PYTHIA's events, of their seed."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from hls.machine.extras import missing
from hls.machine.pools import open_pool
from qmodels.errors import ModelDataError
from qmodels.simulation.data_command import write_data
from qmodels.simulation.pair_files import PairHeader
from qmodels.simulation.pairs import NOT_FINITE, OFF_SHELL
from qmodels.simulation.ttbar.kinematics import TOP_MASS, W_MASS, latent_masses
from qmodels.simulation.ttbar.layout import inside
from qmodels.simulation.ttbar.measuring import OUTSIDE
from qmodels.simulation.ttbar.samples import UNORDERED, TopPlan, generate, make_plan, read_events, write_events
from tests.qmodels.simulation.made_up import pairs
from tests.qmodels.simulation.ttbar.made_up import top_pairs


def of_the_authors(path: Path, z: object, x: object) -> Path:
    with h5py.File(path, "w") as file:
        file["FDL"], file["ROL"] = z, x
    return path


def test_a_file_comes_back_as_it_was(tmp_path: Path) -> None:
    sample = top_pairs(20)
    write_events(tmp_path / "top.h5", sample, PairHeader("ttbar", 20, 100, {"more than four jets": 80}, seed=3))
    again, skipped = read_events(tmp_path / "top.h5")
    assert np.array_equal(again.z, sample.z)
    assert np.array_equal(again.x, sample.x)
    assert not skipped
    with h5py.File(tmp_path / "top.h5") as file:
        assert list(file["ROL"].attrs["columns"][4:9]) == [
            "px_missing",
            "py_missing",
            "pz_missing",
            "E_missing",
            "px_jet1",
        ]


def test_events_that_cannot_be_used_are_left_out_by_reason(tmp_path: Path) -> None:
    sample = top_pairs(12)
    sample.x[1, 5] = np.nan
    sample.z[2, 11] = np.inf
    sample.z[3, 11] *= 1.01  # the energy of b
    sample.x[4, 7] += 5.0
    sample.x[5, 8:16] = sample.x[5, [12, 13, 14, 15, 8, 9, 10, 11]]
    sample.x[6, :4] *= 0.01
    path = of_the_authors(tmp_path / "top.h5", sample.z.astype(np.float64), sample.x.reshape(12, 6, 4))
    again, skipped = read_events(path)
    assert skipped == {NOT_FINITE: 2, OFF_SHELL: 2, UNORDERED: 1, OUTSIDE: 1}
    assert np.array_equal(again.z, sample.z[[0, *range(7, 12)]])


@pytest.mark.parametrize(
    ("z", "x", "message"),
    [
        (np.ones((4, 23)), np.ones((4, 24)), r"FDL has shape \(4, 23\); \(events, 24\) is needed"),
        (np.ones((4, 24)), np.ones((4, 12)), r"ROL has shape \(4, 12\); \(events, 24\) is needed"),
        (pairs(4).z, pairs(4).x, r"FDL has shape \(4, 8\); \(events, 24\) is needed: .* of e, nu, b"),
        (top_pairs(4).z, top_pairs(3).x, "FDL has 4 events, ROL 3"),
        (np.zeros((0, 24)), np.zeros((0, 24)), r"none of its 0 events can be used \(it has none\)"),
        (np.full((2, 24), np.nan), top_pairs(2).x, f"none of its 2 events can be used \\({NOT_FINITE}: 2\\)"),
        (np.array([b"text"] * 4), top_pairs(4).x, "'FDL' holds .*, numbers are needed"),
    ],
)
def test_what_is_no_file_of_top_pairs_is_named(tmp_path: Path, z: object, x: object, message: str) -> None:
    with pytest.raises(ModelDataError, match=message):
        read_events(of_the_authors(tmp_path / "top.h5", z, x))


def test_a_missing_file_a_missing_dataset_and_a_cut_one_are_named(tmp_path: Path) -> None:
    path = tmp_path / "top.h5"
    with pytest.raises(ModelDataError, match="no such file of pairs"):
        read_events(path)
    with h5py.File(path, "w") as file:
        file["FDL"] = top_pairs(4).z
    with pytest.raises(ModelDataError, match="'ROL' is missing"):
        read_events(path)
    sample = top_pairs(200)
    write_events(path, sample, PairHeader("ttbar", 200, 200, {}))
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(ModelDataError, match=r"top.h5: "):
        read_events(path)


def test_a_copy_is_told_by_its_columns(tmp_path: Path) -> None:
    sample = top_pairs(6)
    sample.x[2] = np.nan
    source = of_the_authors(tmp_path / "theirs.h5", sample.z, sample.x)
    summary = write_data(tmp_path / "copy.h5", 4, 1, {"source": source})
    assert (summary.events, summary.generated) == (4, 6)
    assert summary.skipped == {NOT_FINITE: 1, "not asked for": 1}
    assert len(read_events(tmp_path / "copy.h5")[0]) == 4
    with h5py.File(tmp_path / "nothing.h5", "w") as file:
        file["FDL"] = 3.0
    with pytest.raises(ModelDataError, match=r"FDL has shape|'ROL' is missing|holds"):
        write_data(tmp_path / "copy.h5", None, 1, {"source": tmp_path / "nothing.h5"})


def test_samples_and_seeds_that_are_none_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelDataError, match="seed is -1"):
        make_plan("ttbar", -1)
    with pytest.raises(ModelDataError, match="choose one of ttbar, ttbar-partons"):
        make_plan("z-ee", 1)
    with pytest.raises(ModelDataError, match="choose one of z-ee, z-ee-full, ttbar, ttbar-partons"):
        write_data(tmp_path / "out.h5", 5, 1, {"sample": "tops"})
    with pytest.raises(ModelDataError, match="generator version 0"):
        TopPlan("ttbar", 1, generator_version=0).make(0, 1)


@pytest.mark.slow
@pytest.mark.skipif(missing("pythia8mc", "fastjet") is not None, reason="PYTHIA is not installed")
@pytest.mark.parametrize(("sample", "events"), [("ttbar-partons", 30), ("ttbar", 6)])
def test_a_file_says_what_became_of_every_collision(tmp_path: Path, sample: str, events: int) -> None:
    plan = TopPlan(sample, 4, collisions=100)
    header = generate(tmp_path / "top.h5", plan, events, open_pool(1))
    found, unusable = read_events(tmp_path / "top.h5")
    assert not unusable
    assert len(found) == header.events == events
    assert header.generated == events + sum(header.skipped.values())
    assert inside(found.x).all()
    masses = latent_masses(found.z)
    for name, mass in (("m_jj", W_MASS), ("m_jjj", TOP_MASS), ("m_blv", TOP_MASS)):
        assert np.median(masses[name]) == pytest.approx(mass, abs=4.0)
    fewer = plan.make(0, 3)
    assert np.array_equal(fewer.arrays["x"], found.x[:3])
