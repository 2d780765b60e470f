"""AUCs between the signals: of events as they are, and of what is restored of them at each β."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from qmodels.classification import Auc, measured_auc
from qmodels.compression.autoencoder import code
from qmodels.compression.classifiers import pfn
from qmodels.compression.classifiers.inputs import scaled, scaled_muons
from qmodels.compression.classifiers.parts import unseen
from qmodels.compression.classifiers.separation import restored_scores
from qmodels.compression.classifiers.summaries import summaries
from qmodels.compression.classifiers.trees import train_trees
from qmodels.compression.inputs import transport_targets
from qmodels.compression.packing.totals import cut_to
from qmodels.compression.paper.results import AucPoint, Classifiers
from qmodels.compression.samples.collision_files import Collisions
from qmodels.compression.samples.selection import MAX_PARTICLES
from qmodels.compression.trained_folder import Networks
from qmodels.training.progress import TrainingProgress
from qmodels.types import Floats32

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Trainer:
    """Trains the classifiers of an evaluation, each on its own and all in the same way."""

    training: pfn.PfnTraining
    seed: int
    checkpoints: pfn.Checkpoints
    progress: Progress

    def network(self, sides: Sequence[Floats32], label: str) -> Auc:
        """AUC of a fresh PFN on features (n, N, f) of each class; ``label`` names its checkpoint."""

        def report(state: TrainingProgress) -> None:
            self.progress(f"PFN, {label}", state.epoch, state.epochs)

        return pfn.train_classifier(
            sides, self.training, self.seed, label, checkpoints=self.checkpoints, progress=report
        ).auc

    def trees(self, clouds: Sequence[Floats32]) -> Auc:
        """AUC of trees on summaries of clouds (n, N, 3)."""
        return train_trees([summaries(side) for side in clouds], self.seed)


def uncompressed(trainer: Trainer, signals: Sequence[Collisions], count: int) -> Classifiers:
    """AUCs of the ``signals`` as they are, and as the ``count`` particles that the encoder takes."""
    visible = [signal.visible.astype(np.float64) for signal in signals]
    ht = [signal.particles[:, :, 0].sum(axis=1) for signal in signals]
    stored, clouds = (
        [transport_targets(signal.particles, most) for signal in signals] for most in (MAX_PARTICLES, count)
    )
    return Classifiers(
        ht=measured_auc(ht[1], ht[0]),
        multiplicity=measured_auc(visible[1], visible[0]),
        stored_pfn=trainer.network([scaled(side) for side in stored], "uncompressed"),
        stored_trees=trainer.trees(stored),
        pfn=trainer.network([scaled(side) for side in clouds], f"{count} particles"),
        trees=trainer.trees(clouds),
        muons=trainer.network([scaled_muons(signal.muons) for signal in signals], "muons"),
    )


def restored(
    trainer: Trainer, networks: Networks, signals: Sequence[Collisions], log10_betas: Sequence[float]
) -> list[AucPoint]:
    """One point a β, of the float means decoded."""
    clouds = [transport_targets(signal.particles, networks.count) for signal in signals]
    found = []
    for log10_beta in log10_betas:
        coded = [code(networks.reference, networks.decoder, side, log10_beta) for side in clouds]
        back = [np.asarray(side.restored, np.float32) for side in coded]
        cut = [cut_to(side, signal.visible) for side, signal in zip(back, signals, strict=True)]
        found.append(
            AucPoint(
                log10_beta=log10_beta,
                bits=float(np.concatenate([side.kl.sum(axis=1) for side in coded]).mean() / np.log(2.0)),
                pfn=trainer.network([scaled(side) for side in back], f"log10 beta {log10_beta:g}"),
                reference=_reference(networks, unseen(back, trainer.seed), log10_beta),
                trees=trainer.trees(back),
                cut_trees=trainer.trees(cut),
            )
        )
    return found


def _reference(networks: Networks, tests: Sequence[Floats32], log10_beta: float) -> Auc | None:
    if networks.classifier is None:
        return None
    return measured_auc(*restored_scores(networks.classifier, tests, log10_beta))
