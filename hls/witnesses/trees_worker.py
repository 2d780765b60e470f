"""The process in which XGBoost or LightGBM lives: which leaf of each tree every event of a folder reaches.

Run as ``python trees_worker.py FOLDER``, by an interpreter that need not have this package.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np


def main(folder: Path) -> None:
    """Do the job in ``folder``."""
    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    events = np.load(folder / "input0.npy")
    reached, version, seconds = _LIBRARIES[job["library"]](job["model"], events)
    np.save(folder / "leaves.npy", np.asarray(reached).reshape(len(events), -1).astype(np.int64))
    answer = {"version": version, "seconds": seconds}
    (folder / "answer.json").write_text(json.dumps(answer), encoding="utf-8")


def _xgboost(file: str, events: Any) -> tuple[Any, str, float]:
    import xgboost

    booster = xgboost.Booster(model_file=file)
    given = xgboost.DMatrix(events, feature_names=booster.feature_names)
    start = time.perf_counter()
    reached = booster.predict(given, pred_leaf=True)
    return reached, f"XGBoost {xgboost.__version__}", time.perf_counter() - start


def _lightgbm(file: str, events: Any) -> tuple[Any, str, float]:
    import lightgbm

    booster = lightgbm.Booster(model_file=file)
    start = time.perf_counter()
    reached = booster.predict(events, pred_leaf=True)
    return reached, f"LightGBM {lightgbm.__version__}", time.perf_counter() - start


_LIBRARIES = {"xgboost": _xgboost, "lightgbm": _lightgbm}


if __name__ == "__main__":
    main(Path(sys.argv[1]))
