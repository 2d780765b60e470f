"""From nothing to a project folder: float reference, quantized EVN, classifiers and a record of both."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np

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
from qmodels.event_variables.networks import PRESETS, LearnedNetwork
from qmodels.event_variables.quantized import PAPER, output_limit, quantize
from qmodels.event_variables.reference import build_classifier, build_evn
from qmodels.event_variables.search import train_learned
from qmodels.event_variables.training import EvnRun
from qmodels.event_variables.variants import INPUT_SCALE, Variant
from qmodels.numpy_networks import read_dense_network
from qmodels.training.loop import set_up
from qmodels.training.progress import Report
from qmodels.training.quantization import check_exact, snap_to_grid
from qmodels.training.records import load_weights, save_model, stage_records, versions, write_record
from qmodels.training.run import Fits, Step, run_steps
from qmodels.training.stages import Stage, check_run
from qmodels.types import Floats32, Floats64

DEFAULT_EVENTS = 2_500_000
TEST_EVENTS = 100_000
TEST_SEED = 1
CALIBRATION_EVENTS = 50_000
OTHER = "not the published network of this variant"

FLOAT = Stage("float", 30, 512, 2e-3)
QUANTIZED = Stage("paper", 12, 1024, 3e-4)


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

    ``preset`` "float" trains the float reference alone; the others train it first, unless ``out`` has it already, then
    the quantized EVN ("paper" the same network in few bits, "lean" the same with every width learned, "trigger" one of
    products whose widths are learned): model.h5, classifier.h5, reference.h5, reference_classifier.h5 and
    training.json. ``epochs`` replaces the default of every stage. Checkpoints are kept in
    ``out``/checkpoints; after a kill, ``resume`` with the same options ends with the same bits. Raises
    ModelDataError for options that cannot work.
    """
    if preset not in RECIPES:
        known = ", ".join(RECIPES)
        raise ModelDataError(f"unknown preset {preset!r} of event_variables: choose one of {known}")
    events = DEFAULT_EVENTS if events is None else events
    _check_options(events, epochs, seed)
    set_up(seed)
    out.mkdir(parents=True, exist_ok=True)
    run = EvnRun(variant=variant, out=out, events=events, epochs=epochs, seed=seed, resume=resume, progress=progress)
    fits = run_steps(out, [_reference(run), *(step(run) for step in RECIPES[preset])])
    _write_record(run, preset, fits)
    return out / (REFERENCE_FILE if preset == FLOAT.label else MODEL_FILE)


def train_point(
    variant: Variant, network: LearnedNetwork, out: Path, *, events: int | None, epochs: int | None, seed: int
) -> Path:
    """Train one network of learned widths into ``out``: model.h5 and classifier.h5, no reference and no record."""
    events = DEFAULT_EVENTS if events is None else events
    _check_options(events, epochs, seed)
    set_up(seed)
    out.mkdir(parents=True, exist_ok=True)
    _train_learned(EvnRun(variant=variant, out=out, events=events, epochs=epochs, seed=seed), network)
    return out / MODEL_FILE


def _check_options(events: int, epochs: int | None, seed: int) -> None:
    learned = (network.read for networks in PRESETS.values() for network in networks.values())
    fewest = 2 * max(stage.batch for stage in (FLOAT, QUANTIZED, *learned))
    if events < fewest:
        raise ModelDataError(f"events is {events}: training needs at least {fewest}")
    check_run(epochs, seed)


def _reference(run: EvnRun) -> Step:
    """The published network in float, unless both its files are there and of this variant."""

    def train() -> Fits:
        evn, classifier = _float_networks(run)
        fitted = run.fit(FLOAT, run.task(FLOAT, evn, classifier))
        save_model(classifier, run.out / REFERENCE_CLASSIFIER_FILE)
        save_model(evn, run.out / REFERENCE_FILE)
        return {FLOAT.label: fitted}

    def accept() -> None:
        read_dense_network(run.out / REFERENCE_FILE, len(run.variant.inputs))

    return Step(FLOAT.label, train, makes=(REFERENCE_FILE, REFERENCE_CLASSIFIER_FILE), accept=accept)


def _paper(run: EvnRun) -> Step:
    return Step(QUANTIZED.label, lambda: _train_paper(run))


def _learned(preset: str) -> Callable[[EvnRun], Step]:
    """The step of a preset whose widths are learned."""
    return lambda run: Step(preset, lambda: _train_learned(run, PRESETS[preset][run.variant.name]))


RECIPES: dict[str, tuple[Callable[[EvnRun], Step], ...]] = {
    FLOAT.label: (),
    PAPER.name: (_paper,),
    **{preset: (_learned(preset),) for preset in PRESETS},
}
"""What each preset trains after the float reference."""


def _train_paper(run: EvnRun) -> Fits:
    evn, classifier = _float_networks(run)
    load_weights(evn, run.out / REFERENCE_FILE, OTHER)
    load_weights(classifier, run.out / REFERENCE_CLASSIFIER_FILE, OTHER)
    events = generate(run.variant.name, CALIBRATION_EVENTS, run.seed, stream=TRAINING_STREAM)
    model = quantize(run.variant, PAPER, evn, events.inputs * np.float32(INPUT_SCALE))
    fitted = run.fit(QUANTIZED, run.task(QUANTIZED, model, classifier, output_limit(model)))
    snap_to_grid(model)
    check_exact(model)
    save_model(classifier, run.out / CLASSIFIER_FILE)
    save_model(model, run.out / MODEL_FILE)
    return {QUANTIZED.label: fitted}


def _train_learned(run: EvnRun, network: LearnedNetwork) -> Fits:
    model, classifier, fits = train_learned(run, network)
    save_model(classifier, run.out / CLASSIFIER_FILE)
    save_model(model, run.out / MODEL_FILE)
    return fits


def _float_networks(run: EvnRun) -> tuple[keras.Model, keras.Model]:
    # Seeded here and not only once, so that a stage starts alike whether those before it ran or were resumed.
    keras.utils.set_random_seed(run.seed)
    return build_evn(run.variant), build_classifier(run.variant)


def _write_record(run: EvnRun, preset: str, fits: Fits) -> None:
    record: dict[str, Any] = {
        "system": "event_variables",
        "variant": run.variant.name,
        "preset": preset,
        "events": run.events,
        "seed": run.seed,
        "epochs": run.epochs,
        "generator_version": GENERATOR_VERSION,
        "versions": versions(("keras", "numpy", "qkeras-v3", "tensorflow")),
        "test": {"events": TEST_EVENTS, "seed": TEST_SEED, "metrics": _test(run, preset)},
        "stages": stage_records(run.out, fits),
    }
    write_record(run.out, record)


def _test(run: EvnRun, preset: str) -> dict[str, Any]:
    """Metrics on test events: of the reference alone, or of reference and quantized network."""
    sample = draw_sample(run.variant, TEST_EVENTS, TEST_SEED)
    if preset == FLOAT.label:
        return {name: {"reference": value} for name, value in measure_reference(run.out, sample).items()}
    model = keras.models.load_model(run.out / MODEL_FILE, compile=False)

    def firmware(inputs: Floats32) -> Floats64:
        blocks = (inputs[start : start + 8192] for start in range(0, len(inputs), 8192))
        return np.concatenate([np.asarray(model(block), np.float64) for block in blocks])

    return measure(run.out, firmware, sample)
