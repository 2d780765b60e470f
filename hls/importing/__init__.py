"""Model files to FixedGraph, by reading the file."""

from hls.importing.formats import Statements, import_model
from hls.importing.importer import import_keras

__all__ = ["Statements", "import_keras", "import_model"]
