"""HGQ 2 as a witness: which files it speaks for, what it says where it cannot run, and what it is asked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from hls.errors import ToolError
from hls.events import gather
from hls.hls4ml_project import HlsProject
from hls.importing import import_keras
from hls.machine.doctor import examine
from hls.machine.environments import HGQ2
from hls.verification.verify import Verdict, verify
from hls.witnesses import Skipped, Task, default_witnesses, witness
from tests.hls.importing import files

KERNEL = np.array([[0.5, -1.0], [2.0, 0.25], [-0.75, 1.5]], np.float32)
SIX_BITS = {"class_name": "QuantizerConfig", "config": {
    "q_type": "kif", "scaler": None, "round_mode": "TRN", "overflow_mode": "WRAP",
}}  # fmt: skip

FAKE = """\
import json, sys
from pathlib import Path
import numpy as np
*options, worker, folder = sys.argv[1:]
assert options == ["-I", "-W", "ignore"] and Path(worker).is_file(), sys.argv
folder = Path(folder)
job = json.loads((folder / "job.json").read_text())
assert job["framework"] == "hgq" and job["inputs"] == 1 and job["internal_sigmoid"] is None
x = np.load(folder / "input0.npy")
np.save(folder / "output0.npy", x @ np.array(KERNEL, np.float32))
(folder / "answer.json").write_text(json.dumps({"version": "HGQ2 of straw", "seconds": 0.5, "layers": {}}))
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A dense layer of HGQ 2, which reads numbers from -4 to 4 - 1/4."""
    dense = files.layer(
        "QDense", "d", files.tensor("x"), module="hgq.layers", units=2, activation="linear", use_bias=False,
        enable_iq=True, enable_oq=False, iq_conf=SIX_BITS, kq_conf={"config": {"q_type": "dummy"}},
    )  # fmt: skip
    ones = np.ones((1, 3), np.float32)
    weights = {"d": [KERNEL], "d/iq/quantizer": [3 * ones, ones, 2 * ones]}
    return files.write(tmp_path / "h.keras", [files.port("x", 3), dense], "d", weights)


def straw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, program: str, variable: str = "QTRIGGER_HGQ2") -> None:
    """Let an interpreter run ``program`` whatever it is given."""
    (tmp_path / "fake.py").write_text(program, encoding="utf-8")
    python = tmp_path / "python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} {tmp_path}/fake.py "$@"\n', encoding="utf-8")
    python.chmod(0o755)
    monkeypatch.setenv(variable, str(python))


def task(file: Path) -> Task:
    return Task(import_keras(file), file, cast(HlsProject, None))


def verified(file: Path, *names: str, required: bool = False) -> Verdict:
    asked = task(file)
    sample = gather(asked.graph, None, events=50, seed=1, inputs=None, default=50)
    return verify(asked, sample, names, required=required, max_events={})


def test_it_runs_unasked_for_its_own_files_alone(file: Path, model_file: Path) -> None:
    assert default_witnesses(file)[0] == "hgq2"
    assert "hgq2" not in default_witnesses(model_file)


def test_its_numbers_are_compared(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    straw(tmp_path, monkeypatch, FAKE.replace("KERNEL", repr(KERNEL.tolist())))
    verdict = verified(file, "hgq2")
    assert verdict.agreement == "bit-exact"
    run = verdict.results[1].run
    assert run is not None
    assert (run.version, run.seconds, run.events) == ("HGQ2 of straw", 0.5, len(verdict.sample))


def test_a_difference_is_a_failure(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    straw(tmp_path, monkeypatch, FAKE.replace("KERNEL", repr((KERNEL + 0.125).tolist())))
    verdict = verified(file, "hgq2")
    assert verdict.agreement == "differs"
    assert verdict.disagreements[0].witnesses == ("emulator", "hgq2")


def test_without_its_environment_it_says_how_to_make_it(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("QTRIGGER_HGQ2", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    home = tmp_path / "qtrigger" / "hgq2"
    verdict = verified(file, "hgq2")
    reason = (
        f"HGQ 2 is not at {home}/bin/python; python3 -m venv {home} && {home}/bin/pip install -r {HGQ2.requirements}"
    )
    assert (verdict.results[1].reason, verdict.failures) == (reason, [])
    assert verified(file, "hgq2", required=True).failures == [f"witness hgq2 did not run: {reason}"]
    assert HGQ2.pins["hgq2"] == "0.2.0"
    finding = next(finding for finding in examine() if finding.what == "HGQ 2")
    assert (finding.status, finding.cure) == ("warning", reason.partition("; ")[2])


def test_an_interpreter_without_hgq2_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    straw(tmp_path, monkeypatch, "raise SystemExit('No package metadata was found for hgq2')")
    finding = next(finding for finding in examine() if finding.what == "HGQ 2")
    assert finding.status == "bad"
    assert finding.found.endswith("No package metadata was found for hgq2")


def test_other_files_are_not_its_own(file: Path, model_file: Path) -> None:
    with pytest.raises(Skipped, match=r"^not an HGQ 2 file$"):
        witness("hgq2", task(model_file)).run([np.zeros((1, 4), np.int64)])
    with pytest.raises(Skipped, match="an HGQ 2 file, for which the witness hgq2 speaks"):
        witness("qkeras", task(file)).run([np.zeros((1, 3), np.int64)])


def test_a_file_that_hgq2_does_not_load_is_skipped(file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    straw(tmp_path, monkeypatch, "import sys; sys.stderr.write('unknown layer'); sys.exit(3)")
    with pytest.raises(Skipped, match="HGQ 2 does not load this file: unknown layer"):
        witness("hgq2", task(file)).run([np.zeros((1, 3), np.int64)])
    straw(tmp_path, monkeypatch, "import sys; sys.stderr.write('out of memory'); sys.exit(1)")
    with pytest.raises(ToolError, match=r"HGQ 2 failed on the model \(exit 1\): out of memory"):
        witness("hgq2", task(file)).run([np.zeros((1, 3), np.int64)])


SAVE = """\
import sys
import keras, numpy as np
from hgq.config import QuantizerConfigScope
from hgq.layers import QDense
keras.utils.set_random_seed(1)
with QuantizerConfigScope(place="all", q_type="kif", i0=2, f0=3):
    model = keras.Sequential([keras.layers.Input((6,)), QDense(8, activation="relu"), QDense(3)])
model.save(sys.argv[1])
"""
SAVE_VALUES = """\
import sys
import keras, numpy as np
from hgq.layers import QBatchNormDense, QDense, QMaximum, QSoftmax, QUnaryFunctionLUT
from hgq.utils import trace_minmax
keras.utils.set_random_seed(1)
x = keras.layers.Input((6,))
a = QUnaryFunctionLUT("tanh")(QDense(5)(x))
model = keras.Model(x, QSoftmax()(QBatchNormDense(4)(QMaximum()([a, QDense(5, activation="relu")(a)]))))
trace_minmax(model, np.random.default_rng(1).normal(size=(500, 6)).astype(np.float32), verbose=False)
model.save(sys.argv[1])
"""
SAVE_TABLES = """\
import sys
import keras, numpy as np
from hgq.layers import QConvT1D, QDenseT
from hgq.utils import trace_minmax
keras.utils.set_random_seed(1)
layers = [QDenseT(4, n_hl=2, d_hl=3), QConvT1D(3, 2, strides=2, subnn_activation="gelu"), keras.layers.Flatten()]
model = keras.Sequential([keras.layers.Input((4, 2)), *layers, QDenseT(2, batch_norm=True)])
trace_minmax(model, np.random.default_rng(1).normal(size=(500, 4, 2)).astype(np.float32), verbose=False)
model.save(sys.argv[1])
"""


@pytest.mark.slow
@pytest.mark.parametrize("program", [SAVE, SAVE_TABLES, SAVE_VALUES], ids=["dense", "tables", "values"])
@pytest.mark.skipif("QTRIGGER_HGQ2" not in os.environ, reason="QTRIGGER_HGQ2 names no interpreter with HGQ 2")
def test_hgq2_itself(program: str, tmp_path: Path) -> None:
    saved = tmp_path / "real.keras"
    environment = {**os.environ, "KERAS_BACKEND": "tensorflow"}
    subprocess.run([HGQ2.python, "-I", "-c", program, saved], env=environment, check=True)
    verdict = verified(saved, "hgq2", required=True)
    assert (verdict.agreement, verdict.failures) == ("bit-exact", [])
