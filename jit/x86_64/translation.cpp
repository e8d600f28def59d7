#include "jit/translation.hpp"

#include "jit/x86_64/translator.hpp"

namespace truering {

namespace {

// The manual leaves AF undefined behind AND, OR, XOR and TEST. Processors clear it, as ours does; translated code takes
// the host's flags as they are, so it needs such a host.
bool clears_AF_by_logic() {
    u64 flags = 0;
    asm("mov $0x0F, %%eax\n\t"
        "add $1, %%al\n\t" // AF=1
        "or %%eax, %%eax\n\t"
        "pushfq\n\t"
        "pop %0"
        : "=r"(flags)
        :
        : "eax", "cc", "memory");
    constexpr u64 AF = 0x10;
    return (flags & AF) == 0;
}

} // namespace

std::unique_ptr<BlockRunner> make_translator(Cpu& cpu) {
    return clears_AF_by_logic() ? std::make_unique<Translator>(cpu) : nullptr;
}

} // namespace truering
