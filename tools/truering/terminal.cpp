#include "tools/truering/terminal.hpp"

#include <csignal>
#include <cstdlib>
#include <string_view>
#include <termios.h>
#include <unistd.h>

namespace truering {

namespace {

termios original;
volatile sig_atomic_t is_raw = 0;
volatile sig_atomic_t is_alternate = 0;
volatile sig_atomic_t noted_signal = 0;
void (*on_interrupt)() = nullptr;

void write_out(std::string_view text) {
    // Nothing can be done about a terminal that is gone.
    [[maybe_unused]] const ssize_t written = ::write(STDOUT_FILENO, text.data(), text.size());
}

void make_raw() {
    termios raw = original;
    ::cfmakeraw(&raw);
    raw.c_oflag |= OPOST; // our own messages keep their line ends
    ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
}

void note(int number) {
    noted_signal = number;
    if (on_interrupt != nullptr) on_interrupt();
}

void crash(int number) {
    Terminal::restore();
    std::signal(number, SIG_DFL);
    std::raise(number);
}

void stopped(int) {
    const bool raw = is_raw != 0;
    Terminal::restore();
    is_raw = raw ? 1 : 0;
    std::raise(SIGSTOP);
}

void continued(int) {
    if (is_raw != 0) make_raw();
}

void handle(int number, void (*handler)(int)) {
    struct sigaction action {};
    action.sa_handler = handler;
    sigemptyset(&action.sa_mask);
    ::sigaction(number, &action, nullptr);
}

} // namespace

bool Terminal::is_interactive() { return ::isatty(STDIN_FILENO) == 1; }
bool Terminal::shows_output() { return ::isatty(STDOUT_FILENO) == 1; }

void Terminal::set_raw() {
    if (is_raw != 0 || ::tcgetattr(STDIN_FILENO, &original) != 0) return;
    static bool registered = false;
    if (!registered) std::atexit([] { restore(); });
    registered = true;
    make_raw();
    is_raw = 1;
}

void Terminal::use_alternate_screen() {
    is_alternate = 1;
    write_out("\x1B[?1049h\x1B[2J");
}

void Terminal::restore() {
    if (is_alternate != 0) write_out("\x1B[0m\x1B[?25h\x1B[?1049l");
    is_alternate = 0;
    if (is_raw != 0) ::tcsetattr(STDIN_FILENO, TCSANOW, &original);
    is_raw = 0;
}

void Terminal::catch_signals(void (*interrupted)()) {
    on_interrupt = interrupted;
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) handle(number, &note);
    for (const int number : {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT}) handle(number, &crash);
    handle(SIGTSTP, &stopped);
    handle(SIGCONT, &continued);
}

int Terminal::signal() { return noted_signal; }

} // namespace truering
