"""A random network as plain data: what is written to a model file, built by QKeras, and computed by the definitions."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

Weights = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Quantizer:
    """A quantizer of QKeras, or a plain function by its name; ``as_text`` as a call that QKeras reads."""

    kind: str
    options: Mapping[str, Any]
    as_text: bool = False

    def written(self) -> Any:
        """As a model file holds it."""
        if self.as_text:
            return f"{self.kind}({', '.join(f'{key}={value!r}' for key, value in self.options.items())})"
        return {
            "module": "qkeras.quantizers",
            "class_name": self.kind,
            "config": dict(self.options),
            "registered_name": f"qkeras>{self.kind}",
        }


@dataclass(frozen=True)
class Ref:
    """What the ``call``-th call of a layer gives, of several tensors number ``tensor``."""

    layer: str
    call: int = 0
    tensor: int = 0


Argument = Ref | float | Weights | list[Any]
"""A tensor, a constant in its place, or an index as a file holds it."""


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer, its options with quantizers among them, its weights in Keras's order, and its calls."""

    kind: str
    name: str
    module: str
    options: Mapping[str, Any]
    weights: tuple[Weights, ...] = ()
    calls: tuple[tuple[Argument, ...], ...] = ()
    listed: bool = False
    """Its tensors are one argument, a list."""

    @property
    def own_weights(self) -> int:
        """How many weights are not those of a normalization that the layer holds."""
        return len(self.weights) - 4 if self.kind.endswith("Batchnorm") else len(self.weights)


@dataclass(frozen=True, eq=False)
class Network:
    """Layers in an order in which each is made before it is read. ``input_type`` is stated where no quantizer is."""

    name: str
    layers: tuple[Layer, ...]
    outputs: tuple[Ref, ...]
    shapes: Mapping[Ref, tuple[int, ...]]
    input_type: str | None = None
    form: str = "keras"
    """Of the file: "keras" (a Keras 3 archive), "h5" (an HDF5 file whose calls are those of Keras 2)."""
    ports_in_dicts: bool = False
    """The model has dictionaries of inputs and outputs, whose sorted keys have the order of the network's own."""

    @property
    def ports(self) -> tuple[Layer, ...]:
        """Inputs, in the order of the network's own."""
        return tuple(layer for layer in self.layers if layer.kind == "InputLayer")

    def without_dead_ends(self) -> Network:
        """Without the layers, calls and ports that no output needs, which Keras does not save."""
        layers = {layer.name: layer for layer in self.layers}
        needed: set[Ref] = set()
        waiting = list(self.outputs)
        while waiting:
            ref = waiting.pop()
            if ref not in needed:
                needed.add(ref)
                calls = layers[ref.layer].calls
                waiting += [argument for argument in calls[ref.call] if isinstance(argument, Ref)] if calls else []
        kept = {name: sorted({ref.call for ref in needed if ref.layer == name}) for name in layers}

        def renamed(argument: Any) -> Any:
            if not isinstance(argument, Ref):
                return argument
            return replace(argument, call=kept[argument.layer].index(argument.call))

        def trimmed(layer: Layer) -> Layer:
            calls = [layer.calls[number] for number in kept[layer.name]] if layer.calls else []
            return replace(layer, calls=tuple(tuple(renamed(argument) for argument in call) for call in calls))

        return replace(
            self,
            layers=tuple(trimmed(layer) for layer in self.layers if kept[layer.name]),
            outputs=tuple(renamed(ref) for ref in self.outputs),
            shapes={renamed(ref): self.shapes[ref] for ref in needed},
        )

    def architecture(self, form: str = "keras") -> dict[str, Any]:
        """What ``model.to_json()`` would say."""
        if self._is_chain(form):
            config = {
                "name": self.name,
                "trainable": True,
                "layers": [_entry(layer, form, {}) for layer in self.layers],
            }
            return {"module": "keras", "class_name": "Sequential", "config": config, "registered_name": None}
        config = {
            "name": self.name,
            "trainable": True,
            "layers": [_entry(layer, form, self.shapes) for layer in self.layers],
            "input_layers": self._references([Ref(port.name) for port in self.ports]),
            "output_layers": self._references(self.outputs),
        }
        return {
            "module": "keras.src.models.functional",
            "class_name": "Functional",
            "config": config,
            "registered_name": "Functional",
        }

    def _is_chain(self, form: str) -> bool:
        """Whether every layer reads the one before, so that a Sequential model says as much."""
        if form != "keras" or any(layer.kind.startswith("ops.") or layer.listed for layer in self.layers):
            return False
        before = zip(self.layers[1:], self.layers, strict=False)
        last = self.outputs == (Ref(self.layers[-1].name),)
        return last and all(layer.calls == ((Ref(other.name),),) for layer, other in before)

    def _references(self, refs: Sequence[Ref]) -> Any:
        written = [[ref.layer, ref.call, ref.tensor] for ref in refs]
        keys = [f"port_{number:02}" for number in range(len(written))]
        return dict(reversed(list(zip(keys, written, strict=True)))) if self.ports_in_dicts else written

    def write(self, folder: Path) -> Path:
        """The network as a model file."""
        path = folder / f"{self.name}.{self.form}"
        if self.form == "h5":
            with h5py.File(path, "w") as store:
                store.attrs["model_config"] = json.dumps(self.architecture("h5"))
                _write_legacy(store.create_group("model_weights"), self.layers)
            return path
        with h5py.File(path, "w", driver="core", backing_store=False) as file:
            _write_weights(file.create_group("layers"), self.layers)
            file.flush()
            weights = file.id.get_file_image()
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("config.json", json.dumps(self.architecture()))
            archive.writestr("model.weights.h5", weights)
        return path

    def described(self) -> Iterator[str]:
        """A line a layer, for whoever looks at a network that went wrong."""
        for layer in self.layers:
            calls = "; ".join(", ".join(_shown(argument) for argument in call) for call in layer.calls)
            options = ", ".join(f"{key}={_shown(value)}" for key, value in layer.options.items())
            yield f"{layer.name} = {layer.kind}({options})({calls})"
        yield f"outputs {', '.join(_shown(ref) for ref in self.outputs)}, input_type {self.input_type}, {self.form}"


def _shown(value: Any) -> str:
    match value:
        case Ref(layer, call, number):
            return layer + (f"@{call}" if call else "") + (f"[{number}]" if number else "")
        case Quantizer(kind, options):
            return f"{kind}({', '.join(f'{k}={v}' for k, v in options.items())})"
        case np.ndarray():
            return str(value.tolist())
    return str(value)


def _written(value: Any) -> Any:
    return value.written() if isinstance(value, Quantizer) else value


def _entry(layer: Layer, form: str, shapes: Mapping[Ref, tuple[int, ...]]) -> dict[str, Any]:
    package = {"qkeras": "qkeras", "qmodels": "qtrigger"}.get(layer.module.partition(".")[0])
    entry: dict[str, Any] = {
        "module": layer.module,
        "class_name": layer.kind.removeprefix("ops."),
        "config": {"name": layer.name, **{key: _written(value) for key, value in layer.options.items()}},
        "registered_name": f"{package}>{layer.kind}" if package else None,
        "name": layer.name,
    }
    if not shapes:  # of a Sequential model: no calls are written
        return entry
    calls = [] if layer.kind == "InputLayer" else layer.calls
    if form == "h5":
        entry["inbound_nodes"] = [
            [[a.layer, a.call, a.tensor, {}] for a in call if isinstance(a, Ref)] for call in calls
        ]
    else:
        entry["inbound_nodes"] = [{"args": _arguments(layer, call, shapes), "kwargs": {}} for call in calls]
    return entry


def _arguments(layer: Layer, call: tuple[Argument, ...], shapes: Mapping[Ref, tuple[int, ...]]) -> list[Any]:
    found = [_argument(argument, shapes) for argument in call]
    return [found] if layer.listed else found


def _argument(argument: Argument, shapes: Mapping[Ref, tuple[int, ...]]) -> Any:
    match argument:
        case Ref(layer, call, number):
            history = {"shape": [None, *shapes[argument]], "dtype": "float32", "keras_history": [layer, call, number]}
            return {"class_name": "__keras_tensor__", "config": history}
        case np.ndarray():
            return {"class_name": "__numpy__", "config": {"value": argument.tolist(), "dtype": "float32"}}
    return argument


def _write_weights(group: h5py.Group, layers: tuple[Layer, ...]) -> None:
    for layer in layers:
        if layer.weights:
            held = group.create_group(f"{layer.name}/vars")
            held.attrs["name"] = layer.name
            own = layer.own_weights
            for index, array in enumerate(layer.weights[:own]):
                held[str(index)] = array
            for index, array in enumerate(layer.weights[own:]):
                group[f"{layer.name}/batchnorm/vars/{index}"] = array


def _write_legacy(group: h5py.Group, layers: tuple[Layer, ...]) -> None:
    for layer in layers:
        held = group.create_group(layer.name)
        names = [f"{layer.name}/{index}" for index in range(len(layer.weights))]
        held.attrs["weight_names"] = names
        for name, array in zip(names, layer.weights, strict=True):
            held[name] = array
