#include "tools/truering/vmm.hpp"

#include "machine/multiboot.hpp"
#include "tools/truering/bundled.hpp"
#include "tools/truering/values.hpp"

#include <fmt/format.h>

namespace truering {

std::unique_ptr<KernelImage> open_vmm(const Settings& settings) {
    if (settings.vmm != Settings::bundled_vmm) return open_kernel({settings.vmm, settings.vmm_append, {}});
    if (!settings.pc.cpu.features.has(Feature::V32))
        throw UsageError(fmt::format("--vmm: Ringmaster needs a processor with V32 mode (pentium or later, without "
                                     "v32=off), and this {} has none",
                                     settings.pc.cpu.name));
    const std::span<const u8> elf = bundled::ringmaster();
    return std::make_unique<MultibootKernel>(KernelRequest{"ringmaster", settings.vmm_append, {}},
                                             std::vector<u8>(elf.begin(), elf.end()));
}

} // namespace truering
