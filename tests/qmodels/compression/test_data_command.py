"""``qtrigger data compression``: what it writes, prints and refuses."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hls.cli import main
from qmodels.compression.samples.collision_files import read_collisions
from qmodels.compression.samples.data_command import write_data
from qmodels.compression.samples.selection import Selection
from qmodels.errors import ModelDataError
from qmodels.generation.blocks import KEPT
from tests.qmodels.compression.synthetic import fake_pool
from tests.qmodels.compression.test_readers import EVENTS, write_hepmc, write_root

Ask = Callable[..., tuple[int, str, str]]


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    """Runs ``qtrigger data`` in ``tmp_path``: exit code, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["qtrigger", "data", *arguments])
        with pytest.raises(SystemExit) as left:
            main()
        return (int(left.value.code or 0), *capsys.readouterr())

    return run


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """No PYTHIA: every second event has no muons. The number of processes that were asked for."""
    jobs: list[int] = []

    def pool(wanted: int, scheduler: str | None) -> object:
        jobs.append(wanted)
        return fake_pool([[KEPT, "no pair of muons"] * 3], [])

    monkeypatch.setattr("qmodels.generation.options.open_pool", pool)
    return jobs


@pytest.mark.slow
def test_a_simulated_sample(ask: Ask) -> None:
    code, out, err = ask("compression", "--sample", "hidden-valley", "--events", "2", "--out", "e.h5", "--seed", "4")
    assert code == 0
    assert out.startswith("e.h5: 2 events of compression (hidden-valley), seed 4\n")
    assert "FastJet" not in out + err
    assert read_collisions(Path("e.h5")).header.seed == 4


def test_it_says_what_was_skipped(ask: Ask, quick: list[int]) -> None:
    code, out, err = ask("compression", "--sample", "b-to-ks", "--events", "5", "--out", "e.h5", "--jobs", "3")
    assert (code, quick) == (0, [3])
    assert out == (
        "e.h5: 5 events of compression (b-to-ks), seed 1\n55.6 % of 9 events pass; skipped for no pair of muons: 4\n"
    )
    assert "events: 5 in" in err
    assert dict(read_collisions(Path("e.h5")).header.skipped) == {"no pair of muons": 4}


@pytest.mark.parametrize(
    ("options", "selection"),
    [
        ([], Selection()),
        (["--selection", "published"], Selection(0.0, None, 4.5)),
        (["--selection", "published", "--max-eta", "4"], Selection(0.0, 4.0, 4.5)),
        (["--particle-pt", "1", "--max-eta", "0", "--muon-pt", "3", "--muon-eta", "2"], Selection(1.0, None, 3.0, 2.0)),
    ],
)
def test_selections(ask: Ask, quick: list[int], options: list[str], selection: Selection) -> None:
    assert ask("compression", "--sample", "b-to-ks", "--events", "5", "--out", "e.h5", *options)[0] == 0
    assert read_collisions(Path("e.h5")).header.selection == selection


def test_the_background_keeps_its_muons(ask: Ask, quick: list[int]) -> None:
    assert ask("compression", "--sample", "background", "--events", "5", "--out", "e.h5")[0] == 0
    assert read_collisions(Path("e.h5")).header.selection == Selection(muons=False)


def test_conversions(ask: Ask, tmp_path: Path) -> None:
    write_root(tmp_path / "e.root", EVENTS, "Jet")
    code, out, _ = ask("compression", "--from", "e.root", "--collection", "Jet", "--out", "c.h5")
    assert (code, out) == (
        0,
        "c.h5: 4 events of compression (other), from e.root\n80.0 % of 5 events pass; skipped for no particles: 1\n",
    )
    write_hepmc(tmp_path / "e.hepmc", EVENTS)
    code, out, _ = ask("compression", "--from", "e.hepmc", "--sample", "b-to-ks", "--out", "c.h5")
    assert (code, out.splitlines()[1]) == (0, "20.0 % of 5 events pass; skipped for no pair of muons: 4")
    assert read_collisions(tmp_path / "c.h5").header.selection.muons


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["compression", "--events", "5"],
            "choose one of background, b-to-ks, b-to-ks-1gev, hid",
        ),
        (["compression", "--sample", "background"], "--events is missing"),
        (["compression", "--sample", "qcd", "--events", "5"], "no sample is called 'qcd'"),
        (
            ["compression", "--sample", "background", "--events", "5", "--selection", "paper"],
            "'paper'; choose one of desk",
        ),
        (["compression", "--sample", "background", "--events", "5", "--tree", "T"], "tree goes with a file to convert"),
        (["compression", "--from", "e.root", "--jobs", "2"], "jobs goes with a simulation only"),
        (["compression", "--from", "e.root", "--seed", "2"], "--seed goes with simulated events"),
        (["compression", "--from", "e.root"], "e.root: no such file"),
        (["two-body", "--events", "5", "--sample", "background"], "--sample is no option of system event_variables"),
        (["two-body", "--from", "e.root"], "--from is no option of system event_variables/two-body"),
        (["two-body", "--events", "5", "--max-eta", "1"], "--max-eta is no option"),
        (["two-body"], "--events is missing"),
    ],
)
def test_refusals(ask: Ask, tmp_path: Path, arguments: list[str], message: str) -> None:
    code, out, err = ask(*arguments, "--out", "e.h5")
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    assert (code, out, len(errors)) == (2, "", 1)
    assert message in errors[0]
    assert list(tmp_path.iterdir()) == []


def test_a_cluster_has_its_own_workers(tmp_path: Path) -> None:
    options = {"sample": "background", "jobs": 2, "scheduler": "tcp://127.0.0.1:1"}
    with pytest.raises(ModelDataError, match="jobs and scheduler exclude each other"):
        write_data(tmp_path / "e.h5", 5, 1, options)
