"""Files of Keras: ``.keras`` archives and HDF5, of whichever Keras and whichever quantizing layers."""

from __future__ import annotations

from pathlib import Path

from hls.graph import FixedGraph
from hls.importing.importer import read_keras
from hls.importing.model_file import container, read_model
from hls.importing.spec import ModelSpec
from hls.importing.statements import Statements


class KerasFormat:
    """Keras 2 and 3, tf.keras, QKeras: one architecture as JSON and one array for each weight."""

    title = "Keras (.keras, HDF5)"
    suffixes = (".h5", ".keras")

    def recognises(self, file: Path) -> bool:
        """A zip archive or an HDF5 file."""
        return container(file) is not None

    def read(self, file: Path, statements: Statements) -> FixedGraph:
        """As ``hls.import_keras`` does."""
        return read_keras(file, statements)

    def plain(self, file: Path) -> ModelSpec:
        """As the file has it."""
        return read_model(file)


FORMAT = KerasFormat()
