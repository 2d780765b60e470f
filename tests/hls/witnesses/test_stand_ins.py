"""Layers of packages that are not here, under QKeras: a file of Keras 2 with weights pruned, edges made of nodes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

import h5py
import numpy as np
import pytest

from hls.hls4ml_project import HlsProject
from hls.importing import import_keras
from hls.witnesses import Task, witness

SENDERS = np.array([[0, 1, 0], [0, 0, 1], [1, 0, 0], [0, 0, 1], [1, 0, 0], [0, 1, 0]], np.float32)[None]


def entry(kind: str, name: str, source: str | None, **config: Any) -> dict[str, Any]:
    inbound = [] if source is None else [[[source, 0, 0, {}]]]
    return {"class_name": kind, "name": name, "config": {"name": name, **config}, "inbound_nodes": inbound}


def pruned(name: str, source: str, kind: str, **config: Any) -> dict[str, Any]:
    layer = {"class_name": kind, "config": {"name": f"own_{name}", **config}}
    schedule = {"class_name": "PolynomialDecay", "config": {"begin_step": 0, "end_step": 10}}
    more = {"pruning_schedule": schedule, "block_size": [1, 1], "block_pooling_type": "AVG"}
    return entry("PruneLowMagnitude", name, source, layer=layer, **more)


def pruned_interaction(path: Path) -> Path:
    """Of three nodes the six edges' senders, times 1/2 and less 1/4, all of them in a row."""
    bits = "quantized_bits(6,3,alpha=1)"
    layers = [
        entry("InputLayer", "x", None, batch_input_shape=[None, 3, 1]),
        entry("QActivation", "q", "x", activation=bits),
        entry("NodeEdgeProjection", "e", "q", receiving=False, node_to_edge=True),
        pruned("c", "e", "QConv1D", filters=1, kernel_size=[1], kernel_quantizer=bits, bias_quantizer=bits),
        pruned("m", "c", "MaxPooling1D", pool_size=[1]),
        pruned("f", "m", "Flatten"),
    ]
    step = {"pruning_step:0": np.int64(9)}
    trained = {"kernel:0": [[[0.5]]], "bias:0": [-0.25], "mask:0": [[[0.0]]], "threshold:0": 0.5}
    weights: dict[str, dict[str, Any]] = {"e": {"matrix:0": SENDERS}, "c": trained | step, "m": step, "f": step}
    ends = {"input_layers": [["x", 0, 0]], "output_layers": [["f", 0, 0]]}
    with h5py.File(path, "w") as file:
        model = {"class_name": "Functional", "config": {"name": "net", "layers": layers, **ends}}
        file.attrs["model_config"], file.attrs["keras_version"] = json.dumps(model), "2.8.0"
        root = file.create_group("model_weights")
        root.attrs["layer_names"], root.attrs["keras_version"] = [layer["name"] for layer in layers], "2.8.0"
        for layer in layers:
            group, arrays = root.create_group(layer["name"]), weights.get(layer["name"], {})
            group.attrs["weight_names"] = list(arrays)
            for key, array in arrays.items():
                group[key] = array if key in step else np.asarray(array, np.float32)
    return path


@pytest.mark.slow
def test_they_compute_what_the_file_holds_and_are_named(tmp_path: Path) -> None:
    file = pruned_interaction(tmp_path / "model.h5")
    task = Task(import_keras(file), file, cast(HlsProject, None))
    events = [np.array([[[1], [2], [4]], [[-8], [0], [31]]], np.int64)]  # in quarters
    runs = [witness(name, task).run(events) for name in ("emulator", "qkeras")]
    # What is sent, in halves.
    eighths = [[2 * v - 2 for v in sent] for sent in ([1, 2, 0.5, 2, 0.5, 1], [0, 15.5, -4, 15.5, -4, 0])]
    for run in runs:
        fraction = task.graph.edges[task.graph.outputs[0]].fraction
        assert (run.raw[0] / 2.0 ** (fraction - 3)).tolist() == eighths
    assert runs[1].version.endswith(", own NodeEdgeProjection and PruneLowMagnitude")
