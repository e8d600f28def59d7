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
    code_.mov(code_.byte[cpu_ + Layout::resident], 0);
    code_.ret();
}

void HostUnitRoutines::point_to_image() { code_.mov(image_, reinterpret_cast<u64>(&home_)); }

void HostUnitRoutines::take_sse(const Xbyak::Label& refused) {
    Xbyak::Label there, held;
    auto& c = code_;
    c.test(c.byte[cpu_ + Layout::resident], unit_sse);
    c.jnz(there, near_jump);
    c.test(c.dword[cpu_ + Layout::cr0], CR0_EM | CR0_TS);
    c.jnz(refused, near_jump);
    c.test(c.dword[cpu_ + Layout::cr4], CR4_OSFXSR);
    c.jz(refused, near_jump);
    c.mov(value_, c.dword[cpu_ + Layout::mxcsr]);
    c.not_(value_);
    c.test(value_, mxcsr::masks);
    c.jnz(refused, near_jump);
    c.cmp(c.byte[cpu_ + HostMxcsrLayout::held], 0);
    c.jne(held, near_jump);
    c.stmxcsr(c.dword[cpu_ + HostMxcsrLayout::saved]);
    c.ldmxcsr(c.dword[cpu_ + Layout::mxcsr]); // all masked: host_value() is the value itself
    c.mov(c.byte[cpu_ + HostMxcsrLayout::held], 1);
    c.L(held);
    for (unsigned n = 0; n < register_count; ++n)
        c.movaps(guest_xmm(n), c.ptr[cpu_ + (Layout::xmm + n * register_bytes)]);
    c.or_(c.byte[cpu_ + Layout::resident], unit_sse);
    c.L(there);
}

void HostUnitRoutines::take_x87(const Xbyak::Label& refused) {
    Xbyak::Label there, no_xmm;
    auto& c = code_;
    c.test(c.byte[cpu_ + Layout::resident], unit_x87);
    c.jnz(there, near_jump);
    c.test(c.dword[cpu_ + Layout::cr0], CR0_EM | CR0_TS);
    c.jnz(refused, near_jump);
    c.movzx(value_, c.word[cpu_ + Layout::control_word]);
    point_to_image();
    c.mov(c.word[image_ + at_FCW], value_.cvt16());
    c.not_(value_);
    c.test(value_, fpu_status::exceptions);
    c.jnz(refused, near_jump);
    c.movzx(place_, c.byte[cpu_ + Layout::top]);
    c.mov(value_, place_);
    c.shl(value_, TOP_shift);
    c.or_(value_.cvt16(), c.word[cpu_ + Layout::status_word]);
    c.mov(c.word[image_ + at_FSW], value_.cvt16());
    c.movzx(value_, c.byte[cpu_ + Layout::empty]);
    c.not_(value_);
    c.mov(c.byte[image_ + at_FTW], value_.cvt8());
    c.shl(place_, 4);
    for (unsigned n = 0; n < register_count; ++n) { // ST(n) is physical register TOP + n
        c.movups(xmm8, c.ptr[cpu_ + place_.cvt64() + Layout::physical]);
        c.movups(c.ptr[image_ + (at_ST0 + n * register_bytes)], xmm8);
        c.add(place_, register_bytes);
        c.and_(place_, TOP_mask * register_bytes);
    }
    // FXRSTOR loads all of SSE too.
    c.stmxcsr(c.dword[image_ + at_MXCSR]);
    c.test(c.byte[cpu_ + Layout::resident], unit_sse);
    c.jz(no_xmm, near_jump);
    for (unsigned n = 0; n < register_count; ++n)
        c.movaps(c.ptr[image_ + (at_XMM0 + n * register_bytes)], guest_xmm(n));
    c.L(no_xmm);
    c.fxrstor64(c.ptr[image_]);
    c.or_(c.byte[cpu_ + Layout::resident], unit_x87);
    c.L(there);
}

void HostUnitRoutines::give_back_x87() {
    Xbyak::Label not_there, abi_control;
    auto& c = code_;
    c.test(c.byte[cpu_ + Layout::resident], unit_x87);
    c.jz(not_there, near_jump);
    point_to_image();
    c.db(image_.getIdx() > 7 ? 0x49 : 0x48); // FXSAVE64 [image]
    c.db(0x0F);
    c.db(0xAE);
    c.db(image_.getIdx() & 7);
    c.movzx(place_, c.word[image_ + at_FSW]);
    c.mov(value_, place_);
    c.and_(value_, 0xFFFF & ~(TOP_mask << TOP_shift));
    c.mov(c.word[cpu_ + Layout::status_word], value_.cvt16());
    c.shr(place_, TOP_shift);
    c.and_(place_, TOP_mask);
    c.mov(c.byte[cpu_ + Layout::top], place_.cvt8());
    c.movzx(value_, c.byte[image_ + at_FTW]);
    c.not_(value_);
    c.mov(c.byte[cpu_ + Layout::empty], value_.cvt8());
    c.shl(place_, 4);
    for (unsigned n = 0; n < register_count; ++n) {
        c.movups(xmm8, c.ptr[image_ + (at_ST0 + n * register_bytes)]);
        c.movups(c.ptr[cpu_ + place_.cvt64() + Layout::physical], xmm8);
        c.add(place_, register_bytes);
        c.and_(place_, TOP_mask * register_bytes);
    }
    c.movzx(value_, c.word[image_ + at_FCW]);
    c.mov(c.word[cpu_ + Layout::control_word], value_.cvt16());
    c.emms();
    c.cmp(value_, abi_control_word);
    c.je(abi_control, near_jump);
    c.mov(c.dword[image_ + at_scratch], abi_control_word);
    c.fldcw(c.word[image_ + at_scratch]);
    c.L(abi_control);
    c.L(not_there);
}

void HostUnitRoutines::give_back_sse() {
    Xbyak::Label not_there;
    auto& c = code_;
    c.test(c.byte[cpu_ + Layout::resident], unit_sse);
    c.jz(not_there, near_jump);
    for (unsigned n = 0; n < register_count; ++n)
        c.movaps(c.ptr[cpu_ + (Layout::xmm + n * register_bytes)], guest_xmm(n));
    c.L(not_there);
}

} // namespace truering
