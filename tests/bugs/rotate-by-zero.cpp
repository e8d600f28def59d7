// Cause: a rotate by a constant 0 was taken for one that sets CF and OF: the next ADC saw the host's CF.
// Cure: jit/x86_64/emitter_plain.cpp leaves the flags alone behind it, as behind a shift by 0.
#include "jit/translation.hpp"
#include "tests/unit/cpu/protected_bench.hpp"

namespace truering::test {
namespace {

struct Machine : ProtectedBench {
    void TestBody() override {}
};

u32 sum_of_loop(Machine& m) {
    // mov ecx, 200; cmp edx, 1; 1: mov esi, [data]; rol eax, 0; adc ebx, esi; loop 1b; hlt
    m.memory.write(Physical{ProtectedBench::code},
                   std::vector<u8>{0xB9, 200, 0, 0,    0,    0x83, 0xFA, 1,    0x8B, 0x35, 0,
                                   0,    3,   0, 0xC1, 0xC0, 0,    0x11, 0xF3, 0xE2, 0xF3, 0xF4});
    m.put<u32>(ProtectedBench::data, 0xFFFF'FFF0);
    m.cpu.eip = ProtectedBench::code;
    EXPECT_EQ(m.cpu.run(1'000'000).reason, StopReason::Halted);
    return m.cpu.gpr[reg_EBX];
}

TEST(RotateByZero, LeavesCarryAlone) {
    for (const u32 edx : {0u, 2u}) { // with CF and without
        Machine interpreted, translated;
        const auto translator = make_translator(translated.cpu);
        if (!translator) GTEST_SKIP() << "no translator for this host";
        interpreted.cpu.gpr[reg_EDX] = translated.cpu.gpr[reg_EDX] = edx;
        EXPECT_EQ(sum_of_loop(translated), sum_of_loop(interpreted)) << edx;
    }
}

} // namespace
} // namespace truering::test
