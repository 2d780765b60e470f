"""Products of a layer's inputs: with a dense layer behind them, a quadratic form whose coefficients are learned."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations_with_replacement
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from qmodels.errors import ModelDataError


@keras.saving.register_keras_serializable(package="qtrigger")
class PairProducts(keras.layers.Layer):
    """Products of pairs of features: (n, d) -> (n, pairs), ``y[p] = x[first(p)] * x[second(p)]``. No weights.

    Args:
        pairs: the (first, second) feature of each product; ``all_pairs(d)`` for every one there is.

    Raises:
        ModelDataError: no pairs, or one that names a feature that the input does not have.
    """

    def __init__(self, pairs: Sequence[Sequence[int]], **options: Any) -> None:
        super().__init__(**options)
        self.pairs = [(int(first), int(second)) for first, second in pairs]
        if not self.pairs:
            raise ModelDataError(f"layer {self.name!r}: there are no pairs to multiply")

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """No weights; the pairs are checked."""
        features = input_shape[-1] or 0
        if len(input_shape) != 2 or not all(0 <= index < features for pair in self.pairs for index in pair):
            raise ModelDataError(f"layer {self.name!r}: its pairs do not fit an input of shape {tuple(input_shape)}")
        self.built = True

    def call(self, inputs: Any) -> Any:
        """(n, d) -> (n, pairs)."""
        first, second = zip(*self.pairs, strict=True)
        return keras.ops.take(inputs, first, axis=-1) * keras.ops.take(inputs, second, axis=-1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """One feature a pair."""
        return (input_shape[0], len(self.pairs))

    def get_config(self) -> dict[str, Any]:
        """``pairs`` with Keras's own options."""
        return {**super().get_config(), "pairs": [list(pair) for pair in self.pairs]}


def all_pairs(features: int) -> list[tuple[int, int]]:
    """Every unordered pair, squares included: features * (features + 1) / 2 of them."""
    return list(combinations_with_replacement(range(features), 2))


_DEPENDENT = 1e-4


def independent_pairs(inputs: npt.ArrayLike) -> list[tuple[int, int]]:
    """Those pairs of features whose products are no linear combination of earlier ones on ``inputs`` (n, d).

    A layer that reads the products can form the others from them. On the mass shell, or where a momentum balances the
    rest of the event, there are such, and training could only split a weight between them at random.
    """
    x = np.asarray(inputs, np.float64)
    basis: list[npt.NDArray[np.float64]] = []
    found = []
    for first, second in all_pairs(x.shape[1]):
        product = x[:, first] * x[:, second]
        rest = product
        for _ in range(2):  # twice is enough, once is not (Parlett's rule for Gram-Schmidt)
            for vector in basis:
                rest = rest - vector * (vector @ rest)
        length = float(np.linalg.norm(rest))
        if length > _DEPENDENT * float(np.linalg.norm(product)):
            basis.append(rest / length)
            found.append((first, second))
    return found
