"""What layers that are stated to hls4ml compute, in rational numbers: ap_fixed by its definition."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from hls.graph.fixed import FixedType
from hls.hls4ml_project.layers import LayerList
from hls.hls4ml_project.types import HlsLayer, HlsType


def overflown(type_: FixedType, mode: str, raw: int) -> int:
    """What becomes of an integer beyond ``type_``, after the tables of Xilinx's UG902."""
    if mode == "WRAP":
        return (raw - type_.raw_min) % (1 << type_.width) + type_.raw_min
    low = -type_.raw_max if mode == "SAT_SYM" else type_.raw_min
    return min(max(raw, low), type_.raw_max)


def cast(value: Fraction, source: FixedType, to: HlsType) -> Fraction:
    """``value`` of type ``source`` as ``to``; RND_CONV asks for the highest bit that it drops."""
    unit = Fraction(2) ** -to.type.fraction
    if to.rounding == "RND_CONV":
        assert source.fraction - to.type.fraction <= source.width
    raw = round(value / unit) if to.rounding == "RND_CONV" else value / unit // 1
    return overflown(to.type, to.overflow, int(raw)) * unit


def stated(layer: HlsLayer, key: str) -> list[Fraction]:
    """Constants of a layer, which its type holds as they are."""
    type_ = layer.types[key]
    name = {"param": "activ_param", "table": "table_data"}.get(key, f"{key}_data")
    values = [Fraction(float(v)) for v in np.ravel(layer.attributes[name])]
    widest = FixedType(True, 80, 40)
    assert [cast(value, widest, type_) for value in values] == values
    return values


def compute(layers: LayerList, value: Fraction) -> list[Fraction]:
    """Every output for one value on the one port."""
    held = {layers.inputs[0]: (value, layers.ports[0].type.type)}
    for layer in layers.layers:
        if layer.class_name == "InputLayer":
            continue
        x, source = held[layer.inputs[0]]
        result = layer.types["result"]
        between = source if layer.class_name in ("Activation", "Reshape") else _wide(source)
        held[layer.name] = (cast(_exact(layer, x, source), between, result), result.type)
    return [held[name][0] for name in layers.outputs]


def _wide(source: FixedType) -> FixedType:
    """A product or a sum of full width."""
    return FixedType(True, source.width + 200, source.integer + 100)


def _exact(layer: HlsLayer, x: Fraction, source: FixedType) -> Fraction:
    match layer.class_name:
        case "Activation":
            return max(x, Fraction(0)) if layer.attributes["activation"] == "relu" else x
        case "LeakyReLU":
            return x if x > 0 else x * stated(layer, "param")[0]
        case "BatchNormalization":
            return x * stated(layer, "scale")[0] + stated(layer, "bias")[0]
        case "UnaryLUT":
            index = int(x * Fraction(2) ** source.fraction) % (1 << source.width)
            return stated(layer, "table")[index]
        case "Embedding":
            assert x.denominator == 1
            assert 0 <= x < int(str(layer.attributes["vocab_size"]))
            return stated(layer, "embeddings")[int(x)]
        case "Reshape":
            return x
    raise NotImplementedError(layer.class_name)
