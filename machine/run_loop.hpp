// What happens when: runs of the processor between alarms, waiting in HLT, resets, limits, and the end.
//
// One turn: fire what is due; do what the guest asked for (requests of pc.hpp); let the processor execute up to the
// next alarm. A halted processor is taken to the next alarm at once (instruction time) or sleeps until it or until the
// host has something for it (host time). Whoever surrounds the machine, a terminal or a window, is a Frontend; it is
// asked about a hundred times a second of the host's time.
//
// A guest that halts with interrupts off can never go on. A triple fault is a pulse on the processor's reset pin, and
// stays one for programs of the 286's time that return to real mode that way (pc.hpp); else Policy says what follows.
#pragma once

#include "machine/loop_step.hpp"

#include <chrono>
#include <optional>
#include <string>

namespace truering {

// Events of the guest's life, and what may follow.
enum class GuestEvent : u8 { Reset, Shutdown, Triple, Halt };
inline constexpr unsigned guest_event_count = 4;
enum class Action : u8 {
    Reset, // the machine
    Exit,
    Pause, // the machine stands still, and its surroundings live on
};

struct Policy {
    Action on[guest_event_count] = {Action::Reset, Action::Exit, Action::Exit, Action::Exit};
    std::optional<u64> instructions;              // at most
    std::optional<u64> slice;                     // at most between two turns
    std::optional<std::chrono::nanoseconds> time; // at most, of the host

    [[nodiscard]] Action at(GuestEvent event) const { return on[static_cast<unsigned>(event)]; }
};

enum class EndReason : u8 {
    PowerOff,
    DebugExit, // `value`
    TripleFault,
    Reset,
    Halted,
    TimeLimit,
    InstructionLimit,
    Until,         // `detail`: what matched
    FailOn,        // the same
    Signal,        // `value`
    Quit,          // the user closed the window, or pressed Ctrl-A x
    EnginesDiffer, // lockstep.hpp; `detail`: in what
};

struct End {
    EndReason reason = EndReason::PowerOff;
    u32 value = 0;
    std::string detail = {};
};

class Frontend {
  public:
    virtual ~Frontend() = default;

    // Moves the host's input to the chips and the chips' picture to the screen.
    virtual void attend() = 0;
    // Waits for the host's input, but not longer than this.
    virtual void sleep(std::chrono::nanoseconds at_most) = 0;
    // Could the host's input ever wake a machine that waits with nothing else to wait for?
    [[nodiscard]] virtual bool expects_input() const = 0;
    // The machine stands still by Action::Pause.
    virtual void paused(const End& why) = 0;
};

class MachineLoop {
  public:
    MachineLoop(Pc& pc, Frontend& frontend, const Policy& policy) : pc_(pc), frontend_(frontend), policy_(policy) {}

    // Whoever must know each step that the loop takes; before run().
    void set_listener(StepListener* listener) { listener_ = listener; }

    // Until the end. Throws KernelError.
    End run();

    // From an alarm, a chip or the front end: the run ends as soon as the present instruction is over. The first wins.
    void finish(End end);

    [[nodiscard]] u64 resets() const { return resets_; }

  private:
    using HostClock = std::chrono::steady_clock;

    void turn();
    RunResult take(LoopStep step);
    void serve_requests();
    void happen(GuestEvent event, End end);
    void wait_halted();
    void shutdown();
    void look_around();
    void check_limits();
    void pause();
    [[nodiscard]] u64 budget() const;

    Pc& pc_;
    Frontend& frontend_;
    Policy policy_;
    StepListener* listener_ = nullptr;
    std::optional<End> end_;
    std::optional<End> pause_;
    HostClock::time_point started_;
    HostClock::time_point attended_;
    unsigned turns_ = 0;
    u64 since_look_ = 0;
    u64 resets_ = 0;
};

} // namespace truering
