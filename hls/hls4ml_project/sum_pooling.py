"""Sum over the particles as an hls4ml layer of ours, through its extension API. hls4ml itself only averages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from string import Template
from typing import Any

CLASS_NAME = "GlobalSumPooling"
"""As hls4ml's layer lists name it. Attributes: ``n_in`` particles, ``n_filt`` channels of each."""

HEADER = "nnet_sum_pooling.h"
_TEMPLATE = Path(__file__).parent / HEADER

_CONFIG = """struct config{index} : nnet::sum_pooling_config {{
    static const unsigned n_in = {n_in};
    static const unsigned n_filt = {n_filt};
    static const unsigned reuse_factor = {reuse};
    typedef {accum_t.name} accum_t;
}};\n"""
_CALL = "nnet::sum_pooling<{input_t}, {output_t}, {config}>({input}, {output});"


@dataclass(frozen=True)
class Dialect:
    """The lines in which one HLS tool's C++ of the sum differs from another's; what a tool has no line for is empty.

    ``include`` brings its streams, of type ``stream``. ``unrolled`` and ``pipelined`` are the pragmas of a loop, which
    stand before it, or ``inside`` it and then a label names it in the tool's reports. ``inline`` is the pragma of a
    function that is no block of its own, ``parallel`` those of the io_parallel function, ``accumulators`` that of the
    array of totals, ``result`` that of the vector that leaves, and ``storage`` what makes the two registers.
    """

    stream: str
    unrolled: str
    pipelined: str
    include: str = ""
    inside: bool = False
    inline: str = ""
    parallel: str = ""
    accumulators: str = ""
    result: str = ""
    storage: str = ""

    def header(self) -> str:
        """Content of ``HEADER``."""
        before = {"channels": self.unrolled, "particles": self.pipelined, "result": self.unrolled}
        if self.inside:
            before = {name: f"Sum{name.capitalize()}:" for name in before}
        text = Template(_TEMPLATE.read_text(encoding="utf-8")).substitute(
            {f"before_{name}": line for name, line in before.items()},
            in_unrolled=self.unrolled if self.inside else "",
            in_pipelined=self.pipelined if self.inside else "",
            include=self.include,
            stream=self.stream,
            inline=self.inline,
            parallel=self.parallel.replace("\n", "\n    "),
            accumulators=self.accumulators,
            result=self.result,
            storage=self.storage,
        )
        # A line that a tool does without leaves nothing behind.
        return re.sub(r"^ +\n", "", text, flags=re.MULTILINE)


@cache
def register(hls4ml_name: str) -> None:
    """Tell hls4ml's backend of that name of the layer: its attributes, its configuration and its call."""
    from hls4ml.backends import get_backend

    place = get_backend(hls4ml_name)
    for template in _templates(_layer()):
        place.register_template(template)


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
            super().__init__(layer, include_header=[f"nnet_utils/{HEADER}"])

        def format(self, node: Any) -> str:
            return _CALL.format(**self._default_function_params(node))

    return Config, Call
