"""Event files: the public layout, ours, and what is no event."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from qmodels.anomaly.layout import KINDS
from qmodels.anomaly.samples.files import EMPTY, KIND, NEGATIVE, NOT_FINITE, read_events, write_events
from qmodels.anomaly.samples.making import write_data
from qmodels.anomaly.system import SYSTEM
from qmodels.errors import ModelDataError
from qmodels.generation.headers import SampleHeader
from qmodels.types import Floats32


def public_rows(n: int) -> Floats32:
    """Events of one muon and a jet as the public files have them."""
    rows = np.zeros((n, 19, 4), np.float32)
    rows[:, 0] = (30.0, 0.0, 1.0, 1)
    rows[:, 5] = (25.0, -0.5, 2.0, 3)
    rows[:, 9] = (40.0, 1.5, -2.0, 4)
    rows[:, 9, 0] += np.arange(n)
    return rows


def public_file(path: Path, rows: Floats32) -> Path:
    with h5py.File(path, "w") as file:
        file["Particles"] = rows
        file["Particles_Names"] = np.array([b"Pt", b"Eta", b"Phi", b"Class"])
        file["Particles_Classes"] = np.array([b"MET_class_1", b"Four_Ele_class_2", b"Four_Mu_class_3"])
    return path


def test_public_file_is_read_as_it_is(tmp_path: Path) -> None:
    rows = public_rows(3)
    assert np.array_equal(read_events(public_file(tmp_path / "a.h5", rows)), rows[:, :, :3])


def test_our_files_have_the_public_layout(tmp_path: Path) -> None:
    events = public_rows(2)[:, :, :3]
    header = SampleHeader("qcd", 7, "somebody", 5, {"no lepton": 3})
    written = write_events(tmp_path / "ours.h5", [(events, np.array([1, 1], np.int8))], lambda: header)
    assert written.events == 2
    with h5py.File(tmp_path / "ours.h5") as file:
        assert np.array_equal(file["Particles"][...], public_rows(2))
        assert file.attrs["processes"][file["Processes"][0]] == "qcd"
        assert file.attrs["seed"] == 7
    assert np.array_equal(read_events(tmp_path / "ours.h5"), events)


def test_each_fault_is_counted_and_left_out(tmp_path: Path) -> None:
    rows = public_rows(6)
    rows[0, 9, 1] = np.nan
    rows[1, 5, 0] = -1.0
    rows[2, 9, 3] = 2  # an electron's code in a jet's place
    rows[3, 1:] = 0.0
    rows[4, 9, 2] = 4.0  # beyond π: the same angle within
    source = public_file(tmp_path / "published.h5", rows)
    with pytest.raises(ModelDataError, match=r"published.h5: 1 of 6 events have .*--from published.h5 --out FILE.h5"):
        read_events(source)
    header = write_data(tmp_path / "clean.h5", None, 1, {"source": source})
    assert dict(header.skipped) == {NOT_FINITE: 1, NEGATIVE: 1, KIND: 1, EMPTY: 1}
    events = read_events(tmp_path / "clean.h5")
    assert (len(events), header.events, header.generated) == (2, 2, 6)
    assert events[0, 9, 2] == pytest.approx(4.0 - 2 * np.pi, abs=1e-6)


def test_first_rows_alone_are_converted(tmp_path: Path) -> None:
    source = public_file(tmp_path / "published.h5", public_rows(5))
    assert write_data(tmp_path / "two.h5", 2, 1, {"source": source}).events == 2
    assert np.array_equal(read_events(tmp_path / "two.h5"), public_rows(5)[:2, :, :3])


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (np.zeros((0, 19, 4), np.float32), "holds no events"),
        (np.zeros((2, 20, 4), np.float32), r"shape \(2, 20, 4\), \(events, 19, 4\) is needed"),
        (np.zeros((2, 19, 5), np.float32), r"shape \(2, 19, 5\)"),
        (np.zeros((2, 57), np.float32), r"shape \(2, 57\)"),
        (np.array([b"text"]), "numbers are needed"),
    ],
)
def test_other_layouts_are_refused(tmp_path: Path, rows: Floats32, why: str) -> None:
    with pytest.raises(ModelDataError, match=rf"other.h5: .*{why}"):
        read_events(public_file(tmp_path / "other.h5", rows))


def test_file_of_no_event_is_not_written(tmp_path: Path) -> None:
    source = public_file(tmp_path / "empty.h5", np.zeros((4, 19, 4), np.float32))
    with pytest.raises(ModelDataError, match=rf"none of its 4 rows is an event: {EMPTY} 4"):
        write_data(tmp_path / "out.h5", None, 1, {"source": source})
    assert not (tmp_path / "out.h5").exists()


def test_missing_and_foreign_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(ModelDataError, match="write one with `qtrigger data anomaly`"):
        read_events(tmp_path / "none.h5")
    with h5py.File(tmp_path / "jets.h5", "w") as file:
        file["jets"] = np.zeros(3)
    with pytest.raises(ModelDataError, match=r"no dataset 'Particles'.* it holds jets"):
        read_events(tmp_path / "jets.h5")


@pytest.mark.parametrize(
    ("options", "n", "why"),
    [
        ({}, 5, "no sample is named"),
        ({"sample": "dijets"}, 5, "no sample is called 'dijets'"),
        ({"sample": "w"}, None, "no number of events"),
        ({"sample": "w", "jobs": 1, "scheduler": "tcp://x"}, 5, "exclude each other"),
        ({"sample": "w", "source": "x.h5"}, None, "sample goes with a simulation only"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    tmp_path: Path, options: dict[str, object], n: int | None, why: str
) -> None:
    with pytest.raises(ModelDataError, match=why):
        write_data(tmp_path / "out.h5", n, 1, options)


def test_system_reads_events_as_its_network_takes_them(tmp_path: Path) -> None:
    path = public_file(tmp_path / "a.h5", public_rows(2))
    plain, trigger = SYSTEM.read_events(path, "ae"), SYSTEM.read_events(path, "vae-gt")
    assert plain.shape == trigger.shape == (2, 57)
    assert plain[1, 27:30].tolist() == [41 / 32, 1.5, -2.0]
    # 82 half GeV over 2^6; η of 34 steps over 2^4; φ = -2 is 98 of 144 steps: 26 above half a turn, over 2^4.
    assert trigger[1, 27:30].tolist() == [82 / 64, 34 / 16, 26 / 16]
    assert trigger[1, 3:6].tolist() == [0.0, 0.0, -72 / 16]  # no electron: zeros, less the offset of φ


def test_codes_are_those_of_the_public_files() -> None:
    assert [(kind.code, kind.first, kind.most) for kind in KINDS] == [(1, 0, 1), (2, 1, 4), (3, 5, 4), (4, 9, 10)]
