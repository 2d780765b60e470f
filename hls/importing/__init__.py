"""QKeras models to FixedGraph, by reading the file."""

from hls.importing.importer import import_keras

__all__ = ["import_keras"]
