// Every row that is its own translation, against the interpreter: random registers, stacks, operands and control words
// are taken into the host's units, the host's instruction runs, the registers are given back; all state must be what
// the interpreter's handler leaves. What the emitter does around an instruction (FIP and FDP, proof of memory,
// alignment) is not here.
#include "cpu/interpreter/dispatch.hpp"
#include "jit/x86_64/host_units.hpp"
#include "jit/x86_64/unit_encoding.hpp"
#include "jit/x86_64/unit_layout.hpp"
#include "tests/unit/cpu/sse_machine.hpp"
#include "tests/unit/cpu/sse_operands.hpp"
#include "tests/unit/cpu/x87_random.hpp"

#include <gtest/gtest.h>
#include <string>

namespace truering::test {
namespace {

using namespace Xbyak::util;

constexpr u32 operand_at = 0x3000;
constexpr unsigned operand_bytes = 32; // of which an instruction may touch 16
using OperandBytes = std::array<u8, operand_bytes>;

// A function that takes units, runs one instruction on the Cpu's registers, and gives the units back.
class Thunk : public Xbyak::CodeGenerator {
  public:
    Thunk() : CodeGenerator(1 << 16) {
        HostUnitRoutines routines(*this, image_, {r14, r8, r9, r10});
        for (unsigned units = 1; units < 4; ++units) {
            align(16);
            L(take_[units]);
            routines.emit_take(static_cast<u8>(units));
        }
        align(16);
        L(give_back_);
        routines.emit_give_back();
        align(16);
        tail_ = getSize();
    }

    // `order`: the units to take, one after the other. Returns EFLAGS, or -1 if taking was refused.
    i64 run(Cpu& cpu, void* operand, u32 eflags, std::initializer_list<u8> order, const HostInstruction& instruction) {
        setSize(tail_);
        Xbyak::Label refused, out;
        const Xbyak::Reg64 saved[] = {rbx, rbp, r12, r13, r14, r15};
        for (const Xbyak::Reg64& r : saved) push(r);
        push(rsi);
        mov(r14, rdi);
        for (const u8 units : order) {
            call(take_[units]);
            jc(refused, T_NEAR);
        }
        for (unsigned n = 0; n < 8; ++n) mov(host_register(n), gpr(n));
        push(0x202 | eflags);
        popfq();
        mov(r9, ptr[rsp]);
        for (unsigned n = 0; n < instruction.count; ++n) db(instruction.bytes[n]);
        pushfq();
        pop(r11);
        for (unsigned n = 0; n < 8; ++n) mov(gpr(n), host_register(n));
        call(give_back_);
        mov(rax, r11);
        jmp(out);
        L(refused);
        call(give_back_);
        mov(rax, -1);
        L(out);
        add(rsp, 8);
        for (unsigned n = 6; n-- > 0;) pop(saved[n]);
        ret();
        const auto code = reinterpret_cast<i64 (*)(Cpu*, void*)>(const_cast<u8*>(getCode() + tail_));
        return code(&cpu, operand);
    }

  private:
    static Xbyak::Reg32 host_register(unsigned n) { return Xbyak::Reg32(n == reg_ESP ? 15 : static_cast<int>(n)); }
    Xbyak::Address gpr(unsigned n) { return dword[r14 + (gpr_at + n * 4)]; }

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Winvalid-offsetof"
    static constexpr u32 gpr_at = offsetof(Cpu, gpr);
#pragma GCC diagnostic pop

    HostUnitsImage image_;
    Xbyak::Label take_[4], give_back_;
    size_t tail_ = 0;
};

struct Environment {
    u16 control_word = 0, tags = 0;
};
Environment host_x87() {
    u16 image[14];
    asm volatile("fnstenv %0\n\tfldenv %0" : "=m"(image));
    return {image[0], image[4]};
}

class HostUnits : public testing::Test {
  protected:
    // The bytes of a row's form; memory at [EBX].
    std::vector<u8> encode(const Row& row, bool memory) {
        std::vector<u8> code;
        const unsigned reg = operands.below(8);
        const unsigned rm = memory ? 3 : 0xC0 | operands.below(8);
        const std::string text(row.encoding);
        for (std::size_t at = 0; at < text.size();) {
            const std::string word = text.substr(at, text.find(' ', at) - at);
            at += word.size() + 1;
            if (word == "NP") continue;
            if (word == "/r")
                code.push_back(static_cast<u8>(rm | reg << 3));
            else if (word[0] == '/')
                code.push_back(static_cast<u8>(rm | static_cast<unsigned>(word[1] - '0') << 3));
            else
                code.push_back(static_cast<u8>(std::stoul(word.substr(0, 2), nullptr, 16)));
            if (word.size() > 2 && word[2] == '+') code.back() = static_cast<u8>(code.back() + operands.below(8));
        }
        for (const Operand& operand : row.operands)
            if (operand.place == Place::Immediate) code.push_back(static_cast<u8>(operands.next()));
        return code;
    }

    Packed128 random_xmm() {
        switch (operands.below(3)) {
        case 0: return operands.floats();
        case 1: return operands.doubles();
        default: return operands.integers<Packed128>();
        }
    }

    OperandBytes random_operand() {
        OperandBytes bytes{};
        for (unsigned at = 0; at < operand_bytes; at += 16) {
            const Packed128 x = random_xmm();
            std::memcpy(bytes.data() + at, &x, 16);
        }
        const Float80 value = numbers.value();
        if (operands.below(2) == 0) {
            std::memcpy(bytes.data(), &value.significand, 8);
            std::memcpy(bytes.data() + 8, &value.sign_exponent, 2);
        }
        return bytes;
    }

    // All exceptions masked, whatever else.
    void random_state() {
        Cpu& cpu = interpreted.cpu;
        cpu.fpu = numbers.state();
        cpu.fpu.set_control_word(cpu.fpu.control_word | fpu_status::exceptions);
        cpu.fpu.fip = static_cast<u32>(operands.next());
        cpu.fpu.fdp = static_cast<u32>(operands.next());
        cpu.fpu.fcs = static_cast<u16>(operands.next());
        for (Packed128& x : cpu.sse.xmm) x = random_xmm();
        cpu.sse.mxcsr = (static_cast<u32>(operands.next()) & 0xFFFF) | mxcsr::masks;
        for (unsigned n = 0; n < 8; ++n) cpu.gpr[n] = static_cast<u32>(operands.next());
        cpu.gpr[reg_EBX] = operand_at;
        cpu.arithmetic.set_value(static_cast<u32>(operands.next()) & arithmetic_flags);
        Cpu& other = translated.cpu;
        other.fpu = cpu.fpu;
        other.sse = cpu.sse;
        std::copy(std::begin(cpu.gpr), std::end(cpu.gpr), std::begin(other.gpr));
        other.arithmetic = cpu.arithmetic;
    }

    i64 run_translated(const UnitRow& row, const Instruction& insn, OperandBytes& bytes) {
        Cpu& cpu = translated.cpu;
        const HostInstruction host = host_instruction(row, insn, {{0, 1, 2, 3, 15, 5, 6, 7}, 9});
        const u32 eflags = cpu.arithmetic.value();
        if (operands.below(2) == 0) cpu.host_mxcsr.enter(cpu.sse);
        i64 result = 0;
        switch (operands.below(4)) {
        case 0: result = thunk.run(cpu, bytes.data(), eflags, {unit_x87, unit_sse}, host); break;
        case 1: result = thunk.run(cpu, bytes.data(), eflags, {unit_sse, unit_x87}, host); break;
        case 2: result = thunk.run(cpu, bytes.data(), eflags, {unit_x87 | unit_sse}, host); break;
        default: result = thunk.run(cpu, bytes.data(), eflags, {row.units}, host); break;
        }
        cpu.host_mxcsr.leave(cpu.sse);
        cpu.arithmetic.set_value(static_cast<u32>(result) & arithmetic_flags);
        return result;
    }

    void compare_once(const UnitRow& row, const Instruction& insn) {
        random_state();
        const FpuState before = interpreted.cpu.fpu;
        alignas(16) OperandBytes bytes = random_operand();
        interpreted.put(operand_at, bytes);
        ASSERT_EQ(single_handler(insn)(interpreted.cpu, insn), Outcome::Done);
        interpreted.cpu.host_mxcsr.leave(interpreted.cpu.sse);
        ASSERT_NE(run_translated(row, insn, bytes), -1) << "refused";
        expect_same(before);
        EXPECT_EQ(interpreted.read<OperandBytes>(operand_at), bytes) << "memory";
        EXPECT_EQ(translated.cpu.units_resident, 0);
    }

    void expect_same(const FpuState& before) {
        const Cpu& a = interpreted.cpu;
        const Cpu& b = translated.cpu;
        for (unsigned n = 0; n < 8; ++n) {
            EXPECT_EQ(a.gpr[n], b.gpr[n]) << "general register " << n;
            EXPECT_EQ(a.sse.xmm[n], b.sse.xmm[n]) << "XMM" << n;
            EXPECT_EQ(a.fpu.physical[n], b.fpu.physical[n]) << "physical x87 register " << n;
        }
        EXPECT_EQ(a.sse.mxcsr, b.sse.mxcsr);
        EXPECT_EQ(a.fpu.control_word, b.fpu.control_word);
        EXPECT_EQ(a.fpu.status_word, b.fpu.status_word) << std::hex << "CW " << before.control_word << " SW "
                                                        << before.full_status_word() << " empty " << +before.empty;
        EXPECT_EQ(a.fpu.top, b.fpu.top);
        EXPECT_EQ(a.fpu.empty, b.fpu.empty);
        EXPECT_EQ(b.fpu.fip, before.fip);
        EXPECT_EQ(b.fpu.fdp, before.fdp);
        EXPECT_EQ(b.fpu.fcs, before.fcs);
        EXPECT_EQ(a.arithmetic.value(), b.arithmetic.value()) << "flags";
    }

    void compare_form(unsigned row_number, bool memory, int rounds) {
        const Row& row = isa[row_number];
        SCOPED_TRACE(std::string(row.encoding) + " " + std::string(row.mnemonic) + (memory ? " memory" : " register"));
        for (int n = 0; n < rounds && !HasFailure(); ++n) {
            std::vector<u8> code = encode(row, memory);
            code.resize(16);
            const Decoded decoded = decode(code, CodeSize::Bits32, interpreted.cpu.model.features);
            ASSERT_EQ(decoded.instruction.row, row_number);
            ASSERT_EQ(decoded.instruction.memory, memory);
            compare_once(unit_row(row_number), decoded.instruction);
        }
        ++forms;
    }

    SseMachine interpreted, translated;
    Thunk thunk;
    SseOperands operands{5};
    RandomFpu numbers{387};
    unsigned forms = 0;
};

TEST_F(HostUnits, CopiedRowsAgreeWithTheInterpreter) {
    for (unsigned n = 0; n < row_count && !HasFailure(); ++n) {
        const UnitRow& row = unit_row(n);
        if (row.kind != UnitKind::Copy) continue;
        if (row.in_register) compare_form(n, false, 150);
        if (row.in_memory) compare_form(n, true, 150);
    }
    EXPECT_GT(forms, 550u);
    const Environment host = host_x87();
    EXPECT_EQ(host.control_word, 0x037F);
    EXPECT_EQ(host.tags, 0xFFFF) << "the host's stack is empty again";
}

// What the interpreter must see: taking is refused and nothing has changed.
TEST_F(HostUnits, TakingIsRefusedWhereAnInstructionCouldFault) {
    Cpu& cpu = translated.cpu;
    const HostInstruction nothing;
    const auto takes = [&](u8 units) {
        const FpuState fpu = cpu.fpu;
        const bool taken = thunk.run(cpu, nullptr, 0, {units}, nothing) != -1;
        cpu.host_mxcsr.leave(cpu.sse);
        EXPECT_EQ(cpu.units_resident, 0);
        EXPECT_EQ(cpu.fpu.full_status_word(), fpu.full_status_word());
        EXPECT_EQ(cpu.fpu.control_word, fpu.control_word);
        return taken;
    };
    random_state();
    EXPECT_TRUE(takes(unit_x87) && takes(unit_sse) && takes(unit_x87 | unit_sse));
    for (const u32 bit : {CR0_EM, CR0_TS}) {
        cpu.cr0 ^= bit;
        EXPECT_FALSE(takes(unit_x87) || takes(unit_sse) || takes(unit_x87 | unit_sse));
        cpu.cr0 ^= bit;
    }
    cpu.cr4 &= ~u32{CR4_OSFXSR};
    EXPECT_TRUE(takes(unit_x87));
    EXPECT_FALSE(takes(unit_sse) || takes(unit_x87 | unit_sse));
    cpu.cr4 |= CR4_OSFXSR;
    for (unsigned exception = 0; exception < 6; ++exception) {
        random_state();
        cpu.fpu.set_control_word(static_cast<u16>(cpu.fpu.control_word ^ 1u << exception));
        EXPECT_FALSE(takes(unit_x87) || takes(unit_x87 | unit_sse));
        EXPECT_TRUE(takes(unit_sse));
        random_state();
        cpu.sse.mxcsr ^= mxcsr::IM << exception;
        EXPECT_FALSE(takes(unit_sse) || takes(unit_x87 | unit_sse));
        EXPECT_TRUE(takes(unit_x87));
    }
}

} // namespace
} // namespace truering::test
