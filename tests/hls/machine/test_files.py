"""What is written appears whole or not at all, and only where a file may be; text is taken from any editor."""

from __future__ import annotations

import errno
import io
import os
import platform
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pytest

from hls.errors import FirmwareError, ProjectError
from hls.machine.disk import disk_errors
from hls.machine.files import read_json, read_text, require_place, whole_file, whole_folder, write_text
from hls.machine.hdf5 import read_hdf5, whole_hdf5


def dead_process() -> int:
    """The PID of a process that has ended."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    write_text(path, "one")
    with pytest.raises(KeyError), whole_file(path) as draft:
        draft.write_text("half")
        raise KeyError
    assert [file.name for file in tmp_path.iterdir()] == ["a.txt"]
    assert path.read_text() == "one"


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    link = tmp_path / "link.txt"
    link.symlink_to(tmp_path / "far" / "real.txt")
    write_text(link, "one")
    assert link.is_symlink()
    assert (tmp_path / "far" / "real.txt").read_text() == "one"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("/dev/full", "no file but a device"),
        ("fifo", "a pipe"),
        (".", "is a folder"),
        ("circle", "in a circle"),
        ("file/below", "is no folder"),
        ("/proc/new", "no such file"),
        ("x" * 300, "too long"),
    ],
)
def test_what_is_no_file_is_refused_and_stays(name: str, why: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    (tmp_path / "file").touch()
    before = sorted(tmp_path.iterdir())
    with pytest.raises(FirmwareError, match=why):
        require_place(tmp_path / name)
    with pytest.raises(FirmwareError, match=why) as raised, whole_file(tmp_path / name):
        raise AssertionError("never written")
    assert "partial" not in str(raised.value)
    assert sorted(tmp_path.iterdir()) == before
    assert Path("/dev/full").is_char_device()


def test_a_place_that_can_be_written_stays_as_it_is(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "one")
    require_place(tmp_path / "a")
    require_place(tmp_path / "new" / "b")
    require_place(Path("/dev/full"), text=True)
    assert (tmp_path / "a").read_text() == "one"
    assert list((tmp_path / "new").iterdir()) == []


def test_text_goes_into_a_device_as_it_comes() -> None:
    write_text(Path("/dev/null"), "one")
    assert Path("/dev/null").is_char_device()
    with pytest.raises(FirmwareError, match=r"/dev/full: the disk is full"):
        write_text(Path("/dev/full"), "one")


def test_names_as_long_as_a_file_system_takes(tmp_path: Path) -> None:
    write_text(tmp_path / ("ä" * 127), "one")
    assert [file.read_text() for file in tmp_path.iterdir()] == ["one"]


def test_drafts_of_the_dead_are_cleared_and_no_others(tmp_path: Path) -> None:
    dead = dead_process()
    for name in (f".a.txt.{dead}.partial", f".a.txt.{dead}.{platform.node()}.partial.h5"):
        (tmp_path / name).touch()
    kept = {".a.txt.1.partial", f".a.txt.{dead}.another-machine.partial", f".b.txt.{dead}.partial", ".a.txt.partial"}
    for name in kept:
        (tmp_path / name).touch()
    write_text(tmp_path / "a.txt", "one")
    assert {file.name for file in tmp_path.iterdir()} == kept | {"a.txt"}
    (tmp_path / f".folder.{dead}.partial").mkdir()
    with whole_folder(tmp_path / "folder") as draft:
        (draft / "x").touch()
    assert {file.name for file in tmp_path.iterdir()} == kept | {"a.txt", "folder"}


@pytest.fixture
def small_files() -> Iterator[None]:
    """Files may not grow beyond 64 KiB, which is refused as a full disk is."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 16, limits[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.mark.usefixtures("small_files")
def test_hdf5_on_a_full_disk(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(FirmwareError, match=r"x\.h5: the file grows beyond"), whole_hdf5(tmp_path / "x.h5") as file:
        for name in "abc":
            file.create_dataset(name, data=np.random.default_rng(1).random(9000), chunks=(900,), compression="lzf")
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr().err == ""  # HDF5 would complain for every dataset


def test_a_heap_that_hdf5_walks_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hls.machine.hdf5._SECONDS", 1)
    path = tmp_path / "x.h5"
    with whole_hdf5(path) as file:
        file.attrs.update(first="a text", second="another")
    with read_hdf5(path) as file:
        assert file.attrs["second"] == "another"
    content = path.read_bytes()
    heap = content.index(b"GCOL")
    second = heap + 16 + 16 + 8  # behind the first entry, whose text fills 8 bytes
    assert content[second] == 2
    damaged = content[:second] + bytes(16) + content[second + 16 :]
    path.write_bytes(damaged)
    for source in (path, io.BytesIO(damaged)):
        with pytest.raises(OSError, match="HDF5 itself fails on it"):
            read_hdf5(source)


def test_hdf5_is_as_h5py_writes_it(tmp_path: Path) -> None:
    values = np.arange(12.0).reshape(3, 4)
    with whole_hdf5(tmp_path / "x.h5") as file:
        file["a"] = values
    with h5py.File(tmp_path / "x.h5") as file:
        assert (file["a"][()] == values).all()


def test_what_hdf5_says_of_the_system_is_understood() -> None:
    text = "Can't close file (file write failed: errno = 28, error message = 'No space left on device', buf = 0x5)"
    with pytest.raises(FirmwareError, match=r"^x\.h5: the disk is full"), disk_errors(Path("x.h5")):
        raise RuntimeError(text)


def test_what_shutil_says_of_a_whole_folder_is_understood() -> None:
    with pytest.raises(FirmwareError, match=r"^x: the disk is full"), disk_errors(Path("x")):
        raise shutil.Error([("a", "b", "[Errno 28] No space left on device: 'b'")])


def test_an_error_names_its_own_file_unless_that_is_a_draft(tmp_path: Path) -> None:
    with pytest.raises(FirmwareError, match=r"^other: no such file"), disk_errors(tmp_path):
        raise OSError(errno.ENOENT, "", "other")
    draft = tmp_path / ".a.partial"
    with pytest.raises(FirmwareError, match=r"^mine: the disk is full"), disk_errors(Path("mine"), draft):
        raise OSError(errno.ENOSPC, "", str(draft / "inner"))
    with pytest.raises(FirmwareError, match="not enough memory"), disk_errors(tmp_path):
        raise MemoryError


def test_text_of_any_editor(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b"\xef\xbb\xbf[1]")
    assert read_json(path) == [1]
    for encoding in ("utf-16", "utf-16-be", "latin-1"):
        path.write_text("\ufeff\n[1]" if encoding == "utf-16-be" else '\n["ä"]', encoding=encoding)
        with pytest.raises(ProjectError, match=r"a\.json: .*save .* as UTF-8"):
            read_text(path)


@pytest.mark.parametrize("content", ["", "{", "[" * 100_000, "9" * 5000, '{"a": 1,}', "\x00"])
def test_no_json_is_refused_in_one_line(content: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(content)
    with pytest.raises(ProjectError) as raised:
        read_json(path)
    assert str(path) in str(raised.value)
    assert "\n" not in str(raised.value)
