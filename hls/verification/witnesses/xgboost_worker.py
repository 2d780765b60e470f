"""The process in which XGBoost lives: which leaf of each tree every event of a folder reaches.

Run as ``python xgboost_worker.py FOLDER``, by an interpreter that need not have this package.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np


def main(folder: Path) -> None:
    """Do the job in ``folder``."""
    import xgboost

    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    booster = xgboost.Booster(model_file=job["model"])
    events = xgboost.DMatrix(np.load(folder / "input0.npy"), feature_names=booster.feature_names)
    start = time.perf_counter()
    leaves = booster.predict(events, pred_leaf=True)
    seconds = time.perf_counter() - start
    np.save(folder / "leaves.npy", np.asarray(leaves).reshape(events.num_row(), -1).astype(np.int64))
    answer = {"version": f"XGBoost {xgboost.__version__}", "seconds": seconds}
    (folder / "answer.json").write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
