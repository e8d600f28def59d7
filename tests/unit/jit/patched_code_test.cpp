// Code that is patched again and again is not translated again and again.
#include "cpu/interpreter/block_cache.hpp"
#include "jit/translation.hpp"
#include "tests/unit/cpu/protected_bench.hpp"

namespace truering::test {
namespace {

struct Machine : ProtectedBench {
    void TestBody() override {}
};

// A loop of 200 turns, and a patch of its immediate before each call. How many executions must a fresh block of the
// loop wait before its heat counts?
u32 wait_after_patches(Machine& m, u32 patches) {
    constexpr u32 loop = ProtectedBench::code + 5;
    for (u32 n = 0; n <= patches; ++n) {
        m.put<u32>(loop + 1, n);
        m.cpu.gpr[reg_EAX] = 0;
        m.cpu.eip = ProtectedBench::code;
        m.cpu.halted = false;
        m.cpu.update_attention();
        // mov ecx, 200; 1: add eax, n; dec ecx; jnz 1b; hlt
        if (n == 0)
            m.memory.write(Physical{m.cpu.eip},
                           std::vector<u8>{0xB9, 200, 0, 0, 0, 0x05, 0, 0, 0, 0, 0x49, 0x75, 0xF8, 0xF4});
        EXPECT_EQ(m.cpu.run(1'000'000).reason, StopReason::Halted);
        EXPECT_EQ(m.cpu.gpr[reg_EAX], 200 * n);
    }
    m.put<u32>(loop + 1, 0);
    m.cpu.gpr[reg_ECX] = 1;
    m.cpu.eip = loop;
    m.cpu.halted = false;
    m.cpu.update_attention();
    EXPECT_EQ(m.cpu.run(1'000'000).reason, StopReason::Halted);
    return m.cpu.blocks().find(BlockCache::key_of(loop, CodeSize::Bits32))->cold;
}

TEST(PatchedCode, WaitsLongerEachTimeForItsTranslation) {
    Machine few, many;
    const auto of_few = make_translator(few.cpu), of_many = make_translator(many.cpu);
    if (!of_few) GTEST_SKIP() << "no translator for this host";
    EXPECT_EQ(wait_after_patches(few, 1), 0u);
    EXPECT_GT(wait_after_patches(many, 100), 200u);
}

TEST(PatchedCode, WithoutATranslatorNothingWaits) {
    Machine m;
    EXPECT_EQ(wait_after_patches(m, 100), 0u);
}

} // namespace
} // namespace truering::test
