"""Which kind of model file lies there, told by its content, and the reader that takes it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, runtime_checkable

from hls.errors import ModelFileError, UnsupportedError
from hls.graph import FixedGraph
from hls.importing.outputs import check_outputs, with_outputs
from hls.importing.spec import ModelSpec
from hls.importing.statements import Statements
from hls.machine.plugins import Plugins


class ModelFormat(Protocol):
    """One kind of model file, in a folder of its own, found by its entry point in ``qtrigger.formats``.

    ``title`` is what people call it, ``suffixes`` are the ends of its files' names, the usual one first. A reader
    executes nothing of the file and imports nothing of the framework that wrote it.
    """

    title: str
    suffixes: tuple[str, ...]

    def recognises(self, file: Path) -> bool:
        """Whether ``file``, which exists, is of this format, by its first bytes; its name says nothing."""

    def read(self, file: Path, statements: Statements) -> FixedGraph:
        """The exact arithmetic of the network, with the outputs that it has itself.

        Raises:
            ModelFileError: truncated or damaged; NaN or infinite weights.
            UnsupportedError: something in it cannot be stated exactly, by name, with the cure.
        """


@runtime_checkable
class PlainFormat(Protocol):
    """A format whose files may hold networks without types, of which ``qtrigger quantize`` makes some with types."""

    def plain(self, file: Path) -> ModelSpec:
        """The network in layers of Keras.

        Raises:
            ModelFileError: truncated or damaged.
            UnsupportedError: Keras has no such layer.
        """


FORMATS: Plugins[ModelFormat] = Plugins("qtrigger.formats", "model format")


def import_model(path: str | Path, statements: Statements | None = None) -> FixedGraph:
    """The exact fixed-point arithmetic of the network in a file of any format that is known here.

    Raises:
        ModelFileError: there is no such file, no format recognises it, or it is damaged.
        UnsupportedError: something in it cannot be stated exactly, by name, with the cure.
    """
    file = Path(path)
    stated = statements or Statements()
    check_outputs(stated)
    return with_outputs(format_of(file).read(file, stated), stated)


def plain_model(path: str | Path) -> ModelSpec:
    """A network without types, in layers of Keras, from a file of any format that may hold one.

    Raises:
        ModelFileError: there is no such file, no format recognises it, or it is damaged.
        UnsupportedError: files of its format always have types, or Keras has no such layer.
    """
    file = Path(path)
    found = format_of(file)
    if not isinstance(found, PlainFormat):
        raise UnsupportedError(f"{file}: {found.title} always has types; give the model to `qtrigger new`")
    return found.plain(file)


def format_of(file: Path) -> ModelFormat:
    """The format of a model file.

    Raises:
        ModelFileError: there is no such file, or no format recognises it.
    """
    refuse_pickle(existing_file(file))
    head = _head(file)
    if head.startswith(_SAVED_MODEL):  # ONNX begins so too, but for its version
        raise ModelFileError(f"{file}: {_of_others(head)}")
    formats = FORMATS.load_all().values()
    for candidate in formats:
        if candidate.recognises(file):
            return candidate
    known = ", ".join(candidate.title for candidate in formats)
    unknown = f"of no format that is known here ({known}); was it copied whole?"
    raise ModelFileError(f"{file}: {_of_others(head) or unknown}")


def of_another_format(file: Path) -> str | None:
    """Whose file it is that is no file of Keras, and how it comes in; None where nobody's here."""
    try:
        found = format_of(file)
    except ModelFileError:
        return _of_others(_head(file))
    return f"of {found.title}, which hls.import_model(path) reads"


_EXPORTED = "export the network: torch.onnx.export(model, example, 'model.onnx')"


_SAVED_MODEL = b"\x08\x01\x12"
"""Its version, which has always been 1, and the beginning of its graph."""
_PICKLES = tuple(bytes((0x80, protocol)) for protocol in range(2, 6))
_CONVERTED = (
    "of scikit-learn, whose boosted trees (GradientBoostingClassifier) conifer writes as JSON, which is read: "
    "conifer.converters.convert_from_sklearn(model).save('model.json')"
)


def _head(file: Path) -> bytes:
    with file.open("rb") as stream:
        return stream.read(1 << 12)


def refuse_pickle(file: Path) -> None:
    """Raise ModelFileError for a file that only Python could read, by executing it."""
    head = _head(file)
    if b"/data.pkl" in head or head.startswith(_PICKLES):  # the first are archives, as Keras's are
        raise ModelFileError(f"{file}: {_of_pickle(head)}")


def _of_pickle(head: bytes) -> str:
    if b"sklearn" in head:
        return f"a pickle, which is code and never executed, {_CONVERTED}"
    return f"of PyTorch or another pickle, which is code and never executed; {_EXPORTED}"


def _of_others(head: bytes) -> str | None:
    """Whose file it is, of those that are often brought and cannot be read, and what to bring instead."""
    if head[4:8] == b"TFL3":
        return "of TensorFlow Lite, whose sums are rescaled between layers; bring the Keras model that it was made of"
    if head.startswith(_SAVED_MODEL):
        return "the graph of a TensorFlow SavedModel, whose numbers lie elsewhere; name its folder to hear of the cure"
    if head.lstrip().startswith(b"{") and b'"class_name"' in head:
        return "an architecture without weights; give the file of the weights, and this one by --architecture"
    return None


def existing_file(file: Path) -> Path:
    """``file``, which is there and is a file.

    Raises:
        ModelFileError: it is not.
    """
    if file.is_dir():
        raise ModelFileError(f"{file}: {_of_folder(file)}")
    if not file.is_file():
        raise ModelFileError(f"{file}: no such model file")
    return file


def _of_folder(folder: Path) -> str:
    if not (folder / "saved_model.pb").exists():
        return "a folder, not a model file; save it again with model.save('model.keras')"
    if (folder / "keras_metadata.pb").exists():
        return (
            "a TensorFlow SavedModel folder, not a model file; Keras 2, which wrote it, makes one of it: "
            "tf_keras.models.load_model(FOLDER).save('model.h5'), with the custom_objects of its layers"
        )
    return (
        "a TensorFlow SavedModel folder without layers, as model.export() writes it; "
        "save the model itself with model.save('model.keras')"
    )
