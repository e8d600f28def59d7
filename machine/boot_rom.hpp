// The option ROM by which the firmware starts the kernels of the machine's own loading (see kernel_image.hpp).
//
// The firmware finds it as any network card's boot ROM: a PnP expansion header with a boot entry vector. Each time its
// turn comes it asks KernelStarter's port how many kernels are still to be started. None: it steps aside by INT 18H,
// and the firmware boots the next device. Otherwise it collects the memory map by INT 15H, AX=E820H at 70000H, tells
// the port how many bytes that are, upon which the machine places the next kernel in memory, and reads from the port
// how to enter it.
//
// The ROM itself loads the segments and jumps: the machine never touches the processor. So it makes no difference
// whether the ROM runs on the bare processor or as the guest of a VMM that has been the kernel before.
//
// Source: BIOS Boot Specification 1.01; Plug and Play BIOS Specification 1.0A, 3.2; Multiboot Specification
// 0.6.96, 3.2.
#pragma once

#include "base/types.hpp"

#include <vector>

namespace truering {

namespace boot_rom {
// Written as a byte: the firmware initialises the ROM. Written as a word: the map is in memory, that many bytes; a
// kernel is wanted. Read as doublewords: how many kernels are left, and after a kernel has been placed once each of
// EntryWord.
inline constexpr u16 port = 0x404;
inline constexpr u32 map_address = 0x70000;
inline constexpr u32 map_entry_size = 20;
inline constexpr u32 map_limit = 0x1400;

enum EntryWord : unsigned {
    entry_mode, // 0 real, 1 protected
    entry_EIP,
    entry_ESP,
    entry_EBX,
    entry_selectors, // [15:0] of all data segments and SS, [31:16] of CS
    entry_EAX,
    entry_words,
};

// In the ROM's GDT, flat.
inline constexpr u16 code_selector = 0x08;
inline constexpr u16 data_selector = 0x10;
} // namespace boot_rom

// The image, with its checksum.
std::vector<u8> make_boot_rom();

} // namespace truering
