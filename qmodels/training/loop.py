"""A compiled, resumable training loop, shared by every system.

Hundreds of steps run inside one compiled function, so Python costs nothing per step. After every epoch the
weights, the optimizer and the history are written to one checkpoint, atomically; a run resumed from it ends
with the same bits as one that was never interrupted.
"""

from __future__ import annotations

import json
import math
import time
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf

from hls.machine.files import whole_file
from qmodels.errors import ModelDataError
from qmodels.training.plateau import Plateau
from qmodels.training.progress import Report, TrainingProgress
from qmodels.types import Floats32

Arrays = tuple[Floats32, ...]


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train with Adam.

    The rate falls along a half cosine to zero at the last step or, with ``plateau``, as the validation losses say.

    The variables kept are those of the last epoch, or with ``keep_best`` of the one of lowest validation loss, the
    start included: quantized training can drift off the narrow valley in which its float start lies. A training
    whose objective changes on the way, such as one that is charged ever more for its bits, keeps the last.
    A gradient of a norm above ``clip`` is shortened to it: at rates at which bits move fast, one steep batch can
    otherwise throw a network where no gradient leads back.
    """

    epochs: int
    batch: int
    learning_rate: float
    seed: int
    keep_best: bool = True
    plateau: Plateau | None = None
    clip: float | None = None


@dataclass(frozen=True)
class Fitted:
    """One entry an epoch, and the epoch whose variables were kept (0 for the start) with its validation loss."""

    history: tuple[TrainingProgress, ...]
    kept_epoch: int
    kept_val_loss: float


class Task(Protocol):
    """What is trained. ``label`` names it in checkpoints; ``variables`` come in a fixed order.

    It may have ``options`` besides, a mapping that JSON can hold: what else tells this run from another, so that a
    checkpoint of the other is refused; ``state``, variables that no gradient moves but that the next epoch starts from;
    and ``compiled_by_xla`` where its loss does what XLA cannot.
    """

    label: str
    variables: Sequence[keras.Variable]
    events: int

    def epoch_data(self, epoch: int) -> Arrays:
        """Training arrays of this epoch, shuffled, equal first axis; a function of seed, epoch and ``state`` alone."""

    def loss(self, *batch: tf.Tensor) -> tf.Tensor:
        """Scalar mean loss of one batch."""

    def validate(self) -> tuple[float, float | None]:
        """Loss and AUC on the fixed validation events; None where no classes are told apart."""


def set_up(seed: int, threads: int = 1) -> None:
    """Make TensorFlow deterministic and seed Keras; to be called before a network is built."""
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
        # Networks this small train no faster on a GPU, and less repeatably.
        tf.config.set_visible_devices([], "GPU")
    except RuntimeError:
        pass  # TensorFlow already runs (another training in this process) and keeps the devices it has.
    tf.config.experimental.enable_op_determinism()
    keras.utils.set_random_seed(seed)


def fit(
    task: Task,
    schedule: Schedule,
    *,
    checkpoint: Path | None = None,
    resume: bool = False,
    progress: Report | None = None,
) -> Fitted:
    """Train ``task`` in place and return how it went. ``schedule`` says which epoch's variables it ends with.

    With ``resume`` the run goes on after the last epoch in ``checkpoint`` if that file exists. Raises
    ModelDataError if the checkpoint is unreadable or of a run with other options.
    """
    chunks = _chunks(task.events, schedule.batch)
    optimizer = _built_adam(task, schedule, chunks.steps * schedule.epochs)
    saved = _Checkpoint(checkpoint, task, optimizer, _fingerprint(task, schedule), schedule.keep_best)
    history = saved.load() if resume else []
    if not history:
        saved.keep_if_best(0, task.validate()[0])
    run_steps = _compiled_steps(task, optimizer)
    for epoch in range(len(history), schedule.epochs):
        if schedule.plateau is not None:
            rate = schedule.plateau.rate(schedule.learning_rate, [state.val_loss for state in history])
            if rate is None:
                break
            optimizer.learning_rate = rate
        state = _train_epoch(task, schedule, run_steps, epoch, chunks)
        history.append(state)
        saved.keep_if_best(state.epoch, state.val_loss)
        saved.save(history)
        if progress is not None:
            progress(state)
    return saved.restore_best(history)


def _built_adam(task: Task, schedule: Schedule, steps: int) -> keras.optimizers.Adam:
    """Adam for ``steps`` steps in all, its variables made, as a checkpoint needs them."""
    cosine = keras.optimizers.schedules.CosineDecay(schedule.learning_rate, steps)
    rate = cosine if schedule.plateau is None else schedule.learning_rate
    optimizer = keras.optimizers.Adam(rate, global_clipnorm=schedule.clip)
    optimizer.build(list(task.variables))
    return optimizer


def _train_epoch(
    task: Task, schedule: Schedule, run_steps: Callable[..., tf.Tensor], epoch: int, chunks: _Chunks
) -> TrainingProgress:
    """Train through the epoch of this index, counted from 0, and validate.

    Raises ModelDataError if the loss is no number any more.
    """
    started = time.perf_counter()
    loss = _mean_loss(task.epoch_data(epoch), run_steps, chunks)
    if not math.isfinite(loss):
        raise ModelDataError(f"{task.label}: the loss is {loss} in epoch {epoch + 1}; try another seed")
    training_seconds = time.perf_counter() - started
    val_loss, auc = task.validate()
    seconds = time.perf_counter() - started
    return TrainingProgress(
        stage=task.label,
        epoch=epoch + 1,
        epochs=schedule.epochs,
        loss=loss,
        val_loss=val_loss,
        auc=auc,
        events_per_second=chunks.steps * chunks.batch / training_seconds,
        eta_seconds=seconds * (schedule.epochs - epoch - 1),
    )


CHUNK_STEPS = 128


@dataclass(frozen=True)
class _Chunks:
    """An epoch in ``count`` calls, all of ``steps_each`` steps so that one compilation serves, of ``batch`` events."""

    count: int
    steps_each: int
    batch: int

    @property
    def steps(self) -> int:
        return self.count * self.steps_each


def _chunks(events: int, batch: int) -> _Chunks:
    """As few calls an epoch as ``CHUNK_STEPS`` allows; a few events sit out."""
    steps = events // batch
    if steps < 1:
        raise ModelDataError(f"{events} training events do not fill a batch of {batch}: ask for more events")
    count = -(-steps // CHUNK_STEPS)
    return _Chunks(count, steps // count, batch)


def _mean_loss(data: Arrays, run_steps: Callable[..., tf.Tensor], chunks: _Chunks) -> float:
    """Mean loss of the steps of one epoch, which ``run_steps`` trains on ``data``."""
    size = chunks.steps_each * chunks.batch
    total = 0.0
    for start in range(0, chunks.count * size, size):
        parts = [a[start : start + size].reshape(chunks.steps_each, chunks.batch, *a.shape[1:]) for a in data]
        total += float(run_steps(*[tf.constant(part) for part in parts]))
    return total / chunks.steps


def _compiled_steps(task: Task, optimizer: keras.optimizers.Optimizer) -> Callable[..., tf.Tensor]:
    variables = list(task.variables)
    # Losses have no Python branches or loops over tensors, and looking for them takes seconds.
    loss_of = tf.autograph.experimental.do_not_convert(task.loss)

    @tf.function(jit_compile=getattr(task, "compiled_by_xla", True))
    def run_steps(*chunk: tf.Tensor) -> tf.Tensor:
        total = tf.constant(0.0)
        for step in tf.range(tf.shape(chunk[0])[0]):
            with tf.GradientTape() as tape:
                loss = loss_of(*[part[step] for part in chunk])
            optimizer.apply(tape.gradient(loss, [v.value for v in variables]), variables)
            total += loss
        return total

    return run_steps


def _fingerprint(task: Task, schedule: Schedule) -> dict[str, Any]:
    shapes = [list(v.shape) for v in task.variables]
    options = {key: value for key, value in asdict(schedule).items() if value is not None}
    own = dict(getattr(task, "options", {}))
    return {"label": task.label, "events": task.events, "shapes": shapes, **options, **own}


class _Checkpoint:
    """Everything a run needs to go on, in one .npz file if it has a path: its state and its best variables."""

    def __init__(
        self,
        path: Path | None,
        task: Task,
        optimizer: keras.optimizers.Optimizer,
        fingerprint: dict[str, Any],
        choose: bool,
    ) -> None:
        self._path = path
        self._choose = choose
        self._variables = [*task.variables, *getattr(task, "state", ()), *optimizer.variables]
        self._fingerprint = fingerprint
        self._trained = list(task.variables)
        self._best: list[Floats32] = []
        self._best_epoch, self._best_loss = 0, math.inf

    def keep_if_best(self, epoch: int, val_loss: float) -> None:
        if not self._choose or val_loss < self._best_loss or not self._best:
            self._best_epoch, self._best_loss = epoch, val_loss
            self._best = [np.array(v) for v in self._trained]

    def restore_best(self, history: list[TrainingProgress]) -> Fitted:
        for variable, value in zip(self._trained, self._best, strict=True):
            variable.assign(value)
        return Fitted(tuple(history), self._best_epoch, self._best_loss)

    def save(self, history: list[TrainingProgress]) -> None:
        if self._path is None:
            return
        meta = json.dumps(
            {
                "run": self._fingerprint,
                "best": [self._best_epoch, self._best_loss],
                "history": [asdict(h) for h in history],
            }
        )
        arrays = {f"v{i}": np.asarray(v) for i, v in enumerate(self._variables)}
        arrays |= {f"best{i}": value for i, value in enumerate(self._best)}
        with whole_file(self._path) as draft, draft.open("wb") as file:
            np.savez(file, meta=np.array(meta), **arrays)  # type: ignore[arg-type]

    def load(self) -> list[TrainingProgress]:
        if self._path is None or not self._path.exists():
            return []
        try:
            with self._path.open("rb") as stream, np.load(stream) as file:
                meta = json.loads(str(file["meta"]))
                values = [file[f"v{i}"] for i in range(len(self._variables))]
                self._best = [file[f"best{i}"] for i in range(len(self._trained))]
                self._best_epoch, self._best_loss = meta["best"]
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise ModelDataError(f"{self._path}: unreadable checkpoint ({error}); delete it to start afresh") from error
        if meta["run"] != self._fingerprint:
            difference = _first_difference(meta["run"], self._fingerprint)
            raise ModelDataError(
                f"{self._path}: checkpoint of a run with other options ({difference});"
                " repeat those options, or delete it to start afresh"
            )
        for variable, value in zip(self._variables, values, strict=True):
            variable.assign(value)
        return [TrainingProgress(**entry) for entry in meta["history"]]


def _first_difference(old: dict[str, Any], new: dict[str, Any]) -> str:
    key = next(k for k in (*new, *old) if old.get(k) != new.get(k))
    return f"{key}: {old.get(key)} there, {new.get(key)} now"
