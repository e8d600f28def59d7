// The architectural state of the processor: what a program, an operating system or a snapshot may see.
#pragma once

#include "cpu/flags.hpp"
#include "cpu/fpu_state.hpp"
#include "cpu/registers.hpp"
#include "cpu/segment.hpp"
#include "cpu/sse_state.hpp"
#include "cpu/v32/state.hpp"
#include "decoder/instruction.hpp"

namespace truering {

struct MtrrState {
    u64 def_type = 0;
    u64 fixed[11] = {};
    u64 variable[16] = {}; // base and mask, eight pairs
};

struct CpuState {
    u32 gpr[9] = {}; // [8] is always 0: the register that is not there (no_register)
    u32 eip = 0;     // of the instruction in execution, until it has completed

    ArithmeticFlags arithmetic;     // CF PF AF ZF SF OF
    u32 eflags_rest = EFLAGS_fixed; // all other bits

    Segment segment[segment_count];
    u8 cpl = 0;

    DescriptorTable gdtr, idtr;
    u32 cr0 = 0, cr2 = 0, cr3 = 0, cr4 = 0;
    u64 pdpte[4] = {}; // the page-directory-pointer-table registers of PAE paging
    u32 dr[4] = {};
    u32 dr6 = DR6_fixed, dr7 = DR7_fixed;

    u8 interruptibility = 0; // Interruptibility
    bool halted = false;
    u32 pending_debug = 0; // as in DR6: debug traps earned by the last instruction, not yet taken

    u32 sysenter_cs = 0, sysenter_esp = 0, sysenter_eip = 0;
    u64 efer = 0;
    u64 apic_base = 0xFEE0'0900; // enabled, bootstrap processor
    u64 pat = 0x0007'0406'0007'0406;
    u64 tsc_offset = 0; // what WRMSR of the time-stamp counter added
    u64 microcode_update = 0;
    MtrrState mtrr;

    FpuState fpu;
    SseState sse;

    V32State v32;
    std::optional<Event> pending_fault; // a benign fault of a delivery, to be delivered at the boundary

    [[nodiscard]] u32 eflags() const { return eflags_rest | arithmetic.value(); }
    [[nodiscard]] bool flag(Eflags f) const { return (eflags_rest & f) != 0; }
    [[nodiscard]] unsigned iopl() const { return (eflags_rest & EFLAGS_IOPL) >> 12; }
    [[nodiscard]] bool protected_mode() const { return (cr0 & CR0_PE) != 0; }
    [[nodiscard]] bool v86_mode() const { return (eflags_rest & EFLAGS_VM) != 0; }
    // Selectors name descriptors (protected mode, not virtual-8086).
    [[nodiscard]] bool uses_descriptors() const { return protected_mode() && !v86_mode(); }
    [[nodiscard]] bool in_v32() const { return (cr4 & CR4_V32) != 0; }
    [[nodiscard]] bool paging() const { return (cr0 & CR0_PG) != 0; }

    [[nodiscard]] u8 reg8(unsigned n) const { return static_cast<u8>(gpr[n & 3] >> (n < 4 ? 0 : 8)); }
    void set_reg8(unsigned n, u8 value) {
        const unsigned shift = n < 4 ? 0 : 8;
        gpr[n & 3] = (gpr[n & 3] & ~(0xFFu << shift)) | u32{value} << shift;
    }
    void set_reg16(unsigned n, u16 value) { gpr[n] = (gpr[n] & 0xFFFF'0000) | value; }

    template <class T> [[nodiscard]] T reg(unsigned n) const {
        if constexpr (sizeof(T) == 1)
            return reg8(n);
        else
            return static_cast<T>(gpr[n]);
    }
    template <class T> void set_reg(unsigned n, T value) {
        if constexpr (sizeof(T) == 1)
            set_reg8(n, value);
        else if constexpr (sizeof(T) == 2)
            set_reg16(n, value);
        else
            gpr[n] = value;
    }
};

} // namespace truering
