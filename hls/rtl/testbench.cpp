// Streams events through a Verilated design and measures its latency and interval from the valid flags.
//
//   testbench EVENTS GAPS FLOOD RESET_AT INPUT OUTPUT
//
// INPUT and OUTPUT hold int64 raw integers, event by event, element by element in the order of the ports. An event comes
// each INTERVAL clocks, and must find the design ready. GAPS other than 0 seeds random clocks without an event. With
// FLOOD valid_in is always high, and anything comes with it in clocks in which the design says that it is not ready: of
// these nothing may be seen. When RESET_AT results are out the design is reset in mid-stream; the events then in flight
// are sent again, so a design that does not forget them gives wrong results.

#include "Vdut.h"
#include "verilated.h"

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <memory>
#include <random>
#include <vector>

#include "ports.h"  // INTERVAL, INPUT_ELEMENTS, OUTPUT_ELEMENTS, ready(), put_inputs(), get_outputs()

namespace {

constexpr long PATIENCE = 100000;  // clocks without any result, after which the design is taken for dead

struct Bench {
    VerilatedContext context;
    std::unique_ptr<Vdut> dut;
    std::mt19937_64 random{20240607};
    const int64_t* event = nullptr;  // of which the next beats come; one comes only when those of the last are over
    long age = 0, clock = 0;

    Bench() {
        context.randReset(2);  // registers wake up with anything in them
        dut = std::make_unique<Vdut>(&context);
        dut->clk = 0;
        dut->rst = 1;
        dut->valid_in = 0;
        dut->eval();
    }

    // Begins with `begun`, or goes on with the event before.
    void drive(bool valid, const int64_t* begun) {
        dut->valid_in = valid;
        age = begun != nullptr ? 0 : age + 1;
        if (begun != nullptr) event = begun;
        put_inputs(*dut, event, age, random);
    }

    void edge() {
        dut->clk = 1;
        dut->eval();
        dut->clk = 0;
        dut->eval();
        ++clock;
    }

    // False if a result comes out all the same.
    bool reset() {
        dut->rst = 1;
        event = nullptr;
        drive(true, nullptr);  // whatever comes with a reset must vanish
        edge();                // one clock must do: in a longer reset a short pipeline would simply run dry
        dut->rst = 0;
        return !dut->valid_out;
    }
};

struct Measured {
    long latency_min = -1, latency_max = -1, interval_max = 0;
};

bool stream(Bench& bench, long events, unsigned long gaps, bool flood, long reset_at, const int64_t* in, int64_t* out,
            Measured& measured) {
    std::mt19937_64 chance{gaps};
    std::deque<long> sent_at;
    long sent = 0, received = 0, last_result = -1, idle = 0, next = 0;
    if (!bench.reset()) return false;
    while (received < events) {
        if (received == reset_at) {
            if (!bench.reset()) return false;
            sent_at.clear();
            sent = received;
            reset_at = last_result = -1;
            next = bench.clock;
        }
        const bool due = flood ? ready(*bench.dut) : bench.clock >= next;
        const bool send = sent < events && due && (gaps == 0 || chance() % 3 != 0);
        if (send && !ready(*bench.dut)) return false;
        bench.drive(send || (flood && !due), send ? in + sent * INPUT_ELEMENTS : nullptr);
        if (send) {
            sent_at.push_back(bench.clock);
            next = bench.clock + INTERVAL;
            ++sent;
        }
        bench.edge();
        if (!bench.dut->valid_out) {
            if (++idle > PATIENCE) return false;
            continue;
        }
        idle = 0;
        if (sent_at.empty()) return false;  // a result that nobody asked for
        const long latency = bench.clock - sent_at.front();
        sent_at.pop_front();
        if (measured.latency_min < 0 || latency < measured.latency_min) measured.latency_min = latency;
        if (latency > measured.latency_max) measured.latency_max = latency;
        if (last_result >= 0 && bench.clock - last_result > measured.interval_max)
            measured.interval_max = bench.clock - last_result;
        last_result = bench.clock;
        get_outputs(*bench.dut, out + received * OUTPUT_ELEMENTS);
        ++received;
    }
    return true;
}

std::vector<int64_t> read_events(const char* path, long events) {
    std::vector<int64_t> data(static_cast<size_t>(events) * INPUT_ELEMENTS);
    std::FILE* file = std::fopen(path, "rb");
    if (file == nullptr || std::fread(data.data(), sizeof(int64_t), data.size(), file) != data.size()) {
        std::fprintf(stderr, "%s cannot be read\n", path);
        std::exit(2);
    }
    std::fclose(file);
    return data;
}

void write_results(const char* path, const std::vector<int64_t>& data) {
    std::FILE* file = std::fopen(path, "wb");
    if (file == nullptr || std::fwrite(data.data(), sizeof(int64_t), data.size(), file) != data.size()
        || std::fclose(file) != 0) {
        std::fprintf(stderr, "%s cannot be written\n", path);
        std::exit(2);
    }
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 7) return 2;
    const long events = std::atol(argv[1]), reset_at = std::atol(argv[4]);
    const bool flood = std::atol(argv[3]) != 0;
    const std::vector<int64_t> in = read_events(argv[5], events);
    std::vector<int64_t> out(static_cast<size_t>(events) * OUTPUT_ELEMENTS);
    Bench bench;
    Measured measured;
    const auto start = std::chrono::steady_clock::now();
    const unsigned long gaps = std::strtoul(argv[2], nullptr, 10);
    if (!stream(bench, events, gaps, flood, reset_at, in.data(), out.data(), measured)) {
        std::fprintf(stderr, "the valid flags are wrong: results are missing or come unasked, or it is not ready\n");
        return 3;
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    write_results(argv[6], out);
    std::printf("%ld %ld %ld %.9f\n", measured.latency_min, measured.latency_max, measured.interval_max,
                seconds.count());
    return 0;
}
