"""One training of an event-variable network, stage by stage."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import keras

from qmodels.event_variables.training import EvnTask
from qmodels.event_variables.variants import PAIR, Variant
from qmodels.training.loop import Fitted, Schedule, Task, fit
from qmodels.training.progress import Report
from qmodels.training.stages import Stage

RATE_FACTORS = {PAIR.name: 0.5}
"""The pair's two classes differ least, so the noise of its gradients drowns the slope at the others' rate."""


@dataclass(frozen=True)
class Run:
    """One call of :func:`qmodels.event_variables.recipe.train`."""

    variant: Variant
    out: Path
    events: int
    epochs: int | None
    seed: int
    resume: bool
    progress: Report | None

    def task(self, stage: Stage, evn: keras.Model, classifier: keras.Model, v_limit: float = math.inf) -> EvnTask:
        """Both networks trained on the events of this run."""
        return EvnTask(stage.label, self.variant, evn, classifier, self.events, self.seed, v_limit)

    def epochs_of(self, stage: Stage) -> int:
        """Epochs asked for, or the default of ``stage``."""
        return stage.epochs if self.epochs is None else self.epochs

    def fit(self, stage: Stage, task: Task, *, keep_best: bool = True, clip: float | None = None) -> Fitted:
        """Train in place; with ``resume``, from the checkpoint of this stage."""
        rate = stage.learning_rate * RATE_FACTORS.get(self.variant.name, 1.0)
        schedule = Schedule(self.epochs_of(stage), stage.batch, rate, self.seed, keep_best=keep_best, clip=clip)
        checkpoint = self.out / "checkpoints" / f"{stage.label}.npz"
        return fit(task, schedule, checkpoint=checkpoint, resume=self.resume, progress=self.progress)
