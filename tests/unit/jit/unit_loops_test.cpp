// Loops of x87, MMX, SSE and SSE2 instructions, translated, against the interpreter: all registers, control and status
// words, FIP, FCS, FOP, FDP, FDS, memory and instruction counts. Between them stand integer instructions, ones that
// only the interpreter has, operands that are not aligned, control words that unmask, and CR0.TS.
#include "jit/translation.hpp"
#include "jit/x86_64/unit_rows.hpp"
#include "tests/unit/cpu/sse_machine.hpp"
#include "tests/unit/cpu/sse_operands.hpp"
#include "tests/unit/cpu/x87_random.hpp"

#include <gtest/gtest.h>
#include <string>

namespace truering::test {
namespace {

constexpr u32 program = 0x10'0000, field = 0x20'0000, field_bytes = 0x2000;

class UnitLoops : public testing::Test {
  protected:
    void SetUp() override {
        translator = make_translator(translated.cpu);
        if (!translator) GTEST_SKIP() << "no translator for this host";
        for (unsigned n = 0; n < row_count; ++n)
            if (unit_row(n).kind != UnitKind::None) rows.push_back(n);
    }

    void append(std::vector<u8>& code, std::initializer_list<u8> bytes) { code.insert(code.end(), bytes); }

    void append_unit_instruction(std::vector<u8>& code) {
        const unsigned number = rows[random.below(static_cast<unsigned>(rows.size()))];
        const UnitRow& unit = unit_row(number);
        const Row& row = isa[number];
        const bool memory = unit.in_memory && (!unit.in_register || random.below(2) == 0);
        const unsigned displacement = random.below(8) == 0 ? random.below(64) : 16 * random.below(100);
        const auto modrm = [&](unsigned reg) {
            unsigned to = reg & 7;
            if (unit.general_reg && (to == 4 || to == 6)) to = 0;                              // ESP and ESI stay
            const unsigned rm = unit.general_rm && random.below(2) == 0 ? 4 : random.below(8); // ESP is read
            const bool writes_rm = row.shape == Shape::W && row.operands[0].place == Place::ModRmE;
            code.push_back(static_cast<u8>(memory ? 0x86 | to << 3 : 0xC0 | to << 3 | (writes_rm ? rm & 3 : rm)));
            if (memory) append(code, {static_cast<u8>(displacement), static_cast<u8>(displacement >> 8), 0, 0});
        };
        const std::string text(row.encoding);
        for (std::size_t at = 0; at < text.size();) {
            const std::string word = text.substr(at, text.find(' ', at) - at);
            at += word.size() + 1;
            if (word == "NP") continue;
            if (word == "/r")
                modrm(random.below(8));
            else if (word[0] == '/')
                modrm(static_cast<unsigned>(word[1] - '0'));
            else
                code.push_back(static_cast<u8>(std::stoul(word.substr(0, 2), nullptr, 16)));
            if (word.size() > 2 && word[2] == '+') code.back() = static_cast<u8>(code.back() + random.below(8));
        }
        if (unit.immediate) code.push_back(static_cast<u8>(random.next()));
    }

    void append_other_instruction(std::vector<u8>& code) {
        switch (random.below(8)) {
        case 0: return append(code, {0x01, 0xC8});                   // add eax, ecx
        case 1: return append(code, {0x11, 0x86, 8, 0, 0, 0});       // adc [esi+8], eax
        case 2: return append(code, {0x0F, 0xA2});                   // cpuid
        case 3: return append(code, {0x0F, 0xAE, 0x86, 0, 8, 0, 0}); // fxsave [esi+800h]
        case 4: return append(code, {0xD9, 0xB6, 0, 0xA, 0, 0});     // fnstenv [esi+A00h]
        case 5: return append(code, {0x0F, 0x94, 0xC2});             // setz dl
        case 6: return append(code, {0xDB, 0xE3});                   // fninit
        default: return append(code, {0x0F, 0x4B, 0xF9});            // cmovnp edi, ecx
        }
    }

    std::vector<u8> random_loop() {
        std::vector<u8> code;
        const unsigned length = 2 + random.below(24);
        for (unsigned n = 0; n < length; ++n)
            if (random.below(5) == 0)
                append_other_instruction(code);
            else
                append_unit_instruction(code);
        const u32 back = 0 - static_cast<u32>(code.size() + 5);
        append(code, {0xE9, static_cast<u8>(back), static_cast<u8>(back >> 8), static_cast<u8>(back >> 16), 0xFF});
        return code;
    }

    void prepare(SseMachine& m, const CpuState& state, const std::vector<u8>& code, const std::vector<u8>& data) {
        m.enter_flat_mode();
        m.cpu.halted = false;
        m.cpu.fpu = state.fpu;
        m.cpu.sse = state.sse;
        std::copy(std::begin(state.gpr), std::end(state.gpr), std::begin(m.cpu.gpr));
        m.cpu.gpr[reg_ESI] = field;
        m.cpu.gpr[reg_ESP] = 0x7000;
        m.write(program, code);
        m.write(field, data);
        m.cpu.eip = program;
        m.cpu.update_attention();
    }

    void run_loop() {
        CpuState state;
        state.fpu = numbers.state();
        if (random.below(4) != 0) state.fpu.set_control_word(state.fpu.control_word | fpu_status::exceptions);
        for (Packed128& x : state.sse.xmm) x = random.below(2) == 0 ? random.floats() : random.doubles();
        state.sse.mxcsr = static_cast<u32>(random.next()) & 0xFFFF;
        if (random.below(4) != 0) state.sse.mxcsr |= mxcsr::masks;
        for (unsigned n = 0; n < 8; ++n) state.gpr[n] = static_cast<u32>(random.next());
        std::vector<u8> data(field_bytes);
        for (u8& byte : data) byte = static_cast<u8>(random.next());
        if (random.below(2) == 0) // control words that mask everything, wherever one is loaded
            for (unsigned at = 0; at < field_bytes; at += 2) data[at] = 0xBF, data[at + 1] |= 0x1F;
        const std::vector<u8> code = random_loop();
        prepare(interpreted, state, code, data);
        prepare(translated, state, code, data);
        for (unsigned n = 0; n < 40 && !HasFailure(); ++n) {
            if (n == 30) interpreted.cpu.cr0 |= CR0_TS, translated.cpu.cr0 |= CR0_TS;
            const u64 budget = 1 + random.below(200);
            interpreted.cpu.run(budget);
            translated.cpu.run(budget);
            expect_same();
        }
    }

    void expect_same() {
        const Cpu& a = interpreted.cpu;
        const Cpu& b = translated.cpu;
        ASSERT_EQ(b.units_resident, 0);
        ASSERT_EQ(a.eip, b.eip);
        ASSERT_EQ(a.retired(), b.retired());
        ASSERT_EQ(a.eflags(), b.eflags());
        for (unsigned n = 0; n < 8; ++n) {
            ASSERT_EQ(a.gpr[n], b.gpr[n]) << "general register " << n;
            ASSERT_EQ(a.sse.xmm[n], b.sse.xmm[n]) << "XMM" << n;
            ASSERT_EQ(a.fpu.physical[n], b.fpu.physical[n]) << "physical x87 register " << n;
        }
        ASSERT_EQ(a.sse.mxcsr, b.sse.mxcsr);
        ASSERT_EQ(a.fpu.control_word, b.fpu.control_word);
        ASSERT_EQ(a.fpu.full_status_word(), b.fpu.full_status_word());
        ASSERT_EQ(a.fpu.empty, b.fpu.empty);
        ASSERT_EQ(a.fpu.last_opcode, b.fpu.last_opcode);
        ASSERT_EQ(a.fpu.fip, b.fpu.fip);
        ASSERT_EQ(a.fpu.fcs, b.fpu.fcs);
        ASSERT_EQ(a.fpu.fdp, b.fpu.fdp);
        ASSERT_EQ(a.fpu.fds, b.fpu.fds);
        using Field = std::array<u8, field_bytes>;
        ASSERT_TRUE(interpreted.read<Field>(field) == translated.read<Field>(field)) << "memory";
    }

    SseMachine interpreted, translated;
    std::unique_ptr<BlockRunner> translator;
    std::vector<unsigned> rows;
    SseOperands random{77};
    RandomFpu numbers{78};
};

TEST_F(UnitLoops, EndAlike) {
    for (unsigned n = 0; n < 1500 && !HasFailure(); ++n) {
        SCOPED_TRACE(n);
        run_loop();
    }
}

} // namespace
} // namespace truering::test
