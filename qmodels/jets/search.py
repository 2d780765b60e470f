"""Search for a small network: trained under a charge for bits, some of which are then taken away, and cut off."""

from __future__ import annotations

import math

import keras
import numpy as np

from qmodels.errors import ModelDataError
from qmodels.jets.keras_layers import LearnedLayers, keras_network
from qmodels.jets.presets import Learned
from qmodels.jets.samples.columns import CLASSES
from qmodels.jets.training import JetRun
from qmodels.jets.variants import MLP
from qmodels.training.loop import Fitted
from qmodels.training.precision.bit_pruning import prune_bits
from qmodels.training.precision.finish import prune, snap
from qmodels.training.precision.resources import ResourceTerm, measure_reach
from qmodels.training.precision.task import ChargedTask

REACH_JETS = 10_000
GUESSING = math.log(len(CLASSES))
"""Cross-entropy of a network that says nothing, in nats."""
GIVEN_UP = 0.5
"""Part of what was learned that taking away bits may cost: far from it after a full training, all after a short one."""


def train_learned(run: JetRun, how: Learned) -> tuple[keras.Model, Fitted]:
    """The trained network, with nothing in it that does not act, and how it went."""
    keras.utils.set_random_seed(run.seed)
    sample = run.inputs()[:REACH_JETS]
    model = keras_network(run.variant, LearnedLayers(run.variant, how.input_fraction))
    measure_reach(model, sample)
    charge = how.charge.over(run.epochs_of(how.stage))
    charged = ChargedTask(run.task(how.stage, model), model, charge, sample)
    fitted = run.fit(how.stage, charged, keep_best=False, clip=how.clip)
    if run.variant.architecture == MLP:  # a chain, which can be cut; in the others what nothing reads costs nothing
        model = prune(model)
    if not float(np.std(model(sample))) > 0.0:
        raise ModelDataError(
            f"{run.variant.name}: nothing is left of the network, whose bits were charged more than they tell;"
            " charge less, or train on more events"
        )
    measure_reach(model, sample)
    task, cost = run.task(how.stage, model), ResourceTerm(model)
    # By the validation jets it would choose what those few happen to like, and they would say nothing of it any more.
    learned = task.trained_loss(how.bit_jets)
    limit = learned + GIVEN_UP * max(GUESSING - learned, 0.0)
    prune_bits(
        model, lambda: task.trained_loss(how.bit_jets), lambda: how.charge.last * float(cost()), limit=limit, rounds=1
    )
    if run.variant.architecture == MLP:
        model = prune(model)
    snap(model)
    return model, fitted
