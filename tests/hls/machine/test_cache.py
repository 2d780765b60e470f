"""Results that are slow to make: whole, found again, and forgotten in time."""

from __future__ import annotations

from pathlib import Path

import pytest

from hls.machine import cache
from hls.machine.cache import cached_folder, digest


def test_filled_once(tmp_path: Path) -> None:
    calls = []

    def fill(folder: Path) -> None:
        calls.append(folder)
        (folder / "result").write_text("42")

    folders = [cached_folder(tmp_path / "deep", "key", fill) for _ in range(3)]
    assert len(calls) == 1
    assert {folder / "result" for folder in folders} == {tmp_path / "deep/key/result"}
    assert (folders[0] / "result").read_text() == "42"


def test_what_failed_or_was_killed_is_made_again(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached_folder(tmp_path, "key", fail)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "key").mkdir()
    (tmp_path / "key" / "half").touch()  # killed between two steps of an older release, say
    folder = cached_folder(tmp_path, "key", lambda place: (place / "whole").touch())
    assert (folder / "whole").exists()
    assert not (folder / "half").exists()


def test_the_oldest_are_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "_KEPT", 2)
    for key in "abc":
        cached_folder(tmp_path, key, lambda place: None)
        if key != "c":
            cached_folder(tmp_path, "a", lambda place: None)  # used all the time
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "c"]


def test_digest_tells_where_one_part_ends(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("b")
    assert digest(["a", file]) == digest(["a", "b"]) != digest(["ab"])
    assert digest(["ab", ""]) != digest(["a", "b"])
