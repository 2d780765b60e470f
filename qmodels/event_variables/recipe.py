"""From nothing to a project folder: float reference, quantized EVN, classifiers and a record of both."""

from __future__ import annotations

import json
import logging
import math
import platform
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from qmodels.errors import ModelDataError
from qmodels.event_variables.events import GENERATOR_VERSION, TRAINING_STREAM, generate
from qmodels.event_variables.fidelity import (
    CLASSIFIER_FILE,
    MODEL_FILE,
    REFERENCE_CLASSIFIER_FILE,
    REFERENCE_FILE,
    draw_sample,
    measure,
    measure_reference,
)
from qmodels.event_variables.quantized import Preset, check_exact, find_preset, output_limit, quantize
from qmodels.event_variables.reference import PAPER_HIDDEN, build_classifier, build_evn
from qmodels.event_variables.training import EvnTask
from qmodels.event_variables.variants import INPUT_SCALE, PAIR, Variant
from qmodels.numpy_networks import read_dense_network
from qmodels.progress import TrainingProgress
from qmodels.quantization import snap_to_grid
from qmodels.training_loop import Fitted, Schedule, fit, set_up

DEFAULT_EVENTS = 2_500_000
TEST_EVENTS = 100_000
TEST_SEED = 1
CALIBRATION_EVENTS = 50_000
RECORD_FILE = "training.json"

Report = Callable[[TrainingProgress], None]


@dataclass(frozen=True)
class Stage:
    """Defaults of one training: label, epochs, batch and initial learning rate."""

    label: str
    epochs: int
    batch: int
    learning_rate: float


FLOAT = Stage("float", 30, 512, 2e-3)
QUANTIZED = {
    "paper": Stage("paper", 12, 1024, 3e-4),
    "trigger": Stage("trigger", 60, 512, 2e-3),
}
RATE_FACTORS = {PAIR.name: 0.5}
"""The pair's two classes differ least, so the noise of its gradients drowns the slope at the others' rate."""

SMALL_FLOAT = Stage("trigger-float", 30, 512, 2e-3)


@dataclass(frozen=True)
class Run:
    """One call of :func:`train`."""

    variant: Variant
    out: Path
    events: int
    epochs: int | None
    seed: int
    resume: bool
    progress: Report | None

    def fit(self, stage: Stage, evn: keras.Model, classifier: keras.Model, v_limit: float = math.inf) -> Fitted:
        """Train both networks in place; with ``resume``, from the checkpoint of this stage."""
        task = EvnTask(stage.label, self.variant, evn, classifier, self.events, self.seed, v_limit)
        epochs = stage.epochs if self.epochs is None else self.epochs
        rate = stage.learning_rate * RATE_FACTORS.get(self.variant.name, 1.0)
        schedule = Schedule(epochs, stage.batch, rate, self.seed)
        checkpoint = self.out / "checkpoints" / f"{stage.label}.npz"
        return fit(task, schedule, checkpoint=checkpoint, resume=self.resume, progress=self.progress)


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
) -> Path:
    """Train the EVN of ``variant`` into folder ``out`` and return the path of its model file.

    ``preset`` "float" trains the float reference alone; "paper" and "trigger" train it first, unless ``out``
    has it already, then the quantized EVN: model.h5, classifier.h5, reference.h5, reference_classifier.h5 and
    training.json. ``epochs`` replaces the default of every stage. Checkpoints are kept in
    ``out``/checkpoints; after a kill, ``resume`` with the same options ends with the same bits. Raises
    ModelDataError for options that cannot work.
    """
    quantized = None if preset == "float" else find_preset(preset)
    events = DEFAULT_EVENTS if events is None else events
    _check_options(events, epochs, seed)
    set_up(seed)
    out.mkdir(parents=True, exist_ok=True)
    run = Run(variant, out, events, epochs, seed, resume, progress)
    fits: dict[str, Fitted | None] = {FLOAT.label: _train_reference(run)}
    if quantized is not None:
        fits |= _train_quantized(run, quantized)
    _write_record(run, preset, fits)
    return out / (REFERENCE_FILE if quantized is None else MODEL_FILE)


def _check_options(events: int, epochs: int | None, seed: int) -> None:
    fewest = 2 * max(stage.batch for stage in (FLOAT, SMALL_FLOAT, *QUANTIZED.values()))
    if events < fewest:
        raise ModelDataError(f"events is {events}: training needs at least {fewest}")
    if epochs is not None and epochs < 1:
        raise ModelDataError(f"epochs is {epochs}: train for at least 1")
    if seed < 0:
        raise ModelDataError(f"seed is {seed}: use a whole number from 0 up")


def _train_reference(run: Run) -> Fitted | None:
    """Train the published network unless both its files are there; None if they are."""
    path = run.out / REFERENCE_FILE
    if path.exists() and (run.out / REFERENCE_CLASSIFIER_FILE).exists():
        read_dense_network(path, len(run.variant.inputs))  # refuses one of another variant
        return None
    evn, classifier = _float_networks(run, PAPER_HIDDEN)
    fitted = run.fit(FLOAT, evn, classifier)
    save_model(classifier, run.out / REFERENCE_CLASSIFIER_FILE)
    save_model(evn, path)
    return fitted


def _train_quantized(run: Run, preset: Preset) -> dict[str, Fitted | None]:
    fits: dict[str, Fitted | None] = {}
    evn, classifier = _float_networks(run, preset.hidden)
    if preset.hidden == PAPER_HIDDEN:
        _load_weights(evn, run.out / REFERENCE_FILE)
        _load_weights(classifier, run.out / REFERENCE_CLASSIFIER_FILE)
    else:
        fits[SMALL_FLOAT.label] = run.fit(SMALL_FLOAT, evn, classifier)
    events = generate(run.variant.name, CALIBRATION_EVENTS, run.seed, stream=TRAINING_STREAM)
    model = quantize(run.variant, preset, evn, events.inputs * np.float32(INPUT_SCALE))
    fits[preset.name] = run.fit(QUANTIZED[preset.name], model, classifier, output_limit(model))
    snap_to_grid(model)
    check_exact(model)
    save_model(classifier, run.out / CLASSIFIER_FILE)
    save_model(model, run.out / MODEL_FILE)
    return fits


def _float_networks(run: Run, hidden: tuple[int, ...]) -> tuple[keras.Model, keras.Model]:
    # Seeded here and not only once, so that a stage starts alike whether those before it ran or were resumed.
    keras.utils.set_random_seed(run.seed)
    return build_evn(run.variant, hidden), build_classifier(run.variant)


def _load_weights(network: keras.Model, path: Path) -> None:
    weights = keras.models.load_model(path, compile=False).get_weights()
    if [w.shape for w in weights] != [w.shape for w in network.get_weights()]:
        raise ModelDataError(f"{path}: not the published network of this variant; delete it to train it again")
    network.set_weights(weights)


def save_model(model: keras.Model, path: Path) -> None:
    """Save to Keras's HDF5 format without optimizer state; the file is replaced only when complete."""
    partial = path.with_name(f".{path.stem}.partial.h5")
    logger = logging.getLogger("absl")
    level = logger.level
    logger.setLevel(logging.ERROR)  # Keras calls HDF5 a legacy format: it is the one that every QKeras reads
    try:
        model.save(partial, include_optimizer=False)
    finally:
        logger.setLevel(level)
    partial.replace(path)


def _write_record(run: Run, preset: str, fits: dict[str, Fitted | None]) -> None:
    path = run.out / RECORD_FILE
    kept = _recorded_stages(path)
    record: dict[str, Any] = {
        "system": "event_variables",
        "variant": run.variant.name,
        "preset": preset,
        "events": run.events,
        "seed": run.seed,
        "epochs": run.epochs,
        "generator_version": GENERATOR_VERSION,
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("keras", "numpy", "qkeras-v3", "tensorflow")},
        "test": {"events": TEST_EVENTS, "seed": TEST_SEED, "metrics": _test(run, preset)},
        "stages": {
            label: kept.get(label, {}) if fitted is None else _summary(fitted) for label, fitted in fits.items()
        },
    }
    partial = run.out / f".{RECORD_FILE}.partial"
    partial.write_text(json.dumps(record, indent=2) + "\n")
    partial.replace(path)


def _recorded_stages(path: Path) -> dict[str, Any]:
    """Stages of the record that is there: a reference that is used again keeps the record of its training."""
    try:
        stages: dict[str, Any] = json.loads(path.read_text())["stages"]
    except (FileNotFoundError, KeyError, json.JSONDecodeError):
        return {}
    return stages


def _test(run: Run, preset: str) -> dict[str, Any]:
    """Metrics on test events: of the reference alone, or of reference and quantized network."""
    sample = draw_sample(run.variant, TEST_EVENTS, TEST_SEED)
    if preset == FLOAT.label:
        return {name: {"reference": value} for name, value in measure_reference(run.out, sample).items()}
    model = keras.models.load_model(run.out / MODEL_FILE, compile=False)

    def firmware(inputs: npt.NDArray[np.float32]) -> npt.NDArray[np.float64]:
        blocks = (inputs[start : start + 8192] for start in range(0, len(inputs), 8192))
        return np.concatenate([np.asarray(model(block), np.float64) for block in blocks])

    return measure(run.out, firmware, sample)


def _summary(fitted: Fitted) -> dict[str, Any]:
    last = fitted.history[-1]
    return {
        "epochs": last.epochs,
        "kept_epoch": fitted.kept_epoch,
        "val_loss": fitted.kept_val_loss,
        "events_per_second": round(last.events_per_second),
        "val_loss_by_epoch": [round(state.val_loss, 5) for state in fitted.history],
    }
