// The machine's screen, keyboard and mouse as the user has them: a window, this terminal, or nothing.
#pragma once

#include "machine/pc.hpp"

#include <chrono>
#include <memory>
#include <stdexcept>
#include <string>

namespace truering {

// The host has no screen for us.
class DisplayError : public std::runtime_error {
  public:
    using std::runtime_error::runtime_error;
};

class Display {
  public:
    virtual ~Display() = default;

    // Input to the chips, picture to the screen. Called often; draws as often as makes sense.
    virtual void update(Pc& pc) = 0;
    // A line for the title or the bottom of the screen.
    virtual void set_status(const std::string& line) = 0;
    // The user wants to leave.
    [[nodiscard]] virtual bool wants_to_quit() const { return false; }
    // Between two updates the front end may sleep this long.
    [[nodiscard]] virtual std::chrono::milliseconds patience() const { return std::chrono::milliseconds(100); }
    // A byte that came from the terminal, for displays that use it.
    virtual void take_input(u8) {}
};

// Throws DisplayError.
std::unique_ptr<Display> open_window(const std::string& title, bool full_screen);
std::unique_ptr<Display> open_terminal_display();

} // namespace truering
