// The user's terminal: raw while a guest has it, and as it was on every way out, signals and crashes included.
//
// The first user of the terminal sets it raw; what brings it back is kept in static state, because signal handlers must
// reach it. A stop from the shell (SIGTSTP cannot be typed in raw mode, but be sent) and SIGCONT are handled as well.
#pragma once

namespace truering {

class Terminal {
  public:
    // Is standard input a terminal that can be set raw?
    [[nodiscard]] static bool is_interactive();
    [[nodiscard]] static bool shows_output(); // standard output is a terminal

    // Keys go to the program as they are pressed, Ctrl-C among them.
    static void set_raw();
    // The other screen of the terminal and back, for `--display term`.
    static void use_alternate_screen();
    // As it was. Safe in signal handlers.
    static void restore();

    // SIGINT, SIGTERM and SIGHUP are noted; crashes restore the terminal first. `interrupted` is called from the signal
    // handler and must be fit for that.
    static void catch_signals(void (*interrupted)());
    // The last signal noted, or 0.
    [[nodiscard]] static int signal();
};

} // namespace truering
