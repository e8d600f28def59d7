#include "memory/physical_memory.hpp"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

namespace truering {

namespace {

// Zeroed memory that the host provides only when it is touched.
template <class T> T* lazily_zeroed(u64 count) {
    const u64 bytes = (count * sizeof(T) + page_offset_mask) & ~u64{page_offset_mask};
    void* const p = std::calloc(1, std::max<u64>(bytes, page_size));
    if (p == nullptr) throw std::bad_alloc();
    return static_cast<T*>(p);
}

constexpr u32 granule_mask(u32 first_offset, u32 size) {
    const u32 low = first_offset / PhysicalMemory::code_granule_size;
    const u32 high = (first_offset + size - 1) / PhysicalMemory::code_granule_size;
    return static_cast<u32>((u64{2} << high) - (u64{1} << low));
}

u32 load(const u8* from, unsigned size) {
    u32 value = 0;
    std::memcpy(&value, from, size);
    return value;
}

} // namespace

void PhysicalMemory::Free::operator()(void* p) const { std::free(p); }

PhysicalMemory::PhysicalMemory(u64 ram_bytes)
    : ram_size_(ram_bytes), ram_(lazily_zeroed<u8>(ram_bytes)), page_count_((four_gib + ram_above_4g()) / page_size),
      pages_(lazily_zeroed<PageMapping>(page_count_)) {
    map_ram({0}, ram_below_4g());
    map_ram({four_gib}, ram_above_4g());
}

u8* PhysicalMemory::ram_at(Physical address) const {
    if (address.value < ram_below_4g()) return ram_.get() + address.value;
    if (address.value >= four_gib && address.value - four_gib < ram_above_4g())
        return ram_.get() + hole_start + (address.value - four_gib);
    return nullptr;
}

template <class Set> void PhysicalMemory::change(Physical first, u64 bytes, Set set) {
    for (u64 done = 0; done < bytes; done += page_size) {
        const Physical address = first + done;
        if (page_number(address) >= page_count_) break;
        PageMapping& page = pages_[page_number(address)];
        if (page.code_granules != 0 && listener_ != nullptr) listener_->code_written(address, page_size);
        page = PageMapping{};
        set(page, address, done);
    }
    if (listener_ != nullptr && bytes != 0) listener_->mapping_changed();
}

void PhysicalMemory::map_ram(Physical first, u64 bytes) {
    change(first, bytes, [this](PageMapping& page, Physical a, u64) { page.read = page.write = ram_at(a); });
}

void PhysicalMemory::map_memory(Physical first, std::span<u8> host) {
    change(first, host.size(), [&](PageMapping& page, Physical, u64 done) { page.read = page.write = &host[done]; });
}

void PhysicalMemory::map_rom(Physical first, std::span<const u8> host) {
    // A page's read pointer is never written through; PageMapping has one pointer type for both directions.
    change(first, host.size(),
           [&](PageMapping& page, Physical, u64 done) { page.read = const_cast<u8*>(&host[done]); });
}

void PhysicalMemory::map_rom_over_ram(Physical first, std::span<const u8> host) {
    change(first, host.size(), [&](PageMapping& page, Physical a, u64 done) {
        page.read = const_cast<u8*>(&host[done]);
        page.write = ram_at(a);
    });
}

void PhysicalMemory::map_ram_read_only(Physical first, u64 bytes) {
    change(first, bytes, [this](PageMapping& page, Physical a, u64) { page.read = ram_at(a); });
}

void PhysicalMemory::map_device(Physical first, u64 bytes, MmioDevice& device, u32 device_offset) {
    change(first, bytes, [&](PageMapping& page, Physical, u64 done) {
        page.device = &device;
        page.device_offset = device_offset + static_cast<u32>(done);
    });
}

void PhysicalMemory::unmap(Physical first, u64 bytes) {
    change(first, bytes, [](PageMapping&, Physical, u64) {});
}

void PhysicalMemory::note_write(PageMapping& page, Physical address, u32 size) {
    if ((page.code_granules & granule_mask(page_offset(address.value), size)) != 0 && listener_ != nullptr)
        listener_->code_written(address, size);
}

u32 PhysicalMemory::read(Physical address, unsigned size) {
    const PageMapping& at = page(address);
    const u32 offset = page_offset(address.value);
    if (at.read != nullptr) return load(at.read + offset, size);
    const u32 all_ones = static_cast<u32>((u64{1} << (size * 8)) - 1);
    return at.device == nullptr ? all_ones : at.device->read_mmio(at.device_offset + offset, size) & all_ones;
}

void PhysicalMemory::write(Physical address, u32 value, unsigned size) {
    if (page_number(address) >= page_count_) return;
    PageMapping& at = pages_[page_number(address)];
    const u32 offset = page_offset(address.value);
    if (at.write != nullptr) {
        std::memcpy(at.write + offset, &value, size);
        note_write(at, address, size);
    } else if (at.device != nullptr) {
        at.device->write_mmio(at.device_offset + offset, value, size);
    }
}

void PhysicalMemory::read(Physical from, std::span<u8> to) {
    while (!to.empty()) {
        const u32 offset = page_offset(from.value);
        const size_t n = std::min<size_t>(to.size(), page_size - offset);
        const PageMapping& at = page(from);
        if (at.read != nullptr)
            std::memcpy(to.data(), at.read + offset, n);
        else
            for (size_t i = 0; i < n; ++i) to[i] = static_cast<u8>(read(from + i, 1));
        to = to.subspan(n);
        from = from + n;
    }
}

void PhysicalMemory::write(Physical to, std::span<const u8> from) {
    while (!from.empty()) {
        const u32 offset = page_offset(to.value);
        const size_t n = std::min<size_t>(from.size(), page_size - offset);
        if (is_ram(to)) {
            PageMapping& at = pages_[page_number(to)];
            std::memcpy(at.write + offset, from.data(), n);
            note_write(at, to, static_cast<u32>(n));
        } else {
            for (size_t i = 0; i < n; ++i) write(to + i, from[i], 1);
        }
        from = from.subspan(n);
        to = to + n;
    }
}

void PhysicalMemory::peek(Physical from, std::span<u8> to) const {
    for (u8& byte : to) {
        const PageMapping& at = page(from);
        byte = at.read == nullptr ? u8{0xFF} : at.read[page_offset(from.value)];
        from = from + 1;
    }
}

void PhysicalMemory::mark_code(Physical first, u32 size) {
    if (page_number(first) < page_count_)
        pages_[page_number(first)].code_granules |= granule_mask(page_offset(first.value), size);
}

void PhysicalMemory::clear_code(Physical page_address) {
    if (page_number(page_address) < page_count_) pages_[page_number(page_address)].code_granules = 0;
}

} // namespace truering
