"""Epochs of a quantized network, in the process where Keras lives."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from hls.machine.files import whole_file

_BATCH = 256
_EVALUATED = 16_384
_RATE = 1e-3
"""Of Adam at the start; it falls along a cosine to nothing."""

Arrays = list[npt.NDArray[Any]]


def name_of(layer: Any) -> str:
    """A layer's name in its configuration, which QKeras gives to the cell of a recurrent one."""
    held = layer.cell if type(layer).__name__ in ("QLSTM", "QSimpleRNN") else layer
    return str(held.name)


def train(keras: Any, _tf: Any, model: Any, job: dict[str, Any], folder: Path) -> None:
    """Train the weights, keep those of the epoch with the least loss on the events held out, and leave them there.

    The state after every epoch is in the checkpoint, from which the same job goes on; its epochs shuffle by the seed
    and their number alone, so that the weights are those of a training that was not interrupted, to the bit.
    """
    keras.utils.set_random_seed(job["seed"])
    inputs = [np.load(folder / f"input{index}.npy") for index in range(job["inputs"])]
    targets = [np.load(folder / f"target{index}.npy") for index in range(job["outputs"])]
    training = len(inputs[0]) - job["held_out"]
    for layer in model.layers:
        if layer.__class__.__name__ == "BatchNormalization":
            layer.trainable = False  # its factors have few bits, which none of its own would keep
    steps = job["epochs"] * math.ceil(training / _BATCH)
    optimizer = keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(_RATE, steps))
    model.compile(optimizer=optimizer, loss=[_loss(keras, job)] * job["outputs"], loss_weights=job["loss_weights"])
    optimizer.build(model.trainable_variables)
    held_out = [x[training:] for x in inputs], [y[training:] for y in targets]
    run = _Run(model, Path(job["checkpoint"]), job["key"], held_out)
    run.resume()
    for epoch in range(run.epoch, job["epochs"]):
        order = np.random.default_rng((job["seed"], epoch)).permutation(training)
        told = _told(keras, epoch * steps // job["epochs"], steps)
        model.fit([x[order] for x in inputs], [y[order] for y in targets],
                  batch_size=_BATCH, shuffle=False, verbose=0, callbacks=[told])  # fmt: skip
        run.keep(epoch + 1)
    model.set_weights(run.best)
    arrays = {f"{name_of(layer)}:{n}": a for layer in model.layers for n, a in enumerate(_floats(layer.get_weights()))}
    np.savez(folder / "trained.npz", **arrays)  # type: ignore[arg-type]  # its stub takes a keyword of its own for one


class _Run:
    """Weights and optimizer after the last epoch, and the best weights so far; a checkpoint holds them."""

    def __init__(self, model: Any, checkpoint: Path, key: str, held_out: tuple[Arrays, Arrays]) -> None:
        self._model = model
        self._checkpoint = checkpoint
        self._key = key
        self._held_out = held_out
        self.epoch = 0
        self.best: Arrays = model.get_weights()
        self._least = self._loss()

    def _loss(self) -> float:
        inputs, targets = self._held_out
        found = self._model.evaluate(inputs, targets, batch_size=_EVALUATED, verbose=0, return_dict=True)
        return float(found["loss"])

    def resume(self) -> None:
        """Go on from the checkpoint, if there is one of this very job."""
        if not self._checkpoint.is_file():
            return
        with np.load(self._checkpoint) as state:
            if str(state["key"]) != self._key:
                return
            self.epoch, self._least = int(state["epoch"]), float(state["least"])
            self.best = _numbered(state, "best")
            self._model.set_weights(_numbered(state, "now"))
            for variable, value in zip(self._model.optimizer.variables, _numbered(state, "optimizer"), strict=True):
                variable.assign(value)

    def keep(self, epoch: int) -> None:
        """An epoch is over."""
        self.epoch = epoch
        now = self._model.get_weights()
        loss = self._loss()
        if loss < self._least:  # not of NaN
            self._least, self.best = loss, now
        optimizer = [variable.numpy() for variable in self._model.optimizer.variables]
        lists = {"best": self.best, "now": now, "optimizer": optimizer}
        arrays = {f"{name}:{number}": array for name, found in lists.items() for number, array in enumerate(found)}
        with whole_file(self._checkpoint, suffix=".npz") as draft:
            np.savez(draft, key=self._key, epoch=epoch, least=self._least, **arrays)


def _numbered(state: Any, name: str) -> Arrays:
    """The arrays of one list, in their order."""
    count = sum(key.startswith(f"{name}:") for key in state.files)
    return [state[f"{name}:{number}"] for number in range(count)]


def _floats(arrays: Arrays) -> Arrays:
    """Without counters of training steps."""
    return [array for array in arrays if array.ndim or array.dtype.kind == "f"]


def _loss(keras: Any, job: dict[str, Any]) -> Any:
    return {
        "classes": keras.losses.CategoricalCrossentropy(from_logits=True),
        "signal": keras.losses.BinaryCrossentropy(from_logits=True),
        "probability": keras.losses.BinaryCrossentropy(),
        "distance": keras.losses.MeanSquaredError(),
    }[job["loss"]]


def _told(keras: Any, before: int, steps: int) -> Any:
    """Says on stdout which of all ``steps`` this epoch, ``before`` which there were some, has come to."""

    def tell(batch: int, logs: Any = None) -> None:  # noqa: ARG001 (Keras names it)
        sys.stdout.write(f"{before + batch + 1}/{steps}\n")
        sys.stdout.flush()

    return keras.callbacks.LambdaCallback(on_train_batch_end=tell)
