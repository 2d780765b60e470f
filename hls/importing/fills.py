"""Operators of Keras that fill a tensor: with one number, or with itself along axes of one element."""

from __future__ import annotations

from hls.errors import UnsupportedError
from hls.graph import nodes
from hls.graph.fixed import FixedArray
from hls.importing.emitter import Emitter, Handler
from hls.importing.operators import constant, whole
from hls.importing.places import picked
from hls.importing.spec import Constant, LayerSpec


def _filled(emit: Emitter, x: str, value: FixedArray) -> str:
    return emit(nodes.Scale, "filled", (x,), whole(0), value)


def _like(value: int) -> Handler:
    return lambda emit, spec, inputs: _filled(emit, inputs[0], whole(value))


def _full_like(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    stated = [constant(found.value) for found in emit.arguments if isinstance(found, Constant)]
    if len(stated) != 1 or stated[0].shape != (1,):
        raise UnsupportedError(
            f"layer {spec.name!r}: fills with something that is not one number; fill with one, and multiply that by "
            "the array, which computes the same"
        )
    return _filled(emit, inputs[0], stated[0])


def _broadcast_to(emit: Emitter, spec: LayerSpec, inputs: tuple[str, ...]) -> str:
    """Axes of one element as long as stated; new ones behind the batch."""
    stated, shape = spec.config.get("shape"), emit.edge(inputs[0]).shape
    target = [*stated] if isinstance(stated, list) and all(isinstance(n, int | None) for n in stated) else []
    wanted = tuple(n or 0 for n in target[1:])
    whole_batch = bool(target) and target[0] in (None, -1, 1)
    if not whole_batch or len(wanted) != len(shape) or any(n not in (1, m) for n, m in zip(shape, wanted, strict=True)):
        raise UnsupportedError(
            f"layer {spec.name!r}: broadcasts the batch and {shape} to {stated}; state 1 for the batch, and a size for "
            "each axis behind it, which differs from that of the tensor only where that is 1"
        )
    x = inputs[0]
    for axis, (length, size) in enumerate(zip(shape, wanted, strict=True)):
        x = x if length == size else picked(emit, spec, x, axis, [0] * size)
    return x


HANDLERS: dict[str, Handler] = {
    "ops.ZerosLike": _like(0),
    "ops.OnesLike": _like(1),
    "ops.FullLike": _full_like,
    "ops.BroadcastTo": _broadcast_to,
}
