"""What a batch normalization multiplies by and adds, as float32 has it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hls.errors import ModelFileError
from hls.graph.fixed import FixedArray
from hls.importing.coefficients import Coefficients
from hls.importing.options import require_weights
from hls.importing.quantizers import parse_quantizer
from hls.importing.spec import LayerSpec
from hls.importing.weights import as_trainable, float32_deviation, float32_deviation_near, quantize_values

# TensorFlow's reciprocal root is off by 2.03 units in the last place at most, over all float32 numbers of two binades
# (2.19, AVX-512); it is not rounded correctly, nor the same on every CPU. Ours is off by one, and so may be what the
# product with gamma makes of either.
_ROOT_ULPS = 4 + 1 + 2
ROOT_NOTE = (
    "the factor of a batch normalization is gamma * (1 / sqrt(variance + epsilon)), its offset beta - mean * factor, "
    "each step rounded to float32; TensorFlow's own root is off in the last places, and not by the same on every CPU"
)


def normalization(spec: LayerSpec) -> tuple[Coefficients, Coefficients]:
    """Factor and offset of each channel, and by how much QKeras's may be off for its root.

    Raises:
        ModelFileError: its weights are not those of a normalization, or a factor is no float32 number.
    """
    has_scale, has_center = bool(spec.config.get("scale", True)), bool(spec.config.get("center", True))
    require_weights(spec, 2 + has_scale + has_center, 1, 1, 1, 1)
    arrays = list(spec.weights[: 2 + has_scale + has_center])
    if len({array.shape for array in arrays}) > 1:
        raise ModelFileError(f"layer {spec.name!r}: its weights are of several lengths; save the whole model again")

    off = dict.fromkeys(("gamma", "beta", "mean", "variance"), np.zeros(1))

    def quantized(role: str, values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        quantizer = parse_quantizer(spec.config.get(f"{role}_quantizer"), f"layer {spec.name!r}, {role}_quantizer")
        if quantizer is not None and role in ("gamma", "variance"):
            quantizer = as_trainable(quantizer)
        if quantizer is None:
            return values
        found = quantize_values(quantizer, values)
        deviation = float32_deviation(quantizer, values, FixedArray.from_float(found)) if role in off else None
        if deviation is not None:
            off[role] = deviation
        return found

    gamma = quantized("gamma", arrays.pop(0)) if has_scale else None
    beta = quantized("beta", arrays.pop(0)) if has_center else None
    mean, variance = quantized("mean", arrays[0]), quantized("variance", arrays[1])
    with np.errstate(over="ignore", invalid="ignore"):  # an overflow is told below
        root = inverse_root(spec, variance)
        inverse = root if gamma is None else root * gamma
        factor = quantized("inverse", inverse.astype(np.float32)).astype(np.float64)
        offset = -mean * factor.astype(np.float32) if beta is None else beta - mean * factor.astype(np.float32)
        error = np.abs(inverse) * (_ROOT_ULPS * 2.0**-23 + off["variance"] * root.astype(np.float64) ** 2)
        error = error + np.abs(root) * off["gamma"]
        changed = _changed(spec, inverse, error, factor)
        shared = np.abs(mean.astype(np.float64) * factor)
        moved = np.abs(mean) * changed + (shared + np.abs(offset)) * 3 * 2.0**-24  # two roundings, of either
        moved = moved + off["mean"] * (np.abs(factor) + changed) + off["beta"]
    if not (np.isfinite(factor).all() and np.isfinite(offset).all()):
        raise ModelFileError(f"layer {spec.name!r}: its factors or offsets are beyond float32's; train again")
    return Coefficients(FixedArray.from_float(factor), changed), Coefficients(FixedArray.from_float(offset), moved)


def _changed(
    spec: LayerSpec, inverse: npt.NDArray[np.float32], error: npt.NDArray[np.float64], factor: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """By how much QKeras's factors may be off, from roots that are by ``error``."""
    quantizer = parse_quantizer(spec.config.get("inverse_quantizer"), f"layer {spec.name!r}, inverse_quantizer")
    if quantizer is None or not np.isfinite(factor).all():
        return np.maximum(*(np.abs((inverse + side * error).astype(np.float32) - factor) for side in (-1, 1)))
    return float32_deviation_near(quantizer, inverse.astype(np.float64), error, FixedArray.from_float(factor))


def inverse_root(spec: LayerSpec, variance: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """``1 / sqrt(variance + epsilon)``, every step rounded to float32."""
    shifted = np.asarray(variance + np.float32(spec.config.get("epsilon", 1e-3)), np.float32)
    if not (shifted > 0).all():
        channel = int(np.argmin(shifted))
        raise ModelFileError(
            f"layer {spec.name!r}: the moving variance of channel {channel} is {float(variance.ravel()[channel]):g}, "
            "whose root is no number; train again"
        )
    return np.asarray(np.float32(1) / np.sqrt(shifted), np.float32)
