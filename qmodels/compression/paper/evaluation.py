"""The figures of arXiv:2210.11489 from a trained folder: reconstructions, rates and heat capacities, AUC against β."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from hls.machine.files import write_text
from qmodels.compression.autoencoder import Encoder
from qmodels.compression.inputs import transport_targets
from qmodels.compression.paper.rates import displays, rates
from qmodels.compression.paper.results import Evaluation, Signal
from qmodels.compression.samples.collision_files import Collisions
from qmodels.compression.samples.event_sources import event_source
from qmodels.compression.samples.pythia import BACKGROUND, SIGNALS
from qmodels.compression.trained_folder import MODEL_FILE, Networks, read_networks
from qmodels.errors import ModelDataError
from qmodels.training.records import read_record

if TYPE_CHECKING:
    from qmodels.compression.paper.separations import Trainer

Progress = Callable[[str, int, int], None]

JSON_FILE, MARKDOWN_FILE = "evaluation.json", "evaluation.md"
EVENTS = 20_000
CLASSIFIERS = ("desk", "paper")
RATE_EVENTS = 500
DISPLAY_EVENT = 40
"""That of the paper's Fig. 1; the event itself is another, since the sample is."""
DISPLAY_LOG10_BETAS = (0.29, -1.14, -2.0, -3.29)
RATE_LOG10_BETAS = tuple(np.arange(4, -25, -1) / 4.0)
AUC_LOG10_BETAS = (0.0, -0.5, -1.0, -1.5, -2.0, -3.0, -4.0, -6.0)


def evaluate(
    folder: Path,
    out: Path,
    *,
    events: int = EVENTS,
    seed: int = 2,
    data: Path | None = None,
    load: Callable[[Path], Encoder],
    classifier: str = "desk",
    resume: bool = False,
    progress: Progress | None = None,
) -> Path:
    """Evaluate the networks in ``folder`` and write figures, evaluation.json and evaluation.md into ``out``.

    Args:
        folder: with reference.h5 and decoder.h5; the reference classifier is evaluated if judge.h5 is there.
        out: made if it does not exist.
        events: of each signal; a tenth of them is what AUCs are measured on.
        seed: of the events, if they are generated, and of the classifiers. Not that of the training.
        data: folder with background.h5, b-to-ks.h5 and hidden-valley.h5 instead of generated events.
        load: makes firmware of a quantized encoder; what model.h5 sends is classified if it is there.
        classifier: size and training of the PFNs, one of ``CLASSIFIERS``.
        resume: go on from the checkpoints that an evaluation with the same options left in ``out``.
        progress: called with (stage, done, total).

    Returns:
        The path of evaluation.md.

    Raises:
        ModelDataError: a network or an event file is missing or unusable, a checkpoint is of other options, or there
            is no such classifier.
    """
    if classifier not in CLASSIFIERS:
        raise ModelDataError(f"no classifier is called {classifier!r}; choose one of {', '.join(CLASSIFIERS)}")
    networks = read_networks(folder)
    model = folder / MODEL_FILE
    firmware = load(model) if model.exists() else None
    # TensorFlow, scikit-learn and matplotlib: bad folders are refused before they are brought.
    from qmodels.compression.classifiers.pfn import TRAININGS, Checkpoints
    from qmodels.compression.paper.plots import draw_figures
    from qmodels.compression.paper.separations import Trainer
    from qmodels.compression.paper.tables import write_markdown
    from qmodels.training.loop import set_up

    set_up(seed)
    out.mkdir(parents=True, exist_ok=True)
    background = event_source(data, RATE_EVENTS, seed)(BACKGROUND).first(RATE_EVENTS)
    signals = [event_source(data, events, seed)(name).first(events) for name in SIGNALS]
    checkpoints = Checkpoints(out / "checkpoints", resume)
    trainer = Trainer(TRAININGS[classifier], seed, checkpoints, progress or (lambda stage, done, total: None))
    found = measure(networks, firmware, _training_record(folder), background, signals, trainer)
    draw_figures(found, out)
    _write_json(found, out / JSON_FILE)
    return write_markdown(found, out / MARKDOWN_FILE)


def measure(
    networks: Networks,
    firmware: Encoder | None,
    training: dict[str, Any],
    background: Collisions,
    signals: Sequence[Collisions],
    trainer: Trainer,
) -> Evaluation:
    """All measurements; the classifiers of ``trainer`` tell the two ``signals`` apart."""
    from qmodels.compression.paper.sent import measure_sent
    from qmodels.compression.paper.separations import restored, uncompressed

    clouds = transport_targets(background.particles, networks.count)
    event = min(DISPLAY_EVENT, len(clouds) - 1)
    return Evaluation(
        particles=networks.count,
        latents=networks.decoder.inputs["latent"][0],
        training=training,
        signals=[Signal(each.header.sample, len(each), each.header.selection) for each in signals],
        truth=clouds[event],
        displays=displays(networks, clouds, event, DISPLAY_LOG10_BETAS),
        rates=rates(networks, clouds, RATE_LOG10_BETAS, trainer.seed, trainer.progress),
        classifiers=uncompressed(trainer, signals, networks.count),
        sent=measure_sent(networks, firmware, signals, AUC_LOG10_BETAS, trainer.seed, trainer.progress),
        aucs=restored(trainer, networks, signals, AUC_LOG10_BETAS),
    )


def _training_record(folder: Path) -> dict[str, Any]:
    """What training.json says of how it was trained; nothing where it is missing or not ours."""
    record = read_record(folder)
    known: dict[str, Any] = {key: record[key] for key in ("variant", "preset", "events", "seed") if key in record}
    if isinstance(known.get("preset"), dict):
        known["preset"] = known["preset"].get("name")
    return known


def _write_json(found: Evaluation, path: Path) -> None:
    content = {
        "particles": found.particles,
        "latents": found.latents,
        "training": found.training,
        "signals": [asdict(signal) for signal in found.signals],
        "displays": [{"log10_beta": d.log10_beta, "bits": d.bits, "active": d.active} for d in found.displays],
        "rates": [
            {
                "log10_beta": r.log10_beta, "distortion": r.distortion, "kl_nats": float(r.kl.sum()),
                "kl_per_latent": sorted((round(float(k), 6) for k in r.kl), reverse=True), "active": r.active,
                "c_s": r.c_s, "c_kl": r.c_kl,
            }
            for r in found.rates
        ],
        "aucs": [asdict(point) for point in found.aucs],
        "sent": [asdict(point) for point in found.sent],
        "classifiers": asdict(found.classifiers),
    }  # fmt: skip
    write_text(path, json.dumps(content, indent=1) + "\n")
