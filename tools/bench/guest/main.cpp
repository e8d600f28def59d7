// Runs the kernel whose name the driver wrote into the image, and says "NAME CHECK checksum" on COM1, or "NAME LACKS"
// if the processor does not have what it needs. With 0 turns it does not run at all: that is the cost of booting. The
// name "all" stands for every kernel, one after the other.
#include "tools/bench/guest/kernels.hpp"
#include "tools/bench/guest/machine.hpp"

extern "C" {
extern const char bench_kernel[];
extern uint32_t bench_turns;
}

namespace bench {
namespace {

bool is(const char* one, const char* other) {
    for (; *one == *other; ++one, ++other) {
        if (*one == 0) return true;
    }
    return false;
}

void run(const Kernel& kernel) {
    say(kernel.name);
    const bool possible = kernel.is_possible == nullptr || kernel.is_possible();
    if ((features() & kernel.needs) != kernel.needs || !possible) {
        say(" LACKS\n");
        return;
    }
    const uint32_t sum = bench_turns ? kernel.run(bench_turns) : 0;
    say(" CHECK ");
    say_hex(sum);
    say("\n");
}

void run_chosen_of(KernelList list) {
    for (uint32_t i = 0; i < list.count; ++i) {
        if (is(bench_kernel, "all") || is(bench_kernel, list.first[i].name)) run(list.first[i]);
    }
}

} // namespace
} // namespace bench

extern "C" [[noreturn]] void bench_main() {
    bench::set_up_machine();
    bench::run_chosen_of(bench::portable_kernels());
    bench::run_chosen_of(bench::machine_kernels());
    bench::say("BENCH DONE\n");
    bench::switch_off();
}
