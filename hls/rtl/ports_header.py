"""The C++ that moves raw integers into and out of the packed ports of a Verilated design."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

from hls.rtl.ports import RtlPort

_HELPERS = """\
// Written for one design: how its ports carry raw integers.
#pragma once
#include <cstddef>
#include <cstdint>

// Verilator holds a vector as the narrowest of uint8_t to uint64_t, or, beyond 64 bits, as 32-bit words.
template <typename Word>
inline void set_bits(Word& port, int low, int width, uint64_t value) {
    const uint64_t mask = width == 64 ? ~uint64_t{0} : (uint64_t{1} << width) - 1;
    port = static_cast<Word>((port & ~(mask << low)) | ((value & mask) << low));
}

template <std::size_t Words>
inline void set_bits(VlWide<Words>& port, int low, int width, uint64_t value) {
    while (width > 0) {
        const int place = low % 32, room = 32 - place, taken = width < room ? width : room;
        const uint32_t mask = taken == 32 ? ~uint32_t{0} : (uint32_t{1} << taken) - 1;
        uint32_t& word = port[low / 32];
        word = (word & ~(mask << place)) | ((static_cast<uint32_t>(value) & mask) << place);
        value >>= taken;
        low += taken;
        width -= taken;
    }
}

template <typename Word, typename Random>
inline void put_anything(Word& port, int width, Random& random) {
    set_bits(port, 0, width, random());
}

template <std::size_t Words, typename Random>
inline void put_anything(VlWide<Words>& port, int width, Random& random) {
    for (int low = 0; low < width; low += 64) set_bits(port, low, width - low < 64 ? width - low : 64, random());
}

template <typename Word>
inline uint64_t get_bits(const Word& port, int low, int) {
    return static_cast<uint64_t>(port) >> low;
}

template <std::size_t Words>
inline uint64_t get_bits(const VlWide<Words>& port, int low, int width) {
    uint64_t value = 0;
    for (int done = 0; done < width;) {
        const int place = (low + done) % 32;
        value |= static_cast<uint64_t>(port[(low + done) / 32] >> place) << done;
        done += 32 - place;
    }
    return value;
}

inline int64_t extended(uint64_t value, int width, bool is_signed) {
    const int unused = 64 - width;
    const uint64_t top = value << unused;
    return is_signed ? static_cast<int64_t>(top) >> unused : static_cast<int64_t>(top >> unused);
}
"""


def ports_header(
    inputs: Sequence[RtlPort], outputs: Sequence[RtlPort], interval: int = 1, streamed: bool = False
) -> str:
    """``ports.h`` of the test bench. A paced design of interval 1 is always ready, and does not say so."""
    ready = "dut.ready_in" if streamed or interval > 1 else "true"
    sizes = [
        f"constexpr long INTERVAL = {interval};",
        f"constexpr long TRANSFERS = {max(port.beats.number for port in inputs)};",
        f"constexpr std::size_t INPUT_ELEMENTS = {sum(port.size for port in inputs)};",
        f"constexpr std::size_t OUTPUT_ELEMENTS = {sum(port.size for port in outputs)};",
    ]
    put = [line for port, first in zip(inputs, _firsts(inputs), strict=True) for line in _put(port, first)]
    get = []
    for port in outputs:
        width, signed = port.type.width, str(port.type.signed).lower()
        got = f"get_bits(dut.{_member(port)}, i * {width}, {width})"
        get.append(_loop(port, f"*result++ = extended({got}, {width}, {signed});"))
    functions = [
        f"inline bool ready(const Vdut& dut) {{ return {ready}; }}",
        "// What of an event is on the ports so many clocks after its first; anything from `random` on the others.",
        "template <typename Random>",
        "inline void put_inputs(Vdut& dut, const int64_t* event, long age, Random& random) {", *put, "}",
        "inline void get_outputs(const Vdut& dut, int64_t* result) {", *get, "}",
    ]  # fmt: skip
    return "\n".join([_HELPERS, *sizes, "", *functions, ""])


def _firsts(ports: Sequence[RtlPort]) -> list[int]:
    """Of each port the number of its first element in an event."""
    return [0, *accumulate(port.size for port in ports)][:-1]


def _put(port: RtlPort, first: int) -> list[str]:
    number, apart, width = port.beats.number, port.beats.apart, port.type.width
    due = f"event != nullptr && age % {apart} == 0 && age / {apart} < {number}"
    first_of_beat = f"event + {first} + age / {apart} * {port.elements}"
    return [
        f"    if ({due}) {{",
        f"        const int64_t* element = {first_of_beat};",
        f"    {_loop(port, f'set_bits(dut.{_member(port)}, i * {width}, {width}, element[i]);')}",
        "    } else {",
        f"        put_anything(dut.{_member(port)}, {port.bits}, random);",
        "    }",
    ]


def _loop(port: RtlPort, statement: str) -> str:
    return f"    for (int i = 0; i < {port.elements}; ++i) {statement}"


def _member(port: RtlPort) -> str:
    """Verilator's name of the port: its own only where no double underscore is in it, and there is none."""
    return port.signal
