// A Linux kernel with its boot header (bzImage, protocol 2.00 and later), started at its real-mode entry: the kernel's
// own setup code then asks the firmware for memory map and video mode.
//
// Layout below 1 MiB: setup sectors at 10000H, stack and heap up to 1F000H, the command line at 20000H. The kernel
// proper goes to 1 MiB, the initial ramdisk as high as both the memory map and the header allow.
//
// Source: The Linux kernel documentation, "The Linux/x86 Boot Protocol".
#pragma once

#include "machine/kernel_image.hpp"

namespace truering {

class LinuxKernel final : public KernelImage {
  public:
    [[nodiscard]] static bool recognises(std::span<const u8> bytes);

    // Throws KernelError for a header that promises more than the file holds, and for protocols before 2.00.
    LinuxKernel(const KernelRequest& request, std::vector<u8> bytes);

    KernelEntry load(PhysicalMemory& memory, std::span<const MemoryRange> map) override;
    [[nodiscard]] std::string description() const override;

  private:
    // Offsets in the file's first sectors.
    enum Header : size_t {
        setup_sects = 0x1F1,
        syssize = 0x1F4,
        boot_flag = 0x1FE,
        magic = 0x202,
        version = 0x206,
        type_of_loader = 0x210,
        loadflags = 0x211,
        code32_start = 0x214,
        ramdisk_image = 0x218,
        ramdisk_size = 0x21C,
        heap_end_ptr = 0x224,
        cmd_line_ptr = 0x228,
        initrd_addr_max = 0x22C,
        cmdline_size = 0x238,
        init_size = 0x260,
    };

    [[nodiscard]] u64 place_ramdisk(std::span<const MemoryRange> map) const;
    [[nodiscard]] u64 kernel_end() const;

    std::vector<u8> bytes_;
    std::string command_line_;
    std::vector<u8> ramdisk_;
    size_t setup_size_ = 0;
    u16 protocol_ = 0;
};

} // namespace truering
