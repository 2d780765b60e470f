"""From top pairs to two float networks in a folder, and a record of their training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import keras

from qmodels.errors import ModelDataError
from qmodels.simulation.pairs import Pairs, watched
from qmodels.simulation.presets import PARTNER_FILE, REFERENCE_FILE
from qmodels.simulation.ttbar.networks import residual
from qmodels.simulation.ttbar.presets import (
    DECODER,
    ENCODER,
    PRESETS,
    TRAINING_EVENTS,
    TTBAR_DECODER,
    VALIDATION_EVENTS,
    TopPreset,
)
from qmodels.simulation.ttbar.samples import read_events, training_events
from qmodels.simulation.ttbar.training import TopTask
from qmodels.training.loop import set_up
from qmodels.training.progress import Report
from qmodels.training.records import save_model, stage_records, versions, write_record
from qmodels.training.run import Fits, Run
from qmodels.training.stages import check_run


@dataclass(frozen=True, kw_only=True)
class TopRun(Run):
    """One training: on unpaired ``pairs``, watched on ``check``."""

    pairs: Pairs
    check: Pairs


def train(
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
    """Train decoder and encoder into folder ``out``; returns the file of the decoder, reference.h5.

    ``data`` is a file of top pairs; without it ``events`` are simulated and kept in the cache, which takes 60 ms each.
    ``epochs`` replaces the default of every stage. After a kill, ``resume`` with the same options ends with the same
    bits.

    Raises ModelDataError for an unknown preset, options that cannot work, or a file without enough events.
    """
    if preset not in PRESETS:
        raise ModelDataError(f"unknown preset {preset!r} of {TTBAR_DECODER}: choose one of {', '.join(PRESETS)}")
    chosen = PRESETS[preset]
    check_run(epochs, seed)
    pairs, check = _events(chosen, events, seed, data)
    set_up(seed)
    out.mkdir(parents=True, exist_ok=True)
    run = TopRun(out=out, epochs=epochs, seed=seed, resume=resume, progress=progress, pairs=pairs, check=check)
    fits = _train(run, chosen)
    _write_record(run, preset, fits)
    return out / REFERENCE_FILE


def _train(run: TopRun, chosen: TopPreset) -> Fits:
    keras.utils.set_random_seed(run.seed)
    encoder, decoder = (residual(name, normalised=chosen.normalised) for name in (ENCODER, DECODER))
    fits: Fits = {}
    for part in chosen.parts:
        task = TopTask(part, encoder, decoder, run.pairs, run.check, run.seed)
        # The losses scatter from batch to batch, so those of the last step are kept.
        fits[part.stage.label] = run.fit(part.stage, task, keep_best=False)
    save_model(encoder, run.out / PARTNER_FILE)
    save_model(decoder, run.out / REFERENCE_FILE)
    return fits


def _events(preset: TopPreset, events: int | None, seed: int, data: Path | None) -> tuple[Pairs, Pairs]:
    """Training events, of which the training forgets who belongs to whom, and others to watch it by."""
    if data is None:
        pairs = training_events((TRAINING_EVENTS if events is None else events) + VALIDATION_EVENTS, seed)
    else:
        pairs = read_events(data)[0]
    batch = max(part.stage.batch for part in preset.parts)
    return watched(pairs, events, VALIDATION_EVENTS, batch, "top pairs")


def _write_record(run: TopRun, preset: str, fits: Fits) -> None:
    record = {
        "system": "simulation",
        "variant": TTBAR_DECODER,
        "preset": preset,
        "events": len(run.pairs),
        "seed": run.seed,
        "epochs": run.epochs,
        "versions": versions(("keras", "numpy", "tensorflow")),
        "stages": stage_records(run.out, fits),
    }
    write_record(run.out, record)
