"""The figures of arXiv:2210.11489 from a trained folder: reconstructions, rates and heat capacities, AUC against β."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from hls.errors import ProjectError
from hls.machine.files import read_json, write_text
from qmodels.classification import Auc, measured_auc
from qmodels.compression.autoencoder import Encoder, code
from qmodels.compression.classifiers.parts import unseen
from qmodels.compression.classifiers.separation import restored_scores
from qmodels.compression.classifiers.summaries import summaries
from qmodels.compression.inputs import transport_targets
from qmodels.compression.packing.totals import Totals, totals_of
from qmodels.compression.paper.rates import displays, rates
from qmodels.compression.paper.results import AucPoint, Classifiers, Evaluation
from qmodels.compression.samples.collision_files import Collisions
from qmodels.compression.samples.event_sources import event_source
from qmodels.compression.samples.pythia import SIGNALS
from qmodels.compression.samples.selection import MAX_PARTICLES
from qmodels.compression.trained_folder import MODEL_FILE, Networks, read_networks
from qmodels.types import Floats32

Progress = Callable[[str, int, int], None]

JSON_FILE, MARKDOWN_FILE = "evaluation.json", "evaluation.md"
EVENTS = 20_000
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
        progress: called with (stage, done, total).

    Returns:
        The path of evaluation.md.

    Raises:
        ModelDataError: a network or an event file is missing or unusable.
    """
    networks = read_networks(folder)
    model = folder / MODEL_FILE
    firmware = load(model) if model.exists() else None
    from qmodels.compression.paper.plots import draw_figures  # brings matplotlib
    from qmodels.compression.paper.tables import write_markdown
    from qmodels.training.loop import set_up  # brings TensorFlow: bad folders are refused before

    set_up(seed)
    collisions = event_source(data, events, seed)
    found = measure(networks, firmware, _training_record(folder), collisions, events, seed, progress)
    out.mkdir(parents=True, exist_ok=True)
    draw_figures(found, out)
    _write_json(found, out / JSON_FILE)
    return write_markdown(found, out / MARKDOWN_FILE)


def measure(
    networks: Networks,
    firmware: Encoder | None,
    training: dict[str, Any],
    collisions: Callable[[str], Collisions],
    events: int,
    seed: int,
    progress: Progress | None = None,
) -> Evaluation:
    """All measurements, on the events that ``collisions`` gives for the name of a sample."""
    background = transport_targets(collisions("background").particles[:RATE_EVENTS], networks.count)
    signals = [collisions(name) for name in SIGNALS]
    totals = [Totals(totals_of(signal).raw[:events]) for signal in signals]
    clouds = [transport_targets(signal.particles[:events], networks.count) for signal in signals]
    event = min(DISPLAY_EVENT, len(background) - 1)
    from qmodels.compression.paper.sent import measure_sent  # brings scikit-learn

    return Evaluation(
        particles=networks.count,
        latents=networks.decoder.inputs["latent"][0],
        training=training,
        truth=background[event],
        displays=displays(networks, background, event, DISPLAY_LOG10_BETAS),
        rates=rates(networks, background, RATE_LOG10_BETAS, seed, progress),
        aucs=_aucs(networks, clouds, seed, progress),
        sent=measure_sent(networks, firmware, list(zip(clouds, totals, strict=True)), AUC_LOG10_BETAS, seed, progress),
        classifiers=_classifiers(signals, clouds, events, seed),
    )


def _aucs(networks: Networks, clouds: Sequence[Floats32], seed: int, progress: Progress | None) -> list[AucPoint]:
    from qmodels.compression.classifiers.inputs import scaled
    from qmodels.compression.classifiers.pfn import SIZES, desk_schedule, train_classifier
    from qmodels.compression.classifiers.trees import train_trees

    found = []
    for index, log10_beta in enumerate(AUC_LOG10_BETAS):
        coded = [code(networks.reference, networks.decoder, signal, log10_beta) for signal in clouds]
        restored = [np.asarray(side.restored, np.float32) for side in coded]
        zeros, ones = (scaled(side) for side in restored)
        fresh = train_classifier((zeros, ones), SIZES["desk"], desk_schedule(seed), f"log10 beta {log10_beta:g}")
        found.append(
            AucPoint(
                log10_beta=log10_beta,
                bits=float(np.concatenate([side.kl.sum(axis=1) for side in coded]).mean() / np.log(2.0)),
                pfn=fresh.auc,
                reference=_reference(networks, unseen(restored, seed), log10_beta),
                trees=train_trees([summaries(side) for side in restored], seed),
            )
        )
        if progress is not None:
            progress("classifiers", index + 1, len(AUC_LOG10_BETAS))
    return found


def _reference(networks: Networks, tests: Sequence[Floats32], log10_beta: float) -> Auc | None:
    if networks.classifier is None:
        return None
    return measured_auc(*restored_scores(networks.classifier, tests, log10_beta))


def _classifiers(signals: Sequence[Collisions], clouds: Sequence[Floats32], events: int, seed: int) -> Classifiers:
    from qmodels.compression.classifiers.inputs import scaled, scaled_muons
    from qmodels.compression.classifiers.pfn import SIZES, desk_schedule, train_classifier
    from qmodels.compression.classifiers.trees import train_trees

    desk, schedule = SIZES["desk"], desk_schedule(seed)
    pairs = [scaled_muons(signal.muons[:events]) for signal in signals]
    muons = train_classifier((pairs[0], pairs[1]), desk, schedule, "muons")
    whole = train_classifier((scaled(clouds[0]), scaled(clouds[1])), desk, schedule, "uncompressed")
    ht = [signal.particles[:events, :, 0].sum(axis=1) for signal in signals]
    visible = [signal.visible[:events].astype(np.float64) for signal in signals]
    stored = [transport_targets(signal.particles[:events], MAX_PARTICLES) for signal in signals]
    return Classifiers(
        muons=muons.auc,
        ht=measured_auc(ht[1], ht[0]),
        multiplicity=measured_auc(visible[1], visible[0]),
        pfn=whole.auc,
        trees=train_trees([summaries(side) for side in clouds], seed),
        stored_trees=train_trees([summaries(side) for side in stored], seed),
    )


def _training_record(folder: Path) -> dict[str, Any]:
    """What training.json says of how it was trained; nothing where it is missing or not ours."""
    try:
        record = read_json(folder / "training.json")
    except (FileNotFoundError, ProjectError):
        return {}
    if not isinstance(record, dict):
        return {}
    known = {key: record[key] for key in ("variant", "preset", "events", "seed") if key in record}
    if isinstance(known.get("preset"), dict):
        known["preset"] = known["preset"].get("name")
    return known


def _write_json(found: Evaluation, path: Path) -> None:
    content = {
        "particles": found.particles,
        "latents": found.latents,
        "training": found.training,
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
