"""From background events to a project folder: float reference, quantized firmware, and a record of both."""

from __future__ import annotations

import json
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from qmodels.anomaly.fidelity import MODEL_FILE, REFERENCE_FILE
from qmodels.anomaly.float_networks import read_layers
from qmodels.anomaly.networks import FLOAT, PRESETS, Learned, Uniform
from qmodels.anomaly.quantized import build, latents_of
from qmodels.anomaly.reference import (
    build_autoencoder,
    build_convolutional_autoencoder,
    build_decoder,
    build_encoder,
)
from qmodels.anomaly.samples.blocks import COCKTAIL, GENERATOR_VERSION
from qmodels.anomaly.samples.files import read_events
from qmodels.anomaly.samples.making import cached_events
from qmodels.anomaly.symmetry import multiplied
from qmodels.anomaly.training import AnomalyRun, Background, LatentsTask, ReconstructionTask, ScoreTask, VaeTask
from qmodels.anomaly.variants import Variant
from qmodels.errors import ModelDataError
from qmodels.generation.cache import cached
from qmodels.training.loop import Task, set_up
from qmodels.training.precision.finish import prune, snap
from qmodels.training.precision.resources import measure_reach
from qmodels.training.precision.task import ChargedTask
from qmodels.training.progress import Report
from qmodels.training.quantization import snap_to_grid
from qmodels.training.records import save_model, stage_records, versions, write_record
from qmodels.training.run import Fits, Step, run_steps
from qmodels.training.stages import Stage, check_run
from qmodels.types import Floats32

TRAINING_COLLISIONS = 6_000
"""Behind the background's events, where no file of them is given."""
DEFAULT_EVENTS = 100_000
SAMPLE_EVENTS = 10_000
_TRAINING_SEED = 10
"""Added to the seed, so that the collisions are none of a test's."""


def train(
    variant: Variant,
    preset: str,
    out: Path,
    *,
    events: int | None = None,
    epochs: int | None = None,
    seed: int = 1,
    resume: bool = False,
    progress: Report | None = None,
    data: Path | None = None,
) -> Path:
    """Train the networks of ``variant`` into folder ``out`` and return the path of its model file.

    ``preset`` "float" trains the float reference alone; the others train it first, unless ``out`` has it already, then
    the firmware: model.h5, reference.h5 and training.json. ``data`` is a file of background events, of ours or of the
    public layout; without it ``TRAINING_COLLISIONS`` are generated. An epoch has ``events``, turned and mirrored.
    ``epochs`` replaces the default of every stage. After a kill, ``resume`` with the same options ends with the same
    bits. Raises ModelDataError for options or data that cannot work.
    """
    known = (*PRESETS, FLOAT.label)
    if preset not in known:
        raise ModelDataError(f"unknown preset {preset!r} of anomaly: choose one of {', '.join(known)}")
    run = _run(variant, out, data, events=events, epochs=epochs, seed=seed, resume=resume, progress=progress)
    steps = [_reference_step(variant, run)]
    if preset != FLOAT.label:
        steps.append(Step(preset, lambda: train_firmware(variant, run, PRESETS[preset])))
    fits = run_steps(out, steps)
    _write_record(variant, run, preset, fits, data)
    return out / (REFERENCE_FILE if preset == FLOAT.label else MODEL_FILE)


def train_point(
    variant: Variant, network: Learned, out: Path, *, events: int | None, epochs: int | None, seed: int
) -> Path:
    """Train one firmware of learned widths into ``out``, and copy there the float network that it starts from.

    Points differ in their firmware alone: the first trains the float network, which the user's cache folder keeps.
    """
    run = _run(variant, out, None, events=events, epochs=epochs, seed=seed)
    shutil.copyfile(_shared_reference(variant, run), out / REFERENCE_FILE)
    run_steps(out, [Step("point", lambda: train_firmware(variant, run, network))])
    return out / MODEL_FILE


def _shared_reference(variant: Variant, run: AnomalyRun) -> Path:
    def make(path: Path) -> None:
        with tempfile.TemporaryDirectory(dir=path.parent) as place:
            run_steps(Path(place), [_reference_step(variant, replace(run, out=Path(place)))])
            (Path(place) / REFERENCE_FILE).replace(path)

    told = [TRAINING_COLLISIONS, GENERATOR_VERSION, run.background.events, run.epochs_of(FLOAT), run.seed]
    return cached("anomaly", f"float-{variant.name}", json.dumps([*told, versions(("keras", "tensorflow"))]), make)


def _run(
    variant: Variant,
    out: Path,
    data: Path | None,
    *,
    events: int | None,
    epochs: int | None,
    seed: int,
    resume: bool = False,
    progress: Report | None = None,
) -> AnomalyRun:
    check_run(epochs, seed)
    number = DEFAULT_EVENTS if events is None else events
    fewest = max(stage.batch for stage in (FLOAT, *(preset.stage for preset in PRESETS.values())))
    if number < fewest:
        raise ModelDataError(f"events is {number}: an epoch needs at least {fewest}")
    collisions = (
        cached_events(COCKTAIL, TRAINING_COLLISIONS, seed + _TRAINING_SEED) if data is None else read_events(data)
    )
    if len(collisions) < 10:
        raise ModelDataError(f"{data}: {len(collisions)} events are too few to train on: give at least 10")
    set_up(seed)
    out.mkdir(parents=True, exist_ok=True)
    background = Background(collisions, variant.form, number, seed)
    return AnomalyRun(out=out, epochs=epochs, seed=seed, resume=resume, progress=progress, background=background)


def _reference_step(variant: Variant, run: AnomalyRun) -> Step:
    def accept() -> None:
        read_layers(variant, run.out / REFERENCE_FILE)

    def train() -> Fits:
        return _train_vae(run) if variant.latents_alone else train_autoencoder(variant, run)

    return Step(FLOAT.label, train, makes=(REFERENCE_FILE,), accept=accept)


def train_autoencoder(variant: Variant, run: AnomalyRun) -> Fits:
    """The float autoencoder, into reference.h5."""
    keras.utils.set_random_seed(run.seed)
    network = build_convolutional_autoencoder() if variant.convolutional else build_autoencoder()
    fitted = run.fit(FLOAT, ReconstructionTask(FLOAT.label, run.background, network))
    save_model(network, run.out / REFERENCE_FILE)
    return {FLOAT.label: fitted}


def _train_vae(run: AnomalyRun) -> Fits:
    """Only the encoder of the means is kept: the score needs no more."""
    keras.utils.set_random_seed(run.seed)
    means, spreads, decoder = build_encoder("means"), build_encoder("spreads"), build_decoder()
    fitted = run.fit(FLOAT, VaeTask(FLOAT.label, run.background, means, spreads, decoder))
    save_model(means, run.out / REFERENCE_FILE)
    return {FLOAT.label: fitted}


def train_firmware(variant: Variant, run: AnomalyRun, preset: Uniform | Learned) -> Fits:
    """From reference.h5 in the folder of the run, into model.h5."""
    layers = read_layers(variant, run.out / REFERENCE_FILE)
    sample = variant.form.inputs(multiplied(run.background.collisions, SAMPLE_EVENTS, run.seed))
    keras.utils.set_random_seed(run.seed)
    model = build(variant, layers, preset, sample)
    task = _task(variant, run, preset.stage, model)
    if isinstance(preset, Uniform):
        fitted = run.fit(preset.stage, task)
        snap_to_grid(model)
    else:
        charge = preset.charge.over(run.epochs_of(preset.stage))
        fitted = run.fit(preset.stage, ChargedTask(task, model, charge, sample), keep_best=False, clip=1.0)
        model = _finished(variant, model, sample)
    save_model(model, run.out / MODEL_FILE)
    return {preset.stage.label: fitted}


def _finished(variant: Variant, model: keras.Model, sample: Floats32) -> keras.Model:
    if variant.latents_alone:
        model = prune(model)
    measure_reach(model, sample)
    if not float(np.std(model(sample))) > 0.0:
        raise ModelDataError(f"{variant.name}: nothing is left of the network; charge less, or train on more events")
    snap(model)
    return model


def _task(variant: Variant, run: AnomalyRun, stage: Stage, model: keras.Model) -> Task:
    if not variant.latents_alone:
        return ScoreTask(stage.label, run.background, model)
    encoder = keras.models.load_model(run.out / REFERENCE_FILE, compile=False)
    return LatentsTask(stage.label, run.background, latents_of(model), encoder)


def _write_record(variant: Variant, run: AnomalyRun, preset: str, fits: Fits, data: Path | None) -> None:
    record: dict[str, Any] = {
        "system": "anomaly",
        "variant": variant.name,
        "preset": preset,
        "collisions": len(run.background.collisions),
        "data": None if data is None else data.name,
        "events": run.background.events,
        "seed": run.seed,
        "epochs": run.epochs,
        "generator_version": GENERATOR_VERSION,
        "versions": versions(("keras", "numpy", "qkeras-v3", "tensorflow")),
        "stages": stage_records(run.out, fits),
    }
    write_record(run.out, record)
