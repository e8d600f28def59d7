// Where guest state lives while translated code runs. Guest and host are one family, so a guest register is the host's
// register of the same name, the host's upper half zero; the guest's ESP alone has another, for the host needs its own.
#pragma once

#include "base/types.hpp"
#include "cpu/registers.hpp"

#include <xbyak/xbyak.h>

namespace truering::host {

inline constexpr int no_rex = 8; // registers from here on need a REX prefix

constexpr int number_of(unsigned guest) { return guest == reg_ESP ? 15 : static_cast<int>(guest); }

inline const Xbyak::Reg64 cpu{14};    // the Cpu
inline const Xbyak::Reg64 view{13};   // its TlbView
inline const Xbyak::Reg64 credit{12}; // instructions left in this run, less the reserve
// The guest's arithmetic flags at their places in EFLAGS, the other bits undefined; or, when they are elsewhere
// (guest_flags.hpp), a value from which they can be had.
inline const Xbyak::Reg64 flags{11};
// Scratch: within an access R8 is the linear address and R9 what leads from there to host memory; R10 is a value
// loaded from memory.
inline const Xbyak::Reg64 address{8}, delta{9}, loaded{10};

inline Xbyak::Reg32 guest(unsigned n) { return Xbyak::Reg32(number_of(n)); }
inline Xbyak::Reg64 guest_64(unsigned n) { return Xbyak::Reg64(number_of(n)); }
inline Xbyak::Reg16 guest_16(unsigned n) { return Xbyak::Reg16(number_of(n)); }

// Translated code runs while at least this many instructions of the run are left: what lies between two of its looks
// at the credit is never longer.
inline constexpr unsigned reserve = 128;

} // namespace truering::host
