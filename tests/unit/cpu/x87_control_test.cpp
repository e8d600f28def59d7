// What surrounds x87 arithmetic: the record of the last instruction, environments in memory, FXSAVE, #NM, #MF and
// FERR#.
#include "tests/unit/cpu/sse_machine.hpp"

#include <array>
#include <gtest/gtest.h>
#include <vector>

namespace truering::test {
namespace {

using Code = std::vector<u8>;

constexpr u32 code_at = 0x2000;
constexpr u32 data_at = 0x3000;

class X87Control : public testing::Test {
  protected:
    X87Control() {
        machine.cpu.fpu.fninit();
        machine.cpu.gpr[reg_ESI] = data_at;
        machine.cpu.gpr[reg_EDI] = data_at + 0x100;
    }
    std::optional<Vector> run(const Code& code, u64 count) {
        machine.cpu.gpr[reg_ESP] = 0x7000;
        return machine.run(code_at, code, count);
    }
    FpuState& fpu() { return machine.cpu.fpu; }

    // Real mode, CS:IP = 0100:1000 and DS = 0200 with the same linear addresses.
    void enter_real_mode() {
        machine.cpu.cr0 = CR0_ET | CR0_NE;
        for (const SegmentIndex n : {seg_ES, seg_SS, seg_DS, seg_CS}) {
            Segment segment;
            segment.selector = n == seg_CS ? 0x100 : 0x200;
            segment.attributes = attr_P | attr_S | attr_writable | attr_accessed | (n == seg_CS ? attr_code : 0);
            segment.base = u32{segment.selector} << 4;
            segment.limit = 0xFFFF;
            segment.refresh(false);
            machine.cpu.set_segment(n, segment);
        }
        machine.cpu.gpr[reg_ESI] = data_at - 0x2000;
        machine.cpu.gpr[reg_EDI] = data_at - 0x2000 + 0x100;
        machine.cpu.update_segments();
        machine.cpu.update_view();
    }
    void run_real(const Code& code, u64 count) {
        machine.write(code_at, code);
        machine.cpu.eip = code_at - 0x1000;
        machine.cpu.run(count);
    }

    SseMachine machine;
};

// ---- The record

TEST_F(X87Control, TheRecordNamesTheLastInstructionAndItsOperand) {
    machine.put(data_at + 4, 0x4000'0000u);
    run({0xD9, 0x46, 0x04, 0xD9, 0xE8, 0xDB, 0xE2, 0xD9, 0x3E}, 4); // FLD m32; FLD1; FNCLEX; FNSTCW
    EXPECT_EQ(fpu().fip, code_at + 3);                              // FNCLEX and FNSTCW leave no trace
    EXPECT_EQ(fpu().fcs, 8);
    EXPECT_EQ(fpu().last_opcode, 0x1E8);
    EXPECT_EQ(fpu().fdp, data_at + 4); // FLD1 has no operand
    EXPECT_EQ(fpu().fds, 16);
    EXPECT_EQ(machine.read<u16>(data_at), 0x037F);
}

TEST_F(X87Control, FipIncludesPrefixes) {
    run({0x3E, 0xD9, 0x06}, 1);
    EXPECT_EQ(fpu().fip, code_at);
    EXPECT_EQ(fpu().last_opcode, 0x106);
}

// ---- Environments

TEST_F(X87Control, ProtectedModeEnvironment32) {
    run({0xD9, 0x06, 0xD9, 0x37}, 2); // FLD m32 (0.0); FNSTENV [edi]
    EXPECT_EQ((machine.read<std::array<u32, 7>>(data_at + 0x100)),
              (std::array<u32, 7>{0xFFFF'037F, 0xFFFF'3800, 0xFFFF'7FFF, code_at, 0x0106'0008, data_at, 0xFFFF'0010}));
    EXPECT_EQ(fpu().control_word, 0x037F);
}

TEST_F(X87Control, FnstenvMasksEverything) {
    fpu().set_control_word(0x0340);
    run({0xD9, 0x37}, 1);
    EXPECT_EQ(machine.read<u16>(data_at + 0x100), 0x0340);
    EXPECT_EQ(fpu().control_word, 0x037F);
}

TEST_F(X87Control, ProtectedModeEnvironment16) {
    run({0xD9, 0x06, 0x66, 0xD9, 0x37}, 2);
    EXPECT_EQ((machine.read<std::array<u16, 8>>(data_at + 0x100)),
              (std::array<u16, 8>{0x037F, 0x3800, 0x7FFF, code_at, 8, data_at, 16, 0}));
}

TEST_F(X87Control, RealModeEnvironments) {
    enter_real_mode();
    fpu().fcs = 0xF234; // linear 0F_3340 + 0001_0000 = 10_3340
    fpu().fip = 0x1'1000;
    fpu().fds = 0x1000;
    fpu().fdp = 0x2345;
    fpu().last_opcode = 0x5AB;
    run_real({0xD9, 0x35}, 1); // FNSTENV [di]
    EXPECT_EQ((machine.read<std::array<u16, 7>>(data_at + 0x100)),
              (std::array<u16, 7>{0x037F, 0x0000, 0xFFFF, 0x3340, 0x05AB, 0x2345, 0x1000}));
    run_real({0x66, 0xD9, 0x35}, 1);
    EXPECT_EQ((machine.read<std::array<u32, 7>>(data_at + 0x100)),
              (std::array<u32, 7>{0xFFFF'037F, 0xFFFF'0000, 0xFFFF'FFFF, 0xFFFF'3340, 0x0010'0000 >> 4 | 0x5AB,
                                  0xFFFF'2345, 0x0000'1000}));
    run_real({0x66, 0xD9, 0x25}, 1); // FLDENV [di]
    EXPECT_EQ(fpu().fip, 0x10'3340u);
    EXPECT_EQ(fpu().fcs, 0);
    EXPECT_EQ(fpu().fdp, 0x1'2345u);
}

TEST_F(X87Control, SaveAndRestoreAreInverse) {
    run({0xD9, 0xEB, 0xD9, 0xE8, 0xDE, 0xF1}, 3); // FLDPI; FLD1; FDIVP: PE, one register
    const FpuState before = fpu();
    run({0xDD, 0x37}, 1); // FNSAVE [edi]
    EXPECT_EQ(fpu().control_word, 0x037F);
    EXPECT_EQ(fpu().full_status_word(), 0);
    EXPECT_EQ(fpu().empty, 0xFF);
    EXPECT_EQ(fpu().fip, 0u);
    EXPECT_EQ(machine.read<u64>(data_at + 0x100 + 28), before.st(0).significand); // ST(0) first
    run({0xDD, 0x27}, 1);                                                         // FRSTOR [edi]
    EXPECT_EQ(fpu().physical, before.physical);
    EXPECT_EQ(fpu().full_status_word(), before.full_status_word());
    EXPECT_EQ(fpu().empty, before.empty);
    EXPECT_EQ(fpu().fip, before.fip);
    EXPECT_EQ(fpu().last_opcode, before.last_opcode);
}

TEST_F(X87Control, AStoreThatFaultsChangesNothing) {
    run({0xD9, 0xE8}, 1);
    Segment narrow = machine.cpu.segment[seg_DS];
    narrow.limit = data_at + 2;
    narrow.refresh(true);
    machine.cpu.set_segment(seg_DS, narrow);
    const FpuState before = fpu();
    EXPECT_EQ(run({0xD9, 0x1E}, 1), Vector::GP); // FSTP m32
    EXPECT_EQ(run({0xDF, 0x36}, 1), Vector::GP); // FBSTP
    EXPECT_EQ(run({0xDD, 0x36}, 1), Vector::GP); // FNSAVE
    EXPECT_EQ(run({0xDD, 0x06}, 1), Vector::GP); // FLD m64
    EXPECT_EQ(fpu().top, before.top);
    EXPECT_EQ(fpu().fip, before.fip);
    EXPECT_EQ(fpu().full_status_word(), before.full_status_word());
    EXPECT_EQ(machine.read<u16>(data_at), 0); // not even the part within the limit
}

// ---- CR0

TEST_F(X87Control, EmAndTsRaiseNm) {
    for (const u32 bit : {u32{CR0_EM}, u32{CR0_TS}}) {
        machine.cpu.cr0 = CR0_PE | CR0_ET | CR0_NE | bit;
        EXPECT_EQ(run({0xD9, 0xE8}, 1), Vector::NM);
        EXPECT_EQ(run({0xDB, 0xE3}, 1), Vector::NM); // FNINIT too
        EXPECT_EQ(run({0x9B}, 1), std::nullopt);     // WAIT asks for MP and TS
    }
    machine.cpu.cr0 = CR0_PE | CR0_ET | CR0_NE | CR0_MP | CR0_TS;
    EXPECT_EQ(run({0x9B}, 1), Vector::NM);
    machine.cpu.cr0 = CR0_PE | CR0_ET | CR0_NE | CR0_MP;
    EXPECT_EQ(run({0x9B}, 1), std::nullopt);
}

const Code divide_by_zero{0xD9, 0xE8, 0xD9, 0xEE, 0xDE, 0xF9}; // FLD1; FLDZ; FDIVP

TEST_F(X87Control, AnUnmaskedErrorWaitsForTheNextWaitingInstruction) {
    fpu().set_control_word(0x037B);
    EXPECT_EQ(run(divide_by_zero, 3), std::nullopt);
    EXPECT_EQ(run({0xDF, 0xE0}, 1), std::nullopt);         // FNSTSW AX
    EXPECT_EQ(machine.cpu.gpr[reg_EAX] & 0xFFFF, 0xB084u); // B ES ZE, TOP = 6: nothing was popped
    EXPECT_EQ(run({0xD9, 0x3E}, 1), std::nullopt);         // FNSTCW
    EXPECT_EQ(run({0x9B}, 1), Vector::MF);
    EXPECT_EQ(run({0xD9, 0xE8}, 1), Vector::MF);
    EXPECT_EQ(run({0xD9, 0x2E}, 1), Vector::MF);         // FLDCW waits
    EXPECT_EQ(run({0x0F, 0x6F, 0xC1}, 1), Vector::MF);   // MOVQ mm0, mm1
    EXPECT_EQ(run({0xDB, 0xE2, 0x9B}, 2), std::nullopt); // FNCLEX; WAIT
    EXPECT_EQ(fpu().fip, code_at + 4);                   // the division's
}

struct Wire {
    void changed(unsigned, bool level) { high = level; }
    bool high = false;
};

TEST_F(X87Control, WithoutNeTheErrorGoesOutByFerr) {
    Wire ferr;
    machine.cpu.ferr.connect_to<&Wire::changed>(ferr);
    machine.cpu.cr0 = CR0_PE | CR0_ET;
    fpu().set_control_word(0x037B);
    run(divide_by_zero, 3);
    EXPECT_FALSE(ferr.high);
    // The next waiting instruction stands still; time goes on.
    run({0xD9, 0xE8}, 5);
    EXPECT_TRUE(ferr.high);
    EXPECT_EQ(machine.cpu.eip, code_at);
    EXPECT_EQ(fpu().top, 6);
    // IGNNE# lets it pass while the error is still there.
    machine.cpu.set_ignne_line(0, true);
    EXPECT_EQ(run({0xD9, 0xE8}, 1), std::nullopt);
    EXPECT_EQ(fpu().top, 5);
    EXPECT_TRUE(ferr.high);
    EXPECT_EQ(run({0xDB, 0xE2}, 1), std::nullopt); // FNCLEX
    EXPECT_FALSE(ferr.high);
}

// ---- FXSAVE

TEST_F(X87Control, FxsaveLayout) {
    run({0xD9, 0xEB, 0xD9, 0x06}, 2); // FLDPI; FLD m32
    machine.cpu.sse.xmm[3] = Packed128::low(u64{0x1122'3344'5566'7788});
    machine.put(data_at + 0x100 + 288, u64{0x5555});
    run({0x0F, 0xAE, 0x07}, 1); // FXSAVE [edi]
    const u32 at = data_at + 0x100;
    EXPECT_EQ(machine.read<u16>(at), 0x037F);
    EXPECT_EQ(machine.read<u16>(at + 2), 0x3000);
    EXPECT_EQ(machine.read<u16>(at + 4), 0x00C0); // registers 6 and 7
    EXPECT_EQ(machine.read<u16>(at + 6), 0x106);
    EXPECT_EQ(machine.read<u32>(at + 8), code_at + 2);
    EXPECT_EQ(machine.read<u16>(at + 12), 8);
    EXPECT_EQ(machine.read<u32>(at + 16), data_at);
    EXPECT_EQ(machine.read<u16>(at + 20), 16);
    EXPECT_EQ(machine.read<u32>(at + 24), 0x1F80u);
    EXPECT_EQ(machine.read<u32>(at + 28), machine.cpu.model.mxcsr_mask);
    EXPECT_EQ(machine.read<u64>(at + 32 + 16), 0xC90F'DAA2'2168'C235u); // ST(1)
    EXPECT_EQ(machine.read<u16>(at + 32 + 24), 0x4000);
    EXPECT_EQ(machine.read<u64>(at + 160 + 3 * 16), 0x1122'3344'5566'7788u);
    EXPECT_EQ(machine.read<u64>(at + 288), 0x5555u);
    EXPECT_EQ(fpu().top, 6); // nothing is initialised

    const FpuState before = fpu();
    run({0xDB, 0xE3}, 1);
    machine.cpu.sse.xmm[3] = {};
    EXPECT_EQ(run({0x0F, 0xAE, 0x0F}, 1), std::nullopt); // FXRSTOR [edi]
    EXPECT_EQ(fpu().physical, before.physical);
    EXPECT_EQ(fpu().full_status_word(), before.full_status_word());
    EXPECT_EQ(fpu().empty, before.empty);
    EXPECT_EQ(fpu().fdp, before.fdp);
    EXPECT_EQ(machine.cpu.sse.xmm[3], Packed128::low(u64{0x1122'3344'5566'7788}));
}

TEST_F(X87Control, FxsaveWithoutOsfxsrLeavesTheXmmPartAlone) {
    machine.cpu.cr4 = 0;
    machine.put(data_at + 0x100 + 160, u64{0x77});
    EXPECT_EQ(run({0x0F, 0xAE, 0x07}, 1), std::nullopt);
    EXPECT_EQ(machine.read<u64>(data_at + 0x100 + 160), 0x77u);
}

TEST_F(X87Control, FxrstorRefuses) {
    run({0x0F, 0xAE, 0x07}, 1);
    machine.put(data_at + 0x100 + 24, u32{0x8000'1F80});
    EXPECT_EQ(run({0x0F, 0xAE, 0x0F}, 1), Vector::GP); // a reserved bit of MXCSR
    machine.cpu.gpr[reg_EDI] = data_at + 0x108;
    EXPECT_EQ(run({0x0F, 0xAE, 0x07}, 1), Vector::GP); // not aligned to 16
    EXPECT_EQ(run({0x0F, 0xAE, 0x0F}, 1), Vector::GP);
    machine.cpu.gpr[reg_EDI] = data_at + 0x100;
    machine.cpu.cr0 |= CR0_TS;
    EXPECT_EQ(run({0x0F, 0xAE, 0x07}, 1), Vector::NM);
}

TEST_F(X87Control, FxsaveDoesNotWait) {
    fpu().set_control_word(0x037B);
    run(divide_by_zero, 3);
    EXPECT_EQ(run({0x0F, 0xAE, 0x07}, 1), std::nullopt);
    EXPECT_EQ(run({0x0F, 0xAE, 0x0F}, 1), std::nullopt);
    EXPECT_EQ(run({0x9B}, 1), Vector::MF);
}

// ---- Models

TEST(X87Models, TheI486HasNeitherFcmovNorFcomi) {
    SseMachine machine("i486");
    machine.cpu.cr4 = 0;
    machine.cpu.fpu.fninit();
    EXPECT_EQ(machine.run(code_at, Code{0xD9, 0xE8}, 1), std::nullopt);
    EXPECT_EQ(machine.run(code_at, Code{0xDA, 0xC0}, 1), Vector::UD);
    EXPECT_EQ(machine.run(code_at, Code{0xDB, 0xF0}, 1), Vector::UD);
    EXPECT_EQ(machine.run(code_at, Code{0x0F, 0xAE, 0x07}, 1), Vector::UD);
}

} // namespace
} // namespace truering::test
