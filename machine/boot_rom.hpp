// The option ROM by which the firmware starts a kernel of the machine's own loading (see kernel_image.hpp).
//
// The firmware finds it as any network card's boot ROM: a PnP expansion header with a boot entry vector. When its turn
// comes it collects the memory map by INT 15H, AX=E820H at 70000H, tells KernelStarter's port how many bytes that are,
// and waits for ever; the machine then takes the processor to the kernel.
//
// Source: BIOS Boot Specification 1.01; Plug and Play BIOS Specification 1.0A, 3.2.
#pragma once

#include "base/types.hpp"

#include <vector>

namespace truering {

namespace boot_rom {
inline constexpr u16 port = 0x404; // a word: bytes of the map
inline constexpr u32 map_address = 0x70000;
inline constexpr u32 map_entry_size = 20;
inline constexpr u32 map_limit = 0x1400;
} // namespace boot_rom

// The image, with its checksum.
std::vector<u8> make_boot_rom();

} // namespace truering
