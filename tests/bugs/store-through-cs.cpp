// Cause: translated code took CS for a segment that may be written, as its base and limit are flat.
// Cure: jit/x86_64/emitter_memory.cpp looks at the limit for a write of CS, which lets nothing through.
#include "jit/translation.hpp"
#include "tests/unit/cpu/protected_bench.hpp"

namespace truering::test {
namespace {

struct Machine : ProtectedBench {
    void TestBody() override {}
};

TEST(StoreThroughCS, FaultsWhenTranslated) {
    Machine m;
    const auto translator = make_translator(m.cpu);
    if (!translator) GTEST_SKIP() << "no translator for this host";
    // mov ecx, 200; 1: cmp ecx, 1; jne 2f; not dword cs:[data]; 2: loop 1b; hlt
    m.memory.write(Physical{ProtectedBench::code}, std::vector<u8>{0xB9, 200,  0, 0, 0, 0x83, 0xF9, 1,    0x75, 7, 0x2E,
                                                                   0xF7, 0x15, 0, 0, 3, 0,    0xE2, 0xF2, 0xF4});
    m.put<u32>(ProtectedBench::data, 0x1234'5678);
    for (int turn = 0; turn < 100; ++turn) { // the store's block becomes hot, too: a fault each time
        m.cpu.eip = ProtectedBench::code;
        m.cpu.halted = false;
        m.cpu.update_attention();
        static_cast<void>(m.cpu.run(1'000));
        ASSERT_EQ(m.get<u32>(ProtectedBench::data), 0x1234'5678u) << turn;
    }
}

} // namespace
} // namespace truering::test
