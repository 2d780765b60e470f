"""Who computes the same of boosted trees: XGBoost and LightGBM by their leaves, C simulation and RTL."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from hls import import_model
from hls.events import gather
from hls.hls4ml_project import write_project
from hls.target import Target
from hls.verification.build_folder import BuildFolder
from hls.verification.verify import verify
from hls.witnesses import Skipped, default_witnesses, witness
from tests.hls.importing.tree_files import (
    FIRST,
    LIGHTGBM,
    QUARTERS,
    SECOND,
    chain,
    conifer,
    task,
    written,
    xgboost,
)

STRAW = """\
import json, sys
from pathlib import Path
import numpy as np
folder = Path(sys.argv[-1])
assert Path(json.loads((folder / "job.json").read_text())["model"]).is_file()
x = np.load(folder / "input0.npy")
first = np.where(x[:, 0] < 0.5, np.where(x[:, 1] < 0.25, 3, 4), 2)
np.save(folder / "leaves.npy", np.stack([first, np.where(x[:, 1] < 0.6, 1, 2)], axis=1))
(folder / "answer.json").write_text(json.dumps({"version": "XGBoost of straw", "seconds": 0.5}))
"""


def interpreter(folder: Path, program: str) -> Path:
    """One that runs ``program`` whatever it is given."""
    (folder / "straw.py").write_text(program, encoding="utf-8")
    python = folder / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} {folder}/straw.py "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    return python


class TestWitness:
    def test_leaves_are_added_up_as_the_graph_rounds_them(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("QTRIGGER_XGBOOST", str(interpreter(tmp_path, STRAW)))
        path = written(tmp_path / "m.json", xgboost({**FIRST, "split_conditions": [0.5, 0.25, 4.1, 1.0, -2.0]}, SECOND))
        graph = import_model(path, QUARTERS)
        assert "xgboost" in default_witnesses(path)
        sample = gather(graph, None, events=100, seed=1, inputs=None, default=100)
        found = verify(task(graph, path), sample, ["emulator", "xgboost"], required=True, max_events={})
        assert found.agreement == "bit-exact"

    def test_lightgbm_counts_leaves_apart(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        straw = STRAW.replace("x[:, 0] < 0.5", "x[:, 0] <= 0.5").replace(
            "x[:, 1] < 0.25, 3, 4), 2", "x[:, 1] <= 0.25, 0, 1), 2"
        )
        straw = straw.replace("np.where(x[:, 1] < 0.6, 1, 2)]", "np.where(x[:, 1] <= 0.6, 0, 1), 0 * first]")
        python = interpreter(tmp_path, straw)
        monkeypatch.setenv("QTRIGGER_LIGHTGBM", str(python))
        (tmp_path / "m.txt").write_text(LIGHTGBM, encoding="utf-8")
        graph = import_model(tmp_path / "m.txt", QUARTERS)
        assert "lightgbm" in default_witnesses(tmp_path / "m.txt")
        sample = gather(graph, None, events=100, seed=1, inputs=None, default=100)
        found = verify(task(graph, tmp_path / "m.txt"), sample, ["emulator", "lightgbm"], required=True, max_events={})
        assert found.agreement == "bit-exact"

    def test_where_it_cannot_run_it_says_why(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("QTRIGGER_XGBOOST", str(tmp_path / "none"))
        path = written(tmp_path / "m.json", xgboost(SECOND))
        events = [np.zeros((2, 2), np.int64)]
        with pytest.raises(Skipped, match="QTRIGGER_XGBOOST"):
            witness("xgboost", task(import_model(path, QUARTERS), path)).run(events)
        other = written(tmp_path / "c.json", conifer("<"))
        assert "xgboost" not in default_witnesses(other)
        with pytest.raises(Skipped, match="not a file of XGBoost"):
            witness("xgboost", task(import_model(other, QUARTERS), other)).run(events)

    @pytest.mark.slow
    def test_c_simulation_and_rtl_compute_the_same_bits(self, tmp_path: Path) -> None:
        path = written(tmp_path / "m.json", xgboost(chain(5), SECOND))
        graph = import_model(path, QUARTERS)
        project = write_project(graph, Target("xcvu13p-flga2577-2-e", "vitis", 5.0), "trees", tmp_path / "hls4ml")
        build = BuildFolder(tmp_path / "build", tmp_path / "cache")
        sample = gather(graph, None, events=300, seed=1, inputs=None, default=300)
        names = ["emulator", "csim", "rtl"]
        found = verify(task(graph, path, project, build), sample, names, required=True, max_events={})
        assert (found.agreement, found.failures) == ("bit-exact", [])
