"""One training of a system: its options, and its steps one after the other, those done before used again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from qmodels.training.loop import Fitted, Schedule, Task, fit
from qmodels.training.progress import Report
from qmodels.training.stages import Stage

Fits = dict[str, Fitted | None]
"""How each stage went, by label; None for networks that were used again."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """One call of a system's training. A system adds what its tasks need, and changes ``schedule`` where it must."""

    out: Path
    epochs: int | None
    seed: int
    resume: bool = False
    progress: Report | None = None

    def epochs_of(self, stage: Stage) -> int:
        """Epochs asked for, or the default of ``stage``."""
        return stage.epochs if self.epochs is None else self.epochs

    def schedule(self, stage: Stage) -> Schedule:
        """How long and how fast ``stage`` is trained."""
        return Schedule(self.epochs_of(stage), stage.batch, stage.learning_rate, self.seed)

    def fit(self, stage: Stage, task: Task, *, keep_best: bool = True, clip: float | None = None) -> Fitted:
        """Train in place; with ``resume``, from the checkpoint of this stage."""
        schedule = replace(self.schedule(stage), keep_best=keep_best, clip=clip)
        checkpoint = self.out / "checkpoints" / f"{stage.label}.npz"
        return fit(task, schedule, checkpoint=checkpoint, resume=self.resume, progress=self.progress)


@dataclass(frozen=True)
class Step:
    """A step of a recipe, which leaves files in the folder of the run.

    One that ``makes`` files is left out where all of them are there, once ``accept``, if given, has not refused them.
    """

    label: str
    train: Callable[[], Fits]
    makes: tuple[str, ...] = ()
    accept: Callable[[], object] | None = None


def run_steps(folder: Path, steps: Sequence[Step]) -> Fits:
    """Take the ``steps`` of a recipe in ``folder``, in their order."""
    fits: Fits = {}
    for step in steps:
        if step.makes and all((folder / name).exists() for name in step.makes):
            if step.accept is not None:
                step.accept()
            fits[step.label] = None
        else:
            fits |= step.train()
    return fits
