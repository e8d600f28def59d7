// The VMM of `--vmm`: a Multiboot kernel that the machine starts first, and that boots everything else as its guest.
// Ringmaster is in this program (bundled.hpp).
#pragma once

#include "machine/kernel_image.hpp"
#include "tools/truering/settings.hpp"

namespace truering {

// Throws KernelError, and UsageError for a processor without V32 mode.
std::unique_ptr<KernelImage> open_vmm(const Settings& settings);

} // namespace truering
