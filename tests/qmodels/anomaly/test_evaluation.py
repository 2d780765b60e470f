"""The published numbers from the published files: a folder of that layout, one command."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from hls.project.systems.packing import emulated
from qmodels.anomaly.evaluation import Loaded
from qmodels.anomaly.system import SYSTEM
from qmodels.errors import ModelDataError
from qmodels.types import Floats32, Floats64


def hardest_jet(path: Path) -> Loaded:
    """As ``load`` does of a model's file: here a firmware that scores by the first jet's pT."""
    assert path.name == "model.h5"

    def score(inputs: Floats32) -> list[Floats64]:
        return [inputs[:, 27:28].astype(np.float64)]

    return score


def published(path: Path, jets: Floats64) -> None:
    rows = np.zeros((len(jets), 19, 4), np.float32)
    rows[:, 5] = (25.0, 0.3, 1.0, 3)
    rows[:, 9] = (0.0, -1.0, 2.0, 4)
    rows[:, 9, 0] = jets
    with h5py.File(path, "w") as file:
        file["Particles"] = rows


def test_one_command_tells_auc_and_efficiency(tmp_path: Path) -> None:
    (tmp_path / "model.h5").touch()
    published(tmp_path / "background_for_training.h5", np.arange(32.0, 132.0))
    published(tmp_path / "Ato4l_lepFilter_13TeV_filtered.h5", np.array([200.0, 81.5, np.nan, 31.5]))
    page = SYSTEM.evaluate("ae", tmp_path, tmp_path / "out", data=tmp_path, load=hardest_jet)
    text = page.read_text(encoding="utf-8")
    # One signal is above all, one above half of the background, one below: an AUC of one half, and a third passes.
    assert r"| $A \to 4\ell$ | 3 | – | 0.5 | – | 0.3333 | 0 and 0.3333 |" in text
    assert "Ato4l_lepFilter_13TeV_filtered.h5: NaN or infinity: 1 left out" in text
    assert f"firmware {131 / 32:.4g}" in text
    assert (tmp_path / "out" / "roc.png").stat().st_size > 1000


@pytest.mark.slow  # reads a committed model as `qtrigger evaluate` does
def test_committed_firmware_is_evaluated(tmp_path: Path) -> None:
    project = Path(__file__).parents[3] / "firmware_projects" / "anomaly-vae"
    published(tmp_path / "background.h5", np.arange(32.0, 132.0))
    published(tmp_path / "leptoquark_LOWMASS_lepFilter_13TeV_filtered.h5", np.array([500.0, 400.0]))
    page = SYSTEM.evaluate("vae", project, tmp_path / "out", data=tmp_path, load=emulated)
    assert "| 2 | 1 | 1 | 1 | 1 |" in page.read_text(encoding="utf-8")


def test_folders_without_what_is_needed_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelDataError, match=r"no model.h5; train a firmware"):
        SYSTEM.evaluate("ae", tmp_path, tmp_path / "out", data=tmp_path, load=hardest_jet)
    (tmp_path / "model.h5").touch()
    published(tmp_path / "background.h5", np.ones(3))
    with pytest.raises(ModelDataError, match="needs a file of the background and of a signal"):
        SYSTEM.evaluate("ae", tmp_path, tmp_path / "out", data=tmp_path, load=hardest_jet)
    published(tmp_path / "a-to-4l.h5", np.full(2, np.nan))
    with pytest.raises(ModelDataError, match=r"a-to-4l.h5: none of its 2 rows is an event: NaN or infinity 2"):
        SYSTEM.evaluate("ae", tmp_path, tmp_path / "out", data=tmp_path, load=hardest_jet)
    for name in ("a-to-4l.h5", "Ato4l_lepFilter_13TeV.h5"):
        published(tmp_path / name, np.ones(3))
    with pytest.raises(ModelDataError, match="are both of a-to-4l"):
        SYSTEM.evaluate("ae", tmp_path, tmp_path / "out", data=tmp_path, load=hardest_jet)
    with pytest.raises(ModelDataError, match="no folder"):
        SYSTEM.evaluate("ae", tmp_path, tmp_path / "out", data=tmp_path / "x", load=hardest_jet)


def score_of_hardest_jet(inputs: Floats32) -> Floats64:
    return inputs[:, 27:28].astype(np.float64)


def test_fidelity_of_a_file_takes_the_signals_beside_it(tmp_path: Path) -> None:
    background, signal = tmp_path / "background_for_training.h5", tmp_path / "Ato4l_lepFilter_13TeV_filtered.h5"
    published(background, np.arange(32.0, 132.0))
    inputs = SYSTEM.read_events(background, "ae")
    alone = SYSTEM.fidelity_on("ae", tmp_path, score_of_hardest_jet, inputs, path=background)
    assert alone == {"threshold_1khz": {"reference": None, "firmware": 131 / 32, "unit": "score"}}
    published(signal, np.array([200.0, 81.5, np.nan, 31.5]))
    told = SYSTEM.fidelity_on("ae", tmp_path, score_of_hardest_jet, inputs, path=background)
    assert told is not None
    assert told["auc_a_to_4l"]["firmware"] == 0.5
    assert SYSTEM.fidelity_on("ae", tmp_path, score_of_hardest_jet, inputs, path=signal) is None
    assert SYSTEM.fidelity_on("ae", tmp_path, score_of_hardest_jet, inputs, path=None) is None
