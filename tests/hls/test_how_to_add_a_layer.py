"""The page that says how to add a layer: its module and entry point, installed outside the tree, do what it says."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import h5py
import numpy as np
import pytest

from hls.emulation import Emulator, emulate
from hls.errors import UnsupportedError
from hls.figures.estimates.hls4ml_route import estimate_hls4ml
from hls.figures.estimates.rtl_route import estimate_rtl
from hls.graph import FixedGraph
from hls.hls4ml_project.layers import lower
from hls.importing import import_keras
from hls.rtl.trace import trace
from hls.target import Target
from tests.packages import install

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "how-to" / "add-a-layer.md").read_text(encoding="utf-8")
TARGET = Target("xcvu13p-flga2577-2-e", "vitis", 5.0)


def block(language: str) -> str:
    """The one fenced block of the page in this language."""
    (text,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return text


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model file with one layer, which only the page knows."""
    layers = [
        {"class_name": "InputLayer", "config": {"name": "x", "batch_input_shape": [None, 2]}},
        {"class_name": "AbsoluteValue", "config": {"name": "size"}},
    ]
    path = tmp_path / "model.h5"
    with h5py.File(path, "w") as store:
        store.attrs["model_config"] = json.dumps({"class_name": "Sequential", "config": {"layers": layers}})
    return path


@pytest.fixture
def graph(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FixedGraph:
    """The graph of that model, with the page's package installed."""
    place = tmp_path / "site-packages"
    install(place, "my-layers", tomllib.loads(block("toml"))["project"]["entry-points"])
    (place / "my_layers.py").write_text(block("python"), encoding="utf-8")
    monkeypatch.syspath_prepend(str(place))
    return import_keras(model, input_type="ap_fixed<6,3>")


def test_without_the_package_the_layer_is_refused(model: Path) -> None:
    with pytest.raises(UnsupportedError, match="'size': class AbsoluteValue is not supported"):
        import_keras(model, input_type="ap_fixed<6,3>")


def test_emulator_and_rtl_compute_it_exactly(graph: FixedGraph) -> None:
    values = np.arange(-32, 32) / 8
    events = np.stack([values, values[::-1]], axis=1)
    np.testing.assert_array_equal(emulate(graph, events), np.abs(events))
    raw = [(events * 8).astype(np.int64)]
    np.testing.assert_array_equal(trace(graph).interpret(raw)[0], Emulator(graph).run(raw)[0])


def test_both_estimates_count_it(graph: FixedGraph) -> None:
    for estimate in (estimate_hls4ml(graph, TARGET), estimate_rtl(graph, 5.0)):
        assert estimate.figures["lut"].value > 0
        assert "Absolute" in estimate.layers[-1].operations


def test_the_room_without_a_rule_refuses_it_by_name(graph: FixedGraph) -> None:
    with pytest.raises(UnsupportedError, match=r"layer 'size': state \(hls.hls4ml_project.lowering\) .* Absolute"):
        lower(graph, TARGET)


def test_the_files_that_the_page_names_exist() -> None:
    rows = re.findall(r"^\| `(hls/[a-z0-9_/]+\.py)`", PAGE, re.MULTILINE)
    assert len(rows) <= 10  # two of them let it be proved, and may be left out
    for row in rows:
        assert (ROOT / row).is_file(), row
