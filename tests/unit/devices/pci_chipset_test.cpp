#include "devices/i440fx.hpp"
#include "devices/pci_host.hpp"
#include "devices/piix3_isa.hpp"

#include <gtest/gtest.h>

#include <optional>

namespace truering {
namespace {

class Chipset : public testing::Test {
  protected:
    Chipset() {
        for (size_t i = 0; i < bios.size(); ++i) bios[i] = static_cast<u8>(i >> 12);
        video[0] = 0x55;
        bridge.emplace(memory, bios, video);
        isa.emplace(ports);
        host.attach(*bridge, 0, 0);
        host.attach(*isa, 1, 0);
        for (unsigned n = 0; n < 4; ++n) host.pirq[n].connect_to<&Piix3Isa::hear_pirq>(*isa, n);
    }
    void write(unsigned slot, u8 offset, u8 value) {
        ports.write(0xCF8, 0x80000000u | slot << 11 | (offset & 0xFCu), 4);
        ports.write(static_cast<u16>(0xCFC + (offset & 3)), value, 1);
    }
    u8 byte_at(u64 address) { return static_cast<u8>(memory.read({address}, 1)); }

    PortBus ports;
    PhysicalMemory memory{2 << 20};
    PciHost host{ports, memory};
    std::vector<u8> bios = std::vector<u8>(256 << 10);
    std::vector<u8> video = std::vector<u8>(32 << 10);
    std::optional<I440fx> bridge;
    std::optional<Piix3Isa> isa;
};

TEST_F(Chipset, RomsStandWhereTheProcessorStartsAndBelow1M) {
    EXPECT_EQ(byte_at(0xFFFFFFF0), 0x3F);
    EXPECT_EQ(byte_at(0xFFFC0000), 0x00);
    EXPECT_EQ(byte_at(0xFFFF0), 0x3F);
    EXPECT_EQ(byte_at(0xE0000), 0x20) << "the last 128 KiB";
    EXPECT_EQ(byte_at(0xC0000), 0x55);
    EXPECT_EQ(byte_at(0xD0000), 0xFF);
}

TEST_F(Chipset, FirmwareCopiesItselfIntoShadowRam) {
    memory.write({0xF0000}, 0xAB, 1);
    EXPECT_EQ(byte_at(0xF0000), 0x30) << "ROM ignores writes";
    write(0, 0x59, 0x20); // writes to RAM, reads from ROM
    memory.write({0xF0000}, 0xAB, 1);
    EXPECT_EQ(byte_at(0xF0000), 0x30);
    write(0, 0x59, 0x10); // RAM, read-only
    EXPECT_EQ(byte_at(0xF0000), 0xAB);
    memory.write({0xF0000}, 0xCD, 1);
    EXPECT_EQ(byte_at(0xF0000), 0xAB);
    write(0, 0x59, 0x30);
    memory.write({0xF0000}, 0xCD, 1);
    EXPECT_EQ(byte_at(0xF0000), 0xCD);
}

TEST_F(Chipset, EachNibbleGovernsItsOwnSegment) {
    write(0, 0x5F, 0x30); // ECxxx only
    memory.write({0xEC000}, 1, 1);
    memory.write({0xE8000}, 1, 1);
    memory.write({0xF0000}, 1, 1);
    EXPECT_EQ(byte_at(0xEC000), 1);
    EXPECT_EQ(byte_at(0xE8000), 0x28);
    EXPECT_EQ(byte_at(0xF0000), 0x30);
    write(0, 0x5A, 0x03); // C0xxx only
    memory.write({0xC0000}, 7, 1);
    memory.write({0xC4000}, 7, 1);
    EXPECT_EQ(byte_at(0xC0000), 7);
    EXPECT_EQ(byte_at(0xC4000), 0);
}

TEST_F(Chipset, ResetShowsTheRomAgain) {
    write(0, 0x59, 0x30);
    memory.write({0xFFFF0}, 1, 1);
    host.reset();
    EXPECT_EQ(byte_at(0xFFFF0), 0x3F);
}

TEST_F(Chipset, OpenSmramIsRamAndTheLockClosesIt) {
    EXPECT_FALSE(memory.is_ram({0xA0000}) && bridge->smram_open.level());
    write(0, 0x72, 0x4A);
    EXPECT_TRUE(bridge->smram_open.level());
    EXPECT_TRUE(memory.is_ram({0xA0000}));
    write(0, 0x72, 0x0A);
    EXPECT_FALSE(bridge->smram_open.level());
    EXPECT_FALSE(memory.is_ram({0xA0000}));
    write(0, 0x72, 0x1A);
    write(0, 0x72, 0x5A);
    EXPECT_FALSE(bridge->smram_open.level());
}

TEST_F(Chipset, PirqsAreRoutedSharedAndMasked) {
    host.pirq[0].raise();
    for (const Line& line : isa->irq) EXPECT_FALSE(line.level()) << "not routed after reset";
    write(1, 0x60, 10);
    write(1, 0x61, 10);
    EXPECT_TRUE(isa->irq[10].level());
    host.pirq[1].raise();
    host.pirq[0].lower();
    EXPECT_TRUE(isa->irq[10].level());
    write(1, 0x61, 0x8A);
    EXPECT_FALSE(isa->irq[10].level());
    write(1, 0x61, 8); // the clock's: cannot be routed to
    EXPECT_FALSE(isa->irq[8].level());
    write(1, 0x61, 11);
    EXPECT_TRUE(isa->irq[11].level());
}

struct Count {
    unsigned pulses = 0;
    void hear(unsigned, bool level) { pulses += level ? 1 : 0; }
};

TEST_F(Chipset, ResetControlActsOnTheRisingBit) {
    Count hard, soft;
    isa->hard_reset.connect_to<&Count::hear>(hard);
    isa->processor_init.connect_to<&Count::hear>(soft);
    ports.write(0xCF9, 0x02, 1);
    EXPECT_EQ(hard.pulses + soft.pulses, 0u);
    EXPECT_EQ(ports.read(0xCF9, 1), 0x02u);
    ports.write(0xCF9, 0x06, 1);
    EXPECT_EQ(hard.pulses, 1u);
    ports.write(0xCF9, 0x04, 1);
    EXPECT_EQ(hard.pulses, 1u);
    EXPECT_EQ(soft.pulses, 1u);
    EXPECT_EQ(ports.read(0xCF8, 4), 0u) << "the doubleword at CF8H stays the PCI address";
}

} // namespace
} // namespace truering
