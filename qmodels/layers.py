"""Keras layers that this field needs and Keras lacks. Files that hold them load where this package is installed."""

from __future__ import annotations

from typing import Any

import keras

from qmodels.errors import ModelDataError


@keras.saving.register_keras_serializable(package="qtrigger")
class GlobalSumPooling1D(keras.layers.Layer):
    """Sum over the particles of an event: (n, particles, channels) -> (n, channels), divided by ``divisor``.

    The sum of Deep Sets (arXiv:1703.06114). ``divisor`` is a power of two, so that on chip it moves the binary point
    and costs nothing. In float32 the sum has no rounding while it stays below 2^24 in units of the last bit.

    Raises:
        ModelDataError: ``divisor`` is no positive power of two, or an input is not (n, particles, channels).
    """

    def __init__(self, divisor: int = 1, **options: Any) -> None:
        super().__init__(**options)
        if divisor != int(divisor) or divisor < 1 or int(divisor) & (int(divisor) - 1):
            raise ModelDataError(f"layer {self.name!r}: divisor={divisor} is no power of two; take 1, 2, 4, 8, ...")
        self.divisor = int(divisor)

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """No weights; the shape is checked."""
        if len(input_shape) != 3:
            raise ModelDataError(
                f"layer {self.name!r}: sums over particles, so its input is (n, particles, channels), "
                f"not of shape {tuple(input_shape)}"
            )
        self.built = True

    def call(self, inputs: Any) -> Any:
        """(n, particles, channels) -> (n, channels)."""
        return keras.ops.sum(inputs, axis=1) * (1.0 / self.divisor)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        """Without the axis of the particles."""
        return (input_shape[0], input_shape[2])

    def get_config(self) -> dict[str, Any]:
        """``divisor`` with Keras's own options."""
        return {**super().get_config(), "divisor": self.divisor}
