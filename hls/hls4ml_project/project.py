"""The complete vendor project that hls4ml writes for a graph."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np

from hls.errors import ProjectError, ToolError, UnsupportedError
from hls.graph import FixedGraph
from hls.graph.fixed import FixedType
from hls.hls4ml_project import convert
from hls.hls4ml_project.backend import Backend, find_backend
from hls.hls4ml_project.layers import LayerList, lower
from hls.hls4ml_project.types import Value
from hls.machine.extras import require
from hls.target import Target, check_name, project_identifier


@dataclass(frozen=True)
class Port:
    """An input or output of the top function: ``variable`` of C type ``type_name``, elements of fixed-point ``type``.

    ``shape`` leaves the batch axis out; raw integers are in units of ``2**-type.fraction``, as on the graph's edge.
    """

    name: str
    variable: str
    type_name: str
    shape: tuple[int, ...]
    type: FixedType

    @property
    def size(self) -> int:
        """Elements per event."""
        return int(np.prod(self.shape, dtype=np.int64))


@dataclass(frozen=True)
class HlsProject:
    """A written project. ``types`` gives each layer's types by hls4ml's names, ``layer_of`` each graph node's layer.

    ``weights`` are C declarations of the constant arrays, where the firmware leaves them to its test bench.
    ``unwritten`` says why there are no files, where hls4ml is not installed.
    """

    folder: Path
    top: str
    target: Target
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]
    types: Mapping[str, Mapping[str, str]]
    layer_of: Mapping[str, str]
    weights: tuple[str, ...]
    notes: tuple[str, ...]
    unwritten: str | None = None

    @property
    def backend(self) -> str:
        """hls4ml backend."""
        return self.target.backend


def write_project(
    graph: FixedGraph, target: Target, name: str, folder: Path | str, final: Path | None = None
) -> HlsProject:
    """Write the vendor project of ``graph`` for ``target`` into ``folder`` (made if missing; files are replaced).

    Files that name their own folder name ``final`` instead, where the project is moved to afterwards.

    Raises ``ProjectError`` for a name or a folder that is not safe, ``UnsupportedError`` that names a layer which the
    backend cannot do exactly, and ``ToolError`` where hls4ml is missing, fails, or does not keep what it was told.
    """
    require("hls4ml")
    top = project_identifier(check_name(name))
    backend = find_backend(target.backend)
    for setting in (target.io_type, target.strategy):
        if setting in backend.refused:
            raise UnsupportedError(backend.refused[setting])
    place = _safe_folder(Path(folder).resolve())
    _clear(place)
    layers = lower(graph, target)
    model = convert.build_model(layers, target, top, place)
    convert.write(model, target, place)
    convert.check_headers(model, layers, target, place)
    _check_constants(model, place / backend.sources)
    if final is not None:
        _rename_folder(place, _safe_folder(final))
    return HlsProject(
        folder=place,
        top=top,
        target=target,
        inputs=_ports(model.get_input_variables(), graph, layers.ports, graph.inputs, graph.inputs),
        outputs=_ports(model.get_output_variables(), graph, layers.results, graph.outputs, graph.output_names),
        types=_types(layers),
        layer_of=MappingProxyType(dict(layers.layer_of)),
        weights=_declarations(model) if _defined_outside(backend) else (),
        notes=_notes(target),
    )


def unwritten_project(target: Target, name: str, folder: Path, why: str) -> HlsProject:
    """What stands for the project where none can be written: its name and place, without ports or files."""
    nothing: Mapping[str, Any] = MappingProxyType({})
    top = project_identifier(check_name(name))
    return HlsProject(folder, top, target, (), (), nothing, nothing, (), _notes(target), unwritten=why)


def _clear(folder: Path) -> None:
    """Take away the sources of an earlier project: another backend's would be found in place of missing ones."""
    folder.mkdir(parents=True, exist_ok=True)
    if (folder / "hls4ml_config.yml").exists():
        for source in ("firmware", "src"):
            shutil.rmtree(folder / source, ignore_errors=True)


def _rename_folder(folder: Path, final: Path) -> None:
    """Put ``final`` wherever the files of ``folder`` name it: hls4ml's configuration, scripts and bridges do."""
    written, meant = str(folder).encode(), str(final).encode()
    for path in folder.rglob("*"):
        if path.is_file() and not path.is_symlink() and written in (content := path.read_bytes()):
            path.write_bytes(content.replace(written, meant))


def _safe_folder(folder: Path) -> Path:
    """hls4ml puts the folder into C strings and Makefiles as it is."""
    if any(character in str(folder) for character in "\"'`$\\\n\r"):
        raise ProjectError(f"folder {str(folder)!r}: its path may hold no quotes, '$', backslashes or line breaks")
    return folder


def _ports(
    variables: list[Any], graph: FixedGraph, values: tuple[Value, ...], nodes: tuple[str, ...], names: tuple[str, ...]
) -> tuple[Port, ...]:
    ports = []
    for variable, value, node, name in zip(variables, values, nodes, names, strict=True):
        edge = graph.edges[node]
        if value.fraction != edge.fraction or int(np.prod(variable.shape)) != value.size:
            raise ToolError(f"hls4ml changed the shape or the grid of port {name}")
        c_name = getattr(variable, "member_name", variable.name)
        ports.append(Port(name, str(c_name), str(variable.type.name), edge.shape, value.type.type))
    return tuple(ports)


def _declarations(model: Any) -> tuple[str, ...]:
    return tuple(str(weight.definition_cpp()) for layer in model.get_layers() for weight in layer.get_weights())


def _types(layers: LayerList) -> Mapping[str, Mapping[str, str]]:
    return MappingProxyType(
        {spec.name: MappingProxyType({k: str(v) for k, v in spec.types.items()}) for spec in layers.layers}
    )


def _defined_outside(backend: Backend) -> bool:
    return not isinstance(backend.csim, str) and backend.csim.extern_weights


def _check_constants(model: Any, sources: Path) -> None:
    """What was written must read back as what was meant: hls4ml prints constants with a fixed number of decimals."""
    for layer in model.get_layers():
        for weight in layer.get_weights():
            meant = np.unique(np.append(np.asarray(weight.data, dtype=np.float64), 0))
            path = sources / "weights" / f"{weight.name}.h"
            # Sets are compared: some strategies reorder the constants or fill them up with zeros.
            if path.exists() and not np.array_equal(meant, _written(path)):
                raise ToolError(f"hls4ml rounded the constants of {layer.name} as it wrote {path}")


def _written(path: Path) -> np.ndarray[Any, np.dtype[np.float64]]:
    text = path.read_text()
    body = text[text.index("{", text.rindex("=")) : text.rindex("}")]
    return np.unique(np.array([float(word) for word in body.replace("{", " ").replace("}", " ").split(",")] + [0.0]))


def _notes(target: Target) -> tuple[str, ...]:
    notes = find_backend(target.backend).notes
    return tuple(notes[setting] for setting in (target.io_type, target.strategy) if setting in notes)
