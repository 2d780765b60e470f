"""`new` of a plain network names the command that gives it types."""

from __future__ import annotations

import shlex
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from hls.cli.app import app
from hls.errors import UnsupportedError
from hls.project.quantizing.offer import quantize_command
from tests.hls.importing import files


def written_by_hand(path: Path) -> Path:
    rng = np.random.default_rng(4)
    weights = {"d": [rng.normal(0, 0.5, (3, 2)), rng.normal(0, 0.1, 2)]}
    dense = files.layer("Dense", "d", files.tensor("x"), units=2, use_bias=True, activation="softmax")
    return files.write(path, [files.port("x", 3), dense], "d", weights)


def offered(directory: Path) -> str:
    """What `new` says of a plain network and its events, whose names have spaces."""
    np.save(directory / "my events.npy", np.random.default_rng(5).normal(size=(500, 3)).astype(np.float32))
    model = written_by_hand(directory / "my model.keras")
    words = ["new", "mine", "--part", "xcvu13p-flga2577-2-e", "--events", str(directory / "my events.npy")]
    refused = CliRunner().invoke(app, [*words, "--model", str(model)])
    assert isinstance(refused.exception, UnsupportedError)
    assert str(refused.exception).endswith("`")
    return str(refused.exception)[:-1].rpartition("`")[2]


def test_new_offers_the_whole_command_that_makes_types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    model, events = tmp_path / "my model.keras", tmp_path / "my events.npy"
    assert offered(tmp_path) == f"qtrigger quantize '{model}' --events '{events}' --out 'my model_quantized.keras'"


def test_a_network_that_quantize_would_refuse_gets_no_such_offer(tmp_path: Path) -> None:
    model = files.write(tmp_path / "model.keras", [files.port("x", 2), files.activation("o", "relu", "x")], "o")
    assert quantize_command(model, tmp_path / "x.npy") is None
    assert quantize_command(tmp_path / "absent.keras", tmp_path / "x.npy") is None


@pytest.mark.slow
def test_the_offered_command_makes_a_network_that_new_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = shlex.split(offered(tmp_path))
    assert words[0] == "qtrigger"
    assert CliRunner().invoke(app, words[1:]).exit_code == 0
    again = ["new", "mine", "--part", "xcvu13p-flga2577-2-e", "--model", words[-1], "--events", words[4]]
    assert CliRunner().invoke(app, again).exit_code == 0
    assert (tmp_path / "firmware_projects" / "mine" / "project.toml").is_file()
