// `--display term`: the text screen of the VGA in the user's terminal, with its colours, and the terminal's keys on the
// guest's keyboard. Graphics modes are only named; nothing is drawn for them.
//
// Only rows that changed are sent. The terminal's own state is assumed lost after each row, so each starts anew.
#include "tools/truering/display.hpp"
#include "tools/truering/terminal.hpp"
#include "tools/truering/terminal_keys.hpp"

#include <fmt/format.h>

#include <sys/ioctl.h>
#include <unistd.h>

#include <vector>

namespace truering {

namespace {

using namespace std::chrono_literals;

constexpr auto frame_time = 33ms;
constexpr auto escape_time = 50ms; // an ESC with nothing behind it for so long is the key
constexpr Nanoseconds key_time = 20'000'000;

// VGA's colour numbers have blue in bit 0 and red in bit 2; terminals the other way round.
constexpr unsigned ansi_color(unsigned vga) { return (vga & 2) | (vga & 1) << 2 | (vga >> 2 & 1); }

std::string attribute_text(u8 attribute) {
    const unsigned foreground = attribute & 15u, background = attribute >> 4 & 7u;
    return fmt::format("\x1B[0;{};{}m", (foreground < 8 ? 30 : 90) + ansi_color(foreground),
                       40 + ansi_color(background));
}

class TerminalDisplay final : public Display {
  public:
    TerminalDisplay() { Terminal::use_alternate_screen(); }

    void take_input(u8 byte) override {
        keys_.take(byte);
        typed_ = std::chrono::steady_clock::now();
    }

    void set_status(const std::string& line) override { status_ = line; }
    [[nodiscard]] std::chrono::milliseconds patience() const override { return 10ms; }

    void update(Pc& pc) override {
        const auto present = std::chrono::steady_clock::now();
        if (present - typed_ >= escape_time) keys_.idle();
        type(pc);
        if (present - drawn_ < frame_time) return;
        drawn_ = present;
        notice_resize();
        if (const auto screen = pc.vga.text_screen())
            draw(*screen);
        else
            draw_graphics_notice(pc);
        draw_status(pc);
        send();
    }

  private:
    // One key down or up at a time, each a while after the last in the machine's time.
    void type(Pc& pc) {
        if (!pc.keyboard.idle() || pc.clock.now() < next_key_) return;
        if (held_) {
            pc.take(AllKeysReleased{});
            held_ = false;
        } else if (!keys_.empty()) {
            const KeyStroke stroke = keys_.next();
            for (const Key modifier : stroke.modifiers) pc.take(KeyInput{modifier, true});
            pc.take(KeyInput{stroke.key, true});
            held_ = true;
        }
        next_key_ = pc.clock.now() + key_time;
    }

    void notice_resize() {
        winsize size{};
        if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0) return;
        if (size.ws_row == height_ && size.ws_col == width_) return;
        height_ = size.ws_row;
        width_ = size.ws_col;
        rows_.clear();
        output_ += "\x1B[0m\x1B[2J";
    }

    void draw(const TextScreen& screen) {
        if (rows_.size() != screen.rows + 1) {
            rows_.assign(screen.rows + 1, "");
            output_ += "\x1B[0m\x1B[2J";
        }
        const unsigned shown = std::min<unsigned>(screen.rows, height_ == 0 ? screen.rows : height_);
        for (unsigned n = 0; n < shown; ++n) put_row(n, row_text(screen, n));
        if (screen.cursor_visible && screen.cursor_row < shown)
            cursor_ = fmt::format("\x1B[{};{}H\x1B[?25h", screen.cursor_row + 1, screen.cursor_column + 1);
        else
            cursor_ = "\x1B[?25l";
    }

    [[nodiscard]] std::string row_text(const TextScreen& screen, unsigned row) const {
        std::string text;
        int attribute = -1;
        const unsigned columns = width_ == 0 ? screen.columns : std::min<unsigned>(screen.columns, width_);
        for (unsigned column = 0; column < columns; ++column) {
            const TextCell& cell = screen.cells[row * screen.columns + column];
            if (cell.attribute != attribute) text += attribute_text(cell.attribute);
            attribute = cell.attribute;
            text += cell.character == 0 ? " " : utf8_from_cp437(cell.character);
        }
        return text;
    }

    void put_row(unsigned row, const std::string& text) {
        if (rows_[row] == text) return;
        rows_[row] = text;
        output_ += fmt::format("\x1B[{};1H{}\x1B[0m\x1B[K", row + 1, text);
    }

    void draw_graphics_notice(Pc& pc) {
        if (rows_.size() != 2) {
            rows_.assign(2, "");
            output_ += "\x1B[0m\x1B[2J";
        }
        Frame frame;
        pc.vga.render(frame);
        put_row(0, fmt::format("(the guest shows {} x {} pixels; --display sdl would draw them)", frame.width,
                               frame.height));
        cursor_ = "\x1B[?25l";
    }

    // Below the guest's rows, where the terminal has room for it.
    void draw_status(const Pc&) {
        const auto row = static_cast<unsigned>(rows_.size() - 1);
        if (height_ <= row) return;
        put_row(row, fmt::format("\x1B[7m Truering {}{}Ctrl-A x quits, Ctrl-A h helps ", status_,
                                 status_.empty() ? "" : "  "));
    }

    void send() {
        if (output_.empty() && cursor_ == last_cursor_) return;
        output_ += cursor_;
        last_cursor_ = cursor_;
        size_t done = 0;
        while (done < output_.size()) {
            const ssize_t count = ::write(STDOUT_FILENO, output_.data() + done, output_.size() - done);
            if (count <= 0) break;
            done += static_cast<size_t>(count);
        }
        output_.clear();
    }

    TerminalKeys keys_;
    std::chrono::steady_clock::time_point typed_;
    std::chrono::steady_clock::time_point drawn_;
    Nanoseconds next_key_ = 0;
    bool held_ = false;
    unsigned width_ = 0;
    unsigned height_ = 0;
    std::vector<std::string> rows_; // as they stand on the terminal
    std::string output_;
    std::string cursor_;
    std::string last_cursor_;
    std::string status_;
};

} // namespace

std::unique_ptr<Display> open_terminal_display() { return std::make_unique<TerminalDisplay>(); }

} // namespace truering
