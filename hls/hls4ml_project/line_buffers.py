"""The functions in which hls4ml writes out the windows of a convolution, one assignment each, as tables.

A synthesis tool wants them written out. g++ needs minutes and gigabytes for a function of 100,000 assignments: the
C simulation compiles a copy of the header that takes the same elements in the same order, from a table which is read
off the very assignments. What is not of this form stays as it is.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

_HEADER, _COPIED = "nnet_code_gen.h", "nnet_code_gen_csim.h"
_FUNCTION = re.compile(
    r"(?P<head> +static void fill_buffer\([^{]*\) \{\n)"
    r"(?P<body>(?: +if \(partition == +\d+\) \{\n[^{}]*\}\n)+)(?= +\}\n)"
)
_PARTITION = re.compile(r"if \(partition == +(?P<number>\d+)\) \{\n(?P<assignments>[^{}]*)\}\n")
_ASSIGNMENT = re.compile(r"buffer\[(\d+)\]\[(\d+)\] = +(?:0|data\[(\d+)\]);")
_COPY = """\
        static const int taken[] = {%s}; // one more than the index into data, 0 for a zero
        const int *from = taken + %d * partition;
        for (unsigned pixel = 0; pixel < %d; pixel++)
            for (unsigned i = 0; i < %d; i++, from++)
                if (*from)
                    buffer[pixel][i] = data[*from - 1];
                else
                    buffer[pixel][i] = 0;
"""


def tabulated_header(firmware: Path) -> Path | None:
    """The header of ``firmware`` with its functions as tables, beside it; None where it has no such function."""
    header = firmware / "nnet_utils" / _HEADER
    text = header.read_text() if header.is_file() else ""
    compact = tabulated(text)
    if compact == text:
        return None
    copy = header.with_name(_COPIED)
    copy.write_text(compact)
    return copy


def tabulated(header: str) -> str:
    """The header's text, its written-out functions as tables."""
    return _FUNCTION.sub(_tabulated, header)


def _tabulated(function: re.Match[str]) -> str:
    tables = [_table(part["assignments"]) for part in _PARTITION.finditer(function["body"])]
    numbers = [int(part["number"]) for part in _PARTITION.finditer(function["body"])]
    shapes = {None if table is None else table[:2] for table in tables}
    shape = shapes.pop()
    if shapes or shape is None or numbers != list(range(len(numbers))):
        return function[0]
    pixels, window = shape
    taken = ",\n".join(",".join(map(str, table[2])) for table in tables if table is not None)
    return function["head"] + _COPY % (taken, pixels * window, pixels, window)


def _table(assignments: str) -> tuple[int, int, list[int]] | None:
    """Pixels, elements of a window, and what is taken for each; None where they are not all there in order."""
    found = _ASSIGNMENT.findall(assignments)
    if not found or _ASSIGNMENT.sub("", assignments).strip():
        return None
    pixels, window = (int(index) + 1 for index in found[-1][:2])
    if [(int(pixel), int(element)) for pixel, element, _ in found] != list(np.ndindex(pixels, window)):
        return None
    return pixels, window, [int(index) + 1 if index else 0 for *_, index in found]
