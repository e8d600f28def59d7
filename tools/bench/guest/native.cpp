// The portable kernels as a Linux program: what the bare processor makes of the same object code.
//   native KERNEL TURNS      prints "KERNEL CHECK checksum"
// Its memory has pages of 4 KiB, as the guests' page tables have.
#include "tools/bench/guest/kernels.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <sys/mman.h>

namespace bench {

void* big_memory() {
    static void* memory = nullptr;
    if (memory == nullptr) {
        memory =
            mmap(nullptr, big_memory_bytes, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (memory == MAP_FAILED) std::exit(2);
        madvise(memory, big_memory_bytes, MADV_NOHUGEPAGE);
    }
    return memory;
}

} // namespace bench

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    const bench::KernelList list = bench::portable_kernels();
    for (uint32_t i = 0; i < list.count; ++i) {
        const bench::Kernel& kernel = list.first[i];
        if (std::strcmp(kernel.name, argv[1]) != 0) continue;
        const auto turns = static_cast<uint32_t>(std::strtoul(argv[2], nullptr, 10));
        std::printf("%s CHECK %08X\n", kernel.name, turns ? kernel.run(turns) : 0);
        return 0;
    }
    return 2;
}
