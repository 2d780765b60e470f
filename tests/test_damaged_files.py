"""Whatever a user's file holds, it is taken or refused in one line. benchmarks/damaged_files.py tries thousands."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hls.errors import FirmwareError
from tests.damage.kinds import GOOD, KINDS, Kind, outcome, whole, write_damaged

ROOT = Path(__file__).parent.parent


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("kind", KINDS)
def test_damage_never_ends_in_a_traceback(kind: str, tmp_path: Path) -> None:
    found = [outcome(kind, write_damaged(kind, tmp_path, 8, number)) for number in range(12)]
    assert set(found) <= set(GOOD)
    assert "refused" in found


@pytest.mark.parametrize("kind", KINDS)
def test_whole_files_are_taken(kind: str, tmp_path: Path) -> None:
    path = tmp_path / KINDS[kind].name
    KINDS[kind].whole(path)
    assert outcome(kind, path) == "taken"


def test_a_fault_is_none_of_the_good_outcomes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def reads(error: Exception) -> Kind:
        def read(path: Path) -> None:
            raise error

        return Kind("x", Path.touch, lambda content, chance: content, read)

    for error in (FirmwareError("two\nlines"), KeyError("x"), MemoryError()):
        monkeypatch.setitem(KINDS, "mine", reads(error))
        assert outcome("mine", tmp_path / "x") not in GOOD


def test_the_same_number_is_the_same_damage(tmp_path: Path) -> None:
    first, again, other = (write_damaged("packets .qtb", tmp_path, 1, number).read_bytes() for number in (3, 3, 4))
    assert first == again != other
    assert first != whole("packets .qtb")


@pytest.mark.slow
def test_the_command() -> None:
    command = [sys.executable, "benchmarks/damaged_files.py", "--files", "20", "--jobs", "1"]
    done = subprocess.run([*command, "--only", "packets .qtb"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert "20 files, 0 faults" in done.stdout
