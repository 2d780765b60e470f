"""Layers to hls4ml's ModelGraph, and the check that hls4ml kept every type it was told."""

from __future__ import annotations

import contextlib
import io
import logging
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

from hls.errors import ToolError, UnsupportedError
from hls.hls4ml_project import sum_pooling
from hls.hls4ml_project.backend import find_backend
from hls.hls4ml_project.layers import LayerList
from hls.hls4ml_project.types import HlsLayer
from hls.target import Target

log = logging.getLogger(__name__)

# Types that decide nothing: an index that only compressed layers use.
_IDLE_TYPES = frozenset({"index_t"})
# Layers that hls4ml inserts on its own; each must keep the type of what it reads.
_INSERTED = ("clone_", "repack_", "zp1d_", "zp2d_")


@contextlib.contextmanager
def quiet() -> Iterator[io.StringIO]:
    """hls4ml prints and warns as it works; what it prints is collected, for the log and for error messages."""
    text = io.StringIO()
    with warnings.catch_warnings(), contextlib.redirect_stdout(text):
        warnings.simplefilter("ignore")
        yield text


@contextlib.contextmanager
def without_keras() -> Iterator[None]:
    """hls4ml's writers import Keras to see whether their configuration holds a Keras model; ours never does.

    Loading Keras means loading TensorFlow: seconds and hundreds of megabytes. ``None`` in ``sys.modules`` makes the
    import fail, which the writers allow for.
    """
    modules: dict[str, ModuleType | None] = sys.modules  # type: ignore[assignment]
    barred = [name for name in ("keras", "tensorflow") if name not in modules]
    modules.update(dict.fromkeys(barred))
    try:
        yield
    finally:
        for name in barred:
            modules.pop(name, None)


def configuration(layers: LayerList, target: Target, top: str, folder: Path) -> dict[str, Any]:
    """hls4ml's configuration dictionary, with the precision of every layer by name."""
    by_name: dict[str, Any] = {}
    for spec in layers.layers:
        precision = {name: str(type_) for name, type_ in spec.types.items()}
        by_name[spec.name] = {"Precision": precision}
        if "table" in spec.types:
            # An activation's table type is read here, a lookup layer's from the precisions.
            by_name[spec.name]["table_t"] = str(spec.types["table"])
        if spec.most_reuse is not None:
            by_name[spec.name]["ReuseFactor"] = min(target.reuse_factor, spec.most_reuse)
        if spec.class_name == "Reshape":
            # What a stream has instead of a reshape; it would get the default type, and its copies with it.
            by_name[f"repack_{spec.name}"] = {"Precision": precision}
    backend = find_backend(target.backend)
    config: dict[str, Any] = {
        "OutputDir": str(folder),
        "ProjectName": top,
        "Backend": backend.hls4ml_name,
        "Part": target.part,
        "ClockPeriod": float(target.clock_ns),
        "IOType": target.io_type,
        "HLSConfig": {
            "Model": {
                # Never used: every layer states its own. One bit, so that a leak is caught by the check and the csim.
                "Precision": {"default": "ufixed<1,1>"},
                "ReuseFactor": target.reuse_factor,
                "Strategy": target.strategy,
                "BitExact": False,
            },
            "LayerName": by_name,
        },
        "WriterConfig": {
            "Namespace": None,
            "WriteWeightsTxt": True,
            "WriteTar": False,
            "TBOutputStream": "both",
            "WriteEmulationConstants": False,
        },
    }
    if backend.clock_uncertainty is not None:
        config["ClockUncertainty"] = f"{backend.clock_uncertainty:g}%"
    return config | dict(backend.settings)


def dictionaries(layers: LayerList) -> list[dict[str, Any]]:
    """hls4ml's layer dictionaries."""
    return [
        {
            "name": spec.name,
            "class_name": spec.class_name,
            "inputs": list(spec.inputs),
            "outputs": [spec.name],
            **spec.attributes,
        }
        for spec in layers.layers
    ]


def build_model(layers: LayerList, target: Target, top: str, folder: Path) -> Any:
    """The ModelGraph, checked. Raises ``ToolError`` where hls4ml fails, ``UnsupportedError`` where it has no layer."""
    backend = find_backend(target.backend)
    with quiet() as printed:
        from hls4ml.model.graph import ModelGraph

        if backend.layers.sum_pooling is not None:
            sum_pooling.register(backend.hls4ml_name)
        config = configuration(layers, target, top, folder)
        try:
            model = ModelGraph.from_layer_list(config, dictionaries(layers), list(layers.inputs), list(layers.outputs))
        # hls4ml raises plain Exception for whatever a backend lacks.
        except Exception as error:
            raise ToolError(f"hls4ml's {target.backend} backend failed: {error}") from error
    for line in printed.getvalue().splitlines():
        log.info("hls4ml: %s", line)
    check(model, layers, target)
    return model


def write(model: Any, target: Target, folder: Path) -> None:
    """Let hls4ml write the project, and add our kernel to it; raises ``ToolError`` where hls4ml fails."""
    backend = find_backend(target.backend)
    with without_keras(), quiet():
        try:
            backend.write(model)
        except OSError:
            raise  # a full disk is no fault of hls4ml's
        # hls4ml raises plain Exception here too.
        except Exception as error:
            raise ToolError(f"hls4ml could not write the {target.backend} project: {error!r}") from error
    if backend.layers.sum_pooling is not None:
        header = folder / backend.sources / "nnet_utils" / sum_pooling.HEADER
        header.write_text(backend.layers.sum_pooling.header(), encoding="utf-8")


def check_headers(model: Any, layers: LayerList, target: Target, folder: Path) -> None:
    """hls4ml has templates for layers whose C++ some of its backends lack."""
    nodes = {spec.name: spec for spec in layers.layers}
    sources = folder / find_backend(target.backend).sources
    for layer in model.get_layers():
        for header in layer.get_attr("include_header", None) or ():
            if layer.name in nodes and not (sources / header).exists():
                raise _missing(nodes[layer.name], target)


def _missing(spec: HlsLayer, target: Target) -> UnsupportedError:
    return UnsupportedError(
        f"{spec.node}: hls4ml's {target.backend} backend has no {spec.class_name} layer; choose another backend"
    )


def check(model: Any, layers: LayerList, target: Target) -> None:
    """Raises ``ToolError`` for any layer that hls4ml dropped, added or gave another type than was stated."""
    specs = {spec.name: spec for spec in layers.layers}
    for layer in model.get_layers():
        spec = specs.get(layer.name)
        if spec is None:
            _check_inserted(layer)
            continue
        _check_types(layer, spec)
        written = layer.get_attr("function_cpp", None) is not None
        if not written and spec.class_name not in ("InputLayer", "Reshape"):
            raise _missing(spec, target)
        asked, used = target.reuse_factor, layer.get_attr("reuse_factor", None)
        if used is not None and used != asked and spec.class_name not in ("InputLayer", "Reshape"):
            log.warning("%s: reuse factor %s is not possible, hls4ml takes %s", spec.node, asked, used)
    kept = {layer.name.removeprefix("repack_") for layer in model.get_layers()}
    for name in specs.keys() - kept:
        raise ToolError(f"hls4ml dropped layer {name} ({specs[name].class_name}) of {specs[name].node}")


def _check_types(layer: Any, spec: HlsLayer) -> None:
    found = {name: str(type_.precision) for name, type_ in layer.types.items() if name not in _IDLE_TYPES}
    stated = {f"{name}_t": str(type_) for name, type_ in spec.types.items()}
    for name, precision in found.items():
        if stated.get(name) != precision and not _wider_accumulator(name, layer, spec):
            raise ToolError(
                f"hls4ml gave {spec.name} ({spec.node}) {name} = {precision}, but {stated.get(name)} was stated"
            )


def _wider_accumulator(name: str, layer: Any, spec: HlsLayer) -> bool:
    """Catapult widens the accumulators of pooling layers, which does no harm."""
    if name != "accum_t" or "Pooling" not in spec.class_name:
        return False
    found, stated = layer.get_attr(name).precision, spec.types["accum"].type
    same = found.signed == stated.signed and str(found.saturation_mode) == "WRAP"
    return bool(same and found.integer >= stated.integer and found.fractional >= stated.fraction)


def _check_inserted(layer: Any) -> None:
    if not layer.name.startswith(_INSERTED):
        raise ToolError(f"hls4ml inserted a layer that is not known to be exact: {layer.name} ({layer.class_name})")
    before = str(layer.get_input_variable().type.precision)
    for variable in layer.get_variables():
        if str(variable.type.precision) != before:
            raise ToolError(f"hls4ml's {layer.name} changes {before} to {variable.type.precision}")
