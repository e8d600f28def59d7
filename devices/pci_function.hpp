// One function of a PCI device: its 256 bytes of configuration space and what the base addresses in them decode.
//
// A card derives from this, says in its constructor who it is and which regions it decodes, and is attached to a
// PciHost once. Its registers stay ordinary port or memory-mapped devices that never see configuration space; the host
// maps and unmaps them as software moves the base addresses (base and size of a region by `bar_address`).
//
// Invariants: configuration bytes change from outside only through `write_config`, under two masks (plain writable
// bits, and bits that a written 1 clears). A region is decoded where the command register and its base address say so,
// unless something other than a PCI region already answers there: RAM, ROM and the chips on the ISA bus win.
//
// Source: PCI Local Bus Specification 2.1, chapter 6.
#pragma once

#include "base/bits.hpp"
#include "memory/line.hpp"
#include "memory/physical_memory.hpp"
#include "memory/port_bus.hpp"

#include <array>
#include <span>
#include <vector>

namespace truering {

enum class PciRegister : u8 {
    VendorId = 0x00,
    DeviceId = 0x02,
    Command = 0x04,
    Status = 0x06,
    RevisionId = 0x08,
    ProgrammingInterface = 0x09,
    SubClass = 0x0A,
    BaseClass = 0x0B,
    CacheLineSize = 0x0C,
    LatencyTimer = 0x0D,
    HeaderType = 0x0E,
    BaseAddress0 = 0x10,
    SubsystemVendorId = 0x2C,
    SubsystemId = 0x2E,
    ExpansionRomBase = 0x30,
    InterruptLine = 0x3C,
    InterruptPin = 0x3D,
};

struct PciIdentity {
    u16 vendor;
    u16 device;
    u32 class_code; // base class, subclass, programming interface: 0x010180 is an IDE controller with bus mastering
    u8 revision = 0;
    u16 subsystem_vendor = 0x1AF4; // firmware and drivers know an emulated PC by this pair
    u16 subsystem = 0x1100;
};

enum class PciPin : u8 { None, IntA, IntB, IntC, IntD };

// Bits of the Command register.
namespace pci_command {
inline constexpr u16 io_space = 1 << 0;
inline constexpr u16 memory_space = 1 << 1;
inline constexpr u16 bus_master = 1 << 2;
} // namespace pci_command

enum class PciPrefetch : u8 { No, Yes };

class PciFunction {
  public:
    static constexpr unsigned bar_count = 6;
    static constexpr unsigned rom_region = 6; // the expansion ROM, behind the six base addresses
    static constexpr unsigned region_count = 7;

    PciFunction(const PciFunction&) = delete;
    PciFunction& operator=(const PciFunction&) = delete;

    virtual ~PciFunction() = default;

    // Power-on: command 0, base addresses 0, everything else as the constructor left it. A card that has state of its
    // own overrides it and calls this one too; PciHost::reset() calls it for every function.
    virtual void reset();

    // Configuration cycles. `offset` + `size` stays within the aligned doubleword.
    [[nodiscard]] virtual u32 read_config(u8 offset, unsigned size) const;
    void write_config(u8 offset, u32 value, unsigned size);

    // The interrupt pin, level-sensitive: the host routes it by slot and pin. Drive it with set(level).
    Line intx;

    // Base of region n where software put it, whether or not it is decoded at present. For I/O and memory alike
    // without the flag bits.
    [[nodiscard]] u32 bar_address(unsigned n) const;
    [[nodiscard]] bool is_mapped(unsigned n) const { return regions_[n].mapped; }

    [[nodiscard]] u16 command() const { return config_16(PciRegister::Command); }
    [[nodiscard]] bool may_master_bus() const { return (command() & pci_command::bus_master) != 0; }

    [[nodiscard]] PciPin pin() const { return static_cast<PciPin>(config_[offset_of(PciRegister::InterruptPin)]); }

  protected:
    explicit PciFunction(const PciIdentity& identity, PciPin pin = PciPin::None);

    // Regions, to be declared in the constructor. Sizes are powers of two: I/O 4 to 256 ports, memory at least 4 KiB.
    // The device sees absolute ports, or offsets from the region's start.
    void add_io_bar(unsigned n, u32 size, PortDevice& device, PortWidth width);
    void add_memory_bar(unsigned n, u32 size, MmioDevice& device);
    void add_memory_bar(unsigned n, std::span<u8> memory, PciPrefetch prefetch); // host memory, a frame buffer
    void add_rom(std::span<const u8> image);                                     // copied, and padded to a power of two

    // Power-on values and masks of further registers; little-endian, `size` 1, 2 or 4 bytes.
    void set_config(u8 offset, u32 value, unsigned size = 1);   // the present value; not remembered for reset()
    void allow_writes(u8 offset, u32 mask, unsigned size = 1);  // plain read-write bits
    void clear_by_ones(u8 offset, u32 mask, unsigned size = 1); // bits that a written 1 clears

    // Called after a configuration write touched bytes offset..offset+size-1.
    virtual void config_written(u8 offset, unsigned size);

    [[nodiscard]] u8 config_8(u8 offset) const { return config_[offset]; }
    [[nodiscard]] u16 config_16(PciRegister reg) const;

    static constexpr u8 offset_of(PciRegister reg) { return static_cast<u8>(reg); }

  private:
    friend class PciHost;

    struct Region {
        enum class Kind : u8 { None, Io, Device, Memory, Rom } kind = Kind::None;
        u32 size = 0;
        PortDevice* ports = nullptr;
        PortWidth width = PortWidth::Byte;
        MmioDevice* device = nullptr;
        std::span<u8> memory;
        bool mapped = false;
        u32 mapped_at = 0;
    };

    static constexpr u8 bar_offset(unsigned n) {
        return static_cast<u8>(n == rom_region ? offset_of(PciRegister::ExpansionRomBase)
                                               : offset_of(PciRegister::BaseAddress0) + 4 * n);
    }
    [[nodiscard]] u32 config_32(u8 offset) const;
    [[nodiscard]] bool is_enabled(unsigned n) const;
    void declare(unsigned n, Region region, u32 flags);

    // The host's part: brings what is decoded in line with the registers, in two steps for the whole bus.
    void unmap_moved(PortBus& ports, PhysicalMemory& memory);
    void map_wanted(PortBus& ports, PhysicalMemory& memory);
    void map_region(unsigned n, PortBus& ports, PhysicalMemory& memory);

    std::array<u8, 256> config_{};
    std::array<u8, 256> writable_{};
    std::array<u8, 256> write_1_clears_{};
    std::array<Region, region_count> regions_{};
    std::vector<u8> rom_;
};

} // namespace truering
