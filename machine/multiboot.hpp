// Kernels that the processor enters in 32-bit protected mode: Multiboot 1, and plain ELF executables, which are treated
// as Multiboot kernels that ask for nothing.
//
// The file is an ELF32 executable, or anything that says by address fields in its header where it goes. Modules follow
// the kernel at the next pages; the information structure lies in low memory, out of the kernel's way.
//
// A kernel may ask for a video mode (flags bit 2). It gets the text mode that the firmware left, and an information
// structure without the video fields, as the specification lets a loader do.
//
// Source: Multiboot Specification 0.6.96; System V ABI, Intel386 supplement (ELF).
#pragma once

#include "machine/kernel_image.hpp"

namespace truering {

class MultibootKernel final : public KernelImage {
  public:
    [[nodiscard]] static bool recognises(std::span<const u8> bytes);

    // Throws KernelError for contradicting or incomplete headers.
    MultibootKernel(const KernelRequest& request, std::vector<u8> bytes);

    KernelEntry load(PhysicalMemory& memory, std::span<const MemoryRange> map) override;
    [[nodiscard]] std::string description() const override;

  private:
    // A piece of the file and where it goes; memory behind it, up to `size`, is cleared.
    struct Segment {
        u32 address;
        u32 size;
        size_t file_offset;
        u32 file_size;
    };
    class Information;

    [[nodiscard]] static size_t find_header(std::span<const u8> bytes);
    void read_address_fields(size_t header);
    void read_elf();
    void check_room(std::span<const MemoryRange> map) const;
    [[nodiscard]] u32 end() const;

    std::string file_;
    std::vector<u8> bytes_;
    std::string command_line_;
    std::vector<KernelModule> modules_;
    std::vector<Segment> segments_;
    u32 entry_ = 0;
    bool has_header_ = false;
};

} // namespace truering
