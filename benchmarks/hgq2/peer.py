"""What HGQ2 and alkaid make of a network, given the losses, events, batches and rates of qtrigger.

Run by ``compare.py`` in an environment of its own, because HGQ2 brings a module called ``qkeras`` that is not QKeras.
Writes the logic as alkaid keeps it (``comb.json``) and ``peer.json``.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from alkaid.converter import trace_model
from alkaid.trace import trace
from hgq.config import LayerConfigScope, QuantizerConfigScope
from hgq.layers import QDense, QMultiply, QSubtract, QSum
from hgq.quantizer import Quantizer, QuantizerConfig
from hgq.utils import trace_minmax

from benchmarks.hgq2.anomalies import OnPorts
from qmodels.anomaly.layout import INPUTS
from qmodels.anomaly.networks import INPUT_BITS, INPUT_INTEGER, SHARE
from qmodels.anomaly.training import Background, ScoreTask
from qmodels.compression.encoder import FEATURES
from qmodels.compression.inputs import LOG10_BETA_RANGE, features
from qmodels.compression.presets import find_preset
from qmodels.compression.reference import ParticleOutputs
from qmodels.compression.training import CompressionTask
from qmodels.event_variables.events import generate
from qmodels.event_variables.networks import PAPER_HIDDEN
from qmodels.event_variables.reference import build_classifier
from qmodels.event_variables.training import EvnTask
from qmodels.event_variables.variants import INPUT_SCALE, find_variant
from qmodels.jets.architectures import lay_out
from qmodels.jets.samples.files import read_jets
from qmodels.jets.training import JetTask
from qmodels.jets.variants import find_variant as find_jet_variant
from qmodels.layers import GlobalSumPooling1D
from qmodels.training.loop import Arrays, Schedule, Task, fit, set_up
from qmodels.training.precision.charge import Charge

INPUT_FRACTION = 10
"""Bits below the point that inputs start with."""

CALIBRATION_EVENTS = 50_000


@dataclass(frozen=True)
class Subject:
    """A network, what trains it, events that tell its ranges, and a network that the file must bring along."""

    network: keras.Model
    task: Callable[[Any], Task]
    calibration: list[np.ndarray]
    companion: keras.Model | None


class Trained(keras.Model):
    """A network called in training mode, without which HGQ2 charges for nothing."""

    def __init__(self, network: keras.Model) -> None:
        super().__init__()
        self.network = network

    def call(self, inputs: Any) -> Any:
        return self.network(inputs, training=True)


class Charged:
    """``task`` with HGQ2's charge for bits."""

    def __init__(self, task: Task, network: keras.Model, charge: Sequence[float]) -> None:
        self.label, self.events, self.variables = task.label, task.events, task.variables
        self.validate = task.validate
        self._task, self._network, self._charge = task, network, charge

    def epoch_data(self, epoch: int) -> Arrays:
        for layer in self._network.layers:
            if getattr(layer, "_beta", None) is not None:
                layer._beta.assign(self._charge[epoch])
        return self._task.epoch_data(epoch)

    def loss(self, *batch: tf.Tensor) -> tf.Tensor:
        return tf.add_n([self._task.loss(*batch), *self._network.losses])


def event_variable(options: argparse.Namespace) -> Subject:
    """The published topology."""
    variant = find_variant(options.variant)
    start = x = keras.Input((len(variant.inputs),), name="event")
    for index, units in enumerate(PAPER_HIDDEN):
        x = QDense(units, activation="relu", iq_conf=_ports() if index == 0 else None)(x)
    network = keras.Model(start, QDense(1)(x))
    classifier = build_classifier(variant)
    sample = generate(variant.name, CALIBRATION_EVENTS, options.seed).inputs * np.float32(INPUT_SCALE)
    return Subject(
        network,
        lambda evn: EvnTask("hgq2", variant, evn, classifier, options.events, options.seed),
        [sample],
        classifier,
    )


def encoder(options: argparse.Namespace) -> Subject:
    """The encoder of the compression, started from the float one, for the decoder of that."""
    reference = keras.models.load_model(options.folder / "reference.h5", compile=False)
    decoder = keras.models.load_model(
        options.folder / "decoder.h5", compile=False, custom_objects={"ParticleOutputs": ParticleOutputs}
    )
    sizes, clouds = find_preset("trigger"), np.load(options.clouds)
    assert isinstance(reference.get_layer("pool"), GlobalSumPooling1D)
    particles = keras.Input((clouds.shape[1], FEATURES), name="particles")
    log10_beta = keras.Input((1,), name="log10_beta")
    x = particles
    for index, units in enumerate(sizes.particle, start=1):
        x = QDense(units, activation="relu", iq_conf=_ports() if index == 1 else None, name=f"particle_{index}")(x)
    x = QSum(axes=1, scale=1.0 / sizes.divisor, name="pool")(x)
    x = keras.layers.Concatenate()([x, log10_beta])
    for index, units in enumerate(sizes.event, start=1):
        x = QDense(units, activation="relu", name=f"event_{index}")(x)
    outputs = [QDense(sizes.latents, name=name)(x) for name in ("mean", "log_variance")]
    network = keras.Model([particles, log10_beta], outputs)
    for layer in reference.layers:
        if isinstance(layer, keras.layers.Dense):
            copy = network.get_layer(layer.name)
            copy._kernel.assign(layer.kernel)
            copy.bias.assign(layer.bias)
    sample = clouds[:CALIBRATION_EVENTS]
    betas = np.linspace(*LOG10_BETA_RANGE, len(sample), dtype=np.float32)[:, None]
    return Subject(
        network,
        lambda trained: CompressionTask("hgq2", trained, decoder, clouds, options.seed, frozen_decoder=True),
        [features(sample), betas],
        None,
    )


class JetLayers:
    """Layers of HGQ2, for the architectures of jets without edges and without mixing: widths of their own everywhere,
    also for each particle."""

    def __init__(self) -> None:
        self._reads_port = True

    def port(self, x: Any) -> Any:
        """The first layer behind it rounds."""
        return x

    def hidden(self, x: Any, units: int, name: str) -> Any:
        """ReLU within the layer."""
        ports, self._reads_port = _ports() if self._reads_port else None, False
        return QDense(units, activation="relu", iq_conf=ports, name=name)(x)

    def mean(self, x: Any, name: str) -> Any:
        """A sum, scaled."""
        return QSum(axes=1, scale=1.0 / x.shape[1], name=name)(x)

    def logits(self, x: Any, units: int, name: str) -> Any:
        """No ReLU."""
        return QDense(units, name=name)(x)


def jets(options: argparse.Namespace) -> Subject:
    """The network of a jet's 16 features, or of its hardest constituents."""
    variant = find_jet_variant(options.variant)
    start = keras.Input(variant.shape, name="jet")
    layers: Any = JetLayers()  # not all that the architectures have
    found = read_jets(options.data, variant.constituents)
    inputs = variant.inputs(found)
    return Subject(
        keras.Model(start, lay_out(variant, layers, start)),
        lambda trained: JetTask("hgq2", variant, trained, inputs, found.classes, options.seed),
        [inputs[:CALIBRATION_EVENTS]],
        None,
    )


def autoencoder(options: argparse.Namespace) -> Subject:
    """The autoencoder of anomalies, started from the float one, and its score.

    Inputs and errors have the score's own format: widths to learn would make the least score by having none.
    """
    reference = keras.models.load_model(options.folder / "reference.h5", compile=False)
    background = Background(np.load(options.clouds), OnPorts(), options.events, options.seed)
    start = keras.Input((INPUTS,), name="event")
    x = ports = Quantizer(_fixed("TRN", "WRAP"), name="ports")(start)  # where there is nothing to round or saturate
    dense = [layer for layer in reference.layers if isinstance(layer, keras.layers.Dense)]
    for layer in dense:
        widths = QuantizerConfig("default", "datalane", f0=_fraction()) if layer is dense[0] else None
        activation = keras.activations.serialize(layer.activation)
        x = QDense(layer.units, activation=activation, iq_conf=widths, name=layer.name)(x)
    made = QuantizerConfig("default", "datalane", f0=_fraction())
    x = QSubtract(iq_confs=[_fixed("TRN", "WRAP"), made], name="error")([ports, x])
    x = Quantizer(_fixed("RND_CONV", "SAT"), name="missed")(x)
    squares = QMultiply(enable_iq=False, enable_ebops=False, name="squares")([x, x])
    score = QSum(axes=1, scale=SHARE, keepdims=True, enable_iq=False, enable_ebops=False, name="score")(squares)
    network = keras.Model(start, score)
    for layer in dense:
        copy = network.get_layer(layer.name)
        copy._kernel.assign(layer.kernel)
        copy.bias.assign(layer.bias)
    calibration = background.epoch(0)[:CALIBRATION_EVENTS]
    return Subject(network, lambda trained: ScoreTask("hgq2", background, trained), [calibration], None)


def _fixed(rounding: str, overflow: str) -> QuantizerConfig:
    widths = {"k0": True, "i0": INPUT_INTEGER, "f0": _fraction(), "ir": None, "fr": None, "trainable": False}
    return QuantizerConfig("kif", "datalane", **widths, round_mode=rounding, overflow_mode=overflow)


def _fraction() -> int:
    return INPUT_BITS - INPUT_INTEGER - 1


def _ports() -> QuantizerConfig:
    return QuantizerConfig("default", "datalane", f0=INPUT_FRACTION)


SUBJECTS = {"event-variable": event_variable, "encoder": encoder, "jets": jets, "autoencoder": autoencoder}


def main() -> None:
    options = _options()
    set_up(options.seed)
    # Widths start where HGQ2's own examples have them.
    with (
        QuantizerConfigScope(place="all", default_q_type="kbi", overflow_mode="SAT_SYM"),
        QuantizerConfigScope(place="datalane", default_q_type="kif", overflow_mode="WRAP"),
        LayerConfigScope(enable_ebops=True, beta0=options.charge),
    ):
        subject = SUBJECTS[options.subject](options)
    task = subject.task(Trained(subject.network))
    charge = Charge(options.first, options.charge, options.ramp).over(options.epochs)
    schedule = Schedule(options.epochs, options.batch, options.rate, options.seed, keep_best=False, clip=options.clip)
    fit(Charged(task, subject.network, charge), schedule, progress=_tell)
    inputs = subject.calibration if len(subject.calibration) > 1 else subject.calibration[0]
    ebops = trace_minmax(subject.network, inputs, batch_size=5000)
    comb = trace(*trace_model(subject.network, (1, 1, -1), {"hard_dc": options.hard_dc}))
    comb.save(options.out / "comb.json")
    if subject.companion is not None:
        subject.companion.save(options.out / "classifier.h5")
    record = {
        "ebops": float(ebops),
        "cost": float(comb.cost),
        "val_loss": task.validate()[0],
        "versions": {name: version(name) for name in ("HGQ2", "alkaid", "keras")} | {"tensorflow": tf.__version__},
    }
    (options.out / "peer.json").write_text(json.dumps(record, indent=2), encoding="utf-8")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("subject", choices=SUBJECTS)
    parser.add_argument("--variant", help="of the event variable, or of the jets")
    parser.add_argument("--events", type=int, help="of the event variable, or of the autoencoder's epochs")
    parser.add_argument("--data", type=Path, help="training jets, .h5")
    parser.add_argument("--folder", type=Path, help="of the float networks of the encoder, or of the autoencoder")
    parser.add_argument("--clouds", type=Path, help="events of the encoder, or of the autoencoder, .npy")
    parser.add_argument("--charge", type=float, required=True, help="HGQ2's beta in the end")
    parser.add_argument("--first", type=float, required=True, help="HGQ2's beta in the first epoch")
    parser.add_argument("--ramp", type=float, required=True, help="part of the epochs in which it rises")
    for name in ("epochs", "batch", "seed", "hard-dc"):
        parser.add_argument(f"--{name}", type=int, required=True)
    for name in ("rate", "clip"):
        parser.add_argument(f"--{name}", type=float, required=True)
    parser.add_argument("--out", type=Path, required=True)
    return parser.parse_args()


def _tell(state: Any) -> None:
    sys.stderr.write(f"{state.epoch}/{state.epochs} loss {state.loss:.4f} val {state.val_loss:.4f}\n")


if __name__ == "__main__":
    main()
