#include "devices/fw_cfg.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace truering {
namespace {

using Bytes = std::vector<u8>;

class FwCfgTest : public testing::Test {
  protected:
    FwCfgTest() { config.map(bus); }

    Bytes read(u16 key, size_t count) {
        bus.write(0x510, key, 2);
        Bytes bytes;
        for (size_t i = 0; i < count; ++i) bytes.push_back(static_cast<u8>(bus.read(0x511, 1)));
        return bytes;
    }
    static u32 swap(u32 v) { return __builtin_bswap32(v); }

    // A DMA command at 1000H; its control field afterwards.
    u32 dma(u32 control, u32 length, u64 address) {
        memory.write({0x1000}, swap(control), 4);
        memory.write({0x1004}, swap(length), 4);
        memory.write({0x1008}, swap(static_cast<u32>(address >> 32)), 4);
        memory.write({0x100C}, swap(static_cast<u32>(address)), 4);
        bus.write(0x514, 0, 4);
        bus.write(0x518, swap(0x1000), 4);
        return swap(memory.read({0x1000}, 4));
    }

    PhysicalMemory memory{1 << 20};
    PortBus bus;
    FwCfg config{memory};
};

TEST_F(FwCfgTest, SignatureIdAndDmaSignature) {
    EXPECT_EQ(read(0, 5), (Bytes{'Q', 'E', 'M', 'U', 0}));
    EXPECT_EQ(read(1, 4), (Bytes{3, 0, 0, 0}));
    EXPECT_EQ(bus.read(0x514, 4), 0x554D4551u); // "QEMU" in memory order
    EXPECT_EQ(bus.read(0x518, 4), 0x47464320u); // " CFG"
}

TEST_F(FwCfgTest, NumbersAndRewinding) {
    config.add_u16(FwCfg::Key::NbCpus, 1);
    config.add_u64(FwCfg::Key::RamSize, 0x1234'5678'9ABCull);
    EXPECT_EQ(read(5, 3), (Bytes{1, 0, 0}));
    EXPECT_EQ(read(3, 8), (Bytes{0xBC, 0x9A, 0x78, 0x56, 0x34, 0x12, 0, 0}));
    EXPECT_EQ(read(3, 1), Bytes{0xBC});
    EXPECT_EQ(read(0x3FFF, 2), (Bytes{0, 0})); // nothing there
}

TEST_F(FwCfgTest, DirectoryIsSortedAndBigEndian) {
    config.add_file("genroms/linuxboot.bin", Bytes(0x1234));
    config.add_file_string("bootorder", "/pci@i0cf8/ide@1,1/drive@0/disk@0");
    config.add_file("etc/e820", {});
    config.add_file("etc/e820", {1, 2, 3}); // replaces
    const Bytes directory = read(0x19, 4 + 3 * 64);
    EXPECT_EQ(Bytes(directory.begin(), directory.begin() + 4), (Bytes{0, 0, 0, 3}));
    const auto name = [&](size_t i) { return std::string(reinterpret_cast<const char*>(&directory[4 + i * 64 + 8])); };
    EXPECT_EQ(name(0), "bootorder");
    EXPECT_EQ(name(1), "etc/e820");
    EXPECT_EQ(name(2), "genroms/linuxboot.bin");
    EXPECT_EQ(Bytes(&directory[4 + 128], &directory[4 + 128 + 6]), (Bytes{0, 0, 0x12, 0x34, 0, 0x20}));
    const u16 key = static_cast<u16>(directory[4 + 64 + 4] << 8 | directory[4 + 64 + 5]);
    EXPECT_EQ(read(key, 4), (Bytes{1, 2, 3, 0}));
    EXPECT_THROW(config.add_file(std::string(56, 'x'), {}), std::length_error);
}

TEST_F(FwCfgTest, E820Rows) {
    const FwCfg::MemoryRange ranges[] = {{0, 0xA0000, 1}, {0xFFFC0000, 0x40000, 2}};
    config.add_e820(ranges);
    const Bytes* table = config.file("etc/e820");
    ASSERT_NE(table, nullptr);
    ASSERT_EQ(table->size(), 40u);
    EXPECT_EQ(Bytes(table->begin() + 20, table->end()),
              (Bytes{0, 0, 0xFC, 0xFF, 0, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 2, 0, 0, 0}));
    EXPECT_EQ(config.file("none"), nullptr);
}

TEST_F(FwCfgTest, DmaSelectsReadsAndSkips) {
    config.add_file("a", {1, 2, 3, 4, 5, 6, 7, 8});
    memory.write({0x2004}, 0xFFFFFFFF, 4);
    EXPECT_EQ(dma(0x20 << 16 | 0x08 | 0x02, 4, 0x2000), 0u);
    EXPECT_EQ(memory.read({0x2000}, 4), 0x04030201u);
    EXPECT_EQ(memory.read({0x2004}, 1), 0xFFu);
    EXPECT_EQ(dma(0x04, 2, 0), 0u);
    EXPECT_EQ(dma(0x02, 4, 0x2000), 0u); // two bytes are left, then zeros
    EXPECT_EQ(memory.read({0x2000}, 4), 0x00000807u);
}

TEST_F(FwCfgTest, DmaWritesOnlyWhereAllowed) {
    config.add_file("locked", {1, 2});
    config.add_file("open", {1, 2}, FwCfg::Access::Writable);
    memory.write({0x2000}, 0x0B0A, 2);
    EXPECT_EQ(dma(0x20 << 16 | 0x18, 2, 0x2000), 1u);
    EXPECT_EQ(dma(0x21 << 16 | 0x18, 3, 0x2000), 1u);
    EXPECT_EQ(dma(0x21 << 16 | 0x18, 2, 0x2000), 0u);
    EXPECT_EQ(*config.file("open"), (Bytes{0x0A, 0x0B}));
    EXPECT_EQ(*config.file("locked"), (Bytes{1, 2}));
}

TEST_F(FwCfgTest, DmaAnywhereIsHarmless) {
    config.add_file("a", Bytes(100));
    EXPECT_EQ(dma(0x20 << 16 | 0x0A, 0xFFFFFFFF, 0xFFFFFFFF'FFFFFF00), 0u);
    EXPECT_EQ(dma(0x20 << 16 | 0x0A, 0xFFFFFFFF, 0xFFF80), 0u);
    bus.write(0x514, 0xFFFFFFFF, 4);
    bus.write(0x518, 0xFFFFFFFF, 4); // the descriptor itself is nowhere
    for (u32 i = 0; i < 8; ++i) bus.write(static_cast<u16>(0x514 + i), 0, 1);
    EXPECT_EQ(read(0, 4), (Bytes{'Q', 'E', 'M', 'U'}));
}

} // namespace
} // namespace truering
