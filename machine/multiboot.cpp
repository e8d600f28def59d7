#include "machine/multiboot.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace truering {

namespace {

constexpr u32 header_magic = 0x1BAD'B002;
constexpr u32 entry_magic = 0x2BAD'B002;
constexpr size_t header_search = 8192;
constexpr size_t no_header = ~size_t{0};
constexpr u32 elf_magic = 0x464C'457F;

// Header flags.
constexpr u32 wants_video = 1 << 2;
constexpr u32 required_flags = 0xFFFF;
constexpr u32 known_required = 1 << 0 | 1 << 1 | wants_video; // page-aligned modules, memory information
constexpr u32 has_addresses = 1 << 16;

// Flags of the information structure.
constexpr u32 info_memory = 1 << 0;
constexpr u32 info_command_line = 1 << 2;
constexpr u32 info_modules = 1 << 3;
constexpr u32 info_map = 1 << 6;
constexpr u32 info_loader = 1 << 9;

constexpr u32 pages_up(u32 address) { return (address + page_offset_mask) & ~page_offset_mask; }

bool is_elf_386(std::span<const u8> bytes) {
    constexpr u16 machine_386 = 3;
    constexpr u16 executable = 2;
    return bytes.size() >= 52 && field_32(bytes, 0) == elf_magic && bytes[4] == 1 && bytes[5] == 1 &&
           field_16(bytes, 16) == executable && field_16(bytes, 18) == machine_386;
}

} // namespace

size_t MultibootKernel::find_header(std::span<const u8> bytes) {
    const size_t last = std::min(bytes.size(), header_search);
    for (size_t at = 0; at + 12 <= last; at += 4) {
        const u32 sum = field_32(bytes, at) + field_32(bytes, at + 4) + field_32(bytes, at + 8);
        if (field_32(bytes, at) == header_magic && sum == 0) return at;
    }
    return no_header;
}

bool MultibootKernel::recognises(std::span<const u8> bytes) {
    return find_header(bytes) != no_header || is_elf_386(bytes);
}

MultibootKernel::MultibootKernel(const KernelRequest& request, std::vector<u8> bytes)
    : file_(request.file), bytes_(std::move(bytes)), command_line_(request.file) {
    if (!request.command_line.empty()) command_line_ += " " + request.command_line;
    const size_t header = find_header(bytes_);
    has_header_ = header != no_header;
    const u32 flags = has_header_ ? field_32(bytes_, header + 4) : 0;
    if ((flags & required_flags & ~known_required) != 0)
        throw KernelError(
            fmt::format("{}: its Multiboot header requires something unknown (flags {:08X})", file_, flags));
    if ((flags & has_addresses) != 0)
        read_address_fields(header);
    else if (is_elf_386(bytes_))
        read_elf();
    else
        throw KernelError(fmt::format("{}: its Multiboot header gives no addresses, and the file is no 32-bit x86 ELF "
                                      "executable",
                                      file_));
    modules_ = read_kernel_modules(request);
}

void MultibootKernel::read_address_fields(size_t header) {
    if (header + 32 > bytes_.size()) throw KernelError(fmt::format("{}: truncated Multiboot header", file_));
    const u32 header_address = field_32(bytes_, header + 12);
    const u32 load_address = field_32(bytes_, header + 16);
    const u32 load_end = field_32(bytes_, header + 20);
    const u32 bss_end = field_32(bytes_, header + 24);
    entry_ = field_32(bytes_, header + 28);
    if (header_address < load_address || header_address - load_address > header)
        throw KernelError(fmt::format("{}: its Multiboot header at {:08X} cannot lie in what is loaded at {:08X}",
                                      file_, header_address, load_address));
    const size_t offset = header - (header_address - load_address);
    const size_t available = bytes_.size() - offset;
    if (load_end != 0 && (load_end < load_address || load_end - load_address > available))
        throw KernelError(fmt::format("{}: truncated: its Multiboot header wants {} bytes and the file has {}", file_,
                                      i64{load_end} - load_address, available));
    const u64 file_size = load_end != 0 ? load_end - load_address : available;
    const u64 file_end = load_address + file_size;
    if (bss_end != 0 && bss_end < file_end)
        throw KernelError(fmt::format("{}: its Multiboot header ends the bss before the data", file_));
    const u64 size = bss_end != 0 ? bss_end - load_address : file_size;
    if (load_address + size > 0xFFFF'FFFF) throw KernelError(fmt::format("{}: does not fit below 4 GiB", file_));
    segments_.push_back({load_address, static_cast<u32>(size), offset, static_cast<u32>(file_size)});
}

void MultibootKernel::read_elf() {
    entry_ = field_32(bytes_, 24);
    const u64 table = field_32(bytes_, 28);
    const u64 entry_size = field_16(bytes_, 42);
    const u64 count = field_16(bytes_, 44);
    constexpr u64 smallest = 32;
    constexpr u32 loadable = 1;
    if (entry_size < smallest || table + entry_size * count > bytes_.size())
        throw KernelError(fmt::format("{}: truncated: the ELF program headers lie outside the file", file_));
    bool entry_is_virtual = true;
    u32 entry_physical = entry_;
    for (u64 n = 0; n < count; ++n) {
        const std::span<const u8> header = std::span<const u8>(bytes_).subspan(table + n * entry_size, smallest);
        if (field_32(header, 0) != loadable) continue;
        const u32 offset = field_32(header, 4), virtual_address = field_32(header, 8);
        const u32 address = field_32(header, 12), file_size = field_32(header, 16), size = field_32(header, 20);
        if (size == 0) continue;
        if (u64{offset} + file_size > bytes_.size() || file_size > size || u64{address} + size > 0xFFFF'FFFF)
            throw KernelError(fmt::format("{}: truncated: ELF segment {} lies outside the file", file_, n));
        segments_.push_back({address, size, offset, file_size});
        // A kernel linked high but loaded low names its entry by one address or the other.
        if (entry_ >= address && entry_ - address < size) entry_is_virtual = false;
        if (entry_ >= virtual_address && entry_ - virtual_address < size)
            entry_physical = entry_ - virtual_address + address;
    }
    if (segments_.empty()) throw KernelError(fmt::format("{}: an ELF file with nothing to load", file_));
    if (entry_is_virtual) entry_ = entry_physical;
}

u32 MultibootKernel::end() const {
    u32 last = 0x10'0000;
    for (const Segment& segment : segments_) last = std::max(last, segment.address + segment.size);
    return pages_up(last);
}

void MultibootKernel::check_room(std::span<const MemoryRange> map) const {
    for (const Segment& segment : segments_) {
        const bool fits = std::any_of(map.begin(), map.end(), [&](const MemoryRange& range) {
            return range.type == MemoryRange::ram && range.base <= segment.address &&
                   range.end() >= u64{segment.address} + segment.size;
        });
        if (!fits)
            throw KernelError(fmt::format("{}: no memory at {:08X}-{:08X}, where it wants to be", file_,
                                          segment.address, segment.address + segment.size - 1));
    }
}

// The information structure with all that it points to, built in one piece.
class MultibootKernel::Information {
  public:
    explicit Information(u32 address) : address_(address), bytes_(fixed_size) {}

    [[nodiscard]] const std::vector<u8>& bytes() const { return bytes_; }
    void set(size_t at, u32 value) { set_field_32(bytes_, at, value); }
    void add_flag(u32 flag) { set(0, field_32(bytes_, 0) | flag); }
    u32 append(const std::string& text) {
        const u32 at = here();
        bytes_.insert(bytes_.end(), text.begin(), text.end());
        bytes_.push_back(0);
        bytes_.resize((bytes_.size() + 3) & ~size_t{3});
        return at;
    }
    u32 append_zeros(size_t count) {
        const u32 at = here();
        bytes_.resize(bytes_.size() + count);
        return at;
    }
    void set_at(u32 address, u32 value) { set(address - address_, value); }
    void append_map(std::span<const MemoryRange> map) {
        const u32 at = here();
        for (const MemoryRange& range : map) {
            const u32 entry = append_zeros(24);
            set_at(entry, 20); // of what follows
            set_at(entry + 4, static_cast<u32>(range.base));
            set_at(entry + 8, static_cast<u32>(range.base >> 32));
            set_at(entry + 12, static_cast<u32>(range.length));
            set_at(entry + 16, static_cast<u32>(range.length >> 32));
            set_at(entry + 20, range.type);
        }
        set(44, here() - at);
        set(48, at);
        add_flag(info_map);
    }

  private:
    static constexpr size_t fixed_size = 120;
    [[nodiscard]] u32 here() const { return address_ + static_cast<u32>(bytes_.size()); }

    u32 address_;
    std::vector<u8> bytes_;
};

KernelEntry MultibootKernel::load(PhysicalMemory& memory, std::span<const MemoryRange> map) {
    check_room(map);
    u64 low_end = 0, high_end = 0x10'0000;
    for (const MemoryRange& range : map) {
        if (range.type != MemoryRange::ram) continue;
        if (range.base == 0) low_end = range.end();
        if (range.base <= high_end && range.end() > high_end) high_end = std::min<u64>(range.end(), 0xFFFF'F000);
    }

    // Modules first: the structure names their places.
    u64 next = end();
    std::vector<u32> places;
    for (const KernelModule& module : modules_) {
        if (next + module.bytes.size() > high_end)
            throw KernelError(fmt::format("{}: no room; give the machine more memory (-m)", module.name));
        places.push_back(static_cast<u32>(next));
        memory.write(Physical{next}, module.bytes);
        next = pages_up(static_cast<u32>(next + module.bytes.size()));
    }

    // Below 1 MiB where the kernel is not; as a last resort behind everything.
    constexpr u32 room = 0x1'0000;
    u32 address = static_cast<u32>(next);
    for (const u32 candidate : {0x1'0000u, 0x4'0000u, 0x8'0000u}) {
        const bool taken = std::any_of(segments_.begin(), segments_.end(), [&](const Segment& s) {
            return s.address < candidate + room && candidate < s.address + s.size;
        });
        if (!taken) {
            address = candidate;
            break;
        }
    }
    Information info(address);
    info.add_flag(info_memory | info_command_line | info_loader);
    info.set(4, static_cast<u32>(low_end / 1024));
    info.set(8, static_cast<u32>((high_end - 0x10'0000) / 1024));
    info.set(16, info.append(command_line_));
    info.set(64, info.append("Truering"));
    if (!modules_.empty()) {
        const u32 list = info.append_zeros(16 * modules_.size());
        for (u32 n = 0; n < places.size(); ++n) {
            info.set_at(list + 16 * n, places[n]);
            info.set_at(list + 16 * n + 4, places[n] + static_cast<u32>(modules_[n].bytes.size()));
            info.set_at(list + 16 * n + 8, info.append(modules_[n].name));
        }
        info.set(20, static_cast<u32>(modules_.size()));
        info.set(24, list);
        info.add_flag(info_modules);
    }
    info.append_map(map);
    memory.write(Physical{address}, info.bytes());

    for (const Segment& segment : segments_) {
        memory.write(Physical{segment.address},
                     std::span<const u8>(bytes_).subspan(segment.file_offset, segment.file_size));
        const std::vector<u8> zeros(segment.size - segment.file_size);
        memory.write(Physical{u64{segment.address} + segment.file_size}, zeros);
    }

    KernelEntry entry;
    entry.eip = entry_;
    entry.eax = entry_magic;
    entry.ebx = address;
    // The specification leaves it open; some kernels push before they have a stack, and so does the boot ROM.
    entry.esp = address == next ? 0x7C00 : address + room;
    return entry;
}

std::string MultibootKernel::description() const {
    return fmt::format("{} kernel, entry {:08X}, {} module{}", has_header_ ? "Multiboot" : "ELF", entry_,
                       modules_.size(), modules_.size() == 1 ? "" : "s");
}

} // namespace truering
