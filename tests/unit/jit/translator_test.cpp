// The translator against the interpreter: the same programs, the same state behind them, instruction counts included.
#include "jit/translation.hpp"
#include "tests/unit/cpu/protected_bench.hpp"

#include <random>

namespace truering::test {
namespace {

struct Machine : ProtectedBench {
    void TestBody() override {}
};

struct Outcomes {
    u32 gpr[8];
    u32 eip, eflags;
    u64 retired;
    StopReason reason;
};

class TranslatorTest : public ::testing::Test {
  protected:
    void SetUp() override {
        translated.translator = make_translator(translated.machine.cpu);
        if (!translated.translator) GTEST_SKIP() << "no translator for this host";
    }

    struct Side {
        Machine machine;
        std::unique_ptr<BlockRunner> translator;
    };

    static constexpr u32 program = 0x1'0000, field = 0x3'0000;

    // A loop of `body`, run for `budget` instructions in pieces; true if both sides end alike.
    bool agree(const std::vector<u8>& body, u32 seed, u64 budget) {
        run(interpreted.machine, body, seed, budget);
        run(translated.machine, body, seed, budget);
        return same();
    }

    static void run(Machine& m, const std::vector<u8>& body, u32 seed, u64 budget) {
        std::mt19937 random(seed);
        m.cpu.reset();
        m.enter_level(0);
        std::vector<u8> code = {0xBE, 0, 0, 3, 0, 0xBF, 0x80, 0, 3, 0}; // mov esi, 30000h; mov edi, 30080h
        code.insert(code.end(), body.begin(), body.end());
        const u32 back = static_cast<u32>(code.size()) + 5;
        code.insert(code.end(), {0xE9, static_cast<u8>(0 - back), static_cast<u8>((0 - back) >> 8), 0xFF, 0xFF});
        m.memory.write(Physical{program}, code);
        std::vector<u8> data(4096);
        for (u8& byte : data) byte = static_cast<u8>(random());
        m.memory.write(Physical{field}, data);
        for (unsigned n = 0; n < 8; ++n)
            if (n != reg_ESP) m.cpu.gpr[n] = static_cast<u32>(random());
        m.cpu.set_eflags(static_cast<u32>(random()), arithmetic_flags);
        for (u64 done = 0; done < budget;) {
            const u64 piece = 1 + random() % 1000;
            const RunResult result = m.cpu.run(piece);
            if (result.reason != StopReason::Budget) break;
            done += piece;
        }
    }

    bool same() {
        const Cpu& a = interpreted.machine.cpu;
        const Cpu& b = translated.machine.cpu;
        for (unsigned n = 0; n < 8; ++n) EXPECT_EQ(a.gpr[n], b.gpr[n]) << "register " << n;
        EXPECT_EQ(a.eip, b.eip);
        EXPECT_EQ(a.eflags(), b.eflags());
        EXPECT_EQ(a.retired(), b.retired());
        EXPECT_EQ(a.halted, b.halted);
        std::vector<u8> of_a(0x4'0000), of_b(0x4'0000);
        interpreted.machine.memory.peek(Physical{0}, of_a);
        translated.machine.memory.peek(Physical{0}, of_b);
        EXPECT_EQ(of_a, of_b) << "memory";
        return !HasFailure();
    }

    Side interpreted, translated;
};

std::string hex(const std::vector<u8>& bytes) {
    std::string text;
    for (const u8 byte : bytes) {
        constexpr char digits[] = "0123456789ABCDEF";
        text += digits[byte >> 4];
        text += digits[byte & 15];
        text += ' ';
    }
    return text;
}

// Forms of which a body is made: an opcode, whether ModRM follows, how many bytes of immediate.
struct Form {
    std::initializer_list<u8> opcode;
    bool modrm;
    unsigned immediate;
};

const Form forms[] = {
    {{0x00}, true, 0},
    {{0x01}, true, 0},
    {{0x02}, true, 0},
    {{0x03}, true, 0},
    {{0x08}, true, 0},
    {{0x09}, true, 0},
    {{0x0B}, true, 0},
    {{0x10}, true, 0},
    {{0x11}, true, 0},
    {{0x13}, true, 0},
    {{0x18}, true, 0},
    {{0x19}, true, 0},
    {{0x1B}, true, 0},
    {{0x20}, true, 0},
    {{0x21}, true, 0},
    {{0x23}, true, 0},
    {{0x28}, true, 0},
    {{0x29}, true, 0},
    {{0x2B}, true, 0},
    {{0x30}, true, 0},
    {{0x31}, true, 0},
    {{0x33}, true, 0},
    {{0x38}, true, 0},
    {{0x39}, true, 0},
    {{0x3A}, true, 0},
    {{0x3B}, true, 0},
    {{0x84}, true, 0},
    {{0x85}, true, 0},
    {{0x05}, false, 4},
    {{0x15}, false, 4},
    {{0x2D}, false, 4},
    {{0x3D}, false, 4},
    {{0x04}, false, 1},
    {{0xA8}, false, 1},
    {{0xA9}, false, 4},
    {{0x80}, true, 1},
    {{0x81}, true, 4},
    {{0x83}, true, 1},
    {{0x88}, true, 0},
    {{0x89}, true, 0},
    {{0x8A}, true, 0},
    {{0x8B}, true, 0},
    {{0x8D}, true, 0},
    {{0xC6}, true, 1},
    {{0xC7}, true, 4},
    {{0x0F, 0xB6}, true, 0},
    {{0x0F, 0xB7}, true, 0},
    {{0x0F, 0xBE}, true, 0},
    {{0x0F, 0xBF}, true, 0},
    {{0x0F, 0xAF}, true, 0},
    {{0x69}, true, 4},
    {{0x6B}, true, 1},
    {{0xC1}, true, 1},
    {{0xD1}, true, 0},
    {{0xD3}, true, 0},
    {{0xC0}, true, 1},
    {{0xF7}, true, 0},
    {{0xF6}, true, 0},
    {{0x40}, false, 0},
    {{0x43}, false, 0},
    {{0x4A}, false, 0},
    {{0x98}, false, 0},
    {{0x99}, false, 0},
    {{0x0F, 0xC8}, false, 0},
    {{0x0F, 0x94}, true, 0},
    {{0x0F, 0x92}, true, 0},
    {{0x0F, 0x9C}, true, 0},
    {{0x0F, 0x97}, true, 0},
    {{0x0F, 0x9A}, true, 0},
    {{0x0F, 0x44}, true, 0},
    {{0x0F, 0x4D}, true, 0},
    {{0x0F, 0x40}, true, 0},
    {{0x87}, true, 0},
    {{0x0F, 0xA4}, true, 1},
    {{0x0F, 0xA3}, true, 0},
    {{0x9C}, false, 0},
    {{0x50}, false, 0},
    {{0x53}, false, 0},
    {{0x58}, false, 0},
    {{0x5A}, false, 0},
    {{0x68}, false, 4},
    {{0x9F}, false, 0},
    {{0x9E}, false, 0},
    {{0xF5}, false, 0},
    {{0xF9}, false, 0},
    {{0x74, 0x00}, false, 0},
    {{0x72, 0x00}, false, 0},
    {{0x7C, 0x00}, false, 0},
    {{0xE8, 0, 0, 0, 0}, false, 0},
};

class BodyMaker {
  public:
    explicit BodyMaker(u32 seed) : random_(seed) {}

    std::vector<u8> make() {
        std::vector<u8> body;
        const u64 count = 1 + random_() % 24;
        for (u64 n = 0; n < count; ++n) append(body);
        return body;
    }

  private:
    void append(std::vector<u8>& body) {
        const Form& form = forms[random_() % std::size(forms)];
        if (random_() % 16 == 0) body.push_back(0x66);
        const bool is_F7 = form.opcode.size() == 1 && (*form.opcode.begin() & 0xFE) == 0xF6;
        body.insert(body.end(), form.opcode);
        if (form.modrm) append_modrm(body, is_F7);
        for (unsigned n = 0; n < form.immediate; ++n) body.push_back(static_cast<u8>(random_()));
    }

    // Memory near ESI and EDI, or registers other than ESP. Of group 3: NOT, NEG, MUL, IMUL.
    void append_modrm(std::vector<u8>& body, bool is_F7) {
        const u8 reg = static_cast<u8>(is_F7 ? 2 + random_() % 4 : register_number());
        const u8 base = random_() % 2 != 0 ? 6 : 7;
        if (random_() % 3 == 0) {
            body.push_back(static_cast<u8>(0x40 | reg << 3 | base));
            body.push_back(static_cast<u8>(random_()));
        } else {
            body.push_back(static_cast<u8>(0xC0 | reg << 3 | register_number()));
        }
    }

    u32 register_number() {
        constexpr u8 numbers[] = {0, 1, 2, 3, 5, 6, 7};
        return numbers[random_() % std::size(numbers)];
    }

    std::mt19937 random_;
};

TEST_F(TranslatorTest, RandomLoopsEndAlike) {
    const char* const wanted = std::getenv("TRUERING_TRANSLATOR_TESTS");
    const u32 programs = wanted != nullptr ? static_cast<u32>(std::strtoul(wanted, nullptr, 10)) : 2000;
    for (u32 seed = 1; seed <= programs; ++seed) {
        const std::vector<u8> body = BodyMaker(seed).make();
        ASSERT_TRUE(agree(body, seed, 3000)) << "seed " << seed << ": " << hex(body);
    }
}

TEST_F(TranslatorTest, RandomBytesEndAlike) {
    for (u32 seed = 1; seed <= 2000; ++seed) {
        std::mt19937 random(seed);
        std::vector<u8> body(1 + random() % 40);
        for (u8& byte : body) byte = static_cast<u8>(random());
        ASSERT_TRUE(agree(body, seed, 2000)) << "seed " << seed << ": " << hex(body);
    }
}

TEST_F(TranslatorTest, CodeThatWritesItselfEndsAlike) {
    // inc byte [immediate of the next]; add eax, imm8
    const std::vector<u8> body = {0xFE, 0x05, 0x12, 0x00, 0x01, 0x00, 0x83, 0xC0, 0x01};
    EXPECT_TRUE(agree(body, 1, 5000));
    // mov [edx], al walks over the loop itself and beyond
    const std::vector<u8> walker = {0xBA, 0x00, 0x00, 0x01, 0x00, 0x03, 0xD3, 0x88, 0x02, 0x43, 0x80, 0xE3, 0x1F};
    EXPECT_TRUE(agree(walker, 2, 5000));
}

} // namespace
} // namespace truering::test
