// What the program's exit status means: odd numbers are the guest's words ((value << 1) | 1 by isa-debug-exit), even
// numbers are the emulator's; 128 + n is signal n, as usual.
#pragma once

namespace truering {

enum class Status : int {
    Success = 0, // clean power-off, --until matched, debug exit with the expected value, window closed
    Usage = 2,
    FileProblem = 4,
    EmulatorBug = 6,
    TripleFault = 8,
    WallClockLimit = 10,
    InstructionLimit = 12,
    Failed = 14, // --fail-on matched, or --until did not before a power-off
    Reset = 16,
    Halted = 18,
    ReplayDiffers = 20,
    EnginesDiffer = 22,
    GuestError = 24,
    Signal = 128,
};

constexpr int exit_code(Status status) { return static_cast<int>(status); }
constexpr int signal_status(int signal) { return static_cast<int>(Status::Signal) + signal; }
constexpr int debug_exit_status(unsigned value) { return static_cast<int>((value << 1 | 1) & 0xFF); }

} // namespace truering
