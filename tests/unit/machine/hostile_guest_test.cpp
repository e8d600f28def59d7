// A guest that does anything to any chip, in any order: nothing of it may harm the host. With sanitizers this test sees
// what a crash would not show.
#include "machine/pc.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>

namespace truering {
namespace {

class HostileGuestTest : public ::testing::TestWithParam<unsigned> {
  protected:
    void SetUp() override {
        std::string pattern = (std::filesystem::temp_directory_path() / "hostile-XXXXXX").string();
        ASSERT_NE(mkdtemp(pattern.data()), nullptr);
        folder = pattern;
        config.memory = 4 << 20;
        config.debug_exit_port = 0xF4;
        add("disk.img", 1 << 20);
        add("floppy.img", 1440 * 1024);
        add("disc.iso", 64 * 2048);
        config.drives[2].kind = MediumKind::CdRom;
        Firmware firmware;
        firmware.system.bytes.assign(64 * 1024, 0xF4);
        firmware.video.bytes.assign(4096, 0);
        pc = std::make_unique<Pc>(config, firmware, PcPlugs{}, Kernels{}, MessageSink{});
    }
    void TearDown() override {
        pc.reset();
        std::filesystem::remove_all(folder);
    }

    void add(const std::string& name, u64 size) {
        const std::filesystem::path path = folder / name;
        std::ofstream(path).close();
        std::filesystem::resize_file(path, size);
        DriveRequest drive;
        drive.file = path.string();
        drive.mode = MediumMode::Snapshot;
        config.drives.push_back(drive);
    }

    u32 below(u32 limit) { return static_cast<u32>(random() % limit); }
    bool one_in(u32 count) { return below(count) == 0; }

    u32 value() {
        const auto any = static_cast<u32>(random());
        switch (below(4)) {
        case 0: return any & 0xFF;
        case 1: return any & 0xFFFF;
        case 2: return 1u << (any & 31);
        default: return any;
        }
    }

    u16 port() {
        static constexpr u16 chips[] = {0x1F0, 0x170, 0x3F6,  0x376,  0x3F0,  0x20,   0xA0,  0x40,   0x60,  0x70,
                                        0x00,  0xC0,  0x80,   0x3C0,  0x3B0,  0x3D0,  0x1CE, 0xCF8,  0xCFC, 0x3F8,
                                        0x2F8, 0x378, 0x510,  0xB2,   0xAFE0, 0xAE00, 0x4D0, 0x92,   0x61,  0xF0,
                                        0x404, 0xE9,  0xB000, 0xC000, 0xC040, 0xF4,   0x402, 0xAF00, 0x3BC, 0x514};
        if (one_in(8)) return static_cast<u16>(random());
        return static_cast<u16>(chips[below(std::size(chips))] + below(16));
    }

    void touch_port() {
        const unsigned size = 1u << below(3);
        if (one_in(2))
            pc->ports.write(port(), value(), size);
        else
            static_cast<void>(pc->ports.read(port(), size));
    }

    void touch_configuration() {
        const u32 address = 0x8000'0000 | below(3) << 11 | below(4) << 8 | (value() & 0xFC);
        pc->ports.write(0xCF8, address, 4);
        pc->ports.write(static_cast<u16>(0xCFC + below(4)), value(), 1);
    }

    void touch_memory() {
        static constexpr u64 places[] = {0xA'0000,    0xC'0000,    0xF'0000,   0xFEC0'0000,
                                         0xFEE0'0000, 0xE000'0000, 0xFFFF'F000};
        const unsigned size = 1u << below(3);
        const u64 address = (places[below(std::size(places))] + below(0x2'0000)) & ~u64{size - 1};
        if (one_in(2))
            pc->memory.write(Physical{address}, value(), size);
        else
            static_cast<void>(pc->memory.read(Physical{address}, size));
    }

    void let_time_pass() {
        if (pc->clock.next() != EventQueue::never) pc->time->skip_to(pc->clock.next());
    }

    void touch_from_outside() {
        pc->keyboard.key(static_cast<Key>(below(key_count)), one_in(2));
        pc->mouse.move(static_cast<int>(below(1000)) - 500, static_cast<int>(below(1000)) - 500,
                       static_cast<int>(below(9)) - 4, static_cast<u8>(below(32)));
        if (pc->com1.can_receive()) pc->com1.receive(static_cast<u8>(random()));
    }

    std::filesystem::path folder;
    PcConfig config;
    std::unique_ptr<Pc> pc;
    std::mt19937 random{GetParam()};
};

TEST_P(HostileGuestTest, DoesNoHarm) {
    Frame frame;
    constexpr int rounds = 30'000;
    for (int round = 0; round < rounds; ++round) {
        touch_port();
        if (one_in(30)) touch_configuration();
        if (one_in(5)) touch_memory();
        if (one_in(16)) let_time_pass();
        pc->clock.fire_due();
        if (one_in(8)) static_cast<void>(pc->local_apic->acknowledge_interrupt());
        if (one_in(8)) static_cast<void>(pc->pics.acknowledge_interrupt());
        if (one_in(64)) touch_from_outside();
        if (one_in(4096)) {
            pc->vga.update(frame);
            static_cast<void>(pc->vga.text_screen());
        }
        if (one_in(8192)) pc->reset();
    }
    SUCCEED();
}

INSTANTIATE_TEST_SUITE_P(Seeds, HostileGuestTest, ::testing::Range(1u, 5u));

} // namespace
} // namespace truering
