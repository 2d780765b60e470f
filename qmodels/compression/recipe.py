"""From collisions to a folder of trained networks: float encoder and decoder, quantized encoder, and a record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from qmodels.compression.autoencoder import DECODER_FILE, REFERENCE_FILE, Encoder
from qmodels.compression.classifiers.reference_classifier import EPOCHS as CLASSIFIER_EPOCHS
from qmodels.compression.classifiers.reference_classifier import EVENTS as CLASSIFIER_EVENTS
from qmodels.compression.classifiers.reference_classifier import LABEL as CLASSIFIER_LABEL
from qmodels.compression.classifiers.reference_classifier import make_reference_classifier
from qmodels.compression.inputs import LOG10_BETA_RANGE, features, transport_targets
from qmodels.compression.learned_encoder import learn
from qmodels.compression.packing.packed_events import write_layout
from qmodels.compression.presets import AutoencoderStage, Preset, charged_for, find_preset, particle_count
from qmodels.compression.quantized import quantize
from qmodels.compression.reference import build_decoder, build_encoder
from qmodels.compression.samples.collision_files import read_collisions
from qmodels.compression.samples.generation import cached_collisions, generate
from qmodels.compression.samples.pythia import BACKGROUND
from qmodels.compression.trained_folder import CLASSIFIER_FILE, MODEL_FILE
from qmodels.compression.training import CompressionRun
from qmodels.errors import ModelDataError
from qmodels.training.loop import Fitted, set_up
from qmodels.training.precision.charge import Charge
from qmodels.training.precision.finish import snap
from qmodels.training.precision.resources import measure_reach
from qmodels.training.precision.task import ChargedTask
from qmodels.training.progress import Report
from qmodels.training.quantization import check_exact, snap_to_grid
from qmodels.training.records import load_weights, save_model, stage_records, versions, write_record
from qmodels.training.run import Fits, Step, run_steps
from qmodels.training.stages import check_run
from qmodels.types import Floats32

COLLISIONS_FILE = "collisions.h5"
CALIBRATION_EVENTS = 10_000
LAYOUT_EVENTS = 16_000
BLOCK = 4096
FLOAT_FILES = (REFERENCE_FILE, DECODER_FILE)
OTHER = "of another preset or variant"


def train(
    variant: str,
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
    """Train the networks of ``variant`` into folder ``out`` and return the path of the encoder to build.

    The events are the first ``events`` of the collision file ``data``; without one, background collisions of ``seed``
    are generated into ``out``, unless they are there. Written are reference.h5 (float encoder), decoder.h5,
    training.json, and for a preset of firmware size model.h5, the QKeras encoder, which serves the same decoder, with
    latent_layout.json, by which its latents are packed. Without ``data``, which may be of any detector, judge.h5 is
    trained on signals generated for it. What is there already of the float networks and the classifier is used again.
    ``epochs`` replaces the default of every stage. After a kill,
    ``resume`` with the same options ends with the same bits. Raises ModelDataError for options that cannot work.
    """
    sizes = find_preset(preset)
    count = particle_count(variant)
    _check_options(sizes, events, epochs, seed)
    out.mkdir(parents=True, exist_ok=True)
    path = data or _generated(out, sizes.events if events is None else events, seed)
    clouds = _clouds(path, count, events)
    if len(clouds) < _fewest_events(sizes):
        raise ModelDataError(
            f"{path}: holds {len(clouds)} events, training of preset {preset!r} needs at least {_fewest_events(sizes)}"
        )
    run = _run(variant, sizes, out, clouds, epochs, seed, resume=resume, progress=progress)
    steps = [float_step(run), *_quantized_steps(run)]
    if sizes.quantized_stage is not None and data is None:
        steps.append(_classifier_step(run, events))
    _write_record(run, path, run_steps(out, steps))
    return out / (REFERENCE_FILE if sizes.quantized_stage is None else MODEL_FILE)


def train_float(variant: str, preset: Preset, out: Path, *, events: int, epochs: int | None, seed: int) -> None:
    """Train the float networks alone, on cached events, unless they are in ``out``; goes on after a kill."""
    run = _cached_run(variant, preset, out, events, epochs, seed)
    run_steps(out, [float_step(run)])


def train_encoder(variant: str, preset: Preset, out: Path, *, events: int, epochs: int | None, seed: int) -> Path:
    """Train the quantized encoder of the float networks in ``out``, on the same events; returns its file."""
    run_steps(out, _quantized_steps(_cached_run(variant, preset, out, events, epochs, seed)))
    return out / MODEL_FILE


def _cached_run(variant: str, preset: Preset, out: Path, events: int, epochs: int | None, seed: int) -> CompressionRun:
    """Raises ModelDataError for options that cannot work."""
    _check_options(preset, events, epochs, seed)
    clouds = transport_targets(cached_collisions(BACKGROUND, events, seed).particles, particle_count(variant))
    return _run(variant, preset, out, clouds, epochs, seed, resume=True)


def _run(
    variant: str,
    preset: Preset,
    out: Path,
    clouds: Floats32,
    epochs: int | None,
    seed: int,
    *,
    resume: bool,
    progress: Report | None = None,
) -> CompressionRun:
    """With the seed set, and ``preset`` at the charge of ``variant``."""
    set_up(seed)
    return CompressionRun(
        variant=variant,
        preset=charged_for(preset, variant),
        out=out,
        clouds=clouds,
        epochs=epochs,
        seed=seed,
        resume=resume,
        progress=progress,
    )


def _check_options(preset: Preset, events: int | None, epochs: int | None, seed: int) -> None:
    fewest = _fewest_events(preset)
    if events is not None and events < fewest:
        raise ModelDataError(f"events is {events}: training of preset {preset.name!r} needs at least {fewest}")
    check_run(epochs, seed)


def _fewest_events(preset: Preset) -> int:
    return 2 * preset.float_stage.batch


def _generated(out: Path, events: int, seed: int) -> Path:
    path = out / COLLISIONS_FILE
    if not path.exists():
        generate(path, BACKGROUND, events, seed)
    return path


def _clouds(path: Path, count: int, events: int | None) -> Floats32:
    particles = read_collisions(path).particles
    if events is not None and len(particles) < events:
        raise ModelDataError(f"{path}: holds {len(particles)} events, {events} are asked for; generate more")
    return transport_targets(particles[:events], count)


def float_step(run: CompressionRun) -> Step:
    """Encoder and decoder, unless both files are there."""
    stage = run.preset.float_stage

    def train() -> Fits:
        encoder, decoder = float_networks(run)
        fitted = run.fit(stage, run.task(stage, encoder, decoder))
        save_model(encoder, run.out / REFERENCE_FILE)
        save_model(decoder, run.out / DECODER_FILE)
        return {stage.label: fitted}

    return Step(stage.label, train, makes=FLOAT_FILES)


def _quantized_steps(run: CompressionRun) -> list[Step]:
    """The QKeras encoder of a preset that has one, its widths given or learned."""
    stage, charge = run.preset.quantized_stage, run.preset.charge
    if stage is None:
        return []
    if charge is None:
        return [Step(stage.label, lambda: _train_given_widths(run, stage))]
    return [Step(stage.label, lambda: _train_learned_widths(run, stage, charge))]


def _train_given_widths(run: CompressionRun, stage: AutoencoderStage) -> Fits:
    encoder, decoder = _trained_networks(run)
    model = quantize(run.preset, encoder, *_calibration(run))
    fitted = run.fit(stage, run.task(stage, model, decoder, frozen_decoder=True))
    snap_to_grid(model)
    return _kept(run, stage, model, fitted)


def _train_learned_widths(run: CompressionRun, stage: AutoencoderStage, charge: Charge) -> Fits:
    encoder, decoder = _trained_networks(run)
    arrays = _calibration(run)
    model = learn(run.preset, encoder, *arrays)
    task = run.task(stage, model, decoder, frozen_decoder=True)
    charged = ChargedTask(task, model, charge.over(run.epochs_of(stage)), arrays)
    fitted = run.fit(stage, charged, keep_best=False)
    measure_reach(model, arrays)
    snap(model)
    return _kept(run, stage, model, fitted)


def _kept(run: CompressionRun, stage: AutoencoderStage, model: keras.Model, fitted: Fitted) -> Fits:
    """Check and save the quantized encoder, and how its latents are packed."""
    check_exact(model)
    save_model(model, run.out / MODEL_FILE)
    write_layout(run.out, _in_blocks(model), run.clouds[:LAYOUT_EVENTS])
    return {stage.label: fitted}


def _calibration(run: CompressionRun) -> list[Floats32]:
    """Encoder inputs from which formats are chosen, over the whole range of β."""
    sample = run.clouds[:CALIBRATION_EVENTS]
    log10_beta = np.linspace(*LOG10_BETA_RANGE, len(sample), dtype=np.float32)[:, None]
    return [features(sample), log10_beta]


def _in_blocks(model: keras.Model) -> Encoder:
    def encode(arrays: Sequence[Floats32]) -> list[npt.NDArray[np.floating]]:
        parts = [
            model([keras.ops.convert_to_tensor(array[start : start + BLOCK]) for array in arrays])
            for start in range(0, len(arrays[0]), BLOCK)
        ]
        return [np.concatenate([np.asarray(part[output]) for part in parts]) for output in range(2)]

    return encode


def _classifier_step(run: CompressionRun, events: int | None) -> Step:
    """The reference classifier, unless its file is there."""
    wanted = CLASSIFIER_EVENTS if events is None else min(events, CLASSIFIER_EVENTS)
    epochs = CLASSIFIER_EPOCHS if run.epochs is None else run.epochs

    def train() -> Fits:
        fitted = make_reference_classifier(run.out, events=wanted, epochs=epochs, seed=run.seed, progress=run.progress)
        return {CLASSIFIER_LABEL: fitted}

    return Step(CLASSIFIER_LABEL, train, makes=(CLASSIFIER_FILE,))


def float_networks(run: CompressionRun) -> tuple[keras.Model, keras.Model]:
    """Untrained encoder and decoder; the same whether stages before were run or resumed."""
    keras.utils.set_random_seed(run.seed)
    count = particle_count(run.variant)
    return build_encoder(run.preset, count), build_decoder(run.preset, count)


def _trained_networks(run: CompressionRun) -> tuple[keras.Model, keras.Model]:
    """Encoder and decoder of the float step."""
    encoder, decoder = float_networks(run)
    load_weights(encoder, run.out / REFERENCE_FILE, OTHER)
    load_weights(decoder, run.out / DECODER_FILE, OTHER)
    return encoder, decoder


def _write_record(run: CompressionRun, data: Path, fits: Fits) -> None:
    record: dict[str, Any] = {
        "system": "compression",
        "variant": run.variant,
        "preset": asdict(run.preset),
        "events": len(run.clouds),
        "data": data.name,
        "seed": run.seed,
        "epochs": run.epochs,
        "versions": versions(("fastjet", "keras", "numpy", "qkeras-v3", "tensorflow")),
        "stages": stage_records(run.out, fits, losses=True),
    }
    write_record(run.out, record)
