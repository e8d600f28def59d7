#include "devices/pci_host.hpp"

#include <gtest/gtest.h>

namespace truering {
namespace {

class Card final : public PciFunction, public PortDevice, public MmioDevice {
  public:
    Card() : PciFunction({.vendor = 0x1234, .device = 0x5678, .class_code = 0x020000}, PciPin::IntA) {
        add_io_bar(0, 32, *this, PortWidth::Word);
        add_memory_bar(1, 4096, *this);
        add_memory_bar(2, frame, PciPrefetch::Yes);
        add_rom(rom);
    }
    u32 read_port(u16 port, unsigned) override { return 0xA000u | (port - bar_address(0)); }
    void write_port(u16, u32 value, unsigned) override { last = value; }
    u32 read_mmio(u32 offset, unsigned) override { return 0x55000000 | offset; }
    void write_mmio(u32, u32 value, unsigned) override { last = value; }

    u32 last = 0;

  private:
    std::vector<u8> frame = std::vector<u8>(65536);
    std::vector<u8> rom = {0x55, 0xAA, 3};
};

class Pci : public testing::Test {
  protected:
    Pci() { host.attach(card, 3, 0); }
    u32 read(unsigned slot, u8 offset, unsigned size, unsigned bus = 0) {
        ports.write(0xCF8, 0x80000000u | bus << 16 | slot << 11 | (offset & 0xFCu), 4);
        return ports.read(static_cast<u16>(0xCFC + (offset & 3)), size);
    }
    void write(unsigned slot, u8 offset, u32 value, unsigned size) {
        ports.write(0xCF8, 0x80000000u | slot << 11 | (offset & 0xFCu), 4);
        ports.write(static_cast<u16>(0xCFC + (offset & 3)), value, size);
    }

    PortBus ports;
    PhysicalMemory memory{1 << 20};
    PciHost host{ports, memory};
    Card card;
};

TEST_F(Pci, ReadsIdentityInEveryWidth) {
    EXPECT_EQ(read(3, 0, 4), 0x56781234u);
    EXPECT_EQ(read(3, 2, 2), 0x5678u);
    EXPECT_EQ(read(3, 0x0B, 1), 0x02u);
    EXPECT_EQ(read(3, 0x2C, 4), 0x11001AF4u);
    EXPECT_EQ(read(3, 0x3D, 1), 1u);
}

TEST_F(Pci, NobodyReadsAsOnes) {
    EXPECT_EQ(read(4, 0, 4), ~0u);
    EXPECT_EQ(read(3, 0, 4, 1), ~0u);
    ports.write(0xCF8, 3u << 11, 4); // not enabled
    EXPECT_EQ(ports.read(0xCFC, 4), ~0u);
}

TEST_F(Pci, AddressRegisterTakesDwordsOnly) {
    ports.write(0xCF8, 0x80001800, 4);
    ports.write(0xCF8, 0, 1);
    ports.write(0xCF8, 0, 2);
    EXPECT_EQ(ports.read(0xCF8, 4), 0x80001800u);
}

TEST_F(Pci, IdentityIsReadOnly) {
    write(3, 0, 0, 4);
    EXPECT_EQ(read(3, 0, 4), 0x56781234u);
}

TEST_F(Pci, WrittenOnesTellTheSizeOfARegion) {
    for (const u8 offset : std::array<u8, 5>{0x10, 0x14, 0x18, 0x1C, 0x30}) write(3, offset, ~0u, 4);
    EXPECT_EQ(read(3, 0x10, 4), 0xFFFFFFE1u);
    EXPECT_EQ(read(3, 0x14, 4), 0xFFFFF000u);
    EXPECT_EQ(read(3, 0x18, 4), 0xFFFF0008u);
    EXPECT_EQ(read(3, 0x1C, 4), 0u);
    EXPECT_EQ(read(3, 0x30, 4), 0xFFFFF001u);
}

TEST_F(Pci, IoRegionMovesWithItsBaseAndCommand) {
    write(3, 0x10, 0xC000, 4);
    EXPECT_EQ(ports.read(0xC004, 2), 0xFFFFu);
    write(3, 4, 1, 2);
    EXPECT_EQ(ports.read(0xC004, 2), 0xA004u);
    write(3, 0x10, 0xC100, 4);
    EXPECT_EQ(ports.read(0xC004, 2), 0xFFFFu);
    EXPECT_EQ(ports.read(0xC106, 2), 0xA006u);
    write(3, 4, 0, 2);
    EXPECT_EQ(ports.read(0xC106, 2), 0xFFFFu);
}

TEST_F(Pci, MemoryRegionsAndRomAppear) {
    write(3, 0x14, 0xFE000000, 4);
    write(3, 0x18, 0xFD000000, 4);
    write(3, 0x30, 0xFC000000, 4);
    write(3, 4, 2, 2);
    EXPECT_EQ(memory.read({0xFE000010}, 4), 0x55000010u);
    memory.write({0xFD000100}, 0x77, 1);
    EXPECT_EQ(memory.read({0xFD000100}, 1), 0x77u);
    EXPECT_EQ(memory.read({0xFC000000}, 2), 0xFFFFu) << "the ROM has an enable of its own";
    write(3, 0x30, 0xFC000001, 4);
    EXPECT_EQ(memory.read({0xFC000000}, 2), 0xAA55u);
}

TEST_F(Pci, RegionsNeverHideRamOrOtherChips) {
    Card second;
    ports.map(0x3F8, 8, second);
    write(3, 0x14, 0x1000, 4);
    write(3, 0x10, 0x3E0, 4);
    write(3, 4, 3, 2);
    memory.write({0x1000}, 0x12345678, 4);
    EXPECT_EQ(memory.read({0x1000}, 4), 0x12345678u);
    EXPECT_EQ(ports.read(0x3E0, 1), 0xFFu);
}

TEST_F(Pci, RegionsOfTwoCardsMayChangePlaces) {
    Card second;
    host.attach(second, 4, 0);
    write(3, 0x10, 0xC000, 4);
    write(4, 0x10, 0xC100, 4);
    write(3, 4, 1, 2);
    write(4, 4, 1, 2);
    write(3, 0x10, 0xC100, 4); // on top of the second
    write(4, 0x10, 0xC000, 4);
    ports.write(0xC100, 0x31, 1);
    ports.write(0xC000, 0x41, 1);
    EXPECT_EQ(card.last, 0x31u);
    EXPECT_EQ(second.last, 0x41u);
}

TEST_F(Pci, PinsSpreadOverThePirqsAndShareThem) {
    Card same_line; // slots 3 and 7 meet
    host.attach(same_line, 7, 0);
    card.intx.raise();
    EXPECT_TRUE(host.pirq[2].level());
    same_line.intx.raise();
    card.intx.lower();
    EXPECT_TRUE(host.pirq[2].level());
    same_line.intx.lower();
    EXPECT_FALSE(host.pirq[2].level());
}

TEST_F(Pci, ASecondFunctionMakesTheFirstMultifunction) {
    EXPECT_EQ(read(3, 0x0E, 1), 0u);
    Card other;
    host.attach(other, 3, 2);
    EXPECT_EQ(read(3, 0x0E, 1), 0x80u);
}

TEST_F(Pci, ResetUnmapsAndForgetsBases) {
    write(3, 0x10, 0xC000, 4);
    write(3, 4, 1, 2);
    host.reset();
    EXPECT_EQ(ports.read(0xC004, 2), 0xFFFFu);
    EXPECT_EQ(read(3, 0x10, 4), 1u);
    EXPECT_EQ(read(3, 0, 4), 0x56781234u);
}

} // namespace
} // namespace truering
