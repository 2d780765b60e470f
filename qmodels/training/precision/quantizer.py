"""A QKeras quantizer whose fraction bits are trained, for a whole tensor, each channel or each weight.

The gradient towards the bits is that of HGQ (arXiv:2405.00645, section III): a rounding error shrinks by half
with every bit, so d error / d bits = -ln 2 * error, while the resource term charges for each bit. A weight
whose bits no longer reach its leading one rounds to zero and is gone from the chip.
"""

from __future__ import annotations

import math
from typing import Any, Literal

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf
from qkeras.base_quantizer import BaseQuantizer

from qmodels.errors import ModelDataError

Rounding = Literal["nearest", "floor"]
ROUNDINGS: tuple[Rounding, ...] = ("nearest", "floor")

# 2**bits must be a normal float32, and so must its inverse.
_MOST_BITS = 24

DIGITS_PER_BIT = 0.4
"""Digits of the canonical signed-digit form that each bit below the leading one adds on average: 1/3 for long numbers,
more for short ones."""


@keras.saving.register_keras_serializable(package="qtrigger")
class learned_bits(BaseQuantizer):
    """Multiples of ``2**-fraction``, in all of the proved interval or saturated.

    Args:
        fraction: fraction bits to start from, or those trained: a number, or an array of ``shape`` (nested lists).
        shape: () for one number of bits, (channels,) for one each, the shape of the weights for one each.
        rounding: "nearest" (half to even) or "floor", which costs no logic on chip.
        integer: saturate to ``[-2**integer, 2**integer)``; an array of ``shape``, for a ReLU, saturates each channel by
            itself, and follows what is measured during training; None for no saturation, which costs no logic either.
        signed: False for a ReLU: negative numbers become zero.
        most: fraction bits that training does not exceed: QKeras computes exactly while a sum has no more than 24 bits.

    Raises:
        ModelDataError: bits that are no finite numbers in [-24, 24] or do not fit ``shape``, an unknown rounding, or
            channels of their own bits that are rounded to nearest and then saturated.
    """

    bits = 64
    """For QKeras's initializers alone, which scale up weights that their step would round away: it never does."""

    def __init__(
        self,
        fraction: Any = 8,
        shape: Any = None,
        rounding: Rounding = "nearest",
        integer: Any = None,
        signed: bool = True,
        most: int = _MOST_BITS,
    ) -> None:
        super().__init__()
        bits = np.asarray(fraction, np.float32)
        try:
            bits = np.array(bits if shape is None else np.broadcast_to(bits, tuple(shape)))
        except ValueError:
            raise ModelDataError(f"learned_bits: fraction of shape {bits.shape} does not fit {shape}") from None
        if not np.all(np.abs(bits) <= _MOST_BITS):
            raise ModelDataError(f"learned_bits: fraction bits lie in [-{_MOST_BITS}, {_MOST_BITS}], not {fraction}")
        if rounding not in ROUNDINGS:
            raise ModelDataError(
                f"learned_bits: rounding {rounding!r} is unknown; choose one of {', '.join(ROUNDINGS)}"
            )
        if bits.shape and rounding == "nearest" and integer is not None:
            raise ModelDataError("learned_bits: channels of their own bits saturate only with rounding='floor'")
        self.rounding = rounding
        self.integer = _integers(integer, bits.shape, signed)
        self.signed = signed
        self.most = most
        self.fraction = keras.Variable(bits, name="fraction", dtype="float32")
        self.fraction.constraint = self._within
        self.reach = keras.Variable(np.zeros_like(bits), name="reach", dtype="float32", trainable=False)
        """Integer bits, sign included, that the numbers of an activation were last seen to need; not saved."""

    def __call__(self, x: Any) -> Any:
        """``x`` on its grid; gradients pass straight through to ``x``, and by the rounding error to the bits."""
        bits = tf.clip_by_value(tf.convert_to_tensor(self.fraction.value), -_MOST_BITS, _MOST_BITS)
        value = tf.convert_to_tensor(x)
        if not self.signed:
            value = tf.nn.relu(value)
        if self.integer is not None:
            end = power_of_two(tf.convert_to_tensor(self.integer, tf.float32))
            # A channel without any bits ends at zero, not below.
            top = tf.maximum(end - power_of_two(-tf.stop_gradient(bits)), 0.0)
            value = tf.minimum(value, top) if not self.signed else tf.clip_by_value(value, -end, top)
        return _on_grid(value, bits, self.rounding == "floor")

    def _within(self, bits: Any) -> tf.Tensor:
        return tf.minimum(tf.convert_to_tensor(bits), float(self.most))

    def fraction_bits(self) -> npt.NDArray[np.int64]:
        """Fraction bits as they act, of the shape they are trained in."""
        return np.clip(np.rint(np.asarray(self.fraction)), -_MOST_BITS, _MOST_BITS).astype(np.int64)

    def set_bits(self, bits: npt.ArrayLike) -> None:
        """Replace the fraction bits, which keep their shape."""
        self.fraction.assign(np.broadcast_to(np.asarray(bits, np.float32), self.fraction.shape))

    def weight_digits(self, weights: Any) -> tf.Tensor:
        """Signed binary digits that each quantized weight has on average, as float32: 0 for zero.

        A product with a constant is one addition or subtraction for each such digit. A number of b bits, from the
        leading one to the last place, has 1 + ``DIGITS_PER_BIT`` (b - 1) of them. Counted in whole bits; the gradient,
        to the weights and to the fraction bits, is that of b = ``log2(1 + |weight| 2**fraction)``. It draws small
        weights to zero, and with them whatever the loss does not see.
        """
        fraction = tf.convert_to_tensor(self.fraction.value)
        steps = tf.round(tf.abs(weights) * power_of_two(fraction))
        # A step above 2**k may not count as 2**k, nor 2**k as one below it, whatever the logarithm rounds to.
        whole = tf.where(steps > 0, tf.floor(tf.math.log(tf.maximum(steps, 1.0)) / math.log(2.0) + 1e-4) + 1.0, 0.0)
        smooth = tf.math.log(1.0 + tf.abs(weights) * tf.exp(math.log(2.0) * fraction)) / math.log(2.0)
        return _digits(smooth) + tf.stop_gradient(_digits(whole) - _digits(smooth))

    def activation_bits(self) -> tf.Tensor:
        """Bits of the numbers, by ``reach`` and the fraction bits; at least 0."""
        return tf.nn.relu(_straight_through_round(tf.convert_to_tensor(self.fraction.value)) + self.reach.value)

    def max(self) -> float:
        """Where QKeras clips kernels and biases: beyond any that training reaches."""
        return 2.0**20

    def min(self) -> float:
        """Minus ``max``."""
        return -(2.0**20)

    def get_config(self) -> dict[str, Any]:
        """The bits as they are now, so that a file holds the arithmetic that was trained."""
        return {
            "fraction": self.fraction_bits().tolist(),
            "shape": list(self.fraction.shape),
            "rounding": self.rounding,
            "integer": self.integer if self.integer is None else _plain(self.integer),
            "signed": self.signed,
            "most": self.most,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> learned_bits:
        """The quantizer that ``get_config`` described."""
        return cls(**config)


def _integers(integer: Any, shape: tuple[int, ...], signed: bool) -> int | keras.Variable | None:
    if integer is None or np.ndim(integer) == 0:
        return None if integer is None else int(integer)
    bits = np.asarray(integer)
    if bits.shape != shape or bits.dtype.kind not in "iu" or np.abs(bits).max(initial=0) > _MOST_BITS:
        raise ModelDataError(
            f"learned_bits: integer bits of shape {bits.shape} for channels of shape {shape}: one whole number in "
            f"[-{_MOST_BITS}, {_MOST_BITS}] for each is needed"
        )
    if signed:
        raise ModelDataError("learned_bits: only an unsigned quantizer, for a ReLU, saturates each channel by itself")
    return keras.Variable(bits.astype(np.float32), name="integer", dtype="float32", trainable=False)


def _plain(integer: int | keras.Variable) -> Any:
    return integer if isinstance(integer, int) else np.asarray(integer).astype(np.int64).tolist()


def _digits(bits: tf.Tensor) -> tf.Tensor:
    return tf.minimum(bits, 1.0 + DIGITS_PER_BIT * (bits - 1.0))


def power_of_two(exponent: tf.Tensor) -> tf.Tensor:
    """``2**exponent`` for whole exponents in [-126, 127], to the last bit, which ``pow`` does not promise."""
    return tf.bitcast((tf.cast(tf.round(exponent), tf.int32) + 127) * (1 << 23), tf.float32)


def _straight_through_round(x: tf.Tensor) -> tf.Tensor:
    return x + tf.stop_gradient(tf.round(x) - x)


def _on_grid(x: tf.Tensor, bits: tf.Tensor, floor: bool) -> tf.Tensor:
    scale, back = power_of_two(bits), power_of_two(-tf.round(bits))

    @tf.custom_gradient
    def rounded(value: tf.Tensor, fraction: tf.Tensor) -> Any:
        steps = tf.floor(value * scale) if floor else tf.round(value * scale)
        result = steps * back

        def gradient(upstream: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
            towards = math.log(2.0) * (value - result) * upstream
            return upstream, _sum_to(towards, fraction)

        return result, gradient

    return rounded(x, bits)


def _sum_to(values: tf.Tensor, like: tf.Tensor) -> tf.Tensor:
    """``values`` summed over the axes along which ``like`` was broadcast."""
    extra = values.shape.rank - like.shape.rank
    summed = tf.reduce_sum(values, axis=list(range(extra)))
    ones = [axis for axis, size in enumerate(like.shape) if size == 1 and summed.shape[axis] != 1]
    return tf.reduce_sum(summed, axis=ones, keepdims=True) if ones else summed
