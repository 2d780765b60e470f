"""The C++ program around hls4ml's firmware: raw integers in, raw integers out, no floating point on the way."""

from __future__ import annotations

from pathlib import Path
from string import Template

from hls.hls4ml_project.backend import Compilation, find_backend
from hls.hls4ml_project.project import HlsProject

_STACK_BYTES = 1 << 30  # of addresses: pages that are not touched take no memory

_AP_BITS = r"""
template <class T> void put(T &x, std::int64_t raw) { x.range(T::width - 1, 0) = (unsigned long long)raw; }

template <int W, int I, ap_q_mode Q, ap_o_mode O, int N> std::int64_t get(const ap_fixed<W, I, Q, O, N> &x) {
    ap_int<W> bits = x.range(W - 1, 0);
    return bits.to_int64();
}
template <int W, int I, ap_q_mode Q, ap_o_mode O, int N> std::int64_t get(const ap_ufixed<W, I, Q, O, N> &x) {
    ap_uint<W> bits = x.range(W - 1, 0);
    return bits.to_int64();
}
"""

_AC_BITS = r"""
template <int W, int I, bool S, ac_q_mode Q, ac_o_mode O> void put(ac_fixed<W, I, S, Q, O> &x, std::int64_t raw) {
    x.set_slc(0, ac_int<W, S>(raw));
}
template <int W, int I, bool S, ac_q_mode Q, ac_o_mode O> std::int64_t get(const ac_fixed<W, I, S, Q, O> &x) {
    return x.template slc<W>(0).to_int64();
}
"""

_MAIN = Template(
    r"""$windows#include "firmware/$top.cpp"
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <pthread.h>
#include <string>
#include <vector>
$weights
namespace nnet {
bool trace_enabled = false;
std::map<std::string, void *> *trace_outputs = nullptr;
size_t trace_type_size = sizeof(double);
} // namespace nnet
$bits
template <class T> void put_all(T *to, const std::int64_t *raw, size_t n) {
    for (size_t i = 0; i < n; i++)
        put(to[i], raw[i]);
}
template <class T> void get_all(const T *from, std::int64_t *raw, size_t n) {
    for (size_t i = 0; i < n; i++)
        raw[i] = get(from[i]);
}
template <class T, class S> void put_stream(S &to, const std::int64_t *raw, size_t n) {
    for (size_t i = 0; i < n; i += T::size) {
        T word;
        for (size_t j = 0; j < T::size; j++)
            put(word[j], raw[i + j]);
        to.write(word);
    }
}
template <class T, class S> void get_stream(S &from, std::int64_t *raw, size_t n) {
    for (size_t i = 0; i < n; i += T::size) {
        T word = from.read();
        for (size_t j = 0; j < T::size; j++)
            raw[i + j] = get(word[j]);
    }
}

static std::FILE *open_file(const char *path, const char *mode) {
    std::FILE *file = std::fopen(path, mode);
    if (!file) {
        std::perror(path);
        std::exit(2);
    }
    return file;
}

static int run(int argc, char **argv) {
    constexpr size_t n_in = $n_in, n_out = $n_out;
    const size_t in_size[n_in] = {$in_sizes}, out_size[n_out] = {$out_sizes};
    if (argc != int(3 + n_in + n_out))
        return 2;
    const long long first = std::atoll(argv[1]), events = std::atoll(argv[2]);
    std::FILE *in_file[n_in], *out_file[n_out];
    std::vector<std::int64_t> in[n_in], out[n_out];
    for (size_t i = 0; i < n_in; i++) {
        in_file[i] = open_file(argv[3 + i], "rb");
        if (fseeko(in_file[i], off_t(first) * in_size[i] * sizeof(std::int64_t), SEEK_SET))
            return 2;
        in[i].resize(in_size[i]);
    }
    for (size_t i = 0; i < n_out; i++) {
        out_file[i] = open_file(argv[3 + n_in + i], "wb");
        out[i].resize(out_size[i]);
    }
    for (long long event = 0; event < events; event++) {
        for (size_t i = 0; i < n_in; i++)
            if (std::fread(in[i].data(), sizeof(std::int64_t), in_size[i], in_file[i]) != in_size[i])
                return 2;
$call
        for (size_t i = 0; i < n_out; i++)
            if (std::fwrite(out[i].data(), sizeof(std::int64_t), out_size[i], out_file[i]) != out_size[i])
                return 2;
    }
    for (size_t i = 0; i < n_out; i++)
        if (std::fclose(out_file[i]))
            return 2;
    return 0;
}

struct Call {
    int argc;
    char **argv;
    int result;
};
static void *call(void *given) {
    Call *own = static_cast<Call *>(given);
    own->result = run(own->argc, own->argv);
    return nullptr;
}

// Arguments: first event, number of events, one file per input, one per output; all of int64.
// The firmware's arrays are on the stack, and those of a large layer are larger than the stack of a program.
int main(int argc, char **argv) {
    Call own = {argc, argv, 2};
    pthread_attr_t attributes;
    pthread_t thread;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, size_t($stack));
    if (pthread_create(&thread, &attributes, call, &own)) {
        std::fprintf(stderr, "there is no memory for a stack of $stack bytes\n");
        return 2;
    }
    pthread_join(thread, nullptr);
    return own.result;
}
"""
)


def driver_source(project: HlsProject, how: Compilation, windows: Path | None = None) -> str:
    """The program's text. It includes the firmware's one source file, so that the compiler sees all of it at once.

    ``windows`` is a header that stands for one of the firmware's: its include guard keeps that one out. The firmware's
    own header stands before it, since Catapult's needs the types that it brings.
    """
    header = f'#include "firmware/{project.top}.h"\n'
    weights = "".join(f"{line};\n" for line in project.weights)
    return _MAIN.substitute(
        windows="" if windows is None else f'{header}#include "{windows.relative_to(project.folder)}"\n',
        top=project.top,
        stack=_STACK_BYTES,
        weights=weights,
        bits=_AC_BITS if find_backend(project.backend).ac_fixed else _AP_BITS,
        n_in=len(project.inputs),
        n_out=len(project.outputs),
        in_sizes=", ".join(str(port.size) for port in project.inputs),
        out_sizes=", ".join(str(port.size) for port in project.outputs),
        call="\n".join(f"        {line}" for line in _call(project, how)),
    )


def _call(project: HlsProject, how: Compilation) -> list[str]:
    if project.target.io_type == "io_stream":
        return _stream_call(project, how)
    if how.ports_in_structs:
        return _struct_call(project)
    ins, outs = list(enumerate(project.inputs)), list(enumerate(project.outputs))
    lines = [f"static {p.type_name} {p.variable}_d[{p.size}];" for _, p in ins + outs]
    lines += [f"put_all({p.variable}_d, in[{i}].data(), {p.size});" for i, p in ins]
    lines += [f"{project.top}({', '.join(f'{p.variable}_d' for _, p in ins + outs)});"]
    return lines + [f"get_all({p.variable}_d, out[{i}].data(), {p.size});" for i, p in outs]


def _struct_call(project: HlsProject) -> list[str]:
    lines = ["static input_data all_inputs;"]
    lines += [f"put_all(all_inputs.{p.variable}, in[{i}].data(), {p.size});" for i, p in enumerate(project.inputs)]
    lines += [f"output_data all_outputs = {project.top}(all_inputs);"]
    return lines + [
        f"get_all(all_outputs.{p.variable}, out[{i}].data(), {p.size});" for i, p in enumerate(project.outputs)
    ]


def _stream_call(project: HlsProject, how: Compilation) -> list[str]:
    ins, outs = list(enumerate(project.inputs)), list(enumerate(project.outputs))
    lines = [f"static {how.stream_in}<{p.type_name}> {p.variable}_d;" for _, p in ins]
    lines += [f"static {how.stream_out}<{p.type_name}> {p.variable}_d;" for _, p in outs]
    lines += [f"put_stream<{p.type_name}>({p.variable}_d, in[{i}].data(), {p.size});" for i, p in ins]
    lines += [f"{project.top}({', '.join(f'{p.variable}_d' for _, p in ins + outs)});"]
    return lines + [f"get_stream<{p.type_name}>({p.variable}_d, out[{i}].data(), {p.size});" for i, p in outs]
