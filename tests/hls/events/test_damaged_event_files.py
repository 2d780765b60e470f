"""Event files that are damaged, or in which values are missing: one line each that names the file."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from hls.errors import EventError
from hls.events import Array, read_events
from hls.events.event_file import LARGEST_BYTES
from hls.machine.hdf5_holes import lacks

GOOD = np.random.default_rng(1).normal(size=(40, 4)).astype("f4")


def event_array(path: Path, port: str = "x") -> Array:
    return read_events(path, {port: (4,)}).inputs[port]


def refused(path: Path) -> str:
    with pytest.raises(EventError) as raised:
        event_array(path)
    message = str(raised.value)
    assert "\n" not in message
    assert path.name in message
    return message


def npy(header: str, content: bytes = GOOD.tobytes(), version: int = 1) -> bytes:
    text = header.encode("latin1") + b"\n"
    size = struct.pack("<H" if version == 1 else "<I", len(text))
    return np.lib.format.MAGIC_PREFIX + bytes([version, 0]) + size + text + content


def described(shape: str, descr: str = "'<f4'") -> str:
    return f"{{'descr': {descr}, 'fortran_order': False, 'shape': {shape}, }}"


HEADERS = {
    "more events than follow": described("(41, 4)"),
    "negative": described("(-1, 4)"),
    "twice negative": described("(-40, -4)"),
    "huge": described("(1000000000000, 4)"),
    "beyond int64": described(f"({1 << 62}, 4)"),
    "beyond any integer": described(f"({10**30}, 4)"),
    "zero times huge": described(f"(0, {1 << 70})"),
    "a float": described("(40.0, 4)"),
    "no tuple": described("40"),
    "objects": described("(40, 4)", "'|O'"),
    "text": described("(40, 4)", "'<U1'"),
    "more records than follow": described("(41,)", "[('x', '<f4', (4,))]"),
    "records of objects": described("(40,)", "[('x', '|O'), ('y', '<f4')]"),
    "records of nothing": described("(1000000000000,)", "[('x', '<f4', (0,))]"),
    "records that are no list": described("(40,)", "[('x',)]"),
    "nothing of no size": described("(1000000000000, 4)", "'|V0'"),
    "unknown type": described("(40, 4)", "'<q9'"),
    "type of another kind": described("(40, 4)", "()"),
    "type that is a number": described("(40, 4)", "7"),
    "no literal": "{'descr': open('x')}",
    "no dictionary": "[1, 2]",
    "unclosed": "{'descr': '<f4', 'shape': (40,",
    "unclosed text": "{'descr': '<f4",
    "nested": "(" * 5000,
    "nothing": "",
    "zeros": "\0" * 40,
    "other keys": "{'shape': (40, 4)}",
}


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
@pytest.mark.parametrize("kind", ["npy", "npz"])
def test_damaged_headers(header: str, kind: str, tmp_path: Path) -> None:
    path = tmp_path / f"events.{kind}"
    if kind == "npy":
        path.write_bytes(npy(header))
    else:
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("x.npy", npy(header))
    refused(path)


def test_every_cut_and_every_changed_byte_of_a_header_is_told_in_a_line(tmp_path: Path) -> None:
    stream = io.BytesIO()
    np.save(stream, GOOD[:3])
    whole, path = stream.getvalue(), tmp_path / "events.npy"
    for place in range(128):
        for content in (whole[:place], whole[:place] + bytes([whole[place] ^ 0x15]) + whole[place + 1 :]):
            path.write_bytes(content)
            try:
                event_array(path)
            except EventError as error:
                assert "\n" not in str(error)


def test_zip_files_that_are_broken(tmp_path: Path) -> None:
    path = tmp_path / "events.npz"
    np.savez_compressed(path, x=np.zeros((4000, 4)) + np.arange(4))
    whole = path.read_bytes()
    inside = whole.index(b"x.npy") + len(b"x.npy") + 40
    path.write_bytes(whole[:inside] + b"\xff\x13\x77" + whole[inside + 3 :])
    refused(path)  # zlib
    path.write_bytes(whole[: len(whole) // 2])
    refused(path)
    path.write_bytes(whole[:4])
    refused(path)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("notes.txt", "no array")
    refused(path)
    encrypted = bytearray(whole)
    for start in (b"PK\x03\x04", b"PK\x01\x02"):
        flags = whole.index(start) + (6 if start == b"PK\x03\x04" else 8)
        encrypted[flags] |= 1
    path.write_bytes(encrypted)
    assert "encryp" in refused(path)
    strange = bytearray(whole)
    for start in (b"PK\x03\x04", b"PK\x01\x02"):
        method = whole.index(start) + (8 if start == b"PK\x03\x04" else 10)
        strange[method] = 77
    path.write_bytes(strange)
    refused(path)


def test_more_than_any_verification_takes(tmp_path: Path) -> None:
    """Before any memory is asked for: the file is as long as it says, and empty."""
    path = tmp_path / "events.npy"
    events = LARGEST_BYTES // 16 + 1
    with path.open("wb") as file:
        file.write(npy(described(f"({events}, 4)"), b""))
        file.truncate(file.tell() + 16 * events)
    assert "declares 4 GiB of events, no more than 4 are read" in refused(path)


def test_memory_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise MemoryError

    path = tmp_path / "events.npy"
    np.save(path, GOOD)
    monkeypatch.setattr(np.lib.format, "read_array", full)
    assert "do not fit into memory" in refused(path)


@pytest.mark.parametrize("name", ["events", "events.h5", "events.dat"])
def test_formats_are_told_by_content(name: str, tmp_path: Path) -> None:
    save: Any
    for save in (np.save, np.savez):
        with (tmp_path / name).open("wb") as file:
            save(file, GOOD)
        np.testing.assert_array_equal(event_array(tmp_path / name), GOOD)


def test_hdf5_called_npy_is_hdf5(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "events.npy", "w") as file:
        file["x"] = GOOD
    np.testing.assert_array_equal(event_array(tmp_path / "events.npy"), GOOD)


def virtual(
    file: h5py.File, source: Path | str, dataset: str = "x", size: int = 40, taken: slice | None = None
) -> None:
    layout = h5py.VirtualLayout((40, 4), "f4")
    whole = h5py.VirtualSource(str(source), dataset, (size, 4))
    layout[: 40 if taken is None else 20] = whole if taken is None else whole[taken]
    file.create_virtual_dataset("x", layout)


def external(folder: Path) -> list[tuple[str, int, int]]:
    (folder / "raw").write_bytes(b"head" + GOOD.tobytes())
    return [(str(folder / "raw"), 4, GOOD.nbytes)]


def self_reading(file: h5py.File) -> None:
    """Too large to be tried before; of a small one HDF5 is found to fail."""
    shape = (1 << 17, 4)
    layout = h5py.VirtualLayout(shape, "f4")
    layout[:] = h5py.VirtualSource(".", "x", shape)
    file.create_virtual_dataset("x", layout)


def chunked(file: h5py.File, **options: Any) -> None:
    file.create_dataset("x", (40, 4), "f4", chunks=(7, 3), **options)[:20] = GOOD[:20]


def behind(file: h5py.File, source: Path) -> None:
    """A virtual dataset of a virtual dataset."""
    with h5py.File(source.with_name("between.h5"), "w") as between:
        virtual(between, source)
    virtual(file, "between.h5")


def filled(file: h5py.File) -> None:
    file["x"] = np.where(np.arange(40)[:, None] == 3, np.float32(-999), GOOD)
    file["x"].attrs["_FillValue"] = np.array([-999], "f4")


def masked(file: h5py.File, name: str) -> None:
    file["x"] = GOOD
    file[name] = np.arange(40) == 3


HOLES: dict[str, tuple[Callable[[h5py.File, Path], None], str]] = {
    "never written": (lambda file, _: file.create_dataset("x", (40, 4), "f4"), "was never written"),
    "no chunk written": (lambda file, _: file.create_dataset("x", (40, 4), chunks=True), "was never written"),
    "some chunks": (lambda file, _: chunked(file), "was in part never written"),
    "some chunks packed": (lambda file, _: chunked(file, compression="gzip"), "was in part never written"),
    "no file": (lambda file, _: virtual(file, "gone.h5"), "its source gone.h5 is not there"),
    "no dataset": (lambda file, home: virtual(file, home / "a.h5", "y"), "has no dataset y"),
    "no dataset here": (lambda file, _: virtual(file, ".", "y"), "has no dataset y"),
    "never written there": (lambda file, home: virtual(file, home / "a.h5", "never"), "was never written"),
    "behind another": (lambda file, home: behind(file, home / "gone.h5"), "gone.h5 is not there"),
    "half of it": (lambda file, home: virtual(file, home / "a.h5", taken=slice(0, 20)), "for 80 of its 160 values"),
    "cut": (lambda file, home: virtual(file, home / "a.h5", "cut", taken=slice(20, 40)), "shorter than what is read"),
    "itself": (lambda file, _: self_reading(file), "reads itself"),
    "a fill value": (lambda file, _: filled(file), "holds its _FillValue"),
    "a mask": (lambda file, _: masked(file, "mask"), "'mask' masks values of 'x'"),
    "its mask": (lambda file, _: masked(file, "x_mask"), "'x_mask' masks values of 'x'"),
}


@pytest.mark.parametrize("name", HOLES)
def test_what_hdf5_would_fill_in(name: str, tmp_path: Path) -> None:
    make, message = HOLES[name]
    with h5py.File(tmp_path / "a.h5", "w") as source:
        source["x"] = GOOD
        source.create_dataset("never", (40, 4), "f4")
        source.create_dataset("cut", data=GOOD[:30], maxshape=(None, 4))
    with h5py.File(tmp_path / "events.h5", "w") as file:
        make(file, tmp_path)
    assert message in refused(tmp_path / "events.h5")


def test_external_files_that_are_cut_or_gone(tmp_path: Path) -> None:
    path = tmp_path / "events.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (40, 4), "f4", external=external(tmp_path))
    np.testing.assert_array_equal(event_array(path, "y"), GOOD)
    (tmp_path / "raw").write_bytes(b"head" + GOOD.tobytes()[:-1])
    assert "is too short" in refused(path)
    (tmp_path / "raw").unlink()
    assert "is not there" in refused(path)


def test_hdf5_that_is_whole(tmp_path: Path) -> None:
    """Chunks, filters, virtual datasets of this file and of others; masks that mask nothing."""
    path = tmp_path / "events.h5"
    with h5py.File(tmp_path / "a.h5", "w") as source:
        source["x"] = GOOD
    makers: list[Callable[[h5py.File], Any]] = [
        lambda file: file.create_dataset("x", data=GOOD, chunks=(7, 3), compression="gzip", shuffle=True),
        lambda file: virtual(file, "a.h5"),
        lambda file: virtual(file, ".", file.create_dataset("y", data=GOOD).name),
        lambda file: [file.create_dataset("x", data=GOOD), file.create_dataset("mask", data=np.zeros(40, bool))],
        lambda file: file.create_dataset("x", data=GOOD).attrs.create("_FillValue", -999.0),
        lambda file: file.create_dataset("x", data=GOOD, external=external(tmp_path)),
    ]
    for make in makers:
        with h5py.File(path, "w") as file:
            make(file)
        np.testing.assert_array_equal(event_array(path), GOOD)


def test_what_hdf5_holds_that_is_no_array(tmp_path: Path) -> None:
    path = tmp_path / "events.h5"
    with h5py.File(path, "w") as file:
        file["x"] = h5py.Empty("f4")
    assert "dataset '/x' is empty" in refused(path)


def test_a_chunk_without_content_is_not_handed_to_hdf5(tmp_path: Path) -> None:
    """It would end the process: libhdf5 takes the checksum off the end of nothing."""
    path = tmp_path / "events.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=GOOD, chunks=(7, 3), compression="gzip", fletcher32=True)
        chunk = file["x"].id.get_chunk_info(0)
    whole = bytearray(path.read_bytes())
    place = whole.index(struct.pack("<II", chunk.size, 0) + bytes(8))  # the key of the chunk: size, mask, offset
    whole[place] = 0
    path.write_bytes(whole)
    with h5py.File(path) as file:  # a dataset as small as this one is tried by a child, too
        assert lacks(file["x"]) == "dataset '/x' has a chunk without content"
    refused(path)


def test_hdf5_that_declares_too_much(tmp_path: Path) -> None:
    path = tmp_path / "events.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("x", (LARGEST_BYTES // 2, 4), "f4", chunks=(LARGEST_BYTES // 16 - 1, 1), fillvalue=0)
    assert "never written" in refused(path)
