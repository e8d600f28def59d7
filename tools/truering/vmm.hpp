// The VMM of `--vmm`: a Multiboot kernel that the machine starts first, and that boots everything else as its guest.
//
// Ringmaster is in this program: its ELF file is made by the same build and put into the data by .incbin, so that it is
// always there and always fits.
#pragma once

#include "machine/kernel_image.hpp"
#include "tools/truering/settings.hpp"

namespace truering {

// Ringmaster's ELF file.
std::span<const u8> bundled_ringmaster();

// Throws KernelError, and UsageError for a processor without V32 mode.
std::unique_ptr<KernelImage> open_vmm(const Settings& settings);

} // namespace truering
