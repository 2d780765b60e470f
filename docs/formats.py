"""Makes the table of formats in docs/reference/support.md by trying every cell: `python docs/formats.py`.

One network, of two dense layers and a ReLU, is saved in every format that can be written here; then each reader gets
every file, in processes of its own. HGQ, HGQ 2 and PQuantML live in the environments that `qtrigger doctor` names,
whose packages hls/machine/hgq.txt, hgq2.txt and pquant.txt pin. For this page hls4ml 1.3 is installed in them besides,
and alkaid 0.8 beside HGQ 2 and PQuantML: `pip install -r docs/formats-hgq.txt` in the first, `-r docs/formats-hgq2.txt`
in the others.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

PAGE = Path(__file__).parent / "reference" / "support.md"
START, END = "<!-- formats -->\n", "<!-- /formats -->"
TAKEN = "taken"
OURS, HGQ1, HGQ2, PQUANT = HOMES = ("ours", "hgq", "hgq2", "pquant")


@dataclass(frozen=True)
class Format:
    """One kind of file: what people call it, its name here, who writes it; in ours or another environment of HOMES."""

    title: str
    file: str
    write: Callable[[Path], None]
    home: str = OURS


def _plain(keras: Any) -> Any:
    x = keras.Input((16,))
    return keras.Model(x, keras.layers.Dense(3)(keras.layers.Dense(8, activation="relu")(x)))


def keras2(file: Path) -> None:
    """As `tf.keras` of Keras 2 saves it: Keras 2 lives on under this name."""
    import tf_keras  # type: ignore[import-untyped]

    _plain(tf_keras).save(file)


def keras3(file: Path) -> None:
    """As Keras 3 saves it."""
    import keras

    _plain(keras).save(file)


def saved_model(folder: Path) -> None:
    """As Keras 3 exports it."""
    import keras

    _plain(keras).export(folder, verbose=False)


def weights_alone(file: Path) -> None:
    """Weights without the architecture."""
    import keras

    _plain(keras).save_weights(file)


def qkeras(file: Path) -> None:
    """A network of QKeras with a type everywhere."""
    import keras
    import qkeras as q

    keras.backend.clear_session()  # names of layers do not go on counting
    bits = "quantized_bits(6, 1, alpha=1)"
    x = keras.Input((16,))
    y = q.QDense(8, kernel_quantizer=bits, bias_quantizer=bits)(q.QActivation("quantized_bits(8, 3, alpha=1)")(x))
    y = q.QActivation("quantized_relu(6, 2)")(y)
    keras.Model(x, q.QDense(3, kernel_quantizer=bits, bias_quantizer=bits)(y)).save(file)


def hgq2(file: Path) -> None:
    """A network of HGQ 2 with its own default types."""
    import keras
    from hgq.layers import QDense

    x = keras.Input((16,))
    model = keras.Model(x, QDense(3)(QDense(8, activation="relu")(x)))
    model.save(file)


def pquant(file: Path) -> None:
    """A network of PQuantML with its own default types, after the last step of its compression."""
    import keras
    from pquant import pdp_config
    from pquant.core.keras.layers import PQActivation, PQDense, apply_final_compression

    compression = pdp_config()
    x = keras.Input((16,))
    y = PQActivation(compression, "relu")(PQDense(compression, 8)(x))
    model = keras.Model(x, PQDense(compression, 3)(y))
    apply_final_compression(model)
    model.save(file)


def _trained_hgq() -> Any:
    import numpy as np
    from HGQ import trace_minmax
    from HGQ.layers import HDense, HQuantize
    from tensorflow import keras

    layers = [HQuantize(beta=0, input_shape=(16,)), HDense(8, beta=0, activation="relu"), HDense(3, beta=0)]
    model = keras.Sequential(layers)
    trace_minmax(model, np.random.default_rng(1).normal(size=(200, 16)).astype(np.float32))
    return model


def hgq(file: Path) -> None:
    """A network of HGQ as it is trained, with its own default types."""
    _trained_hgq().save(file)


def hgq_proxy(file: Path) -> None:
    """What HGQ makes of it for firmware."""
    from HGQ import to_proxy_model

    to_proxy_model(_trained_hgq()).save(file)


def _onnx(file: Path, quantized: bool) -> None:
    """The network in the operators that exporters write, with a Quant of QONNX before and behind, or without."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper, save

    rng, steps, constants = np.random.default_rng(1), [], {}

    def constant(name: str, values: Any) -> str:
        constants[name] = numpy_helper.from_array(np.asarray(values, np.float32), name)
        return name

    def step(kind: str, output: str, *inputs: str, **options: Any) -> str:
        steps.append(helper.make_node(kind, inputs, [output], name=f"{kind}_{output}", **options))
        return output

    def quant(source: str) -> str:
        if not quantized:
            return source
        type_ = (constant("scale", 0.125), constant("zero", 0.0), constant("bits", 6.0))
        options = {"signed": 1, "narrow": 0, "rounding_mode": "ROUND", "domain": "qonnx.custom_op.general"}
        return step("Quant", f"{source}_q", source, *type_, **options)

    def dense(source: str, name: str, *shape: int) -> str:
        kernel, bias = (quant(constant(f"{name}_{k}", rng.normal(size=s))) for k, s in (("w", shape), ("b", shape[1:])))
        return step("Add", name, step("MatMul", f"{name}_sum", source, kernel), bias)

    out = dense(quant(step("Relu", "r", dense(quant("x"), "d", 16, 8))), "y", 8, 3)
    ports = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, size]) for n, size in (("x", 16), (out, 3))]
    graph = helper.make_graph(steps, "net", ports[:1], ports[1:], list(constants.values()))
    domains = [helper.make_opsetid("", 13), *([helper.make_opsetid("qonnx.custom_op.general", 1)] if quantized else [])]
    save(helper.make_model(graph, opset_imports=domains, ir_version=8), file)


def trees(file: Path) -> None:
    """Two trees of one split each, as skl2onnx writes boosted ones."""
    from onnx import TensorProto, helper, save

    shape: dict[str, Any] = {
        "nodes_treeids": [0, 0, 0, 1, 1, 1], "nodes_nodeids": [0, 1, 2] * 2, "nodes_featureids": [3, 0, 0, 7, 0, 0],
        "nodes_modes": ["BRANCH_LEQ", "LEAF", "LEAF"] * 2, "nodes_values": [0.5, 0.0, 0.0, -0.25, 0.0, 0.0],
        "nodes_truenodeids": [1, 0, 0] * 2, "nodes_falsenodeids": [2, 0, 0] * 2, "target_ids": [0] * 4,
        "target_treeids": [0, 0, 1, 1], "target_nodeids": [1, 2] * 2, "target_weights": [1.0, -1.0, 0.5, 0.25],
    }  # fmt: skip
    node = helper.make_node("TreeEnsembleRegressor", ["x"], ["y"], domain="ai.onnx.ml", n_targets=1, **shape)
    x, y = (helper.make_tensor_value_info(n, TensorProto.FLOAT, [1, size]) for n, size in (("x", 16), ("y", 1)))
    domains = [helper.make_opsetid("", 15), helper.make_opsetid("ai.onnx.ml", 3)]
    save(helper.make_model(helper.make_graph([node], "trees", [x], [y]), opset_imports=domains, ir_version=8), file)


def qonnx(file: Path) -> None:
    """QONNX, as Brevitas and QKeras are exported to it."""
    _onnx(file, quantized=True)


def onnx(file: Path) -> None:
    """ONNX without quantizers."""
    _onnx(file, quantized=False)


FORMATS = (
    Format("Keras 2, HDF5", "keras2.h5", keras2),
    Format("Keras 3, `.keras`", "keras3.keras", keras3),
    Format("TensorFlow SavedModel", "saved_model", saved_model),
    Format("weights alone", "only.weights.h5", weights_alone),
    Format("QKeras, `.keras`", "qkeras.keras", qkeras),
    Format("QKeras, HDF5", "qkeras.h5", qkeras),
    Format("HGQ, trained, HDF5", "hgq1.h5", hgq, HGQ1),
    Format("HGQ, proxy, `.keras`", "hgq1.keras", hgq_proxy, HGQ1),
    Format("HGQ 2, `.keras`", "hgq2.keras", hgq2, HGQ2),
    Format("PQuantML, `.keras`", "pquant.keras", pquant, PQUANT),
    Format("QONNX", "quantized.onnx", qonnx),
    Format("ONNX", "plain.onnx", onnx),
    Format("ONNX, trees", "trees.onnx", trees),
)


def ours(file: Path) -> str:
    """This program: what a file is as it is, or what it takes."""
    from hls.errors import FirmwareError
    from hls.importing import Statements, import_model

    try:
        import_model(file, Statements(input_type="ap_fixed<16,6>"))
    except FirmwareError as error:
        if "qtrigger quantize" in str(error):
            return "taken, types by `qtrigger quantize`"
        if "--architecture" in str(error):
            return "taken, with `--architecture`"
        raise
    return TAKEN


def hls4ml(file: Path) -> str:
    """hls4ml's own converter, with types from the file where it has them (`granularity="name"`)."""
    if file.suffix == ".onnx":
        return _hls4ml_onnx(file)
    if file.name.startswith("hgq2"):
        import hgq  # noqa: F401 (registers its layers with Keras)
    if file.name.startswith("hgq1"):
        import HGQ.proxy  # noqa: F401 (registers its layers with Keras)
    if file.name.startswith("pquant"):
        import pquant.core.keras.layers  # noqa: F401 (registers them with Keras)
    import hls4ml as peer
    import keras

    objects: dict[str, Any] = {}
    if file.name.startswith("qkeras"):
        from qkeras.utils import _add_supported_quantized_objects

        _add_supported_quantized_objects(objects)
    model = keras.models.load_model(file, custom_objects=objects, compile=False)
    config = peer.utils.config_from_keras_model(model, granularity="name")
    peer.converters.convert_from_keras_model(model, hls_config=config, output_dir=str(file.parent / "peer"))
    return TAKEN if file.name.startswith(("qkeras", "hgq", "pquant")) else _WITH_ITS_TYPES


_WITH_ITS_TYPES = "taken, types of `ap_fixed<16,6>` unless stated"


def _hls4ml_onnx(file: Path) -> str:
    """After the clean-up that hls4ml's documentation asks for."""
    import hls4ml as peer
    from qonnx.core.modelwrapper import ModelWrapper
    from qonnx.util.cleanup import cleanup_model

    model = cleanup_model(ModelWrapper(str(file)))
    config = peer.utils.config_from_onnx_model(model, granularity="name", backend="Vitis")
    folder = str(file.parent / "peer")
    peer.converters.convert_from_onnx_model(model, output_dir=folder, hls_config=config, backend="Vitis")
    return TAKEN if file.name.startswith("quantized") else _WITH_ITS_TYPES


def alkaid(file: Path) -> str:
    """`alkaid convert`, in HGQ 2's environment, told the type of an input that the file does not state."""
    from alkaid._cli import main as command

    stated = [] if file.name.startswith("hgq2") else ["--inputs-kif", "1", "5", "10"]
    sys.argv = ["alkaid", "convert", str(file), str(file.parent / "alkaid"), "-n", "0", *stated]
    command()
    return TAKEN


READERS: Mapping[str, Callable[[Path], str]] = {"qtrigger": ours, "hls4ml 1.3": hls4ml, "HGQ 2 + alkaid 0.8": alkaid}


Cells = dict[str, str]
"""What a reader says of each file, by its name here."""


def _asked(home: str, *arguments: str) -> Cells:
    """What a process of this script writes, which the Python of one of HOMES runs."""
    from hls.machine import environments

    python = sys.executable
    if home != OURS:
        environment = {HGQ1: environments.HGQ, HGQ2: environments.HGQ2, PQUANT: environments.PQUANT}[home]
        if environment.missing is not None:
            raise SystemExit(environment.missing)
        python = str(environment.python)
    command = [python, "-W", "ignore", str(Path(__file__).resolve()), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)}: {done.stderr[-1000:]}")
    answer: Cells = json.loads(done.stdout.splitlines()[-1])
    return answer


def write(folder: Path, home: str) -> Cells:
    """The files that this environment, one of HOMES, writes."""
    for form in FORMATS:
        if form.home == home:
            form.write(folder / form.file)
    return {}


def read(reader: str, folder: Path, files: Sequence[str]) -> Cells:
    """Every file given to ``reader``, and what becomes of it."""
    said = {}
    for name in files:
        try:
            said[name] = READERS[reader](folder / name)
        except Exception as error:  # noqa: BLE001 (whatever a converter raises is its answer)
            told = " ".join(str(error).split()).replace(f"{folder}/", "")
            said[name] = f"no: {told[:160] or type(error).__name__}"
    return said


def found(folder: Path) -> Mapping[str, Cells]:
    """All cells. hls4ml reads files of HGQ, HGQ 2 and PQuantML in their environments, all others in ours."""
    for home in HOMES:
        _asked(home, "write", str(folder), home)
    files = [form.file for form in FORMATS]
    ours_said = _asked(OURS, "read", "qtrigger", str(folder), *files)
    peer: Cells = {}
    for home in HOMES:
        peer |= _asked(home, "read", "hls4ml 1.3", str(folder), *(form.file for form in FORMATS if form.home == home))
    alkaid_said = _asked(HGQ2, "read", "HGQ 2 + alkaid 0.8", str(folder), *files)
    return {"qtrigger": ours_said, "hls4ml 1.3": peer, "HGQ 2 + alkaid 0.8": alkaid_said}


def table(cells: Mapping[str, Cells]) -> str:
    """Rows of formats, columns of readers."""
    lines = [f"| format | {' | '.join(cells)} |\n", f"|---|{'---|' * len(cells)}\n"]
    notes: list[str] = []
    for form in FORMATS:
        shown = [_short(said[form.file], notes) for said in cells.values()]
        lines.append(f"| {form.title} | {' | '.join(shown)} |\n")
    return "".join([*lines, "\n", *(f"{number}. {note}\n" for number, note in enumerate(notes, start=1))])


def _short(text: str, notes: list[str]) -> str:
    if not text.startswith("no: "):
        return text
    told = text.removeprefix("no: ").replace("|", "\\|")
    if told not in notes:
        notes.append(told)
    return f"no [{notes.index(told) + 1}]"


def main(arguments: list[str]) -> None:
    """Without arguments the page; with them what a process of it does."""
    match arguments:
        case ["write", folder, home]:
            answer = write(Path(folder), home)
        case ["read", reader, folder, *files]:
            with contextlib.redirect_stdout(sys.stderr):
                answer = read(reader, Path(folder), files)
        case _:
            with tempfile.TemporaryDirectory(prefix="formats-") as place:
                made = table(found(Path(place)))
            text = PAGE.read_text(encoding="utf-8")
            before, after = text.partition(START)[0], text.partition(END)[2]
            PAGE.write_text(before + START + made + END + after, encoding="utf-8")
            return
    sys.stdout.write(f"\n{json.dumps(answer)}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
