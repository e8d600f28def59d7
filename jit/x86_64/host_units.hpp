// The host's x87 and SSE units, lent to the guest while translated code runs.
//
// Idea: guest XMM0-7 are host XMM0-7, the guest's x87 stack, control word and status word are the host's, guest MXCSR
// is the host's MXCSR. Then a guest instruction is the host's (unit_rows.hpp), at the host's speed.
//
// Life cycle: residency is lazy. Cpu::units_resident tells which units hold the guest's registers. Translated code asks
// before its first such instruction and takes what is missing; whoever leaves translated code for C++ gives back what
// is there. Giving back is due before every call, as C++ uses these registers.
//
// Taking may be refused, and then the interpreter executes the instruction and raises what there is to raise: with
// CR0.EM or CR0.TS set, CR4.OSFXSR clear (SSE), or an exception unmasked in the control word or MXCSR. So residency
// proves that nothing is to be checked, that the host can never trap, and that no error is pending: an error is pending
// only while an unmasked exception's flag is set. What could change that is an instruction of the interpreter's, or a
// load of a control word, which looks at the value (UnitKind::LoadControl).
//
// Invariants: while x87 is resident, FpuState's registers, control word, status word, TOP and tags are stale; FIP, FCS,
// FOP, FDP and FDS are always the guest's own, as the host's pointers are not the guest's. While SSE is resident,
// SseState's registers are stale and its MXCSR is as HostMxcsr says: SSE resident implies held. Giving back leaves
// MXCSR held, as the interpreter does until its run ends. Outside translated code the host's x87 stack is empty and its
// control word is the ABI's.
//
// x87 goes by FXSAVE and FXRSTOR: twice as fast as FNSAVE and FRSTOR, and unlike pushing values they carry the flags,
// the tags, and the contents of empty registers, which MMX may show.
#pragma once

#include "jit/x86_64/unit_rows.hpp"

#include <xbyak/xbyak.h>

namespace truering {

// Where the x87 state stands on its way: FXSAVE's image. One for each translator; the code holds its address.
struct alignas(16) HostUnitsImage {
    u8 bytes[512] = {};
};

// The registers that the routines use: the Cpu, and three of which nothing remains.
struct HostUnitRegisters {
    Xbyak::Reg64 cpu, value, image, place;
};

// The routines end with RET. They change EFLAGS and XMM8 besides what they are for.
class HostUnitRoutines {
  public:
    HostUnitRoutines(Xbyak::CodeGenerator& code, HostUnitsImage& home, const HostUnitRegisters& registers)
        : code_(code), home_(home), cpu_(registers.cpu), image_(registers.image), value_(registers.value.getIdx()),
          place_(registers.place.getIdx()) {}

    // Makes `units` (HostUnit bits) resident that are not yet. CF=1: refused; then some of them may be resident.
    void emit_take(u8 units);

    // Gives back whatever is resident.
    void emit_give_back();

  private:
    void take_x87(const Xbyak::Label& refused);
    void take_sse(const Xbyak::Label& refused);
    void give_back_x87();
    void give_back_sse();
    void point_to_image();

    Xbyak::CodeGenerator& code_;
    HostUnitsImage& home_; // of the image
    Xbyak::Reg64 cpu_, image_;
    Xbyak::Reg32 value_, place_;
};

} // namespace truering
