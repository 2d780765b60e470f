// What all test benches do with the design's clock, and with the files of events and results.
#pragma once

#include "Vdut.h"
#include "verilated.h"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <vector>

#include "ports.h"  // INTERVAL, INPUT_ELEMENTS, OUTPUT_ELEMENTS

constexpr long PATIENCE = 100000 + 16 * INTERVAL;  // clocks without any result, after which the design is taken for dead

struct Clocked {
    VerilatedContext context;
    std::unique_ptr<Vdut> dut;
    std::mt19937_64 random{20240607};
    long clock = 0;

    Clocked() {
        context.randReset(2);  // registers wake up with anything in them
        dut = std::make_unique<Vdut>(&context);
        dut->clk = 0;
        dut->rst = 1;
    }

    void edge() {
        dut->clk = 1;
        dut->eval();
        dut->clk = 0;
        dut->eval();
        ++clock;
    }
};

struct Asked {
    long events;
    unsigned long gaps;
    bool flood;
    long reset_at;
};

// A flag of the design that is not what it should be.
struct Wrong {
    const char* flag;
    bool is;
    const char* why;
};

struct Measured {
    long latency_min = -1, latency_max = -1, interval_max = 0, last_result = -1;
    long results = 0;
    Wrong wrong{};

    void result(long clock, long sent) {
        const long latency = clock - sent;
        if (latency_min < 0 || latency < latency_min) latency_min = latency;
        if (latency > latency_max) latency_max = latency;
        if (last_result >= 0 && clock - last_result > interval_max) interval_max = clock - last_result;
        last_result = clock;
        ++results;
    }

    // What a stream returns where a flag is wrong.
    bool is_wrong(const char* flag, bool is, const char* why) {
        wrong = {flag, is, why};
        return false;
    }
};

inline std::vector<int64_t> read_events(const char* path, long events) {
    std::vector<int64_t> data(static_cast<size_t>(events) * INPUT_ELEMENTS);
    std::FILE* file = std::fopen(path, "rb");
    if (file == nullptr || std::fread(data.data(), sizeof(int64_t), data.size(), file) != data.size()) {
        std::fprintf(stderr, "%s cannot be read\n", path);
        std::exit(2);
    }
    std::fclose(file);
    return data;
}

inline void write_results(const char* path, const std::vector<int64_t>& data) {
    std::FILE* file = std::fopen(path, "wb");
    if (file == nullptr || std::fwrite(data.data(), sizeof(int64_t), data.size(), file) != data.size()
        || std::fclose(file) != 0) {
        std::fprintf(stderr, "%s cannot be written\n", path);
        std::exit(2);
    }
}

// EVENTS GAPS FLOOD RESET_AT INPUT OUTPUT; `stream` is false where a flag of the design is wrong.
template <typename Stream>
int run_bench(int argc, char** argv, Stream stream) {
    if (argc != 7) return 2;
    const Asked asked{std::atol(argv[1]), std::strtoul(argv[2], nullptr, 10), std::atol(argv[3]) != 0,
                      std::atol(argv[4])};
    const std::vector<int64_t> in = read_events(argv[5], asked.events);
    std::vector<int64_t> out(static_cast<size_t>(asked.events) * OUTPUT_ELEMENTS);
    Measured measured;
    const auto start = std::chrono::steady_clock::now();
    if (!stream(asked, in.data(), out.data(), measured)) {
        const Wrong& wrong = measured.wrong;
        std::fprintf(stderr, "the valid flags are wrong: after %ld results %s is %d %s\n", measured.results, wrong.flag,
                     wrong.is, wrong.why);
        return 3;
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    write_results(argv[6], out);
    std::printf("%ld %ld %ld %.9f\n", measured.latency_min, measured.latency_max, measured.interval_max,
                seconds.count());
    return 0;
}
