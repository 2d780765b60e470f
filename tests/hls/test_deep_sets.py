"""A Deep Sets encoder with two inputs and two outputs: from its file to firmware, no bit lost on the way."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import hls
from hls.emulation import Emulator
from hls.errors import EventError, UnsupportedError
from hls.events import gather
from hls.figures.reference import measure_reference
from hls.graph import FixedGraph, nodes
from hls.hls4ml_project import write_project
from hls.importing import import_keras
from hls.target import Target

pytestmark = pytest.mark.slow

TOML = """\
[model]
weights = "model.h5"

[target]
part = "xcvu13p-flga2577-2-e"
io_type = "io_stream"

[verify]
witnesses = ["qkeras", "emulator", "csim"]
events = 2000
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The encoder for 6 particles as model.h5 and model.keras, in a project."""
    from tests.deep_sets import encoder

    place = tmp_path_factory.mktemp("deep-sets") / "encoder"
    place.mkdir()
    model = encoder(particles=6, width=5, latents=2, divisor=4)
    for suffix in ("h5", "keras"):
        model.save(place / f"model.{suffix}")
    (place / "project.toml").write_text(TOML, encoding="utf-8")
    return place


@pytest.fixture
def graph(folder: Path) -> FixedGraph:
    return import_keras(folder / "model.h5")


def test_the_sum_is_wires_and_adders(folder: Path, graph: FixedGraph) -> None:
    (total,) = (node for node in graph if isinstance(node, nodes.Pool))
    assert (total.window, total.maximum) == ((6,), False)
    before, after = graph.edges[total.inputs[0]], graph.edges[graph.layers["sum"]]
    # Six numbers of six bits: 6 * 63 = 378 has nine; a quarter of it lies two places lower.
    assert (before.raw_max, after.raw_max, after.type.width) == (63, 378, 9)
    assert after.fraction == before.fraction + 2
    assert graph.output_names == ("mean", "log_variance")
    assert import_keras(folder / "model.keras").digest() == graph.digest()


def test_every_witness_agrees(folder: Path) -> None:
    report = hls.build(folder)
    assert report.passed
    assert {name: told.mismatches for name, told in report.witnesses.items()} == {"emulator": 0, "qkeras": 0, "csim": 0}
    assert all(told.events > 2000 for told in report.witnesses.values())
    assert "nnet::sum_pooling<" in (folder / "build" / "hls" / "firmware" / "encoder.cpp").read_text()


@pytest.mark.parametrize("backend", ["vitis", "vivado", "quartus", "catapult", "oneapi"])
def test_ports_and_kernel_of_every_backend(backend: str, graph: FixedGraph, tmp_path: Path) -> None:
    project = write_project(graph, Target("any", backend, 5.0, "io_parallel"), "net", tmp_path)
    assert [(port.name, port.shape) for port in project.inputs] == [("particles", (6, 4)), ("log10_beta", (1,))]
    assert [(port.name, port.shape) for port in project.outputs] == [("mean", (2,)), ("log_variance", (2,))]
    ours = (tmp_path / "firmware" / "nnet_utils" / "nnet_sum_pooling.h").exists()
    assert ours == (backend != "oneapi")  # whose compiler is nowhere to be had: a product with ones instead


def rewrite(source: Path, target: Path, change: Any) -> Path:
    """A copy of a model file in which ``change`` has been at the configuration of the layer "sum"."""
    target.write_bytes(source.read_bytes())
    with h5py.File(target, "r+") as file:
        model = json.loads(file.attrs["model_config"])
        (layer,) = (entry for entry in model["config"]["layers"] if entry["config"]["name"] == "sum")
        change(layer)
        file.attrs["model_config"] = json.dumps(model)
    return target


@pytest.mark.parametrize("divisor", [3, 0, 0.5, "4"])
def test_a_divisor_of_a_damaged_file_is_refused(divisor: object, folder: Path, tmp_path: Path) -> None:
    file = rewrite(folder / "model.h5", tmp_path / "m.h5", lambda layer: layer["config"].update(divisor=divisor))
    with pytest.raises(UnsupportedError, match=r"layer 'sum': divisor=.*no power of two"):
        import_keras(file)


def test_foreign_layers_are_still_refused_by_name(folder: Path, tmp_path: Path) -> None:
    file = rewrite(folder / "model.h5", tmp_path / "m.h5", lambda layer: layer.update(class_name="theirs>Attention"))
    with pytest.raises(UnsupportedError, match="layer 'sum': class Attention is not supported"):
        import_keras(file)


def test_events_of_both_inputs_come_from_one_file(graph: FixedGraph, tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    arrays: dict[str, Any] = {"particles": rng.normal(size=(20, 6, 4)), "log10_beta": rng.uniform(-6, 1, (20, 1))}
    np.savez(tmp_path / "events.npz", **arrays)
    sample = gather(graph, None, events=None, seed=1, inputs=tmp_path / "events.npz", default=5)
    mean, log_variance = Emulator(graph).run([array[sample.corners :] for array in sample.raw])
    wanted = hls.emulate(graph, arrays)
    assert (np.ldexp(mean, -graph.edges[graph.outputs[0]].fraction) == wanted[0]).all()
    assert (np.ldexp(log_variance, -graph.edges[graph.outputs[1]].fraction) == wanted[1]).all()
    np.savez(tmp_path / "half.npz", particles=arrays["particles"], beta=arrays["log10_beta"])
    with pytest.raises(EventError, match=r"half.npz: has arrays .*; the nearest to 'log10_beta' is 'beta'"):
        gather(graph, None, events=None, seed=1, inputs=tmp_path / "half.npz", default=5)


def test_the_order_of_the_particles_is_nothing_to_the_firmware(graph: FixedGraph) -> None:
    rng = np.random.default_rng(2)
    particles, beta = rng.integers(-128, 128, (300, 6, 4)), rng.integers(-128, 128, (300, 1))
    first = Emulator(graph).run([particles, beta])
    for one, other in zip(first, Emulator(graph).run([particles[:, rng.permutation(6)], beta]), strict=True):
        assert (one == other).all()


def test_a_network_with_two_heads_is_no_chain_of_layers(tmp_path: Path) -> None:
    import keras

    start = keras.Input((4,))
    hidden = keras.layers.Dense(4)(start)
    keras.Model(start, [keras.layers.Dense(4)(hidden), keras.layers.Dense(4)(hidden)]).save(tmp_path / "two.h5")
    keras.Model(start, hidden).save(tmp_path / "one.h5")
    assert measure_reference(tmp_path / "two.h5") is None
    assert measure_reference(tmp_path / "one.h5") is not None


def test_the_published_structure_a_quarter_as_wide_stays_small(tmp_path: Path) -> None:
    """Half a million weights: memory and text grow with their number and no faster (docs/benchmarks.md has all 7.9)."""
    from benchmarks.paper_encoder import fresh, measure_import, measure_project, save_encoder

    save_encoder(tmp_path / "encoder.keras", 256, 64)
    imported = fresh(measure_import, tmp_path / "encoder.keras")
    written = fresh(measure_project, tmp_path / "encoder.keras")
    assert imported["weights"] == 198_656 + 263_424 + 32_896 + 2  # particles, event, both outputs, the division
    assert written["project_mib"] * 2**20 / imported["weights"] < 40
    # Interpreter and libraries are most of it.
    assert imported["import_peak_mib"] < 150
    assert written["project_peak_mib"] < 200
