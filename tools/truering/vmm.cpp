#include "tools/truering/vmm.hpp"

#include "machine/multiboot.hpp"
#include "tools/truering/values.hpp"

#include <fmt/format.h>

#if defined(__APPLE__) || defined(_WIN32)
#error "the assembler's directives below are ELF's"
#endif
asm(".section .rodata\n"
    ".globl truering_ringmaster_begin, truering_ringmaster_end\n"
    ".balign 16\n"
    "truering_ringmaster_begin: .incbin \"" TRUERING_RINGMASTER "\"\n"
    "truering_ringmaster_end:\n"
    ".previous\n");
extern "C" const unsigned char truering_ringmaster_begin[], truering_ringmaster_end[];

namespace truering {

std::span<const u8> bundled_ringmaster() { return {truering_ringmaster_begin, truering_ringmaster_end}; }

std::unique_ptr<KernelImage> open_vmm(const Settings& settings) {
    if (settings.vmm != Settings::bundled_vmm) return open_kernel({settings.vmm, settings.vmm_append, {}});
    if (!settings.pc.cpu.features.has(Feature::V32))
        throw UsageError(fmt::format("--vmm: Ringmaster needs a processor with V32 mode (pentium or later, without "
                                     "v32=off), and this {} has none",
                                     settings.pc.cpu.name));
    const std::span<const u8> elf = bundled_ringmaster();
    return std::make_unique<MultibootKernel>(KernelRequest{"ringmaster", settings.vmm_append, {}},
                                             std::vector<u8>(elf.begin(), elf.end()));
}

} // namespace truering
