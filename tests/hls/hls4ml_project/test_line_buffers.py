"""Windows of a convolution that hls4ml writes out, as the C simulation takes them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from hls.hls4ml_project.line_buffers import tabulated, tabulated_header

HEAD = """\
template<class data_T, typename CONFIG_T>
class fill_buffer_2 : public nnet::FillConv1DBuffer<data_T, CONFIG_T> {
    public:
    static void fill_buffer(
        data_T data[CONFIG_T::in_width * CONFIG_T::n_chan],
        data_T buffer[CONFIG_T::n_pixels][CONFIG_T::filt_width * CONFIG_T::n_chan],
        const unsigned partition
    ) {
"""
FIRST = """\
        if (partition ==   0) {
            buffer[0][0] =          0; buffer[0][1] =    data[0];
            buffer[1][0] =    data[1]; buffer[1][1] =    data[2];

        }
"""
SECOND = """\
        if (partition ==   1) {
            buffer[0][0] =    data[2]; buffer[0][1] =    data[3];
            buffer[1][0] =    data[3]; buffer[1][1] =          0;

        }
"""
TAIL = "    }\n};\n"
WRITTEN = HEAD + FIRST + SECOND + TAIL
PROGRAM = """\
#include <cstdio>
namespace nnet { template <class data_T, class CONFIG_T> struct FillConv1DBuffer {}; }
struct config { static const int in_width = 4, n_chan = 1, n_pixels = 2, filt_width = 2; };
%s
int main() {
    int data[] = {10, 11, 12, 13}, buffer[2][2];
    for (unsigned partition = 0; partition < 2; partition++) {
        fill_buffer_2<int, config>::fill_buffer(data, buffer, partition);
        std::printf("%%d %%d %%d %%d ", buffer[0][0], buffer[0][1], buffer[1][0], buffer[1][1]);
    }
}
"""


@pytest.mark.skipif(shutil.which("g++") is None, reason="needs g++")
@pytest.mark.parametrize("header", [WRITTEN, tabulated(WRITTEN)], ids=["as written", "as tables"])
def test_the_same_elements_are_taken(header: str, tmp_path: Path) -> None:
    (tmp_path / "main.cpp").write_text(PROGRAM % header)
    subprocess.run(["g++", "main.cpp", "-o", "main"], cwd=tmp_path, check=True)
    printed = subprocess.run([tmp_path / "main"], capture_output=True, text=True, check=True).stdout
    assert printed.split() == ["0", "10", "11", "12", "12", "13", "13", "0"]


def test_written_out_assignments_are_gone() -> None:
    compact = tabulated(f"before\n{WRITTEN}between\n{WRITTEN.replace('_2', '_3')}after\n")
    assert "{0,1,2,3,\n3,4,4,0}" in compact
    assert "partition ==" not in compact
    assert [word in compact for word in ("before", "between", "after", "fill_buffer_3")] == [True] * 4


@pytest.mark.parametrize(
    ("part", "other"),
    [
        ("buffer[0][1] =    data[0];", ""),
        ("buffer[0][1] =    data[0];", "buffer[1][1] =    data[0];"),
        ("data[3];", "data[3] + 1;"),
        ("partition ==   1", "partition ==   2"),
        (SECOND, SECOND.replace("buffer[1][1] =          0;", "").replace("buffer[1][0] =    data[3];", "")),
    ],
    ids=["one is missing", "one is there twice", "another form", "another number", "another shape"],
)
def test_what_has_another_form_stays_as_it_is(part: str, other: str) -> None:
    assert part in WRITTEN
    strange = WRITTEN.replace(part, other)
    assert tabulated(strange) == strange


def test_a_project_without_such_functions_needs_no_copy(tmp_path: Path) -> None:
    assert tabulated_header(tmp_path) is None
    header = tmp_path / "nnet_utils" / "nnet_code_gen.h"
    header.parent.mkdir()
    header.write_text("// hls4ml insert code\n")
    assert tabulated_header(tmp_path) is None
    header.write_text(WRITTEN)
    copy = tabulated_header(tmp_path)
    assert copy is not None
    assert copy.read_text() == tabulated(WRITTEN)
