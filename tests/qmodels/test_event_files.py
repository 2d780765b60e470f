"""Event files: what is written comes back, and whatever is damaged is named."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from qmodels.errors import ModelDataError
from qmodels.event_files import CHUNK_EVENTS, read_header
from qmodels.event_variables.events import generate
from qmodels.event_variables.system import SYSTEM
from qmodels.event_variables.variants import INPUT_SCALE, VARIANTS, find_variant


@pytest.fixture
def event_file(tmp_path: Path) -> Path:
    path = tmp_path / "events.h5"
    SYSTEM.write_events("semivisible", 1000, 6, path)
    return path


@pytest.mark.parametrize("variant", VARIANTS)
def test_file_holds_the_generated_events(variant: str, tmp_path: Path) -> None:
    path = tmp_path / "events.h5"
    SYSTEM.write_events(variant, 20_000, 6, path)
    assert np.array_equal(SYSTEM.read_events(path, variant), SYSTEM.events(variant, 20_000, 6))
    events = generate(variant, 20_000, 6)
    kind = find_variant(variant)
    with h5py.File(path) as file:
        for index, name in enumerate(kind.parameters):
            assert np.array_equal(file["events"][name], events.parameters[:, index])


def test_columns_units_and_attributes(event_file: Path) -> None:
    with h5py.File(event_file) as file:
        attributes = dict(file.attrs)
        assert set(file["events"]) == {"E_b", "px_b", "py_b", "pz_b", "met_x", "met_y", "m_A", "m_C"}
        assert {str(column.attrs["units"]) for column in file["events"].values()} == {"GeV"}
    columns = list(attributes.pop("input_columns"))
    assert columns == ["E_b", "px_b", "py_b", "pz_b", "met_x", "met_y"]
    assert attributes == {
        "format": "qtrigger-events",
        "system": "event_variables",
        "variant": "semivisible",
        "seed": 6,
        "generator_version": 1,
        "events": 1000,
        "input_scale": 2.0**-9,
    }


def test_header_comes_back(event_file: Path) -> None:
    header = read_header(event_file)
    assert (header.system, header.variant, header.events) == ("event_variables", "semivisible", 1000)
    assert header.parameters == ("m_A", "m_C")
    assert header.input_scale == INPUT_SCALE


def test_progress_reaches_the_total(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    total = 2 * CHUNK_EVENTS + 10
    SYSTEM.write_events("two-body", total, 1, tmp_path / "e.h5", lambda done, of: seen.append((done, of)))
    assert seen == [(CHUNK_EVENTS, total), (2 * CHUNK_EVENTS, total), (total, total)]


def test_a_failed_write_leaves_the_old_file_and_no_other(event_file: Path) -> None:
    before = event_file.read_bytes()

    def stop(done: int, total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        SYSTEM.write_events("pair", 1000, 1, event_file, stop)
    assert event_file.read_bytes() == before
    assert list(event_file.parent.iterdir()) == [event_file]


def test_no_events_are_refused_before_a_file_appears(tmp_path: Path) -> None:
    with pytest.raises(ModelDataError, match="number of events is 0"):
        SYSTEM.write_events("pair", 0, 1, tmp_path / "e.h5")
    assert list(tmp_path.iterdir()) == []


def drop_column(file: h5py.File) -> None:
    del file["events"]["py_b"]


def put_nan(file: h5py.File) -> None:
    file["events"]["pz_b"][17] = np.nan


def shorten(file: h5py.File) -> None:
    del file["events"]["E_b"]
    file["events"].create_dataset("E_b", data=np.zeros(3, np.float32))


def drop_attribute(file: h5py.File) -> None:
    del file.attrs["events"]


def forget_format(file: h5py.File) -> None:
    del file.attrs["format"]


def rescale(file: h5py.File) -> None:
    file.attrs["input_scale"] = 1.0


def drop_group(file: h5py.File) -> None:
    del file["events"]


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (drop_column, "column 'py_b' is missing"),
        (put_nan, "column 'pz_b' is nan in event 17"),
        (shorten, r"column 'E_b' has shape \(3,\)"),
        (drop_attribute, "damaged header"),
        (forget_format, "not an event file"),
        (rescale, "input_scale is 1.0"),
        (drop_group, "damaged header"),
    ],
)
def test_damage_is_named(event_file: Path, damage: Callable[[h5py.File], None], message: str) -> None:
    with h5py.File(event_file, "r+") as file:
        damage(file)
    with pytest.raises(ModelDataError, match=message) as caught:
        SYSTEM.read_events(event_file, "semivisible")
    assert str(event_file) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_other_variant_is_refused(event_file: Path) -> None:
    with pytest.raises(ModelDataError, match="event_variables/pair is asked for"):
        SYSTEM.read_events(event_file, "pair")


def test_missing_truncated_and_foreign_files(event_file: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelDataError, match="no such event file"):
        SYSTEM.read_events(tmp_path / "absent.h5", "semivisible")
    truncated = tmp_path / "truncated.h5"
    truncated.write_bytes(event_file.read_bytes()[:5000])
    with pytest.raises(ModelDataError, match="not an HDF5 file, or a truncated one"):
        SYSTEM.read_events(truncated, "semivisible")
    text = tmp_path / "events.txt"
    text.write_text("E px py pz\n")
    with pytest.raises(ModelDataError, match="not an HDF5 file"):
        SYSTEM.read_events(text, "semivisible")
