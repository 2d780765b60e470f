"""The whole chain of commands on top pairs, with next to no steps."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from hls.machine.extras import missing
from hls.project.systems.finding import find_system
from hls.project.systems.packing import emulated
from qmodels.errors import ModelDataError
from qmodels.simulation.pair_files import PairHeader
from qmodels.simulation.system import SYSTEM
from qmodels.simulation.ttbar import events
from qmodels.simulation.ttbar.samples import read_events, write_events
from qmodels.types import Firmware
from tests.hls.cli.asking import Ask, asking
from tests.qmodels.simulation.ttbar.made_up import top_pairs

VARIANT = "ttbar-decoder"
EVENTS = 4500


@pytest.fixture
def ask(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Ask:
    return asking(tmp_path, monkeypatch, capsys)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ttbar") / "top.h5"
    write_events(path, top_pairs(EVENTS), PairHeader("ttbar", EVENTS, EVENTS, {}))
    return path


@pytest.fixture(scope="module")
def trained(data: Path) -> Path:
    out = data.parent / "desk"
    SYSTEM.train(VARIANT, "desk", out, epochs=1, data=data)
    return out


def test_it_is_found_and_its_events_go_by_port(monkeypatch: pytest.MonkeyPatch, data: Path) -> None:
    assert find_system(f"simulation/{VARIANT}").variant == VARIANT
    monkeypatch.setattr(events, "unseen_events", lambda n, seed, sample: top_pairs(n, seed))
    found = SYSTEM.events(VARIANT, 700, 1)
    assert {name: array.shape for name, array in found.items()} == {
        "momenta": (700, 18),
        "energies": (700, 6),
        "noise": (700, 18),
    }
    assert len(np.unique(found["momenta"], axis=0)) == 700
    assert len(SYSTEM.read_events(data, VARIANT)["noise"]) == EVENTS
    with pytest.raises(ModelDataError, match="number of events is 0"):
        SYSTEM.events(VARIANT, 0, 1)


def test_what_it_lacks_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelDataError, match="unknown preset 'lean' of ttbar-decoder: choose one of desk, paper"):
        SYSTEM.train(VARIANT, "lean", tmp_path)
    with pytest.raises(ModelDataError, match="nothing that a scan may vary"):
        SYSTEM.scan_space(VARIANT)
    with pytest.raises(ModelDataError, match="nothing that a scan may vary"):
        SYSTEM.train_point(VARIANT, {}, tmp_path)
    with pytest.raises(ModelDataError, match=r"reference.h5: missing; `qtrigger train simulation` writes it"):
        SYSTEM.evaluate(VARIANT, tmp_path, tmp_path, load=emulated)
    assert SYSTEM.fidelity_on(VARIANT, tmp_path, emulated, {}, path=None) is None  # type: ignore[arg-type]


@pytest.mark.slow
@pytest.mark.skipif(missing("pythia8mc", "fastjet") is not None, reason="PYTHIA is not installed")
def test_the_data_command_counts_its_reasons(ask: Ask, tmp_path: Path) -> None:
    made = ask(
        "data", "simulation", "--sample", "ttbar-partons", "--events", "20", "--jobs", "1", "--out", tmp_path / "t.h5",
        "--json",
    )  # fmt: skip
    told = json.loads(made.out)
    assert (told["sample"], told["events"]) == ("ttbar-partons", 20)
    assert told["generated"] == 20 + sum(told["skipped"].values())
    assert {"more than four jets", "electron not seen"} <= set(told["skipped"])
    copied = ask("data", "simulation", "--from", tmp_path / "t.h5", "--out", tmp_path / "copy.h5", "--json")
    assert json.loads(copied.out)["events"] == 20
    assert np.array_equal(read_events(tmp_path / "copy.h5")[0].x, read_events(tmp_path / "t.h5")[0].x)


@pytest.mark.slow
def test_a_step_from_the_identity_is_near_it(trained: Path) -> None:
    from qmodels.simulation.calling import read_network
    from qmodels.simulation.ttbar.layout import normal_noise, ports

    inputs = ports(top_pairs(300, 5).z, normal_noise(300, 1, 0))
    moved = np.asarray(read_network(trained / "reference.h5")(inputs)) - inputs["momenta"]  # type: ignore[arg-type]
    assert 0.0 < np.abs(moved).max() < 1.0


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["desk", "paper"])
def test_a_resumed_training_ends_with_the_same_bits(
    preset: str, data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dataclasses import replace

    from qmodels.simulation.calling import read_network
    from qmodels.simulation.ttbar import presets
    from qmodels.simulation.ttbar.layout import normal_noise, ports
    from qmodels.training.progress import TrainingProgress

    small = tuple(
        replace(part, stage=replace(part.stage, batch=500), terms=replace(part.terms, slices=4))
        for part in presets.PRESETS[preset].parts
    )
    monkeypatch.setitem(presets.PRESETS, preset, replace(presets.PRESETS[preset], parts=small))
    SYSTEM.train(VARIANT, preset, tmp_path / "whole", epochs=2, data=data)

    def stop(state: TrainingProgress) -> None:
        if state.stage == small[1].stage.label:
            raise KeyboardInterrupt  # in the middle of the second stage

    with pytest.raises(KeyboardInterrupt):
        SYSTEM.train(VARIANT, preset, tmp_path / "halved", epochs=2, data=data, progress=stop)
    SYSTEM.train(VARIANT, preset, tmp_path / "halved", epochs=2, data=data, resume=True)
    inputs = ports(top_pairs(300, 5).z, normal_noise(300, 1, 0))
    for name in ("reference.h5", "partner.h5"):
        one, other = (
            np.asarray(read_network(tmp_path / run / name)(inputs))  # type: ignore[arg-type]
            for run in ("whole", "halved")
        )
        assert np.array_equal(one, other)
    record = json.loads((tmp_path / "halved" / "training.json").read_text())
    assert [stage["epochs"] for stage in record["stages"].values()] == [2, 2]


@pytest.mark.slow
def test_a_page_beside_floor_and_identity_says_what_was_left_out(ask: Ask, trained: Path, tmp_path: Path) -> None:
    strange = top_pairs(2000, 7)
    strange.x[7, 2] = np.inf
    write_events(tmp_path / "strange.h5", strange, PairHeader("ttbar", 2000, 2000, {}))
    shown = ask("evaluate", f"simulation/{VARIANT}", trained, "--data", tmp_path / "strange.h5", "--out", tmp_path)
    assert shown.code == 0, shown.err
    page = (tmp_path / "evaluation.md").read_text()
    assert "|  | floor | identity | float | published |" in page
    assert "Halves of 999, of the events of strange.h5" in page
    assert "Left out: 1 (a number that is not finite).\nLeft out: 1 (last of an odd number)." in page
    rows = {line.split("|")[1].strip(): line for line in page.splitlines() if line.startswith("| ")}
    assert rows["inside x̃′"].startswith("| inside x̃′ | 1.000 | 0.")  # the truth passes, quarks as they are do not
    assert {"SW z̃", "m_jj x̃′", "m_jjj x̃′", "m_T x̃′", "pT jet4 x̃", "m_jj z̃"} <= set(rows)
    assert (tmp_path / "evaluation.png").stat().st_size > 10_000


@pytest.mark.slow
def test_a_quantized_decoder_of_the_folder_has_a_column(trained: Path, data: Path, tmp_path: Path) -> None:
    from qmodels.simulation.calling import read_network

    for name in ("reference.h5", "partner.h5"):
        shutil.copy(trained / name, tmp_path)
    (tmp_path / "model.keras").touch()
    asked: list[Path] = []

    def load(path: Path) -> Firmware:
        asked.append(path)
        return read_network(trained / "reference.h5")

    page = SYSTEM.evaluate(VARIANT, tmp_path, tmp_path, events=400, data=data, load=load).read_text()
    assert asked == [tmp_path / "model.keras"]
    assert "|  | floor | identity | float | firmware | published |" in page
    cells = [line.split(" | ") for line in page.splitlines() if line.startswith("| SW x̃′")]
    assert cells
    assert cells[0][3] == cells[0][4]


@pytest.mark.slow
def test_figures_of_a_build_and_too_few_events(trained: Path, data: Path, tmp_path: Path) -> None:
    from qmodels.simulation.calling import read_network

    found = SYSTEM.fidelity_on(VARIANT, trained, read_network(trained / "reference.h5"), {}, path=data)
    assert found is not None
    assert {"simulated_sw", "simulated_inside", "simulated_mjj_ks", "encoded_sw"} <= set(found)
    # the firmware is the float network here, and its noise is the same
    assert all(metric["reference"] == metric["firmware"] for metric in found.values())
    with pytest.raises(ModelDataError, match=r"4400 of 4500 top pairs cannot be trained on beside the 450"):
        SYSTEM.train(VARIANT, "desk", tmp_path, events=4400, data=data)
    shutil.copy(trained / "reference.h5", tmp_path)
    with pytest.raises(ModelDataError, match=r"partner.h5: missing"):
        SYSTEM.fidelity_on(VARIANT, tmp_path, read_network(trained / "reference.h5"), {}, path=data)
