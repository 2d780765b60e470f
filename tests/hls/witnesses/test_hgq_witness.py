"""HGQ as a witness: its files are its own, its numbers are compared, and its environment needs an older Python."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import numpy as np
import pytest

from hls.machine.doctor import examine
from hls.machine.environments import HGQ
from hls.witnesses import Skipped, default_witnesses, witness
from tests.hls.importing import files
from tests.hls.witnesses.test_hgq2_witness import FAKE, KERNEL, straw, task, verified

ASKED_OF_HGQ = FAKE.replace('== "hgq"', '== "HGQ"')


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A dense layer of HGQ's proxy, which reads numbers from -4 to 4 - 1/4 and wraps them around beyond."""
    proxy = files.layer("FixedPointQuantizer", "q", files.tensor("x"), module="HGQ.proxy", RND="TRN", SAT="WRAP")
    dense = files.layer("Dense", "d", files.tensor("q"), units=2, use_bias=False, activation="linear")
    ones = np.ones((1, 3), np.float32)
    layers = [files.port("x", 3), proxy, dense]
    return files.write(tmp_path / "h.keras", layers, "d", {"q": [ones, 5 * ones, 3 * ones], "d": [KERNEL]})


def test_it_speaks_for_its_own_files_and_qkeras_does_not(file: Path, model_file: Path) -> None:
    assert default_witnesses(file)[:2] == ("hgq", "emulator")
    assert "hgq" not in default_witnesses(model_file)
    with pytest.raises(Skipped, match=r"^not an HGQ file$"):
        witness("hgq", task(model_file)).run([np.zeros((1, 4), np.int64)])
    with pytest.raises(Skipped, match="an HGQ file, for which the witness hgq speaks"):
        witness("qkeras", task(file)).run([np.zeros((1, 3), np.int64)])


@pytest.mark.parametrize(("off", "agreement"), [(0.0, "bit-exact"), (0.125, "differs")])
def test_its_numbers_are_compared(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, off: float, agreement: str
) -> None:
    straw(tmp_path, monkeypatch, ASKED_OF_HGQ.replace("KERNEL", repr((KERNEL + off).tolist())), "QTRIGGER_HGQ")
    assert verified(file, "hgq").agreement == agreement


def test_doctor_makes_its_environment_with_the_python_that_its_tensorflow_knows(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("QTRIGGER_HGQ", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    home = tmp_path / "qtrigger" / "hgq"
    cure = f"python3.11 -m venv {home} && {home}/bin/pip install -r {HGQ.requirements}"
    assert verified(file, "hgq").results[1].reason == f"HGQ is not at {home}/bin/python; {cure}"
    assert (HGQ.pins["HGQ"], HGQ.pins["tensorflow"]) == ("0.2.6", "2.14.1")
    finding = next(finding for finding in examine() if finding.what == "HGQ")
    assert (finding.status, finding.cure) == ("warning", cure)


SAVE = """\
import sys
import numpy as np, tensorflow as tf
from tensorflow import keras
from HGQ import trace_minmax, to_proxy_model
from HGQ.layers import HConv2DBatchNorm, HDense, HQuantize, PFlatten, PReshape
keras.utils.set_random_seed(1)
convolution = HConv2DBatchNorm(4, (2, 2), beta=1e-6, activation="relu")
layers = [
    HQuantize(beta=1e-6, input_shape=(6,)), PReshape((2, 3, 1)), convolution, PFlatten(), HDense(3, beta=1e-6)
]
model = keras.Sequential(layers)
trace_minmax(model, np.random.default_rng(1).normal(size=(200, 6)).astype(np.float32))
to_proxy_model(model).save(sys.argv[1])
"""


@pytest.mark.slow
@pytest.mark.skipif("QTRIGGER_HGQ" not in os.environ, reason="QTRIGGER_HGQ names no interpreter with HGQ")
@pytest.mark.parametrize("name", ["proxy.keras", "proxy.h5"])
def test_hgq_itself(tmp_path: Path, name: str) -> None:
    saved = tmp_path / name
    subprocess.run([HGQ.python, "-I", "-c", SAVE, saved], env={**os.environ}, check=True)
    verdict = verified(saved, "hgq", required=True)
    assert (verdict.agreement, verdict.failures) == ("bit-exact", [])
