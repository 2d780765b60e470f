// Streams events through a Verilated design with valid and ready on both sides.
//
//   testbench EVENTS GAPS FLOOD RESET_AT INPUT OUTPUT
//
// The files are those of the bench of paced designs. An event begins each INTERVAL clocks and its transfers follow each
// other, if nothing is asked for: its latency, from the first transfer to the result, is then the same for all. With
// FLOOD the next transfer is offered as soon as the last was taken. GAPS other than 0 seeds random clocks in which none is
// offered and random clocks in which no result is taken: a result must then stand as it is until it is. At times none is
// taken until the door stays closed, so that all queues are full. When RESET_AT results are out the design is reset in
// mid-stream; the events then on their way are sent again.

#include <algorithm>
#include <deque>

#include "bench.h"
#include "ports.h"  // INTERVAL, TRANSFERS, INPUT_ELEMENTS, OUTPUT_ELEMENTS, put_inputs(), get_outputs()

namespace {

struct Bench : Clocked {
    Bench() {
        drive(false, nullptr, 0, false);
    }

    // Puts a transfer and readiness on the ports; what the design says to them can then be read.
    void drive(bool valid, const int64_t* event, long transfer, bool ready) {
        dut->valid_in = valid;
        dut->ready_out = ready;
        put_inputs(*dut, event, transfer, random);
        dut->eval();
    }

    // False if a result is there all the same.
    bool reset() {
        dut->rst = 1;
        drive(true, nullptr, 0, true);  // whatever comes with a reset must vanish
        edge();
        dut->rst = 0;
        drive(false, nullptr, 0, false);
        return !dut->valid_out;
    }
};

bool stream(const Asked& asked, const int64_t* in, int64_t* out, Measured& measured) {
    const auto [events, gaps, flood, first_reset] = asked;
    Bench bench;
    std::mt19937_64 chance{gaps};
    std::deque<long> sent_at;
    std::vector<int64_t> standing(OUTPUT_ELEMENTS), found(OUTPUT_ELEMENTS);
    long sent = 0, received = 0, transfer = 0, idle = 0, next = 0, reset_at = first_reset;
    long refused = 0;
    bool offered = false, stands = false, blocked = gaps != 0;
    if (!bench.reset()) return measured.is_wrong("valid_out", true, "after a reset");
    while (received < events) {
        if (received == reset_at) {
            if (!bench.reset()) return measured.is_wrong("valid_out", true, "after a reset");
            sent_at.clear();
            sent = received;
            reset_at = measured.last_result = -1;
            transfer = 0;
            offered = stands = false;
            next = bench.clock;
        }
        // What is offered stays until it is taken.
        const bool due = transfer != 0 || flood || bench.clock >= next;
        offered = offered || (sent < events && due && (gaps == 0 || chance() % 3 != 0));
        blocked = blocked && refused <= 2 * INTERVAL + 8 && sent < events;
        const bool takes = !blocked && (gaps == 0 || chance() % 3 == 0);
        bench.drive(offered, offered ? in + sent * INPUT_ELEMENTS : nullptr, transfer, takes);
        const bool taken = offered && bench.dut->ready_in, left = bench.dut->valid_out && takes;
        if (bench.dut->valid_out) {
            get_outputs(*bench.dut, found.data());
            if (stands && found != standing) return measured.is_wrong("valid_out", true, "with another result, untaken");
            standing = found;
        } else if (stands) {
            return measured.is_wrong("valid_out", false, "while a result stands that was not taken");
        }
        stands = bench.dut->valid_out && !takes;
        if (taken && transfer == 0) {
            sent_at.push_back(bench.clock);
            next = bench.clock + INTERVAL;
        }
        if (left) {
            if (sent_at.empty()) return measured.is_wrong("valid_out", true, "where no result is due");
            measured.result(bench.clock, sent_at.front());
            sent_at.pop_front();
            std::copy(found.begin(), found.end(), out + received * OUTPUT_ELEMENTS);
            ++received;
        }
        refused = taken || !offered ? 0 : refused + 1;
        if (left && gaps != 0 && chance() % 64 == 0) blocked = true;
        idle = left ? 0 : idle + 1;
        if (idle > PATIENCE) return measured.is_wrong("valid_out", false, "where results are due");
        if (taken) {
            offered = false;
            transfer = (transfer + 1) % TRANSFERS;
            if (transfer == 0) ++sent;
        }
        bench.edge();
    }
    return true;
}

}  // namespace

int main(int argc, char** argv) { return run_bench(argc, argv, stream); }
