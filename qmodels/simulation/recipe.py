"""From nothing to a project folder: encoder and decoder in float and in few bits, and a record of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from qmodels.errors import ModelDataError
from qmodels.simulation import learned
from qmodels.simulation.events import find_variant
from qmodels.simulation.generating import training_pairs
from qmodels.simulation.networks import paper, residual
from qmodels.simulation.pair_files import read_pairs
from qmodels.simulation.pairs import Pairs, watched
from qmodels.simulation.particles import NOISE, normal_noise, ports
from qmodels.simulation.points import Choice, preset_of
from qmodels.simulation.presets import (
    DECODER,
    ENCODER,
    MODEL_FILE,
    PARTNER_FILE,
    PARTNER_MODEL_FILE,
    PRESETS,
    REFERENCE_FILE,
    TRAINING_EVENTS,
    VALIDATION_EVENTS,
    Learned,
    Part,
    Preset,
    Quantization,
)
from qmodels.simulation.quantized import build, formats_for, take_weights
from qmodels.simulation.training import SimulationTask
from qmodels.training.loop import set_up
from qmodels.training.precision.task import ChargedTask
from qmodels.training.progress import Report
from qmodels.training.quantization import snap_to_grid
from qmodels.training.records import load_weights, save_model, stage_records, versions, write_record
from qmodels.training.run import Fits, Run, Step, run_steps
from qmodels.training.stages import check_run

_SAMPLE_STREAM = 31
_SAMPLE_EVENTS = 20_000
"""Events that formats are chosen by."""
PARTNER_BITS = 8
OTHER = "not a network of this preset"


@dataclass(frozen=True)
class Networks:
    """The two of a training, which become ``model`` and ``partner`` of a folder as its variant says."""

    encoder: keras.Model
    decoder: keras.Model

    def of(self, variant: str) -> tuple[keras.Model, keras.Model]:
        """The variant's own, and its partner."""
        return (self.decoder, self.encoder) if variant == DECODER else (self.encoder, self.decoder)


@dataclass(frozen=True, kw_only=True)
class SimulationRun(Run):
    """One training: on unpaired ``pairs``, watched on ``check``."""

    variant: str
    pairs: Pairs
    check: Pairs

    def task(self, part: Part, networks: Networks) -> SimulationTask:
        """What a stage trains."""
        label = part.stage.label
        return SimulationTask(label, networks.encoder, networks.decoder, self.pairs, self.check, part.terms, self.seed)

    def fit_part(self, part: Part, networks: Networks) -> Fits:
        """Train ``networks`` by the losses of one stage, keeping those of its last step: the losses scatter."""
        return {part.stage.label: self.fit(part.stage, self.task(part, networks), keep_best=False)}

    def inputs(self, name: str) -> dict[str, Any]:
        """By port, what the network ``name`` reads of the first training events."""
        source = (self.pairs.z if name == DECODER else self.pairs.x)[:_SAMPLE_EVENTS]
        return dict(ports(source, normal_noise(len(source), self.seed, _SAMPLE_STREAM)))


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
    """Train both networks into folder ``out``; returns the file of the variant's: model.h5, or of "paper" reference.h5.

    The float networks of a folder are used again. ``data`` is a file of pairs; without it ``events`` are simulated and
    kept in the cache. ``epochs`` replaces the default of every stage. After a kill, ``resume`` with the same options
    ends with the same bits.

    Raises ModelDataError for an unknown variant or preset, options that cannot work, or a file without enough events.
    """
    if preset not in PRESETS:
        raise ModelDataError(f"unknown preset {preset!r} of simulation: choose one of {', '.join(PRESETS)}")
    chosen = PRESETS[preset]
    run = _run(variant, chosen, out, events, epochs, seed, data)
    run = replace(run, resume=resume, progress=progress)
    fits = _train(run, preset, chosen)
    _write_record(run, preset, fits)
    return out / (REFERENCE_FILE if chosen.quantized is None else MODEL_FILE)


def train_point(
    variant: str,
    parameters: Mapping[str, Choice],
    out: Path,
    *,
    events: int | None = None,
    epochs: int | None = None,
    seed: int = 1,
) -> Path:
    """Train the network of ``parameters`` into ``out``, with its float one and their partners; no record."""
    preset = preset_of(parameters)
    _train(_run(variant, preset, out, events, epochs, seed, None), "point", preset)
    return out / MODEL_FILE


def _run(
    variant: str, preset: Preset, out: Path, events: int | None, epochs: int | None, seed: int, data: Path | None
) -> SimulationRun:
    find_variant(variant)
    check_run(epochs, seed)
    pairs, check = _events(preset, events, seed, data)
    set_up(seed)
    out.mkdir(parents=True, exist_ok=True)
    return SimulationRun(out=out, epochs=epochs, seed=seed, variant=variant, pairs=pairs, check=check)


def _train(run: SimulationRun, name: str, chosen: Preset) -> Fits:
    steps = [_float_step(run, chosen)]
    if chosen.quantized is not None:
        quantized = chosen.quantized
        steps.append(Step(name, lambda: _train_quantized(run, chosen, quantized)))
    return run_steps(run.out, steps)


def _events(preset: Preset, events: int | None, seed: int, data: Path | None) -> tuple[Pairs, Pairs]:
    """Training events, of which the training forgets who belongs to whom, and others to watch it by."""
    if data is None:
        pairs = training_pairs((TRAINING_EVENTS if events is None else events) + VALIDATION_EVENTS, seed)
    else:
        pairs = read_pairs(data)[0]
    return watched(pairs, events, VALIDATION_EVENTS, max(part.stage.batch for part in preset.parts))


def _float_step(run: SimulationRun, preset: Preset) -> Step:
    """The float networks, unless both files are there and of this preset."""

    def train() -> Fits:
        networks = _float_networks(run, preset)
        fits: Fits = {}
        for part in preset.float_parts:
            fits |= run.fit_part(part, networks)
        _save(run, networks, REFERENCE_FILE, PARTNER_FILE)
        return fits

    def accept() -> None:
        _read_float_networks(run, preset)

    return Step("float", train, makes=(REFERENCE_FILE, PARTNER_FILE), accept=accept)


def _float_networks(run: SimulationRun, preset: Preset) -> Networks:
    keras.utils.set_random_seed(run.seed)
    if preset.residual:
        return Networks(residual(ENCODER, preset.hidden), residual(DECODER, preset.hidden))
    z, x = (_standard(particles) for particles in (run.pairs.z, run.pairs.x))
    return Networks(paper(ENCODER, x, z[:, :6]), paper(DECODER, z, x[:, :6]))


def _standard(particles: Any) -> Any:
    """Momenta and then energies, in units of the ports."""
    read = ports(particles, np.zeros((len(particles), NOISE)))
    return np.concatenate([read[name].reshape(len(particles), -1) for name in ("momenta", "energies")], axis=1)


def _read_float_networks(run: SimulationRun, preset: Preset) -> Networks:
    networks = _float_networks(run, preset)
    own, partner = networks.of(run.variant)
    load_weights(own, run.out / REFERENCE_FILE, OTHER)
    load_weights(partner, run.out / PARTNER_FILE, OTHER)
    return networks


def _train_quantized(run: SimulationRun, preset: Preset, quantized: Quantization | Learned) -> Fits:
    networks = _read_float_networks(run, preset)
    if isinstance(quantized, Learned):
        return _train_learned(run, networks, quantized)
    few = Networks(_quantized(run, networks.encoder, quantized.bits), _quantized(run, networks.decoder, quantized.bits))
    fits = {} if quantized.part is None else run.fit_part(quantized.part, few)
    for network in (few.encoder, few.decoder):
        snap_to_grid(network)
    _save(run, few, MODEL_FILE, PARTNER_MODEL_FILE)
    return fits


def _train_learned(run: SimulationRun, networks: Networks, how: Learned) -> Fits:
    """The variant's own network by learned widths; its partner, which no chip computes, in ``PARTNER_BITS``."""
    own, partner = networks.of(run.variant)
    few = take_weights(learned.build(own.name, *(own.get_layer(name).units for name in learned.READERS)), own)
    companion = _quantized(run, partner, PARTNER_BITS)
    trained = Networks(companion, few) if run.variant == DECODER else Networks(few, companion)
    inputs = list(run.inputs(few.name).values())
    fits: Fits = {}
    for part, charge in ((how.part, how.charge), (how.settled, replace(how.charge, first=how.charge.last))):
        rates = charge.over(run.epochs_of(part.stage))
        charged = ChargedTask(run.task(part, trained), few, rates, inputs)
        fits[part.stage.label] = run.fit(part.stage, charged, keep_best=False)
    snap_to_grid(companion)
    save_model(companion, run.out / PARTNER_MODEL_FILE)
    save_model(learned.finished(few), run.out / MODEL_FILE)
    return fits


def _quantized(run: SimulationRun, network: keras.Model, bits: int) -> keras.Model:
    formats = formats_for(network, run.inputs(network.name), bits)
    return take_weights(build(network.name, formats, network.get_layer("pair_hidden").units), network)


def _save(run: SimulationRun, networks: Networks, own_file: str, partner_file: str) -> None:
    own, partner = networks.of(run.variant)
    save_model(partner, run.out / partner_file)
    save_model(own, run.out / own_file)


def _write_record(run: SimulationRun, preset: str, fits: Fits) -> None:
    record = {
        "system": "simulation",
        "variant": run.variant,
        "preset": preset,
        "events": len(run.pairs),
        "seed": run.seed,
        "epochs": run.epochs,
        "versions": versions(("keras", "numpy", "qkeras-v3", "tensorflow")),
        "stages": stage_records(run.out, fits),
    }
    write_record(run.out, record)
