"""Training under a charge for what the variant's network costs on a chip."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf

from qmodels.simulation.presets import Learned
from qmodels.simulation.training import SimulationTask
from qmodels.training.precision.bit_pruning import prune_bits
from qmodels.training.precision.resources import ResourceTerm, measure_reach
from qmodels.training.precision.task import ChargedTask
from qmodels.training.run import Fits, Run
from qmodels.types import Floats32

_JUDGED = 8000
"""Events by which a change of bits is judged: always the same, with the same noise."""


def search(run: Run, task: SimulationTask, network: keras.Model, sample: list[Floats32], how: Learned) -> Fits:
    """Train ``network`` inside ``task`` with its bits, in place; then take away bits that are hardly missed.

    ``sample`` are inputs of the network, by which the ranges of its features are known.
    """
    stage = how.part.stage
    charge = how.charge.over(run.epochs_of(stage))
    charged = ChargedTask(task, network, charge, sample)
    fits: Fits = {stage.label: run.fit(stage, charged, keep_best=False)}
    measure_reach(network, sample)
    batch = [tf.constant(np.asarray(values)[:_JUDGED]) for values in task.epoch_data(0)]
    cost = ResourceTerm(network)

    def judged() -> float:
        return float(task.loss(*batch))

    prune_bits(network, judged, lambda: how.charge.last * float(cost()), limit=judged() + how.given_up)
    return fits
