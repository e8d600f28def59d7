// String instructions in bulk against the same one iteration at a time: two processors begin alike; one may run as far
// as it likes, the other gets a budget of one instruction after another, so that it never has two iterations to do at
// once.
#include "protected_bench.hpp"

#include <random>

namespace truering::test {

namespace {

// Where strings lie: a stretch with a page in it that may be absent or read-only, and both ends of the 16-bit and of
// the 32-bit offsets.
constexpr u32 middle = 0x20'0000, middle_size = 0x4000, odd_page = middle + 0x2000;
constexpr u32 program = 0x1'2000, top_page = 0xFFFF'F000, top_page_lies_at = 0x30'0000;

class StringMachine : public ProtectedBench {
  public:
    StringMachine() {
        put<u32>(directory, low_table | 3);
        put<u32>(directory + 4 * 1023, high_table | 3);
        for (u32 n = 0; n < 1024; ++n) put<u32>(low_table + 4 * n, n << 12 | 3);
        put<u32>(high_table + 4 * 1023, top_page_lies_at | 3);
        cpu.cr3 = directory;
        cpu.cr0 |= CR0_PG | CR0_WP;
        cpu.flush_tlb();
        cpu.update_view();
    }

    void set_odd_page(u32 rights) { put<u32>(low_table + (odd_page >> 12) * 4, odd_page | rights); }

    [[nodiscard]] std::vector<u8> bytes(u32 first, u32 size) {
        std::vector<u8> all(size);
        memory.read(Physical{first}, all);
        return all;
    }

  private:
    static constexpr u32 directory = 0x10'0000, low_table = 0x10'1000, high_table = 0x10'2000;
    void TestBody() override {}
};

struct Trial {
    std::vector<u8> code;
    u32 esi = 0, edi = 0, ecx = 0, eax = 0, eflags = EFLAGS_fixed;
    u32 odd_page_rights = 3;
    u32 limit = 0xFFFF'FFFF; // of ES
    unsigned seed = 0;
    u32 rare = 2; // one byte of so many is not 0
};

void prepare(StringMachine& m, const Trial& t) {
    std::mt19937 random(t.seed);
    for (const auto& [first, size] :
         {std::pair{middle, middle_size}, {0x0u, 0x1000u}, {0xE000u, 0x2000u}, {top_page_lies_at, 0x1000u}}) {
        std::vector<u8> content(size);
        for (u8& byte : content) byte = random() % t.rare == 0 ? static_cast<u8>(random() % 3) : u8{0};
        m.memory.write(Physical{first}, content);
    }
    m.set_odd_page(t.odd_page_rights);
    m.memory.write(Physical{program}, t.code);
    m.cpu.eip = program;
    m.cpu.gpr[reg_ESI] = t.esi;
    m.cpu.gpr[reg_EDI] = t.edi;
    m.cpu.gpr[reg_ECX] = t.ecx;
    m.cpu.gpr[reg_EAX] = t.eax;
    m.cpu.set_eflags(t.eflags, EFLAGS_all);
    Segment es = m.cpu.segment[seg_ES];
    es.limit = t.limit;
    m.cpu.set_segment(seg_ES, es);
}

void expect_same(StringMachine& bulk, StringMachine& single) {
    for (unsigned n = 0; n < 8; ++n) EXPECT_EQ(bulk.cpu.gpr[n], single.cpu.gpr[n]) << "register " << n;
    EXPECT_EQ(bulk.cpu.eip, single.cpu.eip);
    EXPECT_EQ(bulk.cpu.eflags(), single.cpu.eflags());
    EXPECT_EQ(bulk.cpu.cr2, single.cpu.cr2);
    EXPECT_EQ(bulk.cpu.retired(), single.cpu.retired());
    constexpr u32 everything = 0x40'0000;
    EXPECT_TRUE(bulk.bytes(0, everything) == single.bytes(0, everything)) << "memory";
}

// What the trial came to, one iteration at a time.
void run_both(const Trial& trial) {
    StringMachine bulk, single;
    prepare(bulk, trial);
    prepare(single, trial);
    constexpr u64 enough = 1'000'000;
    ASSERT_EQ(bulk.cpu.run(enough).reason, StopReason::Halted);
    u64 steps = 0;
    while (single.cpu.run(1).reason != StopReason::Halted) ASSERT_LT(++steps, enough);
    expect_same(bulk, single);
}

class RandomTrial {
  public:
    explicit RandomTrial(unsigned seed) : random_(seed) { trial_.seed = seed; }

    Trial make() {
        constexpr u8 opcodes[] = {0xA4, 0xA5, 0xA6, 0xA7, 0xAA, 0xAB, 0xAC, 0xAD, 0xAE, 0xAF};
        const bool address_16 = one_of(3);
        if (address_16) trial_.code.push_back(0x67);
        if (one_of(2)) trial_.code.push_back(0x66);
        trial_.code.push_back(one_of(2) ? 0xF2 : 0xF3);
        trial_.code.push_back(opcodes[number() % std::size(opcodes)]);
        trial_.code.push_back(0xF4); // HLT
        constexpr u32 most[] = {8, 70, 900, 5000};
        trial_.ecx = number() % most[number() % 4] | (address_16 && one_of(2) ? 0xABCD'0000 : 0);
        if (one_of(2)) trial_.eflags |= EFLAGS_DF;
        trial_.eax = one_of(2) ? 0 : number() % 3;
        trial_.rare = 1 + number() % 3000;
        if (one_of(4)) trial_.odd_page_rights = one_of(2) ? 0 : 1;
        place(address_16);
        if (one_of(8)) trial_.limit = trial_.edi + number() % 0x800;
        return trial_;
    }

  private:
    u32 number() { return static_cast<u32>(random_()); }
    bool one_of(u32 n) { return number() % n == 0; }

    void place(bool address_16) {
        if (address_16) {
            trial_.esi = place_16() | 0x1234'0000;
            trial_.edi = place_16();
        } else if (one_of(3)) { // around 0
            trial_.esi = number() % 0x1000 - 0x800;
            trial_.edi = number() % 0x1000 - 0x800;
        } else {
            trial_.esi = middle + 0x1000 + number() % 0x2000;
            trial_.edi = middle + 0x1000 + number() % 0x2000;
        }
        if (one_of(2)) { // overlaps of a few bytes
            const u32 near = trial_.esi + number() % 80 - 40;
            trial_.edi = address_16 ? near & 0xFFFF : near;
        }
    }
    // The 16-bit offsets from E000 over FFFF to 0FFF.
    u32 place_16() { return (0xF000 + number() % 0x1800) & 0xFFFF; }

    std::mt19937 random_;
    Trial trial_;
};

TEST(StringsInBulk, AreTheirIterationsOneByOne) {
    constexpr unsigned trials = 600;
    for (unsigned seed = 0; seed < trials && !::testing::Test::HasFailure(); ++seed) {
        SCOPED_TRACE(seed);
        run_both(RandomTrial(seed).make());
    }
}

TEST(StringsInBulk, ForwardCopyToTheNextByteRepeatsTheFirst) {
    StringMachine m;
    Trial t{.code = {0xF3, 0xA4, 0xF4}, .esi = middle, .edi = middle + 1, .ecx = 3000};
    prepare(m, t);
    m.put<u8>(middle, 0x5A);
    m.cpu.run(1'000'000);
    EXPECT_EQ(m.bytes(middle, 3001), std::vector<u8>(3001, 0x5A));
}

TEST(StringsInBulk, AFaultOnTheSecondPageLeavesTheRegistersAtIt) {
    StringMachine m;
    prepare(m,
            {.code = {0xF3, 0xA5, 0xF4}, .esi = middle, .edi = odd_page - 0x100, .ecx = 0x1000, .odd_page_rights = 0});
    m.cpu.run(1'000'000);
    EXPECT_EQ(m.cpu.eip, StringMachine::handler(Vector::PF) + 1); // behind its HLT
    EXPECT_EQ(m.stack(0), 2u);
    EXPECT_EQ(m.cpu.cr2, odd_page);
    EXPECT_EQ(m.cpu.gpr[reg_ECX], 0x1000u - 0x40);
    EXPECT_EQ(m.cpu.gpr[reg_ESI], middle + 0x100);
    EXPECT_EQ(m.cpu.gpr[reg_EDI], odd_page);
}

} // namespace

} // namespace truering::test
