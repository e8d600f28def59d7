// Bits of the control, debug and model-specific registers, by the SDM's names (vol. 3A, 2.5, 17.2; vol. 4).
#pragma once

#include "base/types.hpp"

namespace truering {

enum Gpr : u8 { reg_EAX, reg_ECX, reg_EDX, reg_EBX, reg_ESP, reg_EBP, reg_ESI, reg_EDI };

enum Cr0 : u32 {
    CR0_PE = 1u << 0,
    CR0_MP = 1u << 1,
    CR0_EM = 1u << 2,
    CR0_TS = 1u << 3,
    CR0_ET = 1u << 4,
    CR0_NE = 1u << 5,
    CR0_WP = 1u << 16,
    CR0_AM = 1u << 18,
    CR0_NW = 1u << 29,
    CR0_CD = 1u << 30,
    CR0_PG = 1u << 31,
    CR0_all = CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG,
};

enum Cr4 : u32 {
    CR4_VME = 1u << 0,
    CR4_PVI = 1u << 1,
    CR4_TSD = 1u << 2,
    CR4_DE = 1u << 3,
    CR4_PSE = 1u << 4,
    CR4_PAE = 1u << 5,
    CR4_MCE = 1u << 6,
    CR4_PGE = 1u << 7,
    CR4_PCE = 1u << 8,
    CR4_OSFXSR = 1u << 9,
    CR4_OSXMMEXCPT = 1u << 10,
    CR4_UMIP = 1u << 11,
    CR4_V32 = 1u << 15, // docs/v32.md section 2
};

enum Dr6 : u32 {
    DR6_B0 = 1u << 0, // B1..B3 follow
    DR6_breakpoints = 0xF,
    DR6_BD = 1u << 13,
    DR6_BS = 1u << 14,
    DR6_BT = 1u << 15,
    DR6_fixed = 0xFFFF0FF0,
};

enum Dr7 : u32 {
    DR7_enables = 0xFF, // L0 G0 .. L3 G3
    DR7_GD = 1u << 13,
    DR7_fixed = 1u << 10,
};

enum Efer : u32 { EFER_NXE = 1u << 11 };

enum Interruptibility : u8 { blocked_by_STI = 1, blocked_by_MOV_SS = 2, blocked_by_NMI = 4 };

} // namespace truering
