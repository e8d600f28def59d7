// What MMX, SSE and SSE2 instructions refuse: control register bits, alignment, pending x87 errors, unmasked float
// exceptions, models without the feature; and that a refused instruction changes nothing.
#include "tests/unit/cpu/sse_machine.hpp"

#include <gtest/gtest.h>

namespace truering {
namespace {

using test::SseMachine;
using Code = std::vector<u8>;

constexpr u32 data_at = 0x3000;
constexpr u32 float_one = 0x3F80'0000;

const Code paddb_mmx{0x0F, 0xFC, 0xC1};       // PADDB MM0, MM1
const Code pavgb_mmx{0x0F, 0xE0, 0xC1};       // PAVGB MM0, MM1
const Code paddq_mmx{0x0F, 0xD4, 0xC1};       // PADDQ MM0, MM1
const Code paddb_xmm{0x66, 0x0F, 0xFC, 0xC1}; // PADDB XMM0, XMM1
const Code addps{0x0F, 0x58, 0xC1};           // ADDPS XMM0, XMM1
const Code addps_memory{0x0F, 0x58, 0x03};    // ADDPS XMM0, [EBX]
const Code addpd{0x66, 0x0F, 0x58, 0xC1};     // ADDPD XMM0, XMM1
const Code divps{0x0F, 0x5E, 0xC1};           // DIVPS XMM0, XMM1
const Code divps_memory{0x0F, 0x5E, 0x03};    // DIVPS XMM0, [EBX]
const Code comiss{0x0F, 0x2F, 0xC1};          // COMISS XMM0, XMM1
const Code movups_load{0x0F, 0x10, 0x03};     // MOVUPS XMM0, [EBX]
const Code movlps_load{0x0F, 0x12, 0x03};     // MOVLPS XMM0, [EBX]
const Code movaps_store{0x0F, 0x29, 0x03};    // MOVAPS [EBX], XMM0
const Code movnti{0x0F, 0xC3, 0x03};          // MOVNTI [EBX], EAX
const Code ldmxcsr{0x0F, 0xAE, 0x13};         // LDMXCSR [EBX]
const Code stmxcsr{0x0F, 0xAE, 0x1B};         // STMXCSR [EBX]
const Code sfence{0x0F, 0xAE, 0xF8};
const Code mfence{0x0F, 0xAE, 0xF0};
const Code prefetch{0x0F, 0x18, 0x03};          // PREFETCHNTA [EBX]
const Code clflush{0x0F, 0xAE, 0x3B};           // CLFLUSH [EBX]
const Code cvtpi2ps_register{0x0F, 0x2A, 0xC1}; // CVTPI2PS XMM0, MM1
const Code cvtpi2ps_memory{0x0F, 0x2A, 0x03};   // CVTPI2PS XMM0, [EBX]
const Code maskmovdqu{0x66, 0x0F, 0xF7, 0xC1};  // MASKMOVDQU XMM0, XMM1
const Code emms{0x0F, 0x77};

class SseFaults : public testing::Test {
  protected:
    // Nothing, or the vector of the fault.
    std::optional<Vector> run(const Code& code) {
        next_code_ += 32;
        return machine.run(next_code_, code, 1);
    }
    Packed128& xmm(unsigned n) { return machine.cpu.sse.xmm[n]; }
    static Packed128 all(u32 lane) { return Packed128::of<u32>({lane, lane, lane, lane}); }

    void SetUp() override { machine.cpu.gpr[reg_EBX] = data_at; }

    SseMachine machine;

  private:
    u32 next_code_ = 0x1'0000;
};

TEST_F(SseFaults, EmulationBitIsUndefinedOpcode) {
    machine.cpu.cr0 |= CR0_EM | CR0_TS;
    EXPECT_EQ(run(paddb_mmx), Vector::UD);
    machine.enter_flat_mode();
    machine.cpu.cr0 |= CR0_EM;
    EXPECT_EQ(run(addps), Vector::UD);
}

TEST_F(SseFaults, TaskSwitchedBitIsNoMath) {
    machine.cpu.cr0 |= CR0_TS;
    EXPECT_EQ(run(paddb_mmx), Vector::NM);
    machine.enter_flat_mode();
    machine.cpu.cr0 |= CR0_TS;
    EXPECT_EQ(run(paddb_xmm), Vector::NM);
    machine.enter_flat_mode();
    machine.cpu.cr0 |= CR0_TS;
    EXPECT_EQ(run(ldmxcsr), Vector::NM);
}

TEST_F(SseFaults, OsfxsrGuardsXmmButNotMmxForms) {
    machine.cpu.cr4 &= ~CR4_OSFXSR;
    EXPECT_EQ(run(paddb_mmx), std::nullopt);
    EXPECT_EQ(run(pavgb_mmx), std::nullopt);
    EXPECT_EQ(run(paddq_mmx), std::nullopt);
    EXPECT_EQ(run(paddb_xmm), Vector::UD);
    machine.enter_flat_mode();
    machine.cpu.cr4 &= ~CR4_OSFXSR;
    EXPECT_EQ(run(stmxcsr), Vector::UD);
}

TEST_F(SseFaults, OrderingAndCacheControlHeedNoControlBit) {
    machine.cpu.cr0 |= CR0_EM | CR0_TS;
    machine.cpu.cr4 = 0;
    for (const Code& code : {sfence, mfence, prefetch, clflush, movnti}) EXPECT_EQ(run(code), std::nullopt);
}

// The model runs all of the first, and finds all of the second undefined.
void expect_features(std::string_view model, const std::vector<Code>& runs, const std::vector<Code>& undefined) {
    SseMachine machine(model);
    u32 at = 0x1'0000;
    const auto run = [&](const Code& code) {
        machine.enter_flat_mode();
        machine.cpu.gpr[reg_EBX] = data_at;
        machine.put(data_at, mxcsr::reset_value);
        return machine.run(at += 32, code, 1);
    };
    for (const Code& code : runs) EXPECT_EQ(run(code), std::nullopt) << model << ' ' << at;
    for (const Code& code : undefined) EXPECT_EQ(run(code), Vector::UD) << model << ' ' << at;
}

TEST_F(SseFaults, FeaturesOfTheModels) {
    expect_features("pentium", {}, {paddb_mmx, pavgb_mmx, addps, emms});
    expect_features("pentium-mmx", {paddb_mmx, emms}, {pavgb_mmx, addps, sfence, prefetch});
    expect_features("pentium2", {paddb_mmx, prefetch}, {pavgb_mmx, addps, sfence}); // the prefetch is a hint NOP
    expect_features("pentium3", {paddb_mmx, pavgb_mmx, addps, ldmxcsr, sfence, prefetch},
                    {paddq_mmx, paddb_xmm, addpd, mfence, movnti, clflush});
    expect_features("pentium4", {pavgb_mmx, paddq_mmx, paddb_xmm, addps, addpd, mfence, movnti, clflush}, {});
}

TEST_F(SseFaults, SixteenByteOperandsMustBeAligned) {
    machine.cpu.gpr[reg_EBX] = data_at + 8;
    const Packed128 before = xmm(0) = all(float_one);
    EXPECT_EQ(run(addps_memory), Vector::GP);
    EXPECT_EQ(machine.read<u32>(machine.cpu.gpr[reg_ESP]), 0U) << "the error code";
    machine.enter_flat_mode();
    machine.cpu.gpr[reg_EBX] = data_at + 1;
    machine.cpu.sse.xmm[0] = before;
    EXPECT_EQ(run(movaps_store), Vector::GP);
    EXPECT_EQ(machine.read<u32>(data_at + 4), 0U);
    machine.enter_flat_mode();
    machine.cpu.gpr[reg_EBX] = data_at + 1;
    EXPECT_EQ(run(movups_load), std::nullopt);
}

TEST_F(SseFaults, AlignmentIsThatOfTheLinearAddress) {
    Segment ds = machine.cpu.segment[seg_DS];
    ds.base = 8;
    machine.cpu.set_segment(seg_DS, ds);
    machine.cpu.gpr[reg_EBX] = data_at + 8;
    EXPECT_EQ(run(addps_memory), std::nullopt);
    machine.cpu.gpr[reg_EBX] = data_at;
    EXPECT_EQ(run(addps_memory), Vector::GP);
}

TEST_F(SseFaults, UnalignedMovesCrossPages) {
    const Packed128 value = Packed128::of<u64>({0x1122'3344'5566'7788, 0x99AA'BBCC'DDEE'FF00});
    machine.put(data_at + 0xFF9, value);
    machine.cpu.gpr[reg_EBX] = data_at + 0xFF9;
    ASSERT_EQ(run(movups_load), std::nullopt);
    EXPECT_EQ(xmm(0), value);
}

// As Intel's recent processors do it; the SDM leaves it to the implementation.
TEST_F(SseFaults, AlignmentCheckSparesUnalignedMovesOf16Bytes) {
    machine.cpu.cr0 |= CR0_AM;
    machine.cpu.set_cpl(3);
    machine.cpu.set_eflags(EFLAGS_AC, EFLAGS_AC);
    machine.cpu.update_view();
    machine.cpu.gpr[reg_EBX] = data_at + 4;
    EXPECT_EQ(run(movups_load), std::nullopt);
    EXPECT_NE(run(movlps_load), std::nullopt) << "8 bytes are checked";
}

TEST_F(SseFaults, PendingX87ErrorComesBeforeMmx) {
    FpuState& fpu = machine.cpu.fpu;
    fpu.set_control_word(0x037E);
    fpu.status_word |= 1; // IE, unmasked
    fpu.summarize();
    fpu.top = 5;
    EXPECT_EQ(run(cvtpi2ps_memory), std::nullopt) << "no MMX register, no x87 errors";
    EXPECT_EQ(fpu.top, 5U);
    EXPECT_EQ(run(addps), std::nullopt);
    EXPECT_EQ(run(paddb_mmx), Vector::MF);
    EXPECT_EQ(machine.cpu.fpu.top, 5U);
    machine.enter_flat_mode();
    fpu.set_control_word(0x037E);
    fpu.status_word |= 1;
    fpu.summarize();
    EXPECT_EQ(run(cvtpi2ps_register), Vector::MF);
}

TEST_F(SseFaults, UnmaskedExceptionLeavesTheDestination) {
    machine.cpu.sse.mxcsr = mxcsr::reset_value & ~mxcsr::ZM;
    xmm(0) = all(float_one);
    xmm(1) = Packed128::of<u32>({0x4040'0000, 0, float_one, 0x7FC0'0000});
    EXPECT_EQ(run(divps), Vector::XM);
    EXPECT_EQ(machine.read<u32>(machine.cpu.gpr[reg_ESP]) & ~0xFFFU, 0x1'0000U) << "no error code: EIP is on top";
    EXPECT_EQ(xmm(0), all(float_one));
    EXPECT_EQ(machine.cpu.sse.mxcsr, (mxcsr::reset_value & ~mxcsr::ZM) | mxcsr::ZE) << "no PE of lane 0";
}

TEST_F(SseFaults, UnmaskedExceptionWithoutOsxmmexcptIsUndefinedOpcode) {
    machine.cpu.cr4 &= ~CR4_OSXMMEXCPT;
    machine.cpu.sse.mxcsr = mxcsr::reset_value & ~mxcsr::ZM;
    xmm(0) = all(float_one);
    EXPECT_EQ(run(divps), Vector::UD);
}

TEST_F(SseFaults, AlignmentComesBeforeTheFloatException) {
    machine.cpu.sse.mxcsr = mxcsr::reset_value & ~mxcsr::ZM;
    xmm(0) = all(float_one);
    machine.cpu.gpr[reg_EBX] = data_at + 4;
    EXPECT_EQ(run(divps_memory), Vector::GP);
    EXPECT_EQ(machine.cpu.sse.mxcsr & mxcsr::flags, 0U);
}

TEST_F(SseFaults, CompareThatFaultsLeavesEflags) {
    machine.cpu.sse.mxcsr = mxcsr::reset_value & ~mxcsr::IM;
    machine.cpu.arithmetic.set_value(flag_OF | flag_SF | flag_AF);
    xmm(1) = all(0x7FC0'0000);
    EXPECT_EQ(run(comiss), Vector::XM);
    EXPECT_EQ(machine.cpu.eflags() & arithmetic_flags, u32{flag_OF} | flag_SF | flag_AF);
    machine.enter_flat_mode();
    xmm(1) = all(0x7FC0'0000);
    machine.cpu.arithmetic.set_value(flag_OF | flag_SF | flag_AF);
    EXPECT_EQ(run(comiss), std::nullopt);
    EXPECT_EQ(machine.cpu.eflags() & arithmetic_flags, u32{flag_ZF} | flag_PF | flag_CF);
}

TEST_F(SseFaults, ReservedBitsOfMxcsr) {
    machine.put(data_at, mxcsr::reset_value | mxcsr::DAZ);
    EXPECT_EQ(run(ldmxcsr), std::nullopt);
    EXPECT_EQ(machine.cpu.sse.mxcsr, mxcsr::reset_value | mxcsr::DAZ);
    machine.put(data_at, mxcsr::reset_value | 0x1'0000);
    EXPECT_EQ(run(ldmxcsr), Vector::GP);
    EXPECT_EQ(machine.cpu.sse.mxcsr, mxcsr::reset_value | mxcsr::DAZ);

    SseMachine pentium3("pentium3");
    pentium3.cpu.gpr[reg_EBX] = data_at;
    pentium3.put(data_at, mxcsr::reset_value | mxcsr::DAZ);
    EXPECT_EQ(pentium3.run(0x1'0000, ldmxcsr, 1), Vector::GP);
}

// Flags that gather in the host's register reach STMXCSR in the middle of a run, and LDMXCSR clears them.
TEST_F(SseFaults, StickyFlagsWithinARun) {
    machine.put(data_at + 16, mxcsr::reset_value);
    xmm(0) = all(float_one);
    xmm(1) = all(0x4040'0000);
    const Code program{0x0F, 0x5E, 0xC1,       // DIVPS XMM0, XMM1
                       0x0F, 0xAE, 0x1B,       // STMXCSR [EBX]
                       0x0F, 0xAE, 0x53, 0x10, // LDMXCSR [EBX+16]
                       0x0F, 0xAE, 0x5B, 0x04, // STMXCSR [EBX+4]
                       0x0F, 0x58, 0xC9};      // ADDPS XMM1, XMM1
    EXPECT_EQ(machine.run(0x2'0000, program, 5), std::nullopt);
    EXPECT_EQ(machine.read<u32>(data_at), mxcsr::reset_value | mxcsr::PE);
    EXPECT_EQ(machine.read<u32>(data_at + 4), mxcsr::reset_value);
    EXPECT_EQ(machine.cpu.sse.mxcsr, mxcsr::reset_value) << "an exact sum";
}

TEST_F(SseFaults, MaskedStoreWritesSelectedBytesOnly) {
    xmm(0) = Packed128::of<u64>({0x0706'0504'0302'0100, 0x0F0E'0D0C'0B0A'0908});
    xmm(1) = Packed128::of<u64>({0x0080'0000'7F00'0080, 0xFF00'0000'0000'0000});
    machine.cpu.gpr[reg_EDI] = data_at + 3;
    machine.put(data_at + 3, Packed128::of<u64>({~u64{0}, ~u64{0}}));
    ASSERT_EQ(run(maskmovdqu), std::nullopt);
    EXPECT_EQ(machine.read<u64>(data_at + 3), 0xFF06'FFFF'FFFF'FF00U);
    EXPECT_EQ(machine.read<u64>(data_at + 11), 0x0FFF'FFFF'FFFF'FFFFU);
}

TEST_F(SseFaults, MmxUseOfTheX87Registers) {
    FpuState& fpu = machine.cpu.fpu;
    fpu.fninit();
    fpu.top = 3;
    fpu.set_mm(1, 0x0101'0101'0101'0101);
    ASSERT_EQ(run(paddb_mmx), std::nullopt);
    EXPECT_EQ(fpu.top, 0U);
    EXPECT_EQ(fpu.empty, 0U);
    EXPECT_EQ(fpu.physical[0].sign_exponent, 0xFFFFU);
    ASSERT_EQ(run(emms), std::nullopt);
    EXPECT_EQ(fpu.empty, 0xFFU);
    EXPECT_EQ(fpu.mm(0), 0x0101'0101'0101'0101U);
}

} // namespace
} // namespace truering
