"""The process in which `qonnx` executes a model: reads the inputs of a folder, leaves the outputs there.

Run as ``python qonnx_worker.py FOLDER``. ``job.json`` names the file, the tensors to leave there besides, and what is
stated of functions at the end, which are not executed then. Trees are onnxruntime's alone: it walks those of the file,
whose leaves are rounded to so many fraction bits.
"""

from __future__ import annotations

import json
import sys
import time
import traceback
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Arrays = dict[str, npt.NDArray[Any]]
_BATCH, _BATCH_BYTES = 1024, 1 << 28
"""Events at a time: all their tensors are held, and some again while an operator computes."""
_GENERAL = "qonnx.custom_op.general"
_QUANTIZERS = ("Quant", "IntQuant", "BipolarQuant", "Trunc")


def main(folder: Path) -> None:
    """Do the job in ``folder``."""
    job = json.loads((folder / "job.json").read_text(encoding="utf-8"))
    inputs = [np.load(folder / f"input{index}.npy") for index in range(job["inputs"])]
    if job["leaf_fraction"] is not None:
        _walk(folder, job["model"], inputs[0], job["leaf_fraction"], job["scores"])
        return
    model = _loaded(job["model"], min(len(inputs[0]), _BATCH))
    ports = [port.name for port in model.graph.input if model.get_initializer(port.name) is None]
    ends = [_end(model, port.name, job["heads"]) for port in model.graph.output]
    outputs = [name for name, _ in ends]
    start = time.perf_counter()
    found = _executed(model, dict(zip(ports, inputs, strict=True)), [*outputs, *job["traced"]])
    seconds = time.perf_counter() - start
    for index, (name, mode) in enumerate(ends):
        known = found[name] if mode != "argmax" else np.argmax(found[name], axis=-1, keepdims=True)
        np.save(folder / f"output{index}.npy", known.astype(np.float32))
    for index, name in enumerate(job["traced"]):
        np.save(folder / f"layer{index}.npy", found[name])
    answer = {"seconds": seconds, "version": f"qonnx {version('qonnx')}, onnxruntime {version('onnxruntime')}"}
    (folder / "answer.json").write_text(json.dumps(answer), encoding="utf-8")


def _walk(folder: Path, file: str, events: npt.NDArray[Any], fraction: int, scores: int) -> None:
    """Scores of trees: leaves as whole numbers of the grid, so that float32 adds them up exactly."""
    import onnxruntime

    session = onnxruntime.InferenceSession(_whole_leaves(file, fraction, scores), providers=["CPUExecutionProvider"])
    (port,) = session.get_inputs()
    kind = np.float64 if "double" in port.type else np.float32
    start = time.perf_counter()
    (found,) = session.run(None, {port.name: events.astype(kind)})
    answer = {"seconds": time.perf_counter() - start, "version": f"onnxruntime {version('onnxruntime')}"}
    np.save(folder / "output0.npy", np.ldexp(found.astype(np.float64), -fraction))
    (folder / "answer.json").write_text(json.dumps(answer), encoding="utf-8")


def _whole_leaves(file: str, fraction: int, scores: int) -> bytes:
    """A model of the file's trees alone, as a regressor, whose leaves and base are whole numbers."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    held = onnx.load(file)
    (trees,) = (node for node in held.graph.node if node.op_type.startswith("TreeEnsemble"))
    options = {option.name: helper.get_attribute_value(option) for option in trees.attribute}
    role = "class" if "class_ids" in options else "target"
    doubles = "nodes_values_as_tensor" in options
    kind = TensorProto.DOUBLE if doubles else TensorProto.FLOAT

    def stated(name: str) -> npt.NDArray[Any]:
        tensor = options.get(f"{name}_as_tensor")
        values = numpy_helper.to_array(tensor) if tensor is not None else options.get(name, ())
        return np.asarray(values, np.float64)

    def whole(name: str, share: float = 1.0) -> dict[str, Any]:
        values = np.rint(np.ldexp(stated(name) * share, fraction))
        if not values.size:
            return {}
        if not doubles:
            return {name.replace("class", "target"): values.tolist()}
        return {f"{name.replace('class', 'target')}_as_tensor": numpy_helper.from_array(values)}

    mean = options.get("aggregate_function", b"SUM") == b"AVERAGE"
    ids = options[f"{role}_ids"] if scores > 1 else [0] * len(options[f"{role}_ids"])
    kept = {name: option for name, option in options.items() if name.startswith("nodes_")}
    kept |= whole(f"{role}_weights", 1 / len(set(options["nodes_treeids"])) if mean else 1.0) | whole("base_values")
    kept |= {f"target_{part}": options[f"{role}_{part}"] for part in ("treeids", "nodeids")}
    node = helper.make_node(
        "TreeEnsembleRegressor", ["x"], ["scores"], domain=trees.domain, n_targets=scores, target_ids=ids, **kept
    )
    ports = [
        helper.make_tensor_value_info(name, kind, [None, None])
        for name, kind in (("x", kind), ("scores", TensorProto.FLOAT))
    ]
    graph = helper.make_graph([node], "trees", ports[:1], ports[1:])
    made: bytes = helper.make_model(graph, opset_imports=held.opset_import, ir_version=8).SerializeToString()
    return made


def _loaded(file: str, events: int) -> Any:
    """The model for so many events at a time, or as many as memory and its operators allow."""
    single = _batched(file, 1)
    batch = events if single is None else max(1, min(events, _BATCH_BYTES // _event_bytes(single)))
    model = (None if batch == 1 else _batched(file, batch)) or single
    if model is None:
        raise ValueError("qonnx cannot tell the shapes of its tensors")
    return model


def _event_bytes(model: Any) -> int:
    """All tensors of one event, in float32."""
    return sum(4 * int(np.prod(model.get_tensor_shape(name))) for name in model.get_all_tensor_names())


def _batched(file: str, batch: int) -> Any:
    """The model for so many events at a time; None where its operators fix another number."""
    import onnx
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.transformation.infer_shapes import InferShapes

    model = ModelWrapper(file)
    for node in model.graph.node:
        if node.op_type in _QUANTIZERS:
            node.domain = _GENERAL  # Brevitas names another
    ports = [port for port in model.graph.input if model.get_initializer(port.name) is None]
    batches = [port.type.tensor_type.shape.dim[0] for port in ports]
    if any(events.dim_value != batch for events in batches):  # what shapes the file states are those of another number
        for events in batches:
            events.dim_value = batch
        for port in model.graph.output:
            port.type.tensor_type.ClearField("shape")
        del model.graph.value_info[:]
    for node in model.get_nodes_by_op_type("Reshape"):
        sizes = model.get_initializer(node.input[1])
        if sizes is not None and sizes.size and sizes[0] in (1, -1):
            model.set_initializer(node.input[1], np.array([batch, *sizes[1:]], sizes.dtype))
    if model.check_all_tensor_shapes_specified():
        return model
    try:
        model = model.transform(InferShapes())
    except (onnx.shape_inference.InferenceError, TypeError):  # qonnx's own operators count the axes of what they lack
        return None
    return model if model.check_all_tensor_shapes_specified() else None


def _end(model: Any, output: str, heads: dict[str, str]) -> tuple[str, str | None]:
    """The tensor that leaves on chip, and what becomes of it: what a last function would read, if one is stated."""
    last = model.find_producer(output)
    mode = None if last is None else heads.get(last.op_type)
    return (output, None) if mode is None else (last.input[0], mode)


def _executed(model: Any, inputs: Arrays, wanted: list[str]) -> Arrays:
    from qonnx.core.onnx_exec import execute_onnx

    batch = model.get_tensor_shape(next(iter(inputs)))[0]
    events = len(next(iter(inputs.values())))
    parts = []
    for first in range(0, events, batch):
        chunk = {name: _filled(values[first : first + batch], batch) for name, values in inputs.items()}
        found = execute_onnx(model, chunk, return_full_exec_context=True)
        parts.append([found[name][: events - first] for name in wanted])
        sys.stdout.write(f"{min(first + batch, events)}/{events}\n")
        sys.stdout.flush()
    return {name: np.concatenate(columns) for name, columns in zip(wanted, zip(*parts, strict=True), strict=True)}


def _filled(values: npt.NDArray[Any], batch: int) -> npt.NDArray[Any]:
    """A last batch that is short, filled up with its first event."""
    return np.concatenate([values, np.repeat(values[:1], batch - len(values), axis=0)])


if __name__ == "__main__":
    try:
        main(Path(sys.argv[1]))
    except Exception as error:  # noqa: BLE001 (the build is told the last line, whatever it was)
        message = " ".join(f"{type(error).__name__}: {error}".split())
        sys.stderr.write(f"{traceback.format_exc()}\n{message}\n")
        raise SystemExit(1) from None
