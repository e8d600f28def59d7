// The kernels that need ring 0: what an operating system asks of the processor, each as often as it can be done.
#include "tools/bench/guest/kernels.hpp"
#include "tools/bench/guest/machine.hpp"
#include "tools/bench/guest/virtual.hpp"

namespace bench {
namespace {

uint32_t int_iret(uint32_t turns) { return in_ring_3(int_loop, turns); }
uint32_t sysenter(uint32_t turns) { return in_ring_3(sysenter_loop, turns); }
uint32_t page_fault(uint32_t turns) { return page_fault_loop(turns); }
uint32_t real_mode(uint32_t turns) { return in_real_mode(turns); }

uint32_t invlpg(uint32_t turns) {
    auto* memory = static_cast<volatile uint32_t*>(big_memory());
    for (uint32_t page = 0; page < 16; ++page) memory[page * 1024] = page + 1;
    uint32_t sum = 0;
    while (turns--) {
        volatile uint32_t* word = memory + (turns & 15) * 1024;
        asm volatile("invlpg %0" : : "m"(*word));
        sum += *word;
    }
    return sum;
}

uint32_t cr3(uint32_t turns) {
    auto* memory = static_cast<volatile uint32_t*>(big_memory());
    for (uint32_t page = 0; page < 16; ++page) memory[page * 1024] = page + 1;
    uint32_t sum = 0;
    while (turns--) {
        reload_cr3();
        for (uint32_t page = 0; page < 16; ++page) sum += memory[page * 1024];
    }
    return sum;
}

uint32_t port_io(uint32_t turns) {
    uint32_t done = 0;
    for (; turns; --turns, ++done) asm volatile("out %%al, $0x80" : : "a"(0));
    return done;
}

uint32_t segment_loads(uint32_t turns) {
    uint32_t sum = 0;
    while (turns--) {
        uint32_t selector = 0x10;
        asm volatile("mov %0, %%es\n\tmov %0, %%fs\n\tmov %0, %%gs\n\tpushl $8\n\tpushl $1f\n\tlret\n1:\tmov %%gs, %0"
                     : "+r"(selector)
                     :
                     : "memory");
        sum += selector;
    }
    return sum;
}

constexpr Kernel kernels[] = {
    {"page-fault", "rates", page_fault},
    {"invlpg", "rates", invlpg},
    {"cr3", "rates", cr3},
    {"int-iret", "rates", int_iret},
    {"sysenter", "rates", sysenter, needs_SEP},
    {"segment-loads", "rates", segment_loads},
    {"port-io", "rates", port_io},
    {"real-mode", "rates", real_mode},
    {"vm-exit", "exits", vm_exit, 0, can_virtualize},
};

} // namespace

KernelList machine_kernels() { return {kernels, sizeof kernels / sizeof *kernels}; }

} // namespace bench
