// Runs the kernel that the driver wrote into the image, and says "CHECK checksum" on COM1, or "LACKS" if the processor
// does not have what it needs. With 0 turns it does not run at all: that is the cost of booting.
#include "tools/bench/guest/kernels.hpp"
#include "tools/bench/guest/machine.hpp"

extern "C" {
extern uint32_t bench_kernel, bench_turns;

[[noreturn]] void bench_main() {
    bench::set_up_machine();
    const bench::Kernel& kernel = bench::kernels[bench_kernel % bench::kernel_count];
    bench::say(kernel.name);
    const bool possible = kernel.is_possible == nullptr || kernel.is_possible();
    if ((bench::features() & kernel.needs) != kernel.needs || !possible) {
        bench::say(" LACKS\n");
        bench::switch_off();
    }
    const uint32_t sum = bench_turns ? kernel.run(bench_turns) : 0;
    bench::say(" CHECK ");
    bench::say_hex(sum);
    bench::say("\n");
    bench::switch_off();
}
}
