#include "jit/x86_64/host_units.hpp"

#include "jit/x86_64/unit_layout.hpp"

namespace truering {

using namespace Xbyak::util;
using Layout = UnitLayout;

namespace {

// The FXSAVE image, SDM volume 2, table 3-43.
enum Offset : unsigned { at_FCW = 0, at_FSW = 2, at_FTW = 4, at_MXCSR = 24, at_ST0 = 32, at_XMM0 = 160 };
// Behind what FXSAVE writes: free for software.
constexpr unsigned at_scratch = 464;

constexpr unsigned register_count = 8;
constexpr unsigned register_bytes = 16;
constexpr unsigned TOP_shift = 11;
constexpr unsigned TOP_mask = 7;

constexpr unsigned abi_control_word = 0x037F;

constexpr auto near_jump = Xbyak::CodeGenerator::T_NEAR;

const Xbyak::Reg64 cpu = r14;
const Xbyak::Reg64 image = r9;

Xbyak::Xmm guest_xmm(unsigned n) { return Xbyak::Xmm(static_cast<int>(n)); }

} // namespace

void HostUnitRoutines::emit_take(u8 units) {
    Xbyak::Label refused;
    // SSE first: what FXRSTOR loads for x87 then leaves the registers as they are.
    if ((units & unit_sse) != 0) take_sse(refused);
    if ((units & unit_x87) != 0) take_x87(refused);
    code_.clc();
    code_.ret();
    code_.L(refused);
    code_.stc();
    code_.ret();
}

void HostUnitRoutines::emit_give_back() {
    give_back_x87();
    give_back_sse();
    code_.mov(code_.byte[cpu + Layout::resident], 0);
    code_.ret();
}

void HostUnitRoutines::point_to_image() { code_.mov(image, reinterpret_cast<u64>(&image_)); }

void HostUnitRoutines::take_sse(const Xbyak::Label& refused) {
    Xbyak::Label there, held;
    auto& c = code_;
    c.test(c.byte[cpu + Layout::resident], unit_sse);
    c.jnz(there, near_jump);
    c.test(c.dword[cpu + Layout::cr0], CR0_EM | CR0_TS);
    c.jnz(refused, near_jump);
    c.test(c.dword[cpu + Layout::cr4], CR4_OSFXSR);
    c.jz(refused, near_jump);
    c.mov(r8d, c.dword[cpu + Layout::mxcsr]);
    c.not_(r8d);
    c.test(r8d, mxcsr::masks);
    c.jnz(refused, near_jump);
    c.cmp(c.byte[cpu + HostMxcsrLayout::held], 0);
    c.jne(held, near_jump);
    c.stmxcsr(c.dword[cpu + HostMxcsrLayout::saved]);
    c.ldmxcsr(c.dword[cpu + Layout::mxcsr]); // all masked: host_value() is the value itself
    c.mov(c.byte[cpu + HostMxcsrLayout::held], 1);
    c.L(held);
    for (unsigned n = 0; n < register_count; ++n)
        c.movaps(guest_xmm(n), c.ptr[cpu + (Layout::xmm + n * register_bytes)]);
    c.or_(c.byte[cpu + Layout::resident], unit_sse);
    c.L(there);
}

void HostUnitRoutines::take_x87(const Xbyak::Label& refused) {
    Xbyak::Label there, no_xmm;
    auto& c = code_;
    c.test(c.byte[cpu + Layout::resident], unit_x87);
    c.jnz(there, near_jump);
    c.test(c.dword[cpu + Layout::cr0], CR0_EM | CR0_TS);
    c.jnz(refused, near_jump);
    c.movzx(r8d, c.word[cpu + Layout::control_word]);
    point_to_image();
    c.mov(c.word[image + at_FCW], r8w);
    c.not_(r8d);
    c.test(r8d, fpu_status::exceptions);
    c.jnz(refused, near_jump);
    c.movzx(r10d, c.byte[cpu + Layout::top]);
    c.mov(r8d, r10d);
    c.shl(r8d, TOP_shift);
    c.or_(r8w, c.word[cpu + Layout::status_word]);
    c.mov(c.word[image + at_FSW], r8w);
    c.movzx(r8d, c.byte[cpu + Layout::empty]);
    c.not_(r8d);
    c.mov(c.byte[image + at_FTW], r8b);
    c.shl(r10d, 4);
    for (unsigned n = 0; n < register_count; ++n) { // ST(n) is physical register TOP + n
        c.movups(xmm8, c.ptr[cpu + r10 + Layout::physical]);
        c.movups(c.ptr[image + (at_ST0 + n * register_bytes)], xmm8);
        c.add(r10d, register_bytes);
        c.and_(r10d, TOP_mask * register_bytes);
    }
    // FXRSTOR loads all of SSE too.
    c.stmxcsr(c.dword[image + at_MXCSR]);
    c.test(c.byte[cpu + Layout::resident], unit_sse);
    c.jz(no_xmm, near_jump);
    for (unsigned n = 0; n < register_count; ++n) c.movaps(c.ptr[image + (at_XMM0 + n * register_bytes)], guest_xmm(n));
    c.L(no_xmm);
    c.fxrstor64(c.ptr[image]);
    c.or_(c.byte[cpu + Layout::resident], unit_x87);
    c.L(there);
}

void HostUnitRoutines::give_back_x87() {
    Xbyak::Label not_there, abi_control;
    auto& c = code_;
    c.test(c.byte[cpu + Layout::resident], unit_x87);
    c.jz(not_there, near_jump);
    point_to_image();
    c.db(0x49); // FXSAVE64 [R9]
    c.db(0x0F);
    c.db(0xAE);
    c.db(0x01);
    c.movzx(r10d, c.word[image + at_FSW]);
    c.mov(r8d, r10d);
    c.and_(r8d, 0xFFFF & ~(TOP_mask << TOP_shift));
    c.mov(c.word[cpu + Layout::status_word], r8w);
    c.shr(r10d, TOP_shift);
    c.and_(r10d, TOP_mask);
    c.mov(c.byte[cpu + Layout::top], r10b);
    c.movzx(r8d, c.byte[image + at_FTW]);
    c.not_(r8d);
    c.mov(c.byte[cpu + Layout::empty], r8b);
    c.shl(r10d, 4);
    for (unsigned n = 0; n < register_count; ++n) {
        c.movups(xmm8, c.ptr[image + (at_ST0 + n * register_bytes)]);
        c.movups(c.ptr[cpu + r10 + Layout::physical], xmm8);
        c.add(r10d, register_bytes);
        c.and_(r10d, TOP_mask * register_bytes);
    }
    c.movzx(r8d, c.word[image + at_FCW]);
    c.mov(c.word[cpu + Layout::control_word], r8w);
    c.emms();
    c.cmp(r8d, abi_control_word);
    c.je(abi_control, near_jump);
    c.mov(c.dword[image + at_scratch], abi_control_word);
    c.fldcw(c.word[image + at_scratch]);
    c.L(abi_control);
    c.L(not_there);
}

void HostUnitRoutines::give_back_sse() {
    Xbyak::Label not_there;
    auto& c = code_;
    c.test(c.byte[cpu + Layout::resident], unit_sse);
    c.jz(not_there, near_jump);
    for (unsigned n = 0; n < register_count; ++n)
        c.movaps(c.ptr[cpu + (Layout::xmm + n * register_bytes)], guest_xmm(n));
    c.L(not_there);
}

} // namespace truering
