"""The float networks of arXiv:2105.10126: the event-variable network (EVN) and its auxiliary classifier."""

from __future__ import annotations

from collections.abc import Sequence

import keras

from qmodels.event_variables.networks import PAPER_HIDDEN
from qmodels.event_variables.variants import Variant

CLASSIFIER_HIDDEN = (16, 16, 16)


def build_evn(variant: Variant, hidden: Sequence[int] = PAPER_HIDDEN) -> keras.Model:
    """EVN: inputs (n, d) in units of 512 GeV -> V (n, 1), ReLU inside and linear at the end."""
    inputs = keras.Input((len(variant.inputs),), name="event")
    x = inputs
    for index, units in enumerate(hidden, start=1):
        x = keras.layers.Dense(units, activation="relu", name=f"dense_{index}")(x)
    v = keras.layers.Dense(1, name="event_variable")(x)
    return keras.Model(inputs, v, name="evn")


def build_classifier(variant: Variant) -> keras.Model:
    """Classifier: (V, Theta) concatenated (n, 1 + k), Theta in units of 512 GeV -> logit (n, 1).

    It ends in a logit where the paper has a sigmoid: the same network, with a loss that cannot overflow.
    """
    inputs = keras.Input((1 + len(variant.parameters),), name="event_variable_and_parameters")
    x = inputs
    for index, units in enumerate(CLASSIFIER_HIDDEN, start=1):
        x = keras.layers.Dense(units, activation="relu", name=f"classifier_{index}")(x)
    logit = keras.layers.Dense(1, name="logit")(x)
    return keras.Model(inputs, logit, name="classifier")
