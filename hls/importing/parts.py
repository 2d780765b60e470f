"""Operators of Keras that give several tensors: each becomes as many operators as are read of it, one a tensor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hls.errors import ModelFileError, UnsupportedError
from hls.graph import nodes
from hls.importing import choices, operators
from hls.importing.emitter import Emitter, Handler
from hls.importing.options import whole_numbers
from hls.importing.refusals import ENDS_BEFORE
from hls.importing.sorting import ascending
from hls.importing.spec import Call, Constant, LayerSpec, ModelSpec, TensorRef
from hls.importing.wiring import taken

_PART = "part"
"""Key of the configuration under which such a layer says which of the tensors it gives."""


def parted(model: ModelSpec) -> ModelSpec:
    """The model with a layer ``NAME.0``, ``NAME.1`` ... for each tensor that is read of a layer of several."""
    used = {ref for layer in model.layers.values() for call in layer.calls for ref in call.inputs} | {*model.outputs}
    parts: dict[str, list[int]] = {}
    for ref in sorted(used, key=lambda ref: ref.tensor):
        if ref.layer in model.layers and model.layers[ref.layer].class_name in HANDLERS:
            listed = parts.setdefault(ref.layer, [])
            listed += [] if ref.tensor in listed else [ref.tensor]
    layers: dict[str, LayerSpec] = {}
    for name, layer in model.layers.items():
        calls = tuple(_renamed(call, parts) for call in layer.calls)
        if name not in parts:
            layers[name] = replace(layer, calls=calls)
        for part in parts.get(name, ()):
            config = {**layer.config, _PART: part}
            layers[f"{name}.{part}"] = replace(layer, name=f"{name}.{part}", config=config, calls=calls)
    return replace(model, layers=layers, outputs=tuple(_of_part(ref, parts) for ref in model.outputs))


def _renamed(call: Call, parts: dict[str, list[int]]) -> Call:
    return replace(call, arguments=tuple(a if isinstance(a, Constant) else _of_part(a, parts) for a in call.arguments))


def _of_part(ref: TensorRef, parts: dict[str, list[int]]) -> TensorRef:
    return TensorRef(f"{ref.layer}.{ref.tensor}", ref.node, 0) if ref.layer in parts else ref


def _split(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """In so many equal parts, or at the places that are listed."""
    axis = operators.axis_of(emit, spec, inputs[0], spec.config.get("axis", 0))
    length, stated = emit.edge(inputs[0]).shape[axis], whole_numbers(spec.config.get("indices_or_sections"))
    if stated is None or stated.ndim > 1:
        raise UnsupportedError(
            f"layer {spec.name!r}: splits at {spec.config.get('indices_or_sections')!r}; state a number of equal "
            "parts, or the places at which to split"
        )
    if stated.ndim:
        places = slice(None), *(slice(start, None) for start in stated.tolist())
        starts = [place.indices(length)[0] for place in places]
    else:
        count = int(stated)
        if count < 1 or length % count:
            raise ModelFileError(
                f"layer {spec.name!r}: {count} equal parts of an axis of {length}; save the model again"
            )
        starts = list(range(0, length, length // count))
    return _one_of(emit, spec, inputs[0], axis, [*starts, length])


def _one_of(emit: Emitter, spec: LayerSpec, x: str, axis: int, ends: Sequence[int]) -> str:
    part = int(spec.config[_PART])
    if part + 1 >= len(ends) or ends[part] >= ends[part + 1]:
        raise ModelFileError(f"layer {spec.name!r}: part {part} of {len(ends) - 1} holds nothing; save the model again")
    return taken(emit, x, axis, range(ends[part], ends[part + 1]))


def _unstack(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    axis = operators.axis_of(emit, spec, inputs[0], spec.config.get("axis", 0))
    shape = emit.edge(inputs[0]).shape
    row = _one_of(emit, spec, inputs[0], axis, range(shape[axis] + 1))
    return emit(nodes.Reshape, "row", (row,), (*shape[:axis], *shape[axis + 1 :]) or (1,))


def _top(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """The largest along the last axis, the first the largest of them, or of one its index."""
    count, length = spec.config.get("k"), emit.edge(inputs[0]).shape[-1]
    if not isinstance(count, int) or not 1 <= count <= length or (count > 1 and spec.config[_PART] == 1):
        raise UnsupportedError(
            f"layer {spec.name!r}: the indices of the {count} largest of {length}, which take a sorting network of "
            f"indices, are not built; the values are, and of the largest one (k=1) the index too; {ENDS_BEFORE}"
        )
    along = replace(spec, config={"axis": -1, "keepdims": True})
    if spec.config[_PART] == 1:
        return choices.index_of(emit, along, inputs[0], least=False)
    if count == 1:
        return operators.HANDLERS["ops.Max"](emit, along, inputs)
    return taken(
        emit, ascending(emit, inputs[0]), len(emit.edge(inputs[0]).shape) - 1, range(length)[: -count - 1 : -1]
    )


HANDLERS: dict[str, Handler] = {
    "ops.Split": _split,
    "ops.ArraySplit": _split,
    "ops.Unstack": _unstack,
    "ops.TopK": _top,
}
