"""What several tests share: a small network as a file, and as a project."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hls.machine.extras import EXTRAS
from tests.hdf5_trier import trier
from tests.models import write_model

TOML = """\
[model]
weights = "model.h5"

[target]
part = "xcvu13p-flga2577-2-e"

[verify]
witnesses = ["emulator"]
events = 300
"""


@pytest.fixture(autouse=True)
def no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Output is as wide as in a file: readline tells the processes of a parallel run that they have 80 columns."""
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.delenv("LINES", raising=False)


@pytest.fixture(autouse=True, scope="session")
def hdf5_tried_by_a_small_process() -> Iterator[None]:
    """HDF5 files are tried as ever, by a copy of a process that holds no more than that takes."""
    with trier() as tried, pytest.MonkeyPatch.context() as patch:
        patch.setattr("hls.machine.hdf5._try", tried)
        yield


@pytest.fixture
def model_file(tmp_path: Path) -> Path:
    """A QKeras model of 4 inputs and 2 outputs."""
    return write_model(tmp_path / "tiny.h5")


@pytest.fixture
def make_project(tmp_path: Path) -> Callable[..., Path]:
    """Writes a project folder; ``toml`` is its project.toml, ``name`` its folder."""

    def make(toml: str = TOML, name: str = "tiny") -> Path:
        folder = tmp_path / name
        folder.mkdir(parents=True)
        write_model(folder / "model.h5")
        (folder / "project.toml").write_text(toml, encoding="utf-8")
        return folder

    return make


@pytest.fixture
def project(make_project: Callable[..., Path]) -> Path:
    """A project that only the emulator verifies, so that it builds in a moment."""
    return make_project()


@pytest.fixture
def without(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Makes packages, named as pip does, absent: they cannot be found, nor imported again where they were already."""

    def hide(*packages: str) -> None:
        modules = {module for extra in EXTRAS for name, module in extra.packages.items() if name in packages}
        for name in list(sys.modules):
            if name.partition(".")[0] in modules:
                monkeypatch.delitem(sys.modules, name)
        for module in modules:
            monkeypatch.setitem(sys.modules, module, None)

    return hide
