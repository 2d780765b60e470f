"""From collisions to a folder of trained networks: float encoder and decoder, quantized encoder, and a record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
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
from qmodels.compression.learned import learn
from qmodels.compression.packing.packed_events import write_layout
from qmodels.compression.presets import Preset, Stage, find_preset, particle_count
from qmodels.compression.quantized import quantize
from qmodels.compression.reference import build_decoder, build_encoder
from qmodels.compression.samples.collision_files import read_collisions
from qmodels.compression.samples.generation import generate
from qmodels.compression.samples.pythia import BACKGROUND
from qmodels.compression.trained_folder import CLASSIFIER_FILE
from qmodels.compression.training import PUBLISHED_RATES, CompressionTask
from qmodels.errors import ModelDataError
from qmodels.training.loop import Fitted, Schedule, Task, fit, set_up
from qmodels.training.precision.finish import snap
from qmodels.training.precision.resources import measure_reach
from qmodels.training.precision.task import ChargedTask
from qmodels.training.progress import Report
from qmodels.training.quantization import check_exact, snap_to_grid
from qmodels.training.records import load_weights, save_model, stage_records, versions, write_record
from qmodels.training.stages import check_run
from qmodels.types import Floats32

MODEL_FILE = "model.h5"
COLLISIONS_FILE = "collisions.h5"
CALIBRATION_EVENTS = 10_000
LAYOUT_EVENTS = 16_000
BLOCK = 4096
OTHER = "of another preset or variant"


@dataclass(frozen=True)
class Run:
    """One call of :func:`train`."""

    variant: str
    preset: Preset
    out: Path
    clouds: Floats32
    epochs: int | None
    seed: int
    resume: bool
    progress: Report | None

    def task(
        self, stage: Stage, encoder: keras.Model, decoder: keras.Model, *, frozen_decoder: bool = False
    ) -> CompressionTask:
        """Both networks, or the encoder alone, trained on the events of this run."""
        return CompressionTask(
            stage.label,
            encoder,
            decoder,
            self.clouds,
            self.seed,
            frozen_decoder=frozen_decoder,
            opening_epochs=int(stage.opening * self.epochs_of(stage)),
        )

    def epochs_of(self, stage: Stage) -> int:
        """Epochs asked for, or the default of ``stage``."""
        return stage.epochs if self.epochs is None else self.epochs

    def fit(self, stage: Stage, task: Task, *, keep_best: bool = True) -> Fitted:
        """Train in place; with ``resume``, from the checkpoint of this stage."""
        plateau = PUBLISHED_RATES if self.preset.published_rates else None
        schedule = Schedule(
            self.epochs_of(stage), stage.batch, stage.learning_rate, self.seed, keep_best=keep_best, plateau=plateau
        )
        checkpoint = self.out / "checkpoints" / f"{stage.label}.npz"
        return fit(task, schedule, checkpoint=checkpoint, resume=self.resume, progress=self.progress)


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
    set_up(seed)
    run = Run(variant, sizes, out, clouds, epochs, seed, resume, progress)
    fits = _train_float(run)
    if sizes.quantized_stage is not None:
        fits |= _train_quantized(run, sizes.quantized_stage)
        if data is None:
            fits |= _train_classifier(run, events)
    _write_record(run, path, fits)
    return out / (REFERENCE_FILE if sizes.quantized_stage is None else MODEL_FILE)


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


def _train_float(run: Run) -> dict[str, Fitted | None]:
    """Train encoder and decoder unless both files are there."""
    encoder, decoder = float_networks(run)
    stage = run.preset.float_stage
    if (run.out / REFERENCE_FILE).exists() and (run.out / DECODER_FILE).exists():
        return {stage.label: None}
    fitted = run.fit(stage, run.task(stage, encoder, decoder))
    save_model(encoder, run.out / REFERENCE_FILE)
    save_model(decoder, run.out / DECODER_FILE)
    return {stage.label: fitted}


def _train_quantized(run: Run, stage: Stage) -> dict[str, Fitted | None]:
    encoder, decoder = float_networks(run)
    load_weights(encoder, run.out / REFERENCE_FILE, OTHER)
    load_weights(decoder, run.out / DECODER_FILE, OTHER)
    sample = run.clouds[:CALIBRATION_EVENTS]
    log10_beta = np.linspace(*LOG10_BETA_RANGE, len(sample), dtype=np.float32)[:, None]
    arrays = [features(sample), log10_beta]
    if run.preset.charge is None:
        model = quantize(run.preset, encoder, *arrays)
        fitted = run.fit(stage, run.task(stage, model, decoder, frozen_decoder=True))
        snap_to_grid(model)
    else:
        model = learn(run.preset, encoder, *arrays)
        task = run.task(stage, model, decoder, frozen_decoder=True)
        charge = run.preset.charge.over(run.epochs_of(stage))
        fitted = run.fit(stage, ChargedTask(task, model, charge, arrays), keep_best=False)
        measure_reach(model, arrays)
        snap(model)
    check_exact(model)
    save_model(model, run.out / MODEL_FILE)
    write_layout(run.out, _in_blocks(model), run.clouds[:LAYOUT_EVENTS])
    return {stage.label: fitted}


def _in_blocks(model: keras.Model) -> Encoder:
    def encode(arrays: Sequence[Floats32]) -> list[npt.NDArray[np.floating]]:
        parts = [
            model([keras.ops.convert_to_tensor(array[start : start + BLOCK]) for array in arrays])
            for start in range(0, len(arrays[0]), BLOCK)
        ]
        return [np.concatenate([np.asarray(part[output]) for part in parts]) for output in range(2)]

    return encode


def _train_classifier(run: Run, events: int | None) -> dict[str, Fitted | None]:
    if (run.out / CLASSIFIER_FILE).exists():
        return {CLASSIFIER_LABEL: None}
    wanted = CLASSIFIER_EVENTS if events is None else min(events, CLASSIFIER_EVENTS)
    epochs = CLASSIFIER_EPOCHS if run.epochs is None else run.epochs
    return {
        CLASSIFIER_LABEL: make_reference_classifier(
            run.out, events=wanted, epochs=epochs, seed=run.seed, progress=run.progress
        )
    }


def float_networks(run: Run) -> tuple[keras.Model, keras.Model]:
    """Untrained encoder and decoder; the same whether stages before were run or resumed."""
    keras.utils.set_random_seed(run.seed)
    count = particle_count(run.variant)
    return build_encoder(run.preset, count), build_decoder(run.preset, count)


def _write_record(run: Run, data: Path, fits: dict[str, Fitted | None]) -> None:
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
