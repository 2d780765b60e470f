"""Types chosen from events beside those that hls4ml takes by itself, on the same float networks and the same events.

    python -m benchmarks.quantize_peers MODEL ... [--events 2000] [--bits 16 8]

MODEL are plain Keras files. Each goes through `qtrigger quantize --bits N`, and through hls4ml's converter with one
type for everything (its default `ap_fixed<16,6>`, and `ap_fixed<8,3>` at 8 bits) and with `granularity="name"`, whose
results have types that hls4ml works out by itself. hls4ml's numbers are those of its own C simulation, ours those of
the emulator, which the C simulation equals bit by bit. The events are standard normal; a last softmax is left out of
every side. What is compared with the float network: the error (root mean square over the spread of the float outputs),
the events whose best class changes, and the AUC that is lost where classes are those that the float network chooses.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.hls4ml_project import convert
from hls.importing.formats import plain_model
from hls.importing.importer import input_shape
from hls.importing.spec import ModelSpec
from hls.project.quantizing import Request, quantize
from hls.project.quantizing.architecture import architecture
from hls.project.quantizing.fidelity import Judge
from hls.project.quantizing.normal_form import normal_form

_INTEGER = {16: 6, 8: 3}
"""Integer bits of hls4ml's one type for everything; of 8 bits, in the proportion of its default."""
_METRICS = ("error", "flips", "auc_loss")


@dataclass(frozen=True)
class Row:
    """One network through one tool."""

    model: str
    tool: str
    bits: int
    metrics: Mapping[str, float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", type=Path, nargs="+")
    parser.add_argument("--events", type=int, default=2000)
    parser.add_argument("--bits", type=int, nargs="+", default=list(_INTEGER), choices=list(_INTEGER))
    options = parser.parse_args()
    sys.stdout.write("| network | bits | types by | error | flips | AUC lost |\n|---|---|---|---|---|---|\n")
    for model in options.models:
        for row in compare(model, options.events, options.bits):
            found = (row.metrics.get(name) for name in _METRICS)
            values = " | ".join("-" if value is None else f"{value:.2g}" for value in found)
            sys.stdout.write(f"| `{row.model}` | {row.bits} | {row.tool} | {values} |\n")
            sys.stdout.flush()


def compare(model: Path, events: int, bits: list[int]) -> Iterator[Row]:
    """The rows of one network."""
    plain = normal_form(plain_model(model)).model
    [port] = plain.inputs
    shape = input_shape(plain.layers[port.layer])
    x = np.random.default_rng(0).normal(size=(events, *shape)).astype(np.float32)
    net = keras_model(plain)
    scores = np.asarray(net(x, training=False))
    labels = scores.argmax(axis=1) if scores.shape[1] > 1 else (scores[:, 0] > 0).astype(np.int64)
    judge = Judge((scores,), labels if len(np.unique(labels)) > 1 else None)
    with tempfile.TemporaryDirectory(prefix="qtrigger-peers-") as name:
        folder = Path(name)
        np.save(folder / "x.npy", x)
        np.save(folder / "y.npy", labels)
        for width in bits:
            labelled = None if judge.labels is None else str(folder / "y.npy")
            request = Request(model, folder / "x.npy", folder / "q.keras", labelled, bits=width)
            yield Row(model.name, "`qtrigger quantize`", width, quantize(request).metrics)
            one = f"ap_fixed<{width},{_INTEGER[width]}>"
            for tool, granularity in ((f"hls4ml, `{one}`", "model"), ("hls4ml, `granularity='name'`", "name")):
                outputs = peer(net, x, one, granularity, folder / f"{granularity}{width}")
                yield Row(model.name, tool, width, judge([outputs.reshape(scores.shape)]))


def keras_model(plain: ModelSpec) -> Any:
    """The float network, in layers that both sides take."""
    import keras

    text = json.dumps(architecture(plain)).replace('"input"', '"entry"')  # a name that hls4ml keeps for itself
    net = keras.models.model_from_json(text)
    for layer in net.layers:
        if layer.weights:
            layer.set_weights(plain.layers[layer.name].weights)
    return net


def peer(net: Any, x: npt.NDArray[np.float32], one: str, granularity: str, folder: Path) -> npt.NDArray[np.float32]:
    """What hls4ml's C simulation makes of the events."""
    import hls4ml

    with convert.quiet():
        config = hls4ml.utils.config_from_keras_model(
            net, granularity=granularity, backend="Vitis", default_precision=one
        )
        project = hls4ml.converters.convert_from_keras_model(
            net, hls_config=config, output_dir=str(folder), backend="Vitis", io_type="io_parallel"
        )
        project.compile()
        return np.asarray(project.predict(np.ascontiguousarray(x)))


if __name__ == "__main__":
    main()
