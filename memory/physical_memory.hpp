// The physical address space: RAM, ROM and memory-mapped registers, in pages of 4 KiB.
//
// Every page says what answers to a read and to a write: host memory, or a device, or nobody (reads as all ones,
// writes are lost). Reads and writes are mapped apart, which is all that ROM and the chipset's shadow RAM need.
//
// It also keeps, for each page of RAM, which granules of 128 bytes hold instructions that a processor has decoded; a
// write to one of them, by whomever, is told to the listener before the writer goes on.
#pragma once

#include "base/types.hpp"

#include <memory>
#include <span>
#include <vector>

namespace truering {

// A device with registers in memory. `offset` counts from the start of its mapping; `size` is 1, 2 or 4, and an access
// never crosses a page.
class MmioDevice {
  public:
    virtual u32 read_mmio(u32 offset, unsigned size) = 0;
    virtual void write_mmio(u32 offset, u32 value, unsigned size) = 0;

  protected:
    ~MmioDevice() = default;
};

// Whoever caches translations or decoded instructions.
class MemoryListener {
  public:
    virtual void mapping_changed() = 0;
    // Bytes that hold decoded instructions are about to change, or just did.
    virtual void code_written(Physical first, u32 size) = 0;

  protected:
    ~MemoryListener() = default;
};

struct PageMapping {
    u8* read;           // host address of the page's first byte, or null
    u8* write;          // the same for writes
    MmioDevice* device; // answers where the pointer is null; may be null itself: nobody
    u32 device_offset;  // the page's place in the device's mapping
    u32 code_granules;  // bit n: bytes n*128..n*128+127 hold decoded instructions
};

class PhysicalMemory {
  public:
    static constexpr u32 code_granule_size = 128;
    static constexpr u64 hole_start = 0xC000'0000; // RAM beyond this goes above 4 GiB; the hole is for PCI
    static constexpr u64 four_gib = u64{1} << 32;

    // RAM of `ram_bytes` (a multiple of 4 KiB, at most 32 GiB), all zero, mapped at 0 and, past hole_start, at 4 GiB.
    // Throws std::bad_alloc.
    explicit PhysicalMemory(u64 ram_bytes);
    PhysicalMemory(const PhysicalMemory&) = delete;
    PhysicalMemory& operator=(const PhysicalMemory&) = delete;

    [[nodiscard]] u64 ram_size() const { return ram_size_; }
    [[nodiscard]] u64 ram_below_4g() const { return ram_size_ < hole_start ? ram_size_ : hole_start; }
    [[nodiscard]] u64 ram_above_4g() const { return ram_size_ - ram_below_4g(); }
    [[nodiscard]] std::span<u8> ram() { return {ram_.get(), ram_size_}; } // in order, without the hole

    void set_listener(MemoryListener* listener) { listener_ = listener; }

    // Mappings; first and bytes are multiples of 4 KiB and below the end of the page table.
    void map_ram(Physical first, u64 bytes);                // the RAM that belongs at this address (shadow RAM on)
    void map_memory(Physical first, std::span<u8> host);    // other host memory, a frame buffer
    void map_rom(Physical first, std::span<const u8> host); // reads from host; writes are lost
    void map_rom_over_ram(Physical first, std::span<const u8> host); // reads from host, writes to the RAM below it
    void map_ram_read_only(Physical first, u64 bytes);               // reads from RAM; writes are lost
    void map_device(Physical first, u64 bytes, MmioDevice& device, u32 device_offset = 0);
    void unmap(Physical first, u64 bytes);

    // The mapping of the page that holds an address; beyond the table, nobody's.
    [[nodiscard]] const PageMapping& page(Physical address) const {
        const u64 number = page_number(address);
        return number < page_count_ ? pages_[number] : nobody_;
    }
    // Is every byte of the page ordinary RAM, readable and writable?
    [[nodiscard]] bool is_ram(Physical address) const { return page(address).write != nullptr; }

    // Any access, by processor or DMA; may cross pages. Reads from nobody give FFH.
    void read(Physical from, std::span<u8> to);
    void write(Physical to, std::span<const u8> from);

    // One access of 1, 2 or 4 bytes that crosses no page.
    u32 read(Physical address, unsigned size);
    void write(Physical address, u32 value, unsigned size);

    // Reads without side effects: bytes of devices read as FFH.
    void peek(Physical from, std::span<u8> to) const;

    void mark_code(Physical first, u32 size); // crosses no page
    void clear_code(Physical page_address);

  private:
    struct Free {
        void operator()(void* p) const;
    };
    template <class Set> void change(Physical first, u64 bytes, Set set);
    [[nodiscard]] u8* ram_at(Physical address) const;
    void note_write(PageMapping& page, Physical address, u32 size);

    u64 ram_size_;
    std::unique_ptr<u8[], Free> ram_;
    u64 page_count_;
    std::unique_ptr<PageMapping[], Free> pages_;
    PageMapping nobody_{};
    MemoryListener* listener_ = nullptr;
};

} // namespace truering
