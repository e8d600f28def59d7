// The host's MXCSR, lent to the guest while its float instructions run.
//
// Idea: guest SSE arithmetic is the host's own instruction, run under the guest's rounding (RC), FZ and DAZ with every
// exception masked, so that the host never traps. The flags pile up in the host's register exactly as the guest's
// would. Loading MXCSR costs more than an addition, so the register is lent for a run of many instructions, not for
// each one.
//
// Life cycle: enter() before a float body (the first saves the host's MXCSR and loads the guest's; later calls are one
// test); leave() when host code that may use floating point is to run, at the latest at the end of the interpreter's
// run. Between, SseState.mxcsr has true control bits and stale flags; guest_mxcsr() gives the whole. load() is the
// guest's LDMXCSR or FXRSTOR.
//
// Invariants: held: host MXCSR = host_value(guest controls) | guest flags. Not held: the host's MXCSR is the host's,
// SseState.mxcsr is all true. Host code that runs while held and computes with float or double would round the guest's
// way and raise flags that the guest sees: leave() first.
// The host's FZ is the guest's only when the guest masks underflow: unmasked, FZ has no effect (SDM volume
// 1, 10.2.3.3).
#pragma once

#include "cpu/sse_state.hpp"

namespace truering {

// The host's register. Volatile, as are the bodies of float instructions, so their order is kept. A host without SSE
// has none: a variable of the thread stands in, and the bodies of sse_soft_bodies.hpp look there.
#if defined(__x86_64__)
inline u32 read_host_mxcsr() {
    u32 value;
    asm volatile("stmxcsr %0" : "=m"(value));
    return value;
}
inline void write_host_mxcsr(u32 value) { asm volatile("ldmxcsr %0" : : "m"(value)); }
#else
inline thread_local u32 stand_in_mxcsr = mxcsr::reset_value;
inline u32 read_host_mxcsr() { return stand_in_mxcsr; }
inline void write_host_mxcsr(u32 value) { stand_in_mxcsr = value; }
#endif

// What the host's MXCSR holds for guest value `guest`: its rounding, FZ, DAZ and flags, all exceptions masked.
constexpr u32 host_value(u32 guest) {
    const u32 kept = mxcsr::flags | mxcsr::DAZ | mxcsr::RC | (guest & mxcsr::UM ? mxcsr::FZ : 0);
    return (guest & kept) | mxcsr::masks;
}

class HostMxcsr {
  public:
    bool held() const { return held_; }

    void enter(const SseState& state) {
        if (!held_) [[unlikely]]
            take(state);
    }

    void leave(SseState& state) {
        if (!held_) return;
        state.mxcsr = guest_mxcsr(state);
        write_host_mxcsr(saved_);
        held_ = false;
    }

    // The guest's MXCSR, flags included, held or not.
    u32 guest_mxcsr(const SseState& state) const {
        return held_ ? state.mxcsr | (read_host_mxcsr() & mxcsr::flags) : state.mxcsr;
    }

    // A new guest value; the caller has refused reserved bits.
    void load(SseState& state, u32 value) {
        state.mxcsr = value;
        if (held_) write_host_mxcsr(host_value(value));
    }

  private:
    friend struct HostMxcsrLayout; // jit/: where translated code finds the members

    void take(const SseState& state) {
        saved_ = read_host_mxcsr();
        write_host_mxcsr(host_value(state.mxcsr));
        held_ = true;
    }

    u32 saved_ = 0;
    bool held_ = false;
};

// Gives the register back at the end of a scope, whatever way out is taken.
class HostMxcsrReturn {
  public:
    HostMxcsrReturn(HostMxcsr& host, SseState& state) : host_(host), state_(state) {}
    ~HostMxcsrReturn() { host_.leave(state_); }
    HostMxcsrReturn(const HostMxcsrReturn&) = delete;
    HostMxcsrReturn& operator=(const HostMxcsrReturn&) = delete;

  private:
    HostMxcsr& host_;
    SseState& state_;
};

} // namespace truering
