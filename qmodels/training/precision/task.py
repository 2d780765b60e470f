"""Training under a charge for what the network costs on chip."""

from __future__ import annotations

from collections.abc import Sequence

import keras
import tensorflow as tf
from qkeras import QActivation

from qmodels.training.loop import Arrays, Task
from qmodels.training.precision.quantizer import learned_bits
from qmodels.training.precision.resources import ResourceTerm, measure_reach
from qmodels.types import Floats32


class ChargedTask:
    """``task`` with the bits of ``model`` among its variables and ``charge[epoch]`` times its cost in the loss.

    ``sample`` are inputs (a list for several) from which the ranges of activations are measured before every epoch.
    """

    def __init__(
        self, task: Task, model: keras.Model, charge: Sequence[float], sample: Floats32 | list[Floats32]
    ) -> None:
        self.label = task.label
        self.events = task.events
        self.variables: Sequence[keras.Variable] = [*task.variables, *(q.fraction for q in quantizers(model))]
        # Where a layer saturates decides what is measured of the next one: ranges depend on those of the epoch before.
        self.state: Sequence[keras.Variable] = [*getattr(task, "state", ()), *_ranges(model)]
        self.options = {**getattr(task, "options", {}), "charge": [float(rate) for rate in charge]}
        self.compiled_by_xla = getattr(task, "compiled_by_xla", True)
        self.cost = ResourceTerm(model)
        self._task = task
        self._model = model
        self._charge = charge
        self._sample = sample
        self._rate = tf.Variable(0.0)

    def epoch_data(self, epoch: int) -> Arrays:
        """As the task's; the charge and the ranges are brought up to date."""
        self._rate.assign(self._charge[epoch])
        measure_reach(self._model, self._sample)
        return self._task.epoch_data(epoch)

    def loss(self, *batch: tf.Tensor) -> tf.Tensor:
        """Loss of the task, the charge for the bits, and the layers' own regularizers."""
        return tf.add_n([self._task.loss(*batch), self._rate * self.cost(), *self._model.losses])

    def validate(self) -> tuple[float, float | None]:
        """As the task's: the charge is left out."""
        return self._task.validate()


def quantizers(model: keras.Model) -> list[learned_bits]:
    """Every learned quantizer of a model, in the order of its layers."""
    found = []
    for layer in model.layers:
        if isinstance(layer, QActivation):
            found.append(layer.activation)
        found += [getattr(layer, f"{role}_quantizer_internal", None) for role in ("kernel", "bias")]
    return [quantizer for quantizer in found if isinstance(quantizer, learned_bits)]


def _ranges(model: keras.Model) -> list[keras.Variable]:
    found = [variable for quantizer in quantizers(model) for variable in (quantizer.reach, quantizer.integer)]
    return [variable for variable in found if isinstance(variable, keras.Variable)]
