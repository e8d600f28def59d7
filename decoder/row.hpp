// One row of the instruction table: what decoder/isa.def says about an encoding.
//
// The rows are the only description of the instruction set. Decoding, lengths, dispatch, admission, disassembly,
// undefined-flag masks and coverage all follow from them.
#pragma once

#include "base/control_area.h"
#include "base/types.hpp"
#include "decoder/feature.hpp"
#include "decoder/operand.hpp"

#include <string_view>

namespace truering {

// Who touches the operands: R reads all of them, W writes the first, RW reads and writes the first; Own is written by
// hand.
enum class Shape : u8 { R, W, RW, Own };

// The reason with which an operation exits V32 mode (docs/v32.md section 8).
using V32Exit = v32::Reason;

// The arithmetic flags, at their bits in EFLAGS.
enum FlagBits : u16 {
    flag_CF = 0x0001,
    flag_PF = 0x0004,
    flag_AF = 0x0010,
    flag_ZF = 0x0040,
    flag_SF = 0x0080,
    flag_OF = 0x0800,
    arithmetic_flags = 0x08D5,
};

// What a processor checks before it executes, in the order of docs/v32.md section 6: #UD first, then #GP(0).
enum CheckBits : u16 {
    check_protected = 0x001,   // #UD in real and virtual-8086 mode
    check_cpl0 = 0x002,        // #GP(0) if CPL is not 0 (so in virtual-8086 mode too)
    check_iopl = 0x004,        // #GP(0) if CPL > IOPL; in virtual-8086 mode if IOPL < 3
    check_io = 0x008,          // the same, unless the TSS's I/O map permits the ports
    check_tsd = 0x010,         // #GP(0) if CR4.TSD=1 and CPL is not 0
    check_pce = 0x020,         // #GP(0) if CR4.PCE=0 and CPL is not 0
    check_v86_iopl = 0x040,    // #GP(0) in virtual-8086 mode if IOPL < 3 (PUSHF, POPF, IRET, INT n: VME may allow)
    check_fpu = 0x080,         // #NM by CR0.EM and TS, then a pending #MF
    check_fpu_nowait = 0x1000, // #NM by CR0.EM and TS; a pending #MF does not matter
    check_wait = 0x100,        // #NM by CR0.MP and TS, then a pending #MF
    check_mmx = 0x200,         // #UD by CR0.EM, #NM by TS, then a pending #MF
    check_sse = 0x400,         // #UD by CR0.EM or CR4.OSFXSR=0, #NM by TS
    check_umip = 0x800,        // #GP(0) if CR4.UMIP=1 and CPL is not 0
    check_dr = 0x2000,         // #UD for DR4 and DR5 if CR4.DE=1, then #DB if DR7.GD=1
    check_v32_entry = 0x4000,  // #UD unless CPL=0, CR0.PE=1, CR0.PG=1, EFLAGS.VM=0
};

// Everything in a row behind the operands. Attributes combine with |.
struct Attributes {
    bool lockable = false;
    bool ends_block = false; // the next instruction is not the next in memory, or what decoding rests on may change
    u16 checks = 0;
    u16 flags_read = 0;
    u16 flags_written = 0;
    u16 flags_undefined = 0;
    V32Exit v32_exit = V32Exit::None;
    Feature feature = Feature::Always;

    friend constexpr Attributes operator|(Attributes a, const Attributes& b) {
        a.lockable |= b.lockable;
        a.ends_block |= b.ends_block;
        a.checks = static_cast<u16>(a.checks | b.checks);
        a.flags_read = static_cast<u16>(a.flags_read | b.flags_read);
        a.flags_written = static_cast<u16>(a.flags_written | b.flags_written);
        a.flags_undefined = static_cast<u16>(a.flags_undefined | b.flags_undefined);
        if (b.v32_exit != V32Exit::None) a.v32_exit = b.v32_exit;
        if (b.feature != Feature::Always) a.feature = b.feature;
        return a;
    }
    // Must `admit` look at the instruction before it executes?
    [[nodiscard]] constexpr bool needs_admission() const { return checks != 0 || v32_exit != V32Exit::None; }
};

// The vocabulary of decoder/isa.def for attributes.
namespace attributes {
constexpr u16 flag_mask(std::string_view letters) {
    u16 mask = 0;
    for (const char c : letters) {
        switch (c) {
        case 'O': mask |= flag_OF; break;
        case 'S': mask |= flag_SF; break;
        case 'Z': mask |= flag_ZF; break;
        case 'A': mask |= flag_AF; break;
        case 'P': mask |= flag_PF; break;
        case 'C': mask |= flag_CF; break;
        default: throw "a flag letter is one of OSZAPC";
        }
    }
    return mask;
}
constexpr Attributes rd(std::string_view letters) { return {.flags_read = flag_mask(letters)}; }
constexpr Attributes wr(std::string_view letters) { return {.flags_written = flag_mask(letters)}; }
constexpr Attributes un(std::string_view letters) {
    return {.flags_written = flag_mask(letters), .flags_undefined = flag_mask(letters)};
}
constexpr Attributes exits(V32Exit reason) { return {.v32_exit = reason}; }
constexpr Attributes needs(Feature feature) { return {.feature = feature}; }

inline constexpr Attributes none{};
inline constexpr Attributes lock{.lockable = true};
inline constexpr Attributes ends{.ends_block = true};
inline constexpr Attributes pe{.checks = check_protected};
inline constexpr Attributes cpl0{.checks = check_cpl0};
inline constexpr Attributes iopl{.checks = check_iopl};
inline constexpr Attributes io{.checks = check_io};
inline constexpr Attributes tsd{.checks = check_tsd};
inline constexpr Attributes pce{.checks = check_pce};
inline constexpr Attributes v86_iopl{.checks = check_v86_iopl};
inline constexpr Attributes fpu{.checks = check_fpu};
inline constexpr Attributes fpu_nowait{.checks = check_fpu_nowait};
inline constexpr Attributes fwait{.checks = check_wait};
inline constexpr Attributes mmx{.checks = check_mmx, .feature = Feature::MMX};
inline constexpr Attributes sse{.checks = check_sse, .feature = Feature::SSE};
inline constexpr Attributes sse2{.checks = check_sse, .feature = Feature::SSE2};
inline constexpr Attributes sse_feature{.feature = Feature::SSE}; // needs(...) would meet the section macro SSE
inline constexpr Attributes umip{.checks = check_umip};
inline constexpr Attributes dr{.checks = check_dr};
inline constexpr Attributes v32_entry{.checks = check_v32_entry};
} // namespace attributes

struct Row {
    std::string_view encoding; // as the SDM prints it: "66 0F 6F /r", "D9 E8", "50+r"
    std::string_view mnemonic;
    Shape shape;
    Operand operands[3];
    Attributes attributes;
};

} // namespace truering
