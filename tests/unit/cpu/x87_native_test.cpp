// Every x87 encoding through decoder and interpreter, against the same bytes on the host's own x87 unit: random stacks,
// control words with every mask, rounding and precision, special values, register and memory operands.
//
// Not compared: FIP, FDP and FOP (processors differ in when they record them), and the environment images of FNSTENV
// and its kin, which contain them (x87_control_test.cpp has those).
#include "decoder/decoder.hpp"
#include "decoder/isa.hpp"
#include "tests/unit/cpu/sse_machine.hpp"
#include "tests/unit/cpu/x87_native.hpp"
#include "tests/unit/cpu/x87_random.hpp"

#include <array>
#include <gtest/gtest.h>

namespace truering::test {
namespace {

using Operand16 = std::array<u8, 16>;

SaveImage image_of(const FpuState& fpu) {
    constexpr u32 unused = 0xFFFF'0000;
    SaveImage image{};
    image.control_word = unused | fpu.control_word;
    image.status_word = unused | fpu.full_status_word();
    image.tag_word = unused | fpu.tag_word();
    for (unsigned i = 0; i < 8; ++i) {
        std::memcpy(image.st[i], &fpu.st(i).significand, 8);
        std::memcpy(image.st[i] + 8, &fpu.st(i).sign_exponent, 2);
    }
    return image;
}

void forget_pointers(SaveImage& image) { image.fip = image.fcs_opcode = image.fdp = image.fds = 0; }

// A memory operand: a value in one of the formats, or any bits.
Operand16 random_operand(RandomFpu& random) {
    Operand16 bytes{};
    const Float80 value = random.value();
    const u64 number = random.number() >> random.below(64);
    std::memcpy(bytes.data(), &value.significand, 8);
    std::memcpy(bytes.data() + 8, &value.sign_exponent, 2);
    const Float64 as_double = x87::store_float64({}, value).value;
    const Float32 as_single = x87::store_float32({}, value).value;
    switch (random.below(4)) {
    case 0: std::memcpy(bytes.data(), &as_double, 8); break;
    case 1: std::memcpy(bytes.data(), &as_single, 4); break;
    case 2: std::memcpy(bytes.data(), &number, 8); break;
    default: break;
    }
    return bytes;
}

bool is_compared(std::string_view mnemonic, u8 escape, u8 modrm) {
    if (mnemonic == "FNSTENV" || mnemonic == "FLDENV" || mnemonic == "FNSAVE" || mnemonic == "FRSTOR") return false;
    return !(escape == 0xDF && modrm == 0xE0); // FNSTSW AX, the same as FNSTSW m16
}

class X87Native : public testing::Test {
  protected:
    static constexpr u32 code_at = 0x2000, operand_at = 0x3000;
    static constexpr u32 arithmetic_mask = arithmetic_flags;

    void compare_form(u8 escape, u8 modrm, int rounds) {
        const std::array<u8, 2> code{escape, modrm};
        const Decoded decoded = decode(code, CodeSize::Bits32, machine.cpu.model.features);
        ASSERT_EQ(decoded.status, DecodeStatus::Complete);
        if (decoded.instruction.row >= row_count) return; // not an instruction of this model
        const std::string_view mnemonic = isa[decoded.instruction.row].mnemonic;
        if (!is_compared(mnemonic, escape, modrm)) return;
        machine.write(code_at, code);
        ++forms;
        for (int i = 0; i < rounds && !HasFailure(); ++i) compare_once(code, mnemonic);
    }

    void compare_once(const std::array<u8, 2>& code, std::string_view mnemonic) {
        const FpuState before = random.state();
        Operand16 operand = random_operand(random);
        if (mnemonic == "FLDCW") operand[0] |= 0x3F; // nothing may be pending when the trampoline goes on
        const u32 eflags = static_cast<u32>(random.number()) & arithmetic_mask;

        SaveImage native_state = image_of(before);
        Operand16 native_operand = operand;
        const u32 native_eflags =
            native.run(code.data(), code.size(), native_state, native_operand.data(), 0x202 | eflags);

        machine.cpu.fpu = before;
        machine.cpu.arithmetic.set_value(eflags);
        machine.cpu.gpr[reg_ESI] = operand_at;
        machine.put(operand_at, operand);
        machine.cpu.eip = code_at;
        machine.cpu.run(1);

        SaveImage state = image_of(machine.cpu.fpu);
        forget_pointers(state);
        forget_pointers(native_state);
        const auto where = [&] {
            return testing::Message() << mnemonic << std::hex << " CW " << before.control_word << " SW "
                                      << before.full_status_word() << " empty " << +before.empty;
        };
        EXPECT_EQ(machine.cpu.eip, code_at + 2) << where();
        EXPECT_EQ(state.control_word, native_state.control_word) << where();
        EXPECT_EQ(state.status_word, native_state.status_word) << where();
        EXPECT_EQ(state.tag_word, native_state.tag_word) << where();
        EXPECT_EQ(std::memcmp(state.st, native_state.st, sizeof(state.st)), 0) << where();
        EXPECT_EQ(machine.read<Operand16>(operand_at), native_operand) << where();
        EXPECT_EQ(machine.cpu.arithmetic.value(), native_eflags & arithmetic_mask) << where();
    }

    NativeX87 native;
    SseMachine machine;
    RandomFpu random{8087};
    int forms = 0; // compared
};

TEST_F(X87Native, EveryRegisterForm) {
    if (!native.available()) GTEST_SKIP() << "no host x87 unit";
    for (unsigned escape = 0xD8; escape <= 0xDF; ++escape)
        for (unsigned modrm = 0xC0; modrm <= 0xFF; ++modrm)
            compare_form(static_cast<u8>(escape), static_cast<u8>(modrm), 60);
    EXPECT_GT(forms, 400);
}

TEST_F(X87Native, EveryMemoryForm) {
    if (!native.available()) GTEST_SKIP() << "no host x87 unit";
    constexpr unsigned rsi = 6;
    for (unsigned escape = 0xD8; escape <= 0xDF; ++escape)
        for (unsigned reg = 0; reg < 8; ++reg)
            compare_form(static_cast<u8>(escape), static_cast<u8>(reg << 3 | rsi), 500);
    EXPECT_GT(forms, 50);
}

} // namespace
} // namespace truering::test
