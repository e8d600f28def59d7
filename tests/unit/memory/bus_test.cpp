#include "memory/physical_memory.hpp"
#include "memory/port_bus.hpp"

#include <array>
#include <gtest/gtest.h>
#include <string>

namespace truering {
namespace {

struct Ports final : PortDevice {
    std::string log;
    u32 read_port(u16 port, unsigned size) override {
        log += "r" + std::to_string(port) + "/" + std::to_string(size) + " ";
        return port & 0xFFu;
    }
    void write_port(u16 port, u32 value, unsigned size) override {
        log += "w" + std::to_string(port) + "/" + std::to_string(size) + "=" + std::to_string(value) + " ";
    }
};

TEST(PortBus, SplitsWideAccessesToNarrowChips) {
    PortBus bus;
    Ports chip;
    bus.map(0x10, 4, chip);
    EXPECT_EQ(bus.read(0x10, 4), 0x13121110u);
    bus.write(0x12, 0xABCD, 2);
    EXPECT_EQ(chip.log, "r16/1 r17/1 r18/1 r19/1 w18/1=205 w19/1=171 ");
}

TEST(PortBus, WideChipGetsOneAccessAndNeighboursAreSplit) {
    PortBus bus;
    Ports wide, narrow;
    bus.map(0x20, 4, wide, PortWidth::Dword);
    bus.map(0x24, 1, narrow);
    EXPECT_EQ(bus.read(0x20, 4), 0x20u);
    EXPECT_EQ(bus.read(0x23, 2), 0x2423u);
    EXPECT_EQ(wide.log, "r32/4 r35/1 ");
    EXPECT_EQ(bus.read(0x25, 4), 0xFFFFFFFFu);
    EXPECT_EQ(bus.read(0xFFFF, 4), 0xFFFFFFFFu); // past the last port nobody answers
}

struct Watcher final : MemoryListener {
    int mappings = 0;
    std::vector<u64> written;
    void mapping_changed() override { ++mappings; }
    void code_written(Physical first, u32) override { written.push_back(first.value); }
};

TEST(PhysicalMemory, RamRomAndNobody) {
    PhysicalMemory memory(1 << 20);
    std::vector<u8> rom(page_size, 0x5A);
    memory.write({0x1000}, 0x12345678, 4);
    EXPECT_EQ(memory.read({0x1002}, 2), 0x1234u);
    memory.map_rom_over_ram({0x1000}, rom);
    EXPECT_EQ(memory.read({0x1002}, 1), 0x5Au);
    memory.write({0x1002}, 0x99, 1);
    EXPECT_EQ(rom[2], 0x5A);
    memory.map_ram({0x1000}, page_size);
    EXPECT_EQ(memory.read({0x1000}, 4), 0x12995678u);
    EXPECT_EQ(memory.read({0x200000}, 4), 0xFFFFFFFFu);
    memory.write({u64{1} << 36}, 1, 4); // beyond everything: lost
}

TEST(PhysicalMemory, TellsWritesToCodeByGranule) {
    PhysicalMemory memory(1 << 20);
    Watcher watcher;
    memory.set_listener(&watcher);
    memory.mark_code({0x2100}, 4);
    memory.write({0x20FC}, 0, 4); // the granule below
    EXPECT_TRUE(watcher.written.empty());
    memory.write({0x217F}, 0, 1);
    EXPECT_EQ(watcher.written.size(), 1u);
    const std::array<u8, 0x300> bytes{};
    memory.write({0x2000}, bytes); // as DMA does it
    EXPECT_EQ(watcher.written.size(), 2u);
}

} // namespace
} // namespace truering
