// Operands in the letters of the SDM's opcode map (vol. 2D, appendix A.2): where an operand is, and how wide.
#pragma once

#include "base/types.hpp"

namespace truering {

enum class Place : u8 {
    None,
    ModRmE,     // E, W, Q: a register or memory, by ModRM.mod and rm
    Memory,     // M: memory only; mod 3 is undefined
    RegisterRm, // R, U, N: the register of ModRM.rm; memory is undefined (R: mod is ignored)
    ModRmG,     // G, V, P: the register of ModRM.reg
    Segment,    // S: the segment register of ModRM.reg
    Control,    // C: the control register of ModRM.reg
    Debug,      // D: the debug register of ModRM.reg
    Opcode,     // Z: the register of the opcode's low three bits
    Fixed,      // a register that the mnemonic implies
    Immediate,  // I: bytes after the instruction, extended to the operand's width
    Relative,   // J: a displacement from the next instruction
    Offset,     // O: an address without ModRM
    Far,        // A: selector and offset in the instruction
    StringX,    // X: DS:(E)SI
    StringY,    // Y: ES:(E)DI
};

enum class Width : u8 {
    None,
    b,  // byte
    w,  // word
    d,  // doubleword
    v,  // word or doubleword, by operand size
    z,  // the same, for immediates
    q,  // quadword
    dq, // 128 bits
    t,  // 80-bit extended real
    p,  // far pointer, 32 or 48 bits, by operand size
    s,  // pseudo-descriptor of 6 bytes
    a,  // two words or doublewords, BOUND
    x   // other: the instruction knows (FPU environment, FXSAVE area)
};

enum class RegisterFile : u8 { General, Segment, Control, Debug, X87, Mmx, Xmm };

struct Operand {
    Place place = Place::None;
    Width width = Width::None;
    RegisterFile file = RegisterFile::General;
    u8 fixed = 0;               // the register of a Fixed place, or the value of a constant immediate
    bool sign_extended = false; // of an immediate: narrower in the encoding than the operand (Ib in "83 /0")
};

constexpr bool operator==(const Operand& a, const Operand& b) {
    return a.place == b.place && a.width == b.width && a.file == b.file && a.fixed == b.fixed &&
           a.sign_extended == b.sign_extended;
}

// The vocabulary of decoder/isa.def.
namespace operands {
inline constexpr Operand __{};
inline constexpr Operand Eb{Place::ModRmE, Width::b}, Ew{Place::ModRmE, Width::w}, Ed{Place::ModRmE, Width::d},
    Ev{Place::ModRmE, Width::v};
inline constexpr Operand M{Place::Memory, Width::x}, Mb{Place::Memory, Width::b}, Mw{Place::Memory, Width::w},
    Md{Place::Memory, Width::d}, Mv{Place::Memory, Width::v}, Mq{Place::Memory, Width::q},
    Mdq{Place::Memory, Width::dq}, Mt{Place::Memory, Width::t}, Mp{Place::Memory, Width::p},
    Ms{Place::Memory, Width::s}, Ma{Place::Memory, Width::a};
inline constexpr Operand Gb{Place::ModRmG, Width::b}, Gw{Place::ModRmG, Width::w}, Gd{Place::ModRmG, Width::d},
    Gv{Place::ModRmG, Width::v};
inline constexpr Operand Rd{Place::RegisterRm, Width::d};
inline constexpr Operand Sw{Place::Segment, Width::w, RegisterFile::Segment},
    Cd{Place::Control, Width::d, RegisterFile::Control}, Dd{Place::Debug, Width::d, RegisterFile::Debug};
inline constexpr Operand Zb{Place::Opcode, Width::b}, Zv{Place::Opcode, Width::v}, Zd{Place::Opcode, Width::d};
inline constexpr Operand AL{Place::Fixed, Width::b, RegisterFile::General, 0},
    CL{Place::Fixed, Width::b, RegisterFile::General, 1}, AX{Place::Fixed, Width::w, RegisterFile::General, 0},
    DX{Place::Fixed, Width::w, RegisterFile::General, 2}, rAX{Place::Fixed, Width::v, RegisterFile::General, 0};
inline constexpr Operand ES{Place::Fixed, Width::w, RegisterFile::Segment, 0},
    CS{Place::Fixed, Width::w, RegisterFile::Segment, 1}, SS{Place::Fixed, Width::w, RegisterFile::Segment, 2},
    DS{Place::Fixed, Width::w, RegisterFile::Segment, 3}, FS{Place::Fixed, Width::w, RegisterFile::Segment, 4},
    GS{Place::Fixed, Width::w, RegisterFile::Segment, 5};
inline constexpr Operand Ib{Place::Immediate, Width::b}, Iw{Place::Immediate, Width::w}, Iz{Place::Immediate, Width::z},
    sIb{Place::Immediate, Width::b, RegisterFile::General, 0, true};
inline constexpr Operand one{Place::Fixed, Width::b, RegisterFile::Control, 1}; // the constant 1 of D0 and D1
inline constexpr Operand Jb{Place::Relative, Width::b}, Jz{Place::Relative, Width::z};
inline constexpr Operand Ob{Place::Offset, Width::b}, Ov{Place::Offset, Width::v};
inline constexpr Operand Ap{Place::Far, Width::p};
inline constexpr Operand Xb{Place::StringX, Width::b}, Xv{Place::StringX, Width::v}, Yb{Place::StringY, Width::b},
    Yv{Place::StringY, Width::v};
// x87: the stack register of ModRM.rm and the top.
inline constexpr Operand STi{Place::RegisterRm, Width::t, RegisterFile::X87},
    ST0{Place::Fixed, Width::t, RegisterFile::X87, 0};
// MMX (P, Q, N) and SSE (V, W, U).
inline constexpr Operand Pq{Place::ModRmG, Width::q, RegisterFile::Mmx}, Qq{Place::ModRmE, Width::q, RegisterFile::Mmx},
    Qd{Place::ModRmE, Width::d, RegisterFile::Mmx}, Nq{Place::RegisterRm, Width::q, RegisterFile::Mmx};
inline constexpr Operand Vdq{Place::ModRmG, Width::dq, RegisterFile::Xmm},
    Vq{Place::ModRmG, Width::q, RegisterFile::Xmm}, Vd{Place::ModRmG, Width::d, RegisterFile::Xmm},
    Wdq{Place::ModRmE, Width::dq, RegisterFile::Xmm}, Wq{Place::ModRmE, Width::q, RegisterFile::Xmm},
    Wd{Place::ModRmE, Width::d, RegisterFile::Xmm}, Udq{Place::RegisterRm, Width::dq, RegisterFile::Xmm},
    Uq{Place::RegisterRm, Width::q, RegisterFile::Xmm};
} // namespace operands

} // namespace truering
