// Streams events through a Verilated design and measures its latency and interval from the valid flags.
//
//   testbench EVENTS GAPS FLOOD RESET_AT INPUT OUTPUT
//
// INPUT and OUTPUT hold int64 raw integers, event by event, element by element in the order of the ports. An event comes
// each INTERVAL clocks, and must find the design ready. GAPS other than 0 seeds random clocks without an event. With
// FLOOD valid_in is always high, and anything comes with it in clocks in which the design says that it is not ready: of
// these nothing may be seen. When RESET_AT results are out the design is reset in mid-stream; the events then in flight
// are sent again, so a design that does not forget them gives wrong results.

#include <deque>

#include "bench.h"
#include "ports.h"  // INTERVAL, INPUT_ELEMENTS, OUTPUT_ELEMENTS, ready(), put_inputs(), get_outputs()

namespace {

struct Bench : Clocked {
    const int64_t* event = nullptr;  // of which the next beats come; one comes only when those of the last are over
    long age = 0;

    Bench() {
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

bool stream(const Asked& asked, const int64_t* in, int64_t* out, Measured& measured) {
    const auto [events, gaps, flood, first_reset] = asked;
    Bench bench;
    std::mt19937_64 chance{gaps};
    std::deque<long> sent_at;
    long sent = 0, received = 0, idle = 0, next = 0, reset_at = first_reset;
    if (!bench.reset()) return measured.is_wrong("valid_out", true, "after a reset");
    while (received < events) {
        if (received == reset_at) {
            if (!bench.reset()) return measured.is_wrong("valid_out", true, "after a reset");
            sent_at.clear();
            sent = received;
            reset_at = measured.last_result = -1;
            next = bench.clock;
        }
        const bool due = flood ? ready(*bench.dut) : bench.clock >= next;
        const bool send = sent < events && due && (gaps == 0 || chance() % 3 != 0);
        if (send && !ready(*bench.dut)) return measured.is_wrong("ready_in", false, "where an event may come");
        bench.drive(send || (flood && !due), send ? in + sent * INPUT_ELEMENTS : nullptr);
        if (send) {
            sent_at.push_back(bench.clock);
            next = bench.clock + INTERVAL;
            ++sent;
        }
        bench.edge();
        if (!bench.dut->valid_out) {
            if (++idle > PATIENCE) return measured.is_wrong("valid_out", false, "where results are due");
            continue;
        }
        idle = 0;
        if (sent_at.empty()) return measured.is_wrong("valid_out", true, "where no result is due");
        measured.result(bench.clock, sent_at.front());
        sent_at.pop_front();
        get_outputs(*bench.dut, out + received * OUTPUT_ELEMENTS);
        ++received;
    }
    return true;
}

}  // namespace

int main(int argc, char** argv) { return run_bench(argc, argv, stream); }
