"""Makes the table of formats in docs/reference/support.md by trying every cell: `python docs/formats.py`.

One network, of two dense layers and a ReLU, is saved in every format that can be written here; then each reader gets
every file, in processes of its own. HGQ 2 and alkaid's converter live in the environment that `qtrigger doctor` names.
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


@dataclass(frozen=True)
class Format:
    """One kind of file: what people call it, its name here, who writes it; in HGQ 2's environment or in ours."""

    title: str
    file: str
    write: Callable[[Path], None]
    hgq2: bool = False


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


FORMATS = (
    Format("Keras 2, HDF5", "keras2.h5", keras2),
    Format("Keras 3, `.keras`", "keras3.keras", keras3),
    Format("TensorFlow SavedModel", "saved_model", saved_model),
    Format("weights alone", "only.weights.h5", weights_alone),
    Format("QKeras, `.keras`", "qkeras.keras", qkeras),
    Format("QKeras, HDF5", "qkeras.h5", qkeras),
    Format("HGQ 2, `.keras`", "hgq2.keras", hgq2, hgq2=True),
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
    if file.name.startswith("hgq2"):
        import hgq  # noqa: F401 (registers its layers with Keras)
    import hls4ml as peer
    import keras

    objects: dict[str, Any] = {}
    if file.name.startswith("qkeras"):
        from qkeras.utils import _add_supported_quantized_objects

        _add_supported_quantized_objects(objects)
    model = keras.models.load_model(file, custom_objects=objects, compile=False)
    config = peer.utils.config_from_keras_model(model, granularity="name")
    peer.converters.convert_from_keras_model(model, hls_config=config, output_dir=str(file.parent / "peer"))
    return TAKEN if file.name.startswith(("qkeras", "hgq2")) else "taken, types of `ap_fixed<16,6>` unless stated"


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


def _asked(environment: bool, *arguments: str) -> Cells:
    """What a process of this script writes; with ``environment`` it is HGQ 2's Python that runs it."""
    from hls.machine.environments import HGQ2

    if environment and HGQ2.missing is not None:
        raise SystemExit(HGQ2.missing)
    python = str(HGQ2.python) if environment else sys.executable
    command = [python, "-W", "ignore", str(Path(__file__).resolve()), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments)}: {done.stderr[-1000:]}")
    answer: Cells = json.loads(done.stdout.splitlines()[-1])
    return answer


def write(folder: Path, hgq2_files: bool) -> Cells:
    """The files that this environment writes."""
    for form in FORMATS:
        if form.hgq2 == hgq2_files:
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
            said[name] = f"no: {told[-200:] or type(error).__name__}"
    return said


def found(folder: Path) -> Mapping[str, Cells]:
    """All cells. hls4ml reads HGQ 2's files in HGQ 2's environment, all others in ours."""
    for environment in (False, True):
        _asked(environment, "write", str(folder), *(["hgq2"] if environment else []))
    files = [form.file for form in FORMATS]
    own, theirs = ([form.file for form in FORMATS if form.hgq2 == hgq2] for hgq2 in (False, True))
    ours_said = _asked(False, "read", "qtrigger", str(folder), *files)
    peer = _asked(False, "read", "hls4ml 1.3", str(folder), *own)
    peer |= _asked(True, "read", "hls4ml 1.3", str(folder), *theirs)
    alkaid_said = _asked(True, "read", "HGQ 2 + alkaid 0.8", str(folder), *files)
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
        case ["write", folder, *hgq2]:
            answer = write(Path(folder), bool(hgq2))
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
