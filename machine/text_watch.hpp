// Waits for texts that a guest shows: on its screen in text mode, on its serial ports, on the debug console.
//
// A port's bytes are looked at line by line, and an unfinished line (a prompt) when the port has been quiet for a
// moment. The screen is looked at in an interval of virtual time, and only where it changed; so under instruction time
// a text is found at the same instruction in every run. Escape sequences of terminals are taken out first.
//
// Patterns (text_pattern.hpp) match anywhere within a line.
#pragma once

#include "devices/serial_sink.hpp"
#include "devices/vga_text.hpp"
#include "machine/text_pattern.hpp"
#include "memory/clock.hpp"

#include <array>
#include <deque>
#include <functional>
#include <string>
#include <vector>

namespace truering {

class TextWatch {
  public:
    using Found = std::function<void(const std::string& line)>;
    using Screen = std::function<std::optional<TextScreen>()>;

    static constexpr Nanoseconds quiet_time = 5'000'000;
    static constexpr Nanoseconds screen_interval = 50'000'000;
    static constexpr unsigned port_count = 5;
    static constexpr size_t longest_line = 512;
    static constexpr size_t kept_lines = 100;

    TextWatch(Clock& clock, Screen screen);
    TextWatch(const TextWatch&) = delete;
    TextWatch& operator=(const TextWatch&) = delete;
    ~TextWatch();

    // Calls `found` once, at the first match from now on; what stands on the screen and in unfinished lines counts.
    // Throws TextPattern::Error.
    void expect(const std::string& pattern, Found found);

    // A port's byte. The chip's sink is a WatchedSink, which calls this.
    void hear(unsigned port, u8 byte);

    // The last lines of a port, the unfinished one included; oldest first.
    [[nodiscard]] std::vector<std::string> last_lines(unsigned port, size_t count) const;

  private:
    enum class Escape : u8 { None, Begun, Sequence };
    struct Port {
        std::string line;
        std::deque<std::string> lines;
        Escape escape = Escape::None;
        bool changed = false;
    };
    struct Expectation {
        TextPattern pattern;
        Found found;
        bool done = false;
    };

    void add(Port& port, u8 byte);
    void end_line(Port& port);
    void match(const std::string& line);
    void quiet();
    void look_at_screen();
    void schedule_screen();
    [[nodiscard]] bool expects() const { return !expectations_.empty(); }
    void drop_done();

    Clock& clock_;
    Screen screen_;
    Alarm quiet_alarm_;
    Alarm screen_alarm_;
    std::array<Port, port_count> ports_;
    std::vector<std::string> screen_lines_;
    std::deque<Expectation> expectations_;
    unsigned matching_ = 0;
};

// Passes a port's bytes on, and lets a TextWatch hear them.
class WatchedSink final : public SerialSink {
  public:
    // `next` may be null.
    WatchedSink(unsigned port, SerialSink* next) : port_(port), next_(next) {}
    void watch(TextWatch& watch) { watch_ = &watch; }

    void transmit(u8 byte) override {
        if (next_ != nullptr) next_->transmit(byte);
        if (watch_ != nullptr) watch_->hear(port_, byte);
    }

  private:
    unsigned port_;
    SerialSink* next_;
    TextWatch* watch_ = nullptr;
};

} // namespace truering
