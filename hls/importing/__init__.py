"""Model files to FixedGraph, by reading the file."""

from hls.importing.formats import import_model
from hls.importing.importer import import_keras
from hls.importing.statements import Statements

__all__ = ["Statements", "import_keras", "import_model"]
