"""Files of Keras: ``.keras`` archives and HDF5, of whichever Keras and whichever quantizing layers."""

from __future__ import annotations

from pathlib import Path

from hls.graph import FixedGraph
from hls.importing.formats import Statements
from hls.importing.importer import import_keras
from hls.importing.model_file import container, read_model
from hls.importing.spec import ModelSpec


class KerasFormat:
    """Keras 2 and 3, tf.keras, QKeras: one architecture as JSON and one array for each weight."""

    title = "Keras (.keras, HDF5)"
    suffixes = (".h5", ".keras")

    def recognises(self, file: Path) -> bool:
        """A zip archive or an HDF5 file."""
        return container(file) is not None

    def read(self, file: Path, statements: Statements) -> FixedGraph:
        """As ``hls.import_keras`` does."""
        return import_keras(
            file,
            statements.input_type,
            statements.internal_sigmoid,
            softmax=statements.softmax,
            sigmoid=statements.sigmoid,
        )

    def plain(self, file: Path) -> ModelSpec:
        """As the file has it."""
        return read_model(file)


FORMAT = KerasFormat()
