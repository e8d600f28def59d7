// Cause: the translator copied opcode 82 (an alias of 80), which 64-bit hosts refuse: the emulator died of SIGILL.
// Cure: jit/x86_64/guest_form.cpp gives the host opcode 80.
#include "jit/translation.hpp"
#include "tests/unit/cpu/protected_bench.hpp"

namespace truering::test {
namespace {

struct Machine : ProtectedBench {
    void TestBody() override {}
};

// mov ecx, 200; 1: op dl, 3Ah; op byte [data], 3Ah; loop 1b; hlt
void run_loop(Machine& m, u8 operation) {
    const u8 on_dl = static_cast<u8>(0xC2 | operation << 3), on_memory = static_cast<u8>(0x05 | operation << 3);
    m.memory.write(Physical{ProtectedBench::code}, std::vector<u8>{0xB9, 200, 0, 0, 0, 0x82, on_dl, 0x3A, 0x82,
                                                                   on_memory, 0, 0, 3, 0, 0x3A, 0xE2, 0xF4, 0xF4});
    m.put<u8>(ProtectedBench::data, 0x71);
    m.cpu.gpr[reg_EDX] = 0x1234'5678;
    m.cpu.eip = ProtectedBench::code;
    ASSERT_EQ(m.cpu.run(1'000'000).reason, StopReason::Halted);
}

TEST(Opcode82, IsTranslatedAsItsAlias) {
    for (u8 operation = 0; operation < 8; ++operation) { // ADD, OR, ADC, SBB, AND, SUB, XOR, CMP
        Machine interpreted, translated;
        const auto translator = make_translator(translated.cpu);
        if (!translator) GTEST_SKIP() << "no translator for this host";
        run_loop(interpreted, operation);
        run_loop(translated, operation);
        EXPECT_EQ(translated.cpu.gpr[reg_EDX], interpreted.cpu.gpr[reg_EDX]) << int{operation};
        EXPECT_EQ(translated.get<u8>(ProtectedBench::data), interpreted.get<u8>(ProtectedBench::data))
            << int{operation};
        EXPECT_EQ(translated.cpu.arithmetic.value(), interpreted.cpu.arithmetic.value()) << int{operation};
    }
}

} // namespace
} // namespace truering::test
