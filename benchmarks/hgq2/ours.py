"""The networks that ``peer.py`` trains by HGQ2, trained by qtrigger: same losses, events, epochs, batches and rates."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np
import numpy.typing as npt

from benchmarks.hgq2.anomalies import VARIANT
from qmodels.anomaly import recipe
from qmodels.anomaly.fidelity import REFERENCE_FILE
from qmodels.anomaly.networks import LEAN as LEAN_ANOMALY
from qmodels.anomaly.training import AnomalyRun, Background
from qmodels.compression import reference
from qmodels.compression.inputs import LOG10_BETA_RANGE, features
from qmodels.compression.learned_encoder import learn
from qmodels.compression.presets import find_preset
from qmodels.compression.training import CompressionTask
from qmodels.event_variables.networks import LEAN
from qmodels.event_variables.search import train_learned
from qmodels.event_variables.training import EvnRun
from qmodels.event_variables.variants import find_variant
from qmodels.jets import presets, search, variants
from qmodels.jets.samples.files import read_jets
from qmodels.jets.training import JetRun
from qmodels.training.loop import Schedule, fit, set_up
from qmodels.training.precision.charge import Charge
from qmodels.training.precision.finish import snap
from qmodels.training.precision.resources import measure_reach
from qmodels.training.precision.task import ChargedTask
from qmodels.types import Floats32

RANGE_EVENTS = 10_000
CUSTOM = {"ParticleOutputs": reference.ParticleOutputs}


class Training(NamedTuple):
    """What both sides are given; ``charge`` is each side's own, per LUT here and per effective bit operation there."""

    charge: Charge
    epochs: int
    batch: int
    rate: float
    clip: float | None
    seed: int


def event_variable(variant: str, events: int, training: Training, out: Path) -> None:
    """The published topology, into model.h5 and classifier.h5."""
    own = LEAN[variant]
    search = replace(own.search, epochs=training.epochs, batch=training.batch, learning_rate=training.rate)
    set_up(training.seed)
    run = EvnRun(variant=find_variant(variant), out=out, events=events, epochs=None, seed=training.seed)
    model, classifier, _ = train_learned(run, replace(own, charge=training.charge, search=search, clip=training.clip))
    model.save(out / "model.h5")
    classifier.save(out / "classifier.h5")


def jets(variant: str, data: Path, training: Training, out: Path) -> None:
    """A network of jets, trained on those of the file ``data``, into model.h5."""
    kind = variants.find_variant(variant)
    own = presets.learned(kind)
    stage = replace(own.stage, epochs=training.epochs, batch=training.batch, learning_rate=training.rate)
    set_up(training.seed)
    run = JetRun(
        variant=kind, jets=read_jets(data, kind.constituents), out=out, epochs=None, seed=training.seed
    )  # fmt: skip
    how = replace(own, charge=training.charge, stage=stage, clip=training.clip)
    search.train_learned(run, how)[0].save(out / "model.h5")


def encoder(folder: Path, clouds: npt.NDArray[np.float32], training: Training, out: Path) -> float:
    """The encoder of the float networks in ``folder``, into model.h5; returns its loss on the validation events."""
    set_up(training.seed)
    float_encoder = keras.models.load_model(folder / "reference.h5", compile=False)
    decoder = keras.models.load_model(folder / "decoder.h5", compile=False, custom_objects=CUSTOM)
    arrays = [features(clouds[:RANGE_EVENTS]), _betas(RANGE_EVENTS)]
    model = learn(find_preset("trigger"), float_encoder, *arrays)
    task = CompressionTask("ours", model, decoder, clouds, training.seed, frozen_decoder=True)
    charged = ChargedTask(task, model, training.charge.over(training.epochs), arrays)
    schedule = Schedule(
        training.epochs, training.batch, training.rate, training.seed, keep_best=False, clip=training.clip
    )
    fit(charged, schedule)
    measure_reach(model, arrays)
    snap(model)
    model.save(out / "model.h5")
    return task.validate()[0]


def float_autoencoder(collisions: Floats32, events: int, seed: int, folder: Path) -> None:
    """The network that both sides start from, into reference.h5."""
    set_up(seed)
    recipe.train_autoencoder(VARIANT, _anomaly_run(collisions, events, None, seed, folder))


def autoencoder(folder: Path, collisions: Floats32, events: int, training: Training, out: Path) -> None:
    """The autoencoder of anomalies and its score, started from the float one in ``folder``, into model.h5."""
    shutil.copyfile(folder / REFERENCE_FILE, out / REFERENCE_FILE)
    stage = replace(LEAN_ANOMALY.stage, batch=training.batch, learning_rate=training.rate)
    set_up(training.seed)
    run = _anomaly_run(collisions, events, training.epochs, training.seed, out)
    recipe.train_firmware(VARIANT, run, replace(LEAN_ANOMALY, charge=training.charge, stage=stage))


def _anomaly_run(collisions: Floats32, events: int, epochs: int | None, seed: int, out: Path) -> AnomalyRun:
    background = Background(collisions, VARIANT.form, events, seed)
    return AnomalyRun(out=out, epochs=epochs, seed=seed, background=background)


def _betas(events: int) -> npt.NDArray[np.float32]:
    return np.linspace(*LOG10_BETA_RANGE, events, dtype=np.float32)[:, None]
