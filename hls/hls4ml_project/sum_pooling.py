"""Sum over the particles as an hls4ml layer of ours, through its extension API. hls4ml itself only averages."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

CLASS_NAME = "GlobalSumPooling"
"""As hls4ml's layer lists name it. Attributes: ``n_in`` particles, ``n_filt`` channels of each."""

_KERNELS = Path(__file__).parent / "kernels"
_FOLDERS = {"vitis": "vivado", "vivado": "vivado", "quartus": "quartus", "catapult": "catapult"}
_HEADER = "nnet_sum_pooling.h"

_CONFIG = """struct config{index} : nnet::sum_pooling_config {{
    static const unsigned n_in = {n_in};
    static const unsigned n_filt = {n_filt};
    static const unsigned reuse_factor = {reuse};
    typedef {accum_t.name} accum_t;
}};\n"""
_CALL = "nnet::sum_pooling<{input_t}, {output_t}, {config}>({input}, {output});"


def has_kernel(backend: str) -> bool:
    """Whether there is C++ of ours for the backend; elsewhere a sum is a product with ones."""
    return backend in _FOLDERS


@cache
def register(backend: str) -> None:
    """Tell hls4ml's ``backend`` of the layer: its attributes, its configuration, its call and its C++."""
    if not has_kernel(backend):
        return
    from hls4ml.backends import get_backend

    layer = _layer()
    place = get_backend(backend)
    for template in _templates(layer):
        place.register_template(template)
    place.register_source(_KERNELS / _FOLDERS[backend] / _HEADER)


@cache
def _layer() -> type[Any]:
    from hls4ml.model.attributes import Attribute, TypeAttribute
    from hls4ml.model.layers import Layer, register_layer

    class GlobalSumPooling(Layer):  # type: ignore[misc]
        _expected_attributes = (Attribute("n_in"), Attribute("n_filt"), TypeAttribute("accum"))

        def initialize(self) -> None:
            self.add_output_variable([self.get_attr("n_filt")])

    register_layer(CLASS_NAME, GlobalSumPooling)
    return GlobalSumPooling


def _templates(layer: type[Any]) -> tuple[type[Any], type[Any]]:
    from hls4ml.backends.template import FunctionCallTemplate, LayerConfigTemplate

    class Config(LayerConfigTemplate):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(layer)

        def format(self, node: Any) -> str:
            return _CONFIG.format(**self._default_config_params(node))

    class Call(FunctionCallTemplate):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(layer, include_header=[f"nnet_utils/{_HEADER}"])

        def format(self, node: Any) -> str:
            return _CALL.format(**self._default_function_params(node))

    return Config, Call
