"""From jets to a project folder: float reference, quantized network and a record of both."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import keras
import numpy as np

from qmodels.errors import ModelDataError
from qmodels.jets.arrays import read_network
from qmodels.jets.fidelity import MODEL_FILE, REFERENCE_FILE, Sample, measure, measure_reference
from qmodels.jets.keras_layers import FloatLayers, UniformLayers, keras_network
from qmodels.jets.presets import FLOAT, FLOAT_STAGE, LEAN, UNIFORM, UNIFORM_BITS, UNIFORM_STAGE, Learned, learned
from qmodels.jets.samples.columns import CLASSES
from qmodels.jets.samples.files import Jets, read_jets
from qmodels.jets.samples.making import cached_jets
from qmodels.jets.samples.pythia import GENERATOR_VERSION
from qmodels.jets.search import REACH_JETS, train_learned
from qmodels.jets.training import JetRun, split
from qmodels.jets.uniform import choose_formats
from qmodels.jets.variants import Variant
from qmodels.training.loop import set_up
from qmodels.training.progress import Report
from qmodels.training.quantization import snap_to_grid
from qmodels.training.records import load_weights, save_model, stage_records, versions, write_record
from qmodels.training.run import Fits, Step, run_steps
from qmodels.training.stages import check_run
from qmodels.types import Floats32, Floats64

DEFAULT_JETS = 100_000
FEWEST = 600
"""Jets that fill two batches when a tenth is kept for validation."""
OTHER = "not the float network of this variant"


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
    """Train a network of ``variant`` into folder ``out`` and return the path of its model file.

    ``preset`` "float" trains the float reference alone; the others train it first, unless ``out`` has it already, then
    the quantized network ("uniform" with the same bits everywhere, "lean" with every width learned): model.h5,
    reference.h5 and training.json. The jets are those of ``data``, a file or a folder of the public layout, or
    generated. ``epochs`` replaces the default of every stage. Checkpoints are kept in ``out``/checkpoints; after a
    kill, ``resume`` with the same options ends with the same bits. Raises ModelDataError for options that cannot work.
    """
    run = _run(variant, out, events, epochs, seed, data, resume=resume, progress=progress)
    fits = run_steps(out, [_reference(run), *(Step(preset, partial(step, run)) for step in RECIPES[preset])])
    _write_record(run, preset, fits, data)
    return out / (REFERENCE_FILE if preset == FLOAT else MODEL_FILE)


def train_point(
    variant: Variant, how: Learned, out: Path, *, events: int | None, epochs: int | None, seed: int
) -> Path:
    """Train one network of learned widths into ``out``: model.h5, no reference and no record."""
    run = _run(variant, out, events, epochs, seed, None)
    save_model(train_learned(run, how)[0], out / MODEL_FILE)
    return out / MODEL_FILE


def _run(
    variant: Variant,
    out: Path,
    events: int | None,
    epochs: int | None,
    seed: int,
    data: Path | None,
    *,
    resume: bool = False,
    progress: Report | None = None,
) -> JetRun:
    check_run(epochs, seed)
    if events is not None and events < FEWEST:
        raise ModelDataError(f"events is {events}: training needs at least {FEWEST} jets")
    jets = _jets(variant, events, seed, data)
    if len(jets) < FEWEST:
        raise ModelDataError(f"{data}: holds {len(jets)} jets, training needs at least {FEWEST}")
    classes = np.unique(jets.classes)
    if len(classes) < 2:
        raise ModelDataError(f"{data}: all its jets are of class {CLASSES[classes[0]]!r}: there is nothing to learn")
    set_up(seed)
    out.mkdir(parents=True, exist_ok=True)
    return JetRun(
        variant=variant, jets=jets, out=out, epochs=epochs, seed=seed, resume=resume, progress=progress
    )  # fmt: skip


def _jets(variant: Variant, events: int | None, seed: int, data: Path | None) -> Jets:
    if data is None:
        return cached_jets(events or DEFAULT_JETS, seed, variant.constituents)
    return read_jets(data, variant.constituents, events)


def _reference(run: JetRun) -> Step:
    def fit() -> Fits:
        keras.utils.set_random_seed(run.seed)
        network = keras_network(run.variant, FloatLayers())
        fitted = run.fit(FLOAT_STAGE, run.task(FLOAT_STAGE, network))
        save_model(network, run.out / REFERENCE_FILE)
        return {FLOAT: fitted}

    accept = lambda: read_network(run.out / REFERENCE_FILE, run.variant)  # noqa: E731
    return Step(FLOAT, fit, makes=(REFERENCE_FILE,), accept=accept)


def _train_uniform(run: JetRun) -> Fits:
    path = run.out / REFERENCE_FILE
    bits = UNIFORM_BITS[run.variant.architecture]
    formats = choose_formats(read_network(path, run.variant), run.inputs()[:REACH_JETS], bits)
    keras.utils.set_random_seed(run.seed)
    model = keras_network(run.variant, UniformLayers(formats))
    load_weights(model, path, OTHER)
    fitted = run.fit(UNIFORM_STAGE, run.task(UNIFORM_STAGE, model))
    snap_to_grid(model)
    save_model(model, run.out / MODEL_FILE)
    return {UNIFORM: fitted}


def _train_lean(run: JetRun) -> Fits:
    model, fitted = train_learned(run, learned(run.variant))
    save_model(model, run.out / MODEL_FILE)
    return {LEAN: fitted}


RECIPES: dict[str, tuple[Callable[[JetRun], Fits], ...]] = {
    FLOAT: (),
    UNIFORM: (_train_uniform,),
    LEAN: (_train_lean,),
}
"""What each preset trains after the float reference."""


def _write_record(run: JetRun, preset: str, fits: Fits, data: Path | None) -> None:
    record: dict[str, Any] = {
        "system": "jets",
        "variant": run.variant.name,
        "preset": preset,
        "jets": len(run.jets),
        "data": None if data is None else data.name,
        "seed": run.seed,
        "epochs": run.epochs,
        "generator_version": GENERATOR_VERSION,
        "versions": versions(("keras", "numpy", "qkeras-v3", "tensorflow")),
        "validation": _validation(run, preset),
        "stages": stage_records(run.out, fits),
    }
    write_record(run.out, record)


def _validation(run: JetRun, preset: str) -> dict[str, Any]:
    """Metrics on the jets kept for validation: of the reference alone, or of reference and quantized network."""
    order, trained = split(len(run.jets), run.seed)
    jets = run.jets.chosen(order[trained:])
    sample = Sample(run.variant, run.variant.inputs(jets), jets.classes)
    if preset == FLOAT:
        found = {name: {"reference": value} for name, value in measure_reference(run.out, sample).items()}
        return {"jets": len(jets), "metrics": found}
    model = keras.models.load_model(run.out / MODEL_FILE, compile=False)

    def firmware(inputs: Floats32) -> Floats64:
        blocks = (inputs[start : start + 1024] for start in range(0, len(inputs), 1024))
        return np.concatenate([np.asarray(model(block), np.float64) for block in blocks])

    return {"jets": len(jets), "metrics": measure(run.out, firmware, sample)}
