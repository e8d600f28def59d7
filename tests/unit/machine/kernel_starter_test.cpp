#include "machine/kernel_starter.hpp"

#include "machine/run_loop.hpp"

#include <gtest/gtest.h>

namespace truering {
namespace {

struct Nobody final : Frontend {
    void attend() override {}
    void sleep(std::chrono::nanoseconds) override {}
    [[nodiscard]] bool expects_input() const override { return false; }
    void paused(const End&) override {}
};

struct Recorder final : SerialSink {
    std::string text;
    void transmit(u8 byte) override { text += static_cast<char>(byte); }
};

// A kernel of a few bytes.
struct SmallKernel final : KernelImage {
    std::vector<u8> code;
    u32 address;
    KernelEntry entry;
    std::vector<u64> lengths; // of the first range of each map
    SmallKernel(std::vector<u8> bytes, u32 where, KernelEntry how)
        : code(std::move(bytes)), address(where), entry(how) {}
    KernelEntry load(PhysicalMemory& memory, std::span<const MemoryRange> map) override {
        lengths.push_back(map.front().length);
        memory.write(Physical{address}, code);
        return entry;
    }
    [[nodiscard]] std::string description() const override { return "small"; }
};

constexpr u32 rom_offset = 0x1000;

// Firmware that knows INT 15H (which fails), INT 18H (which says so and ends the run), and then goes to the ROM, which
// lies at F100:0000.
Firmware firmware() {
    const u8 code[] = {0x31, 0xC0, 0x8E, 0xD8, 0x8E, 0xD0, 0xBC, 0x00, 0x7C, // 00 xor ax, ax; mov ds, ss; mov sp, 7C00h
                       0xC7, 0x06, 0x54, 0x00, 0x30, 0x00,                   // 09 mov word [15h * 4], 30h
                       0xC7, 0x06, 0x56, 0x00, 0x00, 0xF0,                   // 0F mov word [15h * 4 + 2], F000h
                       0xC7, 0x06, 0x60, 0x00, 0x40, 0x00,                   // 15 mov word [18h * 4], 40h
                       0xC7, 0x06, 0x62, 0x00, 0x00, 0xF0,                   // 1B mov word [18h * 4 + 2], F000h
                       0x9A, 0x03, 0x00, 0x00, 0xF1,                         // 21 call F100:0003
                       0xEA, 0x40, 0x00, 0x00, 0xF1};                        // 26 jmp F100:0040
    const u8 int_15[] = {0x89, 0xE5, 0x80, 0x4E, 0x04, 0x01, 0xCF}; // mov bp, sp; or byte [bp + 4], 1 (CF); iret
    const u8 int_18[] = {0xB0, '8', 0xE6, 0xE9, 0xE6, 0xF4};        // '8' to the console; debug exit
    const u8 reset[] = {0xEA, 0x00, 0x00, 0x00, 0xF0};
    Firmware result;
    std::vector<u8>& bytes = result.system.bytes;
    bytes.assign(64 * 1024, 0xF4);
    std::copy(std::begin(code), std::end(code), bytes.begin());
    std::copy(std::begin(int_15), std::end(int_15), bytes.begin() + 0x30);
    std::copy(std::begin(int_18), std::end(int_18), bytes.begin() + 0x40);
    const std::vector<u8> rom = make_boot_rom();
    std::copy(rom.begin(), rom.end(), bytes.begin() + rom_offset);
    std::copy(std::begin(reset), std::end(reset), bytes.end() - 16);
    result.video.bytes.assign(512, 0);
    return result;
}

// Says '1' and goes back to the ROM, as a VMM does that boots its guest by the firmware.
std::unique_ptr<KernelImage> first_kernel() {
    KernelEntry entry;
    entry.mode = KernelEntry::Mode::Real;
    entry.cs = 0x0800;
    entry.data_segments = 0x0900;
    entry.eip = 0x10;
    entry.esp = 0x0100;
    const std::vector<u8> code{0xB0, '1', 0xE6, 0xE9, 0xEA, 0x40, 0x00, 0x00, 0xF1};
    return std::make_unique<SmallKernel>(code, 0x8010, entry);
}

class KernelStarterTest : public ::testing::Test {
  protected:
    End run(Kernels kernels) {
        PcConfig config;
        config.memory = 2 << 20;
        config.debug_exit_port = 0xF4;
        PcPlugs plugs;
        plugs.debug_console = &console;
        pc = std::make_unique<Pc>(config, firmware(), plugs, std::move(kernels), MessageSink{});
        Policy policy;
        policy.instructions = 100'000;
        MachineLoop loop(*pc, nobody, policy);
        return loop.run();
    }

    Recorder console;
    Nobody nobody;
    std::unique_ptr<Pc> pc;
};

TEST_F(KernelStarterTest, TheRomStepsAsideWhenEveryKernelHasBeenStarted) {
    Kernels kernels;
    kernels.push_back(first_kernel());
    const End end = run(std::move(kernels));
    EXPECT_EQ(end.reason, EndReason::DebugExit);
    EXPECT_EQ(console.text, "18");
}

TEST_F(KernelStarterTest, AResetStartsTheKernelAgain) {
    Kernels kernels;
    kernels.push_back(first_kernel());
    static_cast<void>(run(std::move(kernels)));
    pc->reset();
    MachineLoop loop(*pc, nobody, Policy{});
    EXPECT_EQ(loop.run().reason, EndReason::DebugExit);
    EXPECT_EQ(console.text, "1818");
}

TEST_F(KernelStarterTest, TheSecondKernelIsEnteredAsItsLoaderWants) {
    KernelEntry entry;
    entry.mode = KernelEntry::Mode::Protected;
    entry.eip = 0x10'0000;
    entry.esp = 0x2'0000;
    entry.eax = 0x2BAD'B002;
    entry.ebx = 0x1'2345;
    Kernels kernels;
    kernels.push_back(first_kernel());
    // mov ecx, eax; mov al, '2'; out E9h, al; out F4h, al: 32-bit code that leaves the registers for us.
    const std::vector<u8> code{0x89, 0xC1, 0xB0, '2', 0xE6, 0xE9, 0xE6, 0xF4};
    kernels.push_back(std::make_unique<SmallKernel>(code, 0x10'0000, entry));
    EXPECT_EQ(run(std::move(kernels)).reason, EndReason::DebugExit);
    EXPECT_EQ(console.text, "12");
    const Cpu& cpu = pc->cpu;
    EXPECT_EQ(cpu.gpr[reg_ECX], 0x2BAD'B002u);
    EXPECT_EQ(cpu.gpr[reg_EBX], 0x1'2345u);
    EXPECT_EQ(cpu.gpr[reg_ESP], 0x2'0000u);
    EXPECT_EQ(cpu.eflags() & (EFLAGS_IF | EFLAGS_DF), 0u);
    EXPECT_TRUE((cpu.cr0 & CR0_PE) != 0 && (cpu.cr0 & CR0_PG) == 0);
    for (const SegmentIndex index : {seg_ES, seg_CS, seg_SS, seg_DS, seg_FS, seg_GS}) {
        EXPECT_EQ(cpu.segment[index].base, 0u);
        EXPECT_EQ(cpu.segment[index].limit, 0xFFFF'FFFFu);
        EXPECT_TRUE(cpu.segment[index].is_32bit());
    }
}

TEST_F(KernelStarterTest, AGuestThatIsResetByItsVmmGetsItsKernelAgain) {
    // Says '2', counts at 0500H, and has the firmware begin again; the third time it ends the run.
    const std::vector<u8> code{0xB0, '2',  0xE6, 0xE9,        // mov al, '2'; out E9h, al
                               0x31, 0xC0, 0x8E, 0xD8,        // xor ax, ax; mov ds, ax
                               0xFE, 0x06, 0x00, 0x05,        // inc byte [500h]
                               0x80, 0x3E, 0x00, 0x05, 0x03,  // cmp byte [500h], 3
                               0x75, 0x02, 0xE6, 0xF4,        // jne again; out F4h, al
                               0xEA, 0x00, 0x00, 0x00, 0xF0}; // again: jmp F000:0000
    KernelEntry entry;
    entry.mode = KernelEntry::Mode::Real;
    entry.cs = 0x0800;
    entry.data_segments = 0x0900;
    entry.eip = 0x40;
    entry.esp = 0x0100;
    Kernels kernels;
    kernels.push_back(first_kernel());
    kernels.push_back(std::make_unique<SmallKernel>(code, 0x8040, entry));
    EXPECT_EQ(run(std::move(kernels)).reason, EndReason::DebugExit);
    EXPECT_EQ(console.text, "1222");
}

TEST(KernelStarter, AKernelThatComesAgainGoesByTheFirstMap) {
    PhysicalMemory memory(2 << 20);
    const auto map_says = [&](u8 megabytes) { // one range from 0
        u8 entry[boot_rom::map_entry_size] = {};
        entry[10] = static_cast<u8>(megabytes << 4);
        entry[16] = MemoryRange::ram;
        memory.write(Physical{boot_rom::map_address}, entry);
    };
    Kernels kernels;
    for (unsigned n = 0; n < 2; ++n)
        kernels.push_back(std::make_unique<SmallKernel>(std::vector<u8>{}, 0, KernelEntry{}));
    const auto* second = dynamic_cast<SmallKernel*>(kernels[1].get());
    unsigned asked = 0;
    KernelStarter starter(std::move(kernels), [&] { ++asked; });
    const auto ask = [&] {
        starter.write_port(boot_rom::port, boot_rom::map_entry_size, 2);
        starter.load(memory);
    };
    map_says(2);
    ask();
    map_says(1);
    ask();
    map_says(3);                              // forged by the guest,
    starter.write_port(boot_rom::port, 0, 1); // which also says that the firmware begins
    ask();
    EXPECT_EQ(asked, 3u);
    EXPECT_EQ(second->lengths, (std::vector<u64>{1 << 20, 1 << 20}));
}

TEST_F(KernelStarterTest, NoKernelComesTwiceHoweverOftenItIsAsked) {
    KernelStarter starter({}, [] { FAIL() << "there is none to ask for"; });
    starter.write_port(boot_rom::port, 0, 2);
    EXPECT_EQ(starter.read_port(boot_rom::port, 4), 0u);
}

} // namespace
} // namespace truering
