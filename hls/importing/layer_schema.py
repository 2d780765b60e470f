"""What the options of a layer must look like before its handler reads any: the second half of the door to a model file.

Ranges that make a network another one (a stride, a rank) are checked here; what only firmware minds is the handler's.
"""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, ValidationError

from hls.errors import ModelFileError
from hls.importing.spec import LayerSpec

_LARGEST = 1 << 24
"""Of a size, a stride or a dilation: firmware has no place for such a layer, and a damaged file may state anything."""
_LARGEST_FLOAT32 = 3.4028234e38


def _whole(value: float | bool) -> int:
    if value != int(value):
        raise ValueError("should be a whole number")
    return int(value)


Number = Annotated[float, Field(ge=-_LARGEST_FLOAT32, le=_LARGEST_FLOAT32, allow_inf_nan=False)]
Whole = Annotated[Number, AfterValidator(_whole)]
Size = Annotated[Whole, Field(ge=1, le=_LARGEST)]
Sizes = Size | Annotated[list[Size], Field(min_length=1, max_length=3)]
Axes = Whole | Annotated[list[Whole], Field(min_length=1)]
_Side = Annotated[Whole, Field(ge=0, le=_LARGEST)]
_Sides = _Side | Annotated[list[_Side | Annotated[list[_Side], Field(min_length=2, max_length=2)]], Field(max_length=2)]
Flag = StrictBool | Annotated[int, Field(ge=0, le=1)] | None


class _Options(BaseModel):
    """Options that are read; Keras writes many more."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)


class _Weighted(_Options):
    use_bias: Flag = True


class _Windowed(_Options):
    strides: Sizes | None = None
    padding: str = "valid"
    data_format: str | None = None


class _Conv(_Windowed, _Weighted):
    strides: Sizes = 1
    kernel_size: Sizes | None = None
    dilation_rate: Sizes = 1
    groups: Size | None = None


class _Pool(_Windowed):
    pool_size: Sizes


class _GlobalPool(_Options):
    data_format: str | None = None
    keepdims: Flag = False


class _Normalization(_Options):
    axis: Axes = -1
    epsilon: Number = 1e-3
    scale: Flag = True
    center: Flag = True


class _FoldedDense(_Weighted, _Normalization):
    pass


class _FoldedConv(_Conv, _Normalization):
    pass


class _Rectifier(_Options):
    negative_slope: Number | None = None
    alpha: Number | None = None
    threshold: Number | None = None
    max_value: Number | None = None
    theta: Number | None = None


class _Reshape(_Options):
    target_shape: list[Whole]


class _Permute(_Options):
    dims: list[Whole]


class _AlongAxis(_Options):
    axis: Whole = -1


class _Repeat(_Options):
    n: Size


class _UpSampling(_Options):
    size: Sizes = 2
    data_format: str | None = None


class _Around(_Options):
    """A pair for each axis, one number for each, or one for all; where it fits the layer is its handler's to say."""

    padding: _Sides = 1
    cropping: _Sides = 1
    data_format: str | None = None


class _Reduction(_Options):
    axis: Axes | None = None
    keepdims: Flag = False
    initial: Number | None = None


class _Projection(_Options):
    node_to_edge: Flag = True
    receiving: Flag = True


class _Axes(_Options):
    axis: Axes | None = None


class _NewAxes(_Options):
    axis: Axes


class _TwoAxes(_Options):
    axis1: Whole
    axis2: Whole


class _Dot(_Options):
    axes: Axes
    normalize: Flag = False


class _OperatorReshape(_Options):
    newshape: list[Whole] | Whole


class _OperatorTranspose(_Options):
    axes: list[Whole] | None = None


class _Moveaxis(_Options):
    source: Axes
    destination: Axes


_SCHEMAS: dict[str, type[_Options]] = {
    **dict.fromkeys(("Dense", "QDense"), _Weighted),
    **dict.fromkeys(("QDenseBatchnorm",), _FoldedDense),
    **dict.fromkeys(("QConv2DBatchnorm", "QDepthwiseConv2DBatchnorm"), _FoldedConv),
    **dict.fromkeys(("BatchNormalization", "QBatchNormalization"), _Normalization),
    **dict.fromkeys(("ReLU", "LeakyReLU", "ThresholdedReLU", "ops.LeakyRelu", "ops.Elu"), _Rectifier),
    "Reshape": _Reshape,
    "RepeatVector": _Repeat,
    **dict.fromkeys(("UpSampling1D", "UpSampling2D"), _UpSampling),
    **dict.fromkeys(("ZeroPadding1D", "ZeroPadding2D", "Cropping1D", "Cropping2D"), _Around),
    "NodeEdgeProjection": _Projection,
    "Permute": _Permute,
    **dict.fromkeys(("Concatenate", "ops.Concatenate"), _AlongAxis),
    "Flatten": _GlobalPool,
    **dict.fromkeys(
        (
            "ops.Sum",
            "ops.Mean",
            "ops.Max",
            "ops.Min",
            "ops.Amax",
            "ops.Amin",
            "ops.Any",
            "ops.All",
            "ops.CountNonzero",
            "ops.Median",
        ),
        _Reduction,
    ),
    "ops.Reshape": _OperatorReshape,
    "ops.Transpose": _OperatorTranspose,
    **dict.fromkeys(("ops.Squeeze", "ops.Flip", "ops.Sort"), _Axes),
    "ops.Swapaxes": _TwoAxes,
    "ops.Moveaxis": _Moveaxis,
    "Dot": _Dot,
    "ops.ExpandDims": _NewAxes,
}


def _schema(class_name: str) -> type[_Options] | None:
    """Convolutions and poolings by the ends of their names, which say the rank too."""
    if class_name in _SCHEMAS:
        return _SCHEMAS[class_name]
    family = class_name.removesuffix("1D").removesuffix("2D")
    if family.endswith(("Conv", "Transpose")):
        return _Conv
    if family.endswith("Pooling"):
        return _GlobalPool if "Global" in family else _Pool
    return None


def check_layer(spec: LayerSpec) -> None:
    """Raise ModelFileError, naming layer and option, if what a handler will read is not what Keras writes."""
    schema = _schema(spec.class_name)
    if schema is None:
        return
    try:
        schema.model_validate(dict(spec.config))
    except ValidationError as error:
        # Of an option that may be of several kinds, the complaint that came farthest into it.
        first = max(error.errors(include_url=False), key=lambda found: len(found["loc"]))
        place = str(first["loc"][0])
        raise ModelFileError(
            f"layer {spec.name!r} ({spec.class_name}): {place} = {_short(spec.config.get(place))} is not what Keras "
            f"writes: {first['msg'].lower()}; save the model again"
        ) from error
    rank = _rank(spec.class_name)
    for key in ("strides", "dilation_rate", "pool_size", "kernel_size"):
        value = spec.config.get(key)
        if rank is not None and isinstance(value, list | tuple) and len(value) != rank:
            raise ModelFileError(
                f"layer {spec.name!r} ({spec.class_name}): {key} = {_short(value)} is for {len(value)} axes, "
                f"it has {rank}; save the model again"
            )


def _rank(class_name: str) -> int | None:
    """Spatial axes, by the name of the class."""
    for rank in (1, 2):
        if f"{rank}D" in class_name:
            return rank
    return None


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
