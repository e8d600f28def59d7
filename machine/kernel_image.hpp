// A kernel that the machine starts itself (`--kernel`), and what all kinds of it share.
//
// Life: open_kernel() reads and checks the files before power-on, so that a bad one never starts a machine. The
// firmware then runs as always; as its boot device it finds a small ROM of ours (boot_rom.hpp), which collects the
// firmware's map of memory and asks for the kernel (kernel_starter.hpp). Only then load() places it, and the ROM enters
// it in the state that load() returns.
#pragma once

#include "memory/physical_memory.hpp"

#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace truering {

// The kernel, or a file that goes with it, is missing, malformed or too large; what() says which and why.
class KernelError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

// A range as the firmware's INT 15H, AX=E820H tells it.
struct MemoryRange {
    static constexpr u32 ram = 1;
    u64 base = 0;
    u64 length = 0;
    u32 type = ram;

    [[nodiscard]] u64 end() const { return base + length; }
};

// How the processor enters a kernel.
struct KernelEntry {
    enum class Mode : u8 {
        Real,      // CS:IP and the other segments as selectors
        Protected, // flat 32-bit segments, no paging, interrupts off
    };
    Mode mode = Mode::Protected;
    u32 eip = 0;
    u32 esp = 0;
    u32 eax = 0;
    u32 ebx = 0;
    u16 cs = 0;            // Real
    u16 data_segments = 0; // Real: DS, ES, FS, GS, SS
};

class KernelImage {
  public:
    virtual ~KernelImage() = default;

    // Places everything in memory. Throws KernelError when there is no room.
    virtual KernelEntry load(PhysicalMemory& memory, std::span<const MemoryRange> map) = 0;
    [[nodiscard]] virtual std::string description() const = 0;
};

// Those of a machine, in the order in which they are started.
using Kernels = std::vector<std::unique_ptr<KernelImage>>;

struct KernelRequest {
    std::string file;
    std::string command_line;
    std::vector<std::string> modules; // "FILE ARGUMENTS"; the first is a Linux kernel's initial ramdisk
};

// Throws KernelError.
std::unique_ptr<KernelImage> open_kernel(const KernelRequest& request);

// A module's file and its arguments.
struct KernelModule {
    std::string name; // as requested, with the arguments
    std::vector<u8> bytes;
};

// Reads a whole file of at most 1 GiB; throws KernelError.
std::vector<u8> read_kernel_file(const std::string& path, std::string_view what);
std::vector<KernelModule> read_kernel_modules(const KernelRequest& request);

// Little-endian fields of a header; the caller has checked that they are there.
u16 field_16(std::span<const u8> bytes, size_t at);
u32 field_32(std::span<const u8> bytes, size_t at);
void set_field_16(std::span<u8> bytes, size_t at, u16 value);
void set_field_32(std::span<u8> bytes, size_t at, u32 value);

} // namespace truering
