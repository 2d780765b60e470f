"""One pass over the operators of a model: constants are folded, everything else goes to a backend."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from hls.errors import FirmwareError, ModelFileError, UnsupportedError
from hls.importing.onnx.backend import Backend
from hls.importing.onnx.integers import integer_tensors
from hls.importing.onnx.model import Node, OnnxModel, Port
from hls.importing.onnx.operation import Argument, Made, Operation
from hls.importing.onnx.operators import handler
from hls.importing.onnx.tensors import Constant, Tensor, in_order

_TAKE_INFINITE = ("Clip", "Max", "Min", "Pad")
"""Operators to whom an infinite number is none."""
_MASK = ("Add", "Sub", "Where")
"""Operators by whom a mask reaches a tensor."""
_LARGEST_AXIS = 1 << 24
_LARGEST_PORT = 1 << 24


@dataclass
class Names:
    """Names that Keras, C++ and Verilog take, each used once."""

    _taken: set[str] = field(default_factory=set)

    def free(self, wanted: str) -> str:
        """The name with every other sign as ``_``, and a number where it is taken."""
        base = re.sub(r"\W+", "_", wanted, flags=re.ASCII).strip("_") or "node"
        base = base if base[0].isalpha() else f"n{base}"
        name, count = base, 2
        while name in self._taken:
            name, count = f"{base}_{count}", count + 1
        self._taken.add(name)
        return name


def port_shape(port: Port) -> tuple[int, ...]:
    """Sizes of a port, the batch left out.

    Raises:
        UnsupportedError: one of them is not fixed.
    """
    sizes = [size for size in port.shape[1:] if size is not None and 0 < size <= _LARGEST_AXIS]
    if not sizes or len(sizes) != len(port.shape) - 1 or np.prod(sizes, dtype=float) > _LARGEST_PORT:
        raise UnsupportedError(
            f"input {port.name!r} has the shape {port.shape}: firmware needs the batch as the first axis, and "
            "every size but the batch's fixed; export the model for inputs of fixed sizes"
        )
    return tuple(sizes)


def translate(
    model: OnnxModel, backend: Backend, ports: Mapping[str, Tensor], names: Names
) -> Iterator[tuple[str, Tensor]]:
    """The outputs, each held in ONNX's own order of axes, with their names.

    Raises:
        ModelFileError: operators that contradict each other, or read what is not there.
        UnsupportedError: an operator that is not known, by name.
    """
    known: dict[str, Tensor | Constant] = {name: Constant(array) for name, array in model.constants.items()}
    known.update(ports)
    unmade: dict[str, str] = {}
    integers = integer_tensors(model)
    batch = next((port.shape[0] for port in model.inputs if port.shape), 1) or 1
    for node in model.nodes:
        arguments = tuple(_argument(node, known, unmade, name) for name in node.inputs)
        op = Operation(node, arguments, backend, model.opset, batch, not integers.isdisjoint(node.inputs[:1]))
        made = _made(op, names, last=_is_last(model, node))
        parts = made if isinstance(made, tuple) else (made,)
        known.update(zip(node.outputs, parts, strict=False))
        unmade.update(dict.fromkeys(node.outputs[len(parts) :], op.where))
    for port in model.outputs:
        if port.name in unmade:
            raise _unmade(f"output {port.name!r} is", unmade[port.name])
        found = known.get(port.name)
        if isinstance(found, Constant):
            raise UnsupportedError(
                f"output {port.name!r} is a constant; leave it away: Brevitas writes scales and zero points of a last "
                "layer with return_quant_tensor=True as outputs, and none with return_quant_tensor=False"
            )
        if found is None:
            raise ModelFileError(f"output {port.name!r} is computed by no operator; export the model again")
        backend.at(name := names.free(port.name))
        yield name, in_order(backend, found, f"output {port.name!r}")


def _unmade(what: str, maker: str) -> UnsupportedError:
    return UnsupportedError(
        f"{what} an output of {maker} that is not computed here, where its first one alone is; leave it out, or "
        "compute it in software"
    )


def _argument(node: Node, known: Mapping[str, Tensor | Constant], unmade: Mapping[str, str], name: str) -> Argument:
    if name and name in unmade:
        raise _unmade(f"operator {node.name!r} reads {name!r},", unmade[name])
    if name and name not in known:
        raise ModelFileError(f"operator {node.name!r} reads {name!r}, which no operator before it computes")
    return known[name] if name else None


def _is_last(model: OnnxModel, node: Node) -> bool:
    """Whether its output leaves the network and nothing else reads it."""
    leaves = any(port.name in node.outputs for port in model.outputs)
    return leaves and not any(name in node.outputs for other in model.nodes for name in other.inputs)


def _made(op: Operation, names: Names, *, last: bool) -> Made:
    make = handler(op)
    _refuse_infinite(op)
    op.backend.at(names.free(op.node.name), last=last)
    try:
        return make(op)
    except FirmwareError:
        raise
    except (KeyError, IndexError, TypeError, ValueError, ArithmeticError, StopIteration) as error:
        # Shapes or attributes that contradict each other: the file is not what an exporter would have written.
        raise ModelFileError(f"{op.where} is inconsistent: {error}") from error


def _refuse_infinite(op: Operation) -> None:
    """Raise UnsupportedError for constants beside a tensor, as masks are, that no fixed-point number holds."""
    constants = [found.values for found in op.arguments if isinstance(found, Constant)]
    if len(constants) == sum(found is not None for found in op.arguments) or op.node.kind in _TAKE_INFINITE:
        return
    if all(np.isfinite(values).all() for values in constants if values.dtype.kind == "f"):
        return
    what = "a constant beside its tensor is infinite, and no fixed-point number is"
    if op.node.kind not in _MASK:
        raise op.unsupported(what, "train and export the model again")
    raise op.unsupported(
        what,
        "write a finite number in its place that no value comes near, such as -1000 for -inf: before a maximum, an "
        "index of the largest or a softmax it masks as well",
    )
