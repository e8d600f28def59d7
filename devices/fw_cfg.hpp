// QEMU's firmware configuration device: named and numbered blobs that firmware reads from ports 510H-51BH.
//
// A selector (510H, 16 bits) picks an item and rewinds it; reads of 511H give its bytes, zeros behind its end. By DMA
// (514H, a 64-bit big-endian address of a descriptor; writing its low half at 518H starts) whole items move at once.
// Files are items from key 20H on, listed in the directory (key 19H) in the order of their names.
//
// What firmware is told lies in data, not here: the machine adds RAM size, processor count, "etc/e820" and so on.
// SeaBIOS wants: signature and id (always there), "etc/e820" or ram_size, nb_cpus, max_cpus, boot_menu; it uses
// "bootorder", "etc/boot-fail-wait", "etc/show-boot-menu" and others where they are.
//
// Source: QEMU, "QEMU Firmware Configuration (fw_cfg) Device" (docs/specs/fw_cfg).
#pragma once

#include "memory/physical_memory.hpp"
#include "memory/port_bus.hpp"

#include <array>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace truering {

class FwCfg final : public PortDevice {
  public:
    static constexpr u16 selector_port = 0x510;
    static constexpr u16 data_port = 0x511;
    static constexpr u16 dma_port = 0x514;

    enum class Key : u16 {
        Signature = 0x00,
        Id = 0x01,
        Uuid = 0x02,
        RamSize = 0x03,   // u64
        NoGraphic = 0x04, // u16
        NbCpus = 0x05,    // u16
        MachineId = 0x06,
        KernelAddr = 0x07, // u32, and so are sizes, addresses and entries below
        KernelSize = 0x08,
        KernelCmdline = 0x09,
        InitrdAddr = 0x0A,
        InitrdSize = 0x0B,
        BootDevice = 0x0C,
        Numa = 0x0D,     // u64s
        BootMenu = 0x0E, // u16
        MaxCpus = 0x0F,  // u16
        KernelEntry = 0x10,
        KernelData = 0x11,
        InitrdData = 0x12,
        CmdlineAddr = 0x13,
        CmdlineSize = 0x14,
        CmdlineData = 0x15,
        SetupAddr = 0x16,
        SetupSize = 0x17,
        SetupData = 0x18,
        FileDir = 0x19,
        FirstFile = 0x20,
        AcpiTables = 0x8000,
        SmbiosEntries = 0x8001,
        Irq0Override = 0x8002,
        E820Table = 0x8003,
    };

    // A row of "etc/e820".
    struct MemoryRange {
        u64 address;
        u64 length;
        u32 type; // 1 RAM, 2 reserved, 3 ACPI, 4 NVS
    };

    enum class Access : u8 { ReadOnly, Writable }; // by the guest, through DMA

    static constexpr size_t longest_name = 55;

    explicit FwCfg(PhysicalMemory& memory);
    FwCfg(const FwCfg&) = delete;
    FwCfg& operator=(const FwCfg&) = delete;

    void map(PortBus& bus);
    void reset(); // selector and DMA address; the items stay

    // Adds an item, or replaces it. Numbers are stored little-endian, strings with their terminating zero.
    void add_item(Key key, std::vector<u8> bytes);
    void add_u16(Key key, u16 value);
    void add_u32(Key key, u32 value);
    void add_u64(Key key, u64 value);
    void add_string(Key key, std::string_view text);

    // Adds a file, or replaces its bytes. Throws std::length_error for a name longer than longest_name and when there
    // are as many files as the key space has room for.
    void add_file(std::string_view name, std::vector<u8> bytes, Access access = Access::ReadOnly);
    void add_file_u64(std::string_view name, u64 value); // as SeaBIOS reads its "etc/..." numbers
    void add_file_string(std::string_view name, std::string_view text);
    void add_e820(std::span<const MemoryRange> ranges);

    // The bytes of a file, as the guest may have changed them; null when there is none of that name.
    [[nodiscard]] const std::vector<u8>* file(std::string_view name) const;

    u32 read_port(u16 port, unsigned size) override;
    void write_port(u16 port, u32 value, unsigned size) override;

  private:
    struct Item {
        std::vector<u8> bytes;
        Access access = Access::ReadOnly;
    };

    void select(u16 key);
    [[nodiscard]] Item* selected();
    u8 next_byte();
    void run_dma();
    bool dma_read(Physical to, u32 length);
    bool dma_write(Physical from, u32 length);
    void fill_zeros(Physical first, u64 length);
    void skip(u32 length);
    void build_directory();

    PhysicalMemory& memory_;
    std::map<u16, Item> items_;
    std::map<std::string, u16, std::less<>> files_; // name to key
    u16 key_ = 0;
    u64 offset_ = 0;
    u64 dma_address_ = 0;
};

} // namespace truering
