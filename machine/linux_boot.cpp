#include "machine/linux_boot.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace truering {

namespace {

constexpr u32 header_magic = 0x5372'6448; // "HdrS"
constexpr size_t sector = 512;
constexpr size_t header_end = 0x268;
constexpr u32 setup_address = 0x10000;
constexpr u32 command_line_address = 0x20000;
constexpr u32 kernel_address = 0x10'0000;
constexpr u16 heap_end = 0xF000; // offset in the setup segment; the stack is above
constexpr u8 loader_unregistered = 0xFF;
constexpr u8 loaded_high = 0x01;
constexpr u8 can_use_heap = 0x80;

} // namespace

bool LinuxKernel::recognises(std::span<const u8> bytes) {
    return bytes.size() >= header_end && field_16(bytes, boot_flag) == 0xAA55 && field_32(bytes, magic) == header_magic;
}

LinuxKernel::LinuxKernel(const KernelRequest& request, std::vector<u8> bytes)
    : bytes_(std::move(bytes)), command_line_(request.command_line) {
    protocol_ = field_16(bytes_, version);
    if (protocol_ < 0x200)
        throw KernelError(fmt::format("{}: boot protocol {:x} is older than 2.00", request.file, protocol_));
    if ((bytes_[loadflags] & loaded_high) == 0)
        throw KernelError(fmt::format("{}: a zImage that wants to be loaded low; build a bzImage", request.file));
    const size_t sectors = bytes_[setup_sects] == 0 ? 4 : bytes_[setup_sects];
    setup_size_ = (sectors + 1) * sector;
    const size_t promised = setup_size_ + size_t{16} * field_32(bytes_, syssize);
    // The checksum's padding may be missing at the end of the last paragraph.
    if (bytes_.size() <= setup_size_ || bytes_.size() + 16 < promised)
        throw KernelError(
            fmt::format("{}: truncated: {} bytes, and its header promises {}", request.file, bytes_.size(), promised));
    const size_t longest = protocol_ >= 0x206 ? field_32(bytes_, cmdline_size) : 255;
    if (command_line_.size() > std::min<size_t>(longest, 0xF000))
        throw KernelError(fmt::format("the command line has {} characters; {} takes {}", command_line_.size(),
                                      request.file, longest));
    // Several ramdisks are one after the other, as boot loaders hand them over.
    for (const KernelModule& module : read_kernel_modules(request)) {
        ramdisk_.resize((ramdisk_.size() + 3) & ~size_t{3});
        ramdisk_.insert(ramdisk_.end(), module.bytes.begin(), module.bytes.end());
    }
}

u64 LinuxKernel::kernel_end() const {
    u64 size = bytes_.size() - setup_size_;
    if (protocol_ >= 0x20A)
        size = std::max<u64>(size, field_32(bytes_, init_size));
    else
        size *= 4; // it unpacks itself around there; older headers do not say how large it becomes
    return kernel_address + size;
}

u64 LinuxKernel::place_ramdisk(std::span<const MemoryRange> map) const {
    const u64 highest = protocol_ >= 0x203 ? u64{field_32(bytes_, initrd_addr_max)} + 1 : 0x3800'0000;
    u64 best = 0;
    for (const MemoryRange& range : map) {
        if (range.type != MemoryRange::ram) continue;
        const u64 end = std::min(range.end(), highest);
        const u64 first = std::max(range.base, std::min<u64>(kernel_end(), highest));
        if (end < ramdisk_.size()) continue;
        const u64 address = (end - ramdisk_.size()) & ~u64{page_offset_mask};
        if (address >= first) best = std::max(best, address);
    }
    if (best == 0)
        throw KernelError(fmt::format("no room for an initial ramdisk of {} KiB behind the kernel; give the machine "
                                      "more memory (-m)",
                                      ramdisk_.size() / 1024));
    return best;
}

KernelEntry LinuxKernel::load(PhysicalMemory& memory, std::span<const MemoryRange> map) {
    const std::span<const u8> body = std::span<const u8>(bytes_).subspan(setup_size_);
    const bool fits = std::any_of(map.begin(), map.end(), [&](const MemoryRange& range) {
        return range.type == MemoryRange::ram && range.base <= kernel_address &&
               range.end() >= kernel_address + body.size();
    });
    if (!fits) throw KernelError("no room for the kernel at 1 MiB; give the machine more memory (-m)");

    std::vector<u8> setup(bytes_.begin(), bytes_.begin() + static_cast<std::ptrdiff_t>(setup_size_));
    setup[type_of_loader] = loader_unregistered;
    if (protocol_ >= 0x201) {
        setup[loadflags] |= can_use_heap;
        set_field_16(setup, heap_end_ptr, heap_end - 0x200);
    }
    if (!ramdisk_.empty()) {
        const u64 address = place_ramdisk(map);
        memory.write(Physical{address}, ramdisk_);
        set_field_32(setup, ramdisk_image, static_cast<u32>(address));
        set_field_32(setup, ramdisk_size, static_cast<u32>(ramdisk_.size()));
    }
    std::vector<u8> line(command_line_.begin(), command_line_.end());
    line.push_back(0);
    memory.write(Physical{command_line_address}, line);
    if (protocol_ >= 0x202) {
        set_field_32(setup, cmd_line_ptr, command_line_address);
    } else { // the old way: magic and offset within the setup segment's 64 KiB
        set_field_16(setup, 0x20, 0xA33F);
        set_field_16(setup, 0x22, heap_end);
        memory.write(Physical{setup_address + heap_end}, line);
    }
    memory.write(Physical{kernel_address}, body);
    memory.write(Physical{setup_address}, setup);

    KernelEntry entry;
    entry.mode = KernelEntry::Mode::Real;
    entry.data_segments = setup_address / 16;
    entry.cs = entry.data_segments + 0x20;
    entry.esp = heap_end;
    return entry;
}

std::string LinuxKernel::description() const {
    return fmt::format("Linux kernel, boot protocol {}.{:02}, {} KiB{}", protocol_ >> 8, protocol_ & 0xFF,
                       bytes_.size() / 1024,
                       ramdisk_.empty() ? "" : fmt::format(", ramdisk of {} KiB", ramdisk_.size() / 1024));
}

} // namespace truering
