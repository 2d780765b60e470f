"""Event-variable networks shaped by relativity: products of the inputs first, their bits learned.

Every invariant of momenta is a sum of products of their components. A first layer of all products of two inputs,
read by weights that start at random, can form any quadratic one; which, the data say: the loss is that of
arXiv:2105.10126, the charge for bits prunes the rest, and no formula is given.
"""

from __future__ import annotations

from dataclasses import dataclass

import keras
import numpy as np
import numpy.typing as npt
from qkeras import QActivation, QDense

from qmodels.event_variables.quantized import input_format
from qmodels.event_variables.variants import PAIR, SEMIVISIBLE, TWO_BODY, Variant
from qmodels.precision.quantizer import learned_bits
from qmodels.precision.task import Charge
from qmodels.product_layers import PairProducts, all_pairs, independent_pairs
from qmodels.stages import Stage


@dataclass(frozen=True)
class ProductNetwork:
    """Hidden ReLU features behind the products, bits to start from, and how the search for fewer is charged.

    ``l1`` pulls the weights behind the products to zero until the charge for their bits has grown. ``redundant`` keeps
    products that others make up: one sum of them is found all the same, but several that go through a ReLU are found
    more easily when there is more than one way to each.
    """

    hidden: tuple[int, ...]
    input_fraction: int
    charge: Charge
    l1: float
    search: Stage
    read: Stage
    redundant: bool = False


READ = Stage("trigger-classifier", 20, 512, 3e-3)
NETWORKS = {
    TWO_BODY.name: ProductNetwork((), 9, Charge(1e-7, 2e-4, 0.6), 2e-3, Stage("trigger", 6, 512, 5e-3), READ),
    SEMIVISIBLE.name: ProductNetwork((), 9, Charge(1e-6, 6e-6, 0.5), 2e-3, Stage("trigger", 6, 512, 5e-3), READ),
    PAIR.name: ProductNetwork(
        (12, 12), 8, Charge(1e-8, 6e-7, 0.6), 1e-4, Stage("trigger", 10, 512, 3e-3), READ, redundant=True
    ),
}

PRODUCT_FRACTION = 12
WEIGHT_FRACTION = 7
HIDDEN_FRACTION = 6
HIDDEN_INTEGER = 2
INITIAL_WEIGHT = 0.3


def build(variant: Variant, network: ProductNetwork, sample: npt.NDArray[np.float32]) -> keras.Model:
    """Untrained network: inputs (n, d) in units of 512 GeV -> V (n, 1), every format learned.

    ``sample`` are inputs that tell which products are linear combinations of others: those are left out unless kept.
    """
    features = len(variant.inputs)
    start = keras.Input((features,), name="event")
    ports = learned_bits(network.input_fraction, integer=input_format(variant, 16).integer)
    x = QActivation(ports, name="input_quantizer")(start)
    pairs = all_pairs(features) if network.redundant else independent_pairs(sample)
    x = PairProducts(pairs, name="products")(x)
    x = QActivation(learned_bits(PRODUCT_FRACTION, (len(pairs),), "floor"), name="product_quantizer")(x)
    width, l1 = len(pairs), keras.regularizers.L1(network.l1)
    for index, units in enumerate((*network.hidden, 1), start=1):
        last = index > len(network.hidden)
        normal = keras.initializers.RandomNormal(0.0, INITIAL_WEIGHT)
        x = QDense(
            units,
            kernel_quantizer=learned_bits(WEIGHT_FRACTION, (width, units)),
            bias_quantizer=None if last else learned_bits(HIDDEN_FRACTION, (units,)),
            use_bias=not last,
            kernel_initializer=normal if index == 1 else "glorot_uniform",
            kernel_regularizer=l1 if index == 1 else None,
            name=f"dense_{index}",
        )(x)
        if not last:
            relu = learned_bits(HIDDEN_FRACTION, (units,), "floor", integer=HIDDEN_INTEGER, signed=False)
            x = QActivation(relu, name=f"relu_{index}")(x)
        width = units
    return keras.Model(start, x, name="evn")
