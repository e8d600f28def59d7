// A channel on a bench, for tests: the host's side of the task file in a few calls.
#pragma once

#include "devices/ata_commands.hpp"
#include "devices/ide_channel.hpp"
#include "tests/unit/devices/test_clock.hpp"

#include <vector>

namespace truering {

struct IdeBench {
    static constexpr u16 base = 0x1F0;
    static constexpr u16 control = 0x3F6;

    EventQueue clock;
    PortBus bus;
    IdeChannel channel{ide_primary};
    int interrupts = 0;

    IdeBench() {
        channel.map(bus);
        channel.intrq.connect_to<&IdeBench::hear>(*this);
    }
    void hear(unsigned, bool level) {
        if (level) ++interrupts;
    }

    u8 in(AtaReg reg) { return static_cast<u8>(bus.read(static_cast<u16>(base + static_cast<u16>(reg)), 1)); }
    void out(AtaReg reg, u32 value) { bus.write(static_cast<u16>(base + static_cast<u16>(reg)), value & 0xFF, 1); }
    u8 alternate_status() { return static_cast<u8>(bus.read(control, 1)); }
    void device_control(u32 value) { bus.write(control, value, 1); }

    void address_lba28(u32 lba, u32 count, u32 drive = 0) {
        out(AtaReg::Device, 0xE0 | drive << 4 | (lba >> 24 & 15));
        out(AtaReg::SectorCount, count);
        out(AtaReg::LbaLow, lba);
        out(AtaReg::LbaMid, lba >> 8);
        out(AtaReg::LbaHigh, lba >> 16);
    }
    void address_chs(u32 cylinder, u32 head, u32 sector, u32 count) {
        out(AtaReg::Device, 0xA0 | head);
        out(AtaReg::SectorCount, count);
        out(AtaReg::LbaLow, sector);
        out(AtaReg::LbaMid, cylinder);
        out(AtaReg::LbaHigh, cylinder >> 8);
    }
    void address_lba48(u64 lba, u32 count) {
        out(AtaReg::Device, 0xE0);
        out(AtaReg::SectorCount, count >> 8);
        out(AtaReg::LbaLow, static_cast<u32>(lba >> 24));
        out(AtaReg::LbaMid, static_cast<u32>(lba >> 32));
        out(AtaReg::LbaHigh, static_cast<u32>(lba >> 40));
        out(AtaReg::SectorCount, count);
        out(AtaReg::LbaLow, static_cast<u32>(lba));
        out(AtaReg::LbaMid, static_cast<u32>(lba >> 8));
        out(AtaReg::LbaHigh, static_cast<u32>(lba >> 16));
    }
    void command(AtaCommand code) { out(AtaReg::StatusCommand, static_cast<u32>(code)); }

    // Lets the drive work until it is no longer busy; returns the status and so takes the interrupt back.
    u8 wait() {
        for (int i = 0; i < 100000 && (alternate_status() & ata_status::BSY) != 0; ++i)
            if (!clock.run_next()) break;
        return in(AtaReg::StatusCommand);
    }

    std::vector<u8> read_block(size_t bytes) {
        std::vector<u8> block(bytes + 1);
        for (size_t i = 0; i < bytes; i += 2) {
            const u32 word = bus.read(base, 2);
            block[i] = static_cast<u8>(word);
            block[i + 1] = static_cast<u8>(word >> 8);
        }
        block.resize(bytes);
        return block;
    }
    void write_block(const std::vector<u8>& block) {
        for (size_t i = 0; i < block.size(); i += 2)
            bus.write(base, static_cast<u32>(block[i] | (i + 1 < block.size() ? block[i + 1] : 0) << 8), 2);
    }
};

} // namespace truering
