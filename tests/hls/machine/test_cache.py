"""Results that are slow to make: whole, found again, and forgotten in time."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hls.machine import cache
from hls.machine.cache import cached_folder, digest, users_cache, users_folder


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


def test_what_all_projects_need_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """By one of several at a time, which the others find."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "users"))
    made: list[Path] = []

    def fill(folder: Path) -> None:
        made.append(folder)
        time.sleep(0.2)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda n: users_folder("tool", tmp_path / f"project{n}", "key", fill), range(4)))
    assert len(made) == 1
    assert set(found) == {tmp_path / "users" / "qtrigger" / "tool" / "key"}
    assert [path.name for path in tmp_path.iterdir()] == ["users"]


def test_where_the_users_cache_cannot_be_written_the_projects_serves(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert users_folder("tool", tmp_path / "project", "key", lambda place: None) == tmp_path / "project" / "key"


def test_the_users_cache_is_where_the_user_says(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert users_cache("tool") == tmp_path / ".cache" / "qtrigger" / "tool"
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", "there")
    assert users_cache("tool") == tmp_path / "there" / "qtrigger" / "tool"
