"""In a notebook the Python API shows bars, elsewhere nothing."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

import hls


class Cell:
    """What a notebook shows below a cell: what was displayed, as often as it was drawn."""

    def __init__(self) -> None:
        self.drawn: list[tuple[str, str]] = []

    def display(self, thing: object, display_id: bool) -> Cell:
        assert display_id
        self.update(thing)
        return self

    def update(self, thing: object) -> None:
        self.drawn.append((thing._repr_html_(), repr(thing)))  # type: ignore[attr-defined]


@pytest.fixture
def cell(monkeypatch: pytest.MonkeyPatch) -> Cell:
    """A notebook's IPython, as far as it is asked."""
    found = Cell()
    ipython, shown = ModuleType("IPython"), ModuleType("IPython.display")
    ipython.get_ipython = lambda: SimpleNamespace(config={"IPKernelApp": {}})  # type: ignore[attr-defined]
    shown.display = found.display  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", shown)
    return found


def test_a_build_shows_its_stages(cell: Cell, project: Path, capfd: pytest.CaptureFixture[str]) -> None:
    hls.build(project)
    html, text = cell.drawn[-1]
    assert '<td>emulator</td><td><progress value="463" max="463">' in html
    assert "emulator: 463 of 463 in " in text
    assert capfd.readouterr() == ("", "")


def test_whoever_brings_progress_is_told_alone(cell: Cell, project: Path) -> None:
    told: list[str] = []
    hls.build(project, progress=lambda stage, done, total: told.append(stage))
    assert "emulator" in told
    assert cell.drawn == []


def test_a_terminal_of_ipython_is_no_notebook(
    cell: Cell, project: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys.modules["IPython"], "get_ipython", lambda: SimpleNamespace(config={}))
    hls.build(project)
    assert (cell.drawn, capfd.readouterr()) == ([], ("", ""))
