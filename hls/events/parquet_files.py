"""Event files of Parquet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hls.events.columns import dense
from hls.events.event_file import Array, EventFile, damage, require_size
from hls.machine.extras import require

START = b"PAR1"
_DAMAGE = (OSError, RuntimeError, ValueError, TypeError, LookupError, AttributeError)
_CURE = "damaged, or of a kind of Parquet that is not read ({}); write it again"


@contextmanager
def opened_parquet(path: Path) -> Iterator[EventFile]:
    """A Parquet file: its columns, in their order."""
    require("pyarrow", "awkward")
    import awkward as ak
    import pyarrow.parquet
    from pyarrow import ArrowException

    kinds = (*_DAMAGE, ArrowException)

    def read(name: str, length: int | None) -> Array:
        with damage(path, kinds, _CURE):
            require_size(path, file.metadata.num_rows * 8)
            return dense(path, "column", name, ak.from_arrow(file.read(columns=[name])[name]), length)

    with damage(path, kinds, _CURE):
        file = pyarrow.parquet.ParquetFile(path)
    with file:
        yield EventFile(path, "column", tuple(file.schema_arrow.names), read, ordered=True)
