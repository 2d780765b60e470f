"""Search for a small event-variable network: train under a charge for bits, prune bits, cut off, read well."""

from __future__ import annotations

import math

import keras
import numpy as np

from qmodels.classification import binary_cross_entropy
from qmodels.errors import ModelDataError
from qmodels.event_variables.events import TRAINING_STREAM, generate
from qmodels.event_variables.learned_network import build
from qmodels.event_variables.networks import LearnedNetwork
from qmodels.event_variables.reference import build_classifier
from qmodels.event_variables.training import EvnRun, EvnTask
from qmodels.event_variables.variants import INPUT_SCALE
from qmodels.training.precision.bit_pruning import prune_bits
from qmodels.training.precision.finish import prune, snap
from qmodels.training.precision.resources import ResourceTerm, measure_reach
from qmodels.training.precision.task import ChargedTask
from qmodels.training.run import Fits
from qmodels.types import Floats32

REACH_EVENTS = 20_000
SETTLE_EVENTS = 50_000
GUESSING = math.log(2.0)
"""Cross-entropy of a V that says nothing, in nats: there are as many pairs of either class."""
GIVEN_UP = 0.5
"""Part of what was learned that bits may cost: far from it after a full training, all there is after a short one."""
CLASSIFIER_GAIN = 8.0
"""V is a square of masses in units of 512 GeV, so small numbers: the classifier starts with its eyes wide open."""


def train_learned(run: EvnRun, network: LearnedNetwork) -> tuple[keras.Model, keras.Model, Fits]:
    """The trained network, with nothing in it that does not act, its classifier, and how each stage went."""
    sample = generate(run.variant.name, REACH_EVENTS, run.seed, stream=TRAINING_STREAM).inputs * np.float32(INPUT_SCALE)
    keras.utils.set_random_seed(run.seed)
    model, classifier = build(run.variant, network, sample), build_classifier(run.variant)
    _open_eyes(classifier)
    charge = network.charge.over(run.epochs_of(network.search))
    charged = ChargedTask(run.task(network.search, model, classifier), model, charge, sample)
    fitted = run.fit(network.search, charged, keep_best=False, clip=network.clip)
    fits: Fits = {network.search.label: fitted}
    model = prune(model)
    if not float(np.std(model(sample))) > 0.0:
        raise ModelDataError(
            f"{run.variant.name}: nothing is left of the network, whose bits were charged more than they tell;"
            " charge less, or train on more events"
        )
    measure_reach(model, sample)
    # On a coarse grid a weight moves by leaps, each of which all others would have to follow. The classifier, no part
    # of the firmware, learned to read a V that kept changing: it alone is trained to the end.
    model.trainable = False
    task, cost = run.task(network.read, model, classifier), ResourceTerm(model)

    objective = _Objective(task, model, classifier, sample)
    learned = objective()
    limit = learned + GIVEN_UP * max(GUESSING - learned, 0.0)
    prune_bits(model, objective, lambda: network.charge.last * float(cost()), limit=limit)
    objective()
    fits[network.read.label] = run.fit(network.read, task)
    model = prune(model)
    snap(model)
    return model, classifier, fits


class _Objective:
    """Validation loss of ``task``, the classifier made to read V on the scale on which V now is.

    The scale of V is free: without this, no trial that changes it could be judged before the classifier is trained.
    """

    def __init__(self, task: EvnTask, model: keras.Model, classifier: keras.Model, sample: Floats32) -> None:
        self._task, self._model, self._sample = task, model, sample
        self._reader = classifier.layers[1].kernel
        self._kernel = np.array(self._reader)
        self._spread = float(np.std(model(sample)))

    def __call__(self) -> float:
        spread = float(np.std(self._model(self._sample)))
        if not spread > 0.0:
            return math.inf  # never worth its bits, however few it needs
        kernel = self._kernel.copy()
        kernel[0] *= self._spread / spread
        self._reader.assign(kernel)
        return binary_cross_entropy(*self._task.validation_logits(SETTLE_EVENTS))


def _open_eyes(classifier: keras.Model) -> None:
    kernel = classifier.layers[1].kernel
    gain = np.ones((kernel.shape[0], 1), np.float32)
    gain[0] = CLASSIFIER_GAIN
    kernel.assign(np.asarray(kernel) * gain)
