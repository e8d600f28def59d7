#include "machine/text_watch.hpp"

#include <algorithm>
#include <utility>

namespace truering {

TextWatch::TextWatch(Clock& clock, Screen screen)
    : clock_(clock), screen_(std::move(screen)), quiet_alarm_(Alarm::calling<&TextWatch::quiet>(*this)),
      screen_alarm_(Alarm::calling<&TextWatch::look_at_screen>(*this)) {}

TextWatch::~TextWatch() {
    clock_.disarm(quiet_alarm_);
    clock_.disarm(screen_alarm_);
}

void TextWatch::expect(const std::string& pattern, Found found) {
    expectations_.push_back({TextPattern(pattern), std::move(found)});
    for (Port& port : ports_) port.changed = !port.line.empty();
    screen_lines_.clear();
    clock_.arm(quiet_alarm_, clock_.now());
    schedule_screen();
}

void TextWatch::schedule_screen() {
    if (expects()) clock_.arm(screen_alarm_, clock_.now() + screen_interval);
}

void TextWatch::hear(unsigned port, u8 byte) {
    Port& heard = ports_[port % port_count];
    add(heard, byte);
    if (!expects() || heard.line.empty()) return;
    heard.changed = true;
    clock_.arm(quiet_alarm_, clock_.now() + quiet_time);
}

void TextWatch::add(Port& port, u8 byte) {
    constexpr u8 esc = 0x1B;
    switch (port.escape) {
    case Escape::Begun: port.escape = byte == '[' ? Escape::Sequence : Escape::None; return;
    case Escape::Sequence:
        if (byte >= 0x40 && byte <= 0x7E) port.escape = Escape::None;
        return;
    case Escape::None: break;
    }
    if (byte == esc)
        port.escape = Escape::Begun;
    else if (byte == '\n')
        end_line(port);
    else if (byte == '\b' && !port.line.empty())
        port.line.pop_back();
    else if (byte >= ' ' || byte == '\t')
        port.line += static_cast<char>(byte);
    if (port.line.size() >= longest_line) end_line(port);
}

void TextWatch::end_line(Port& port) {
    port.lines.push_back(std::move(port.line));
    port.line.clear();
    port.changed = false;
    if (port.lines.size() > kept_lines) port.lines.pop_front();
    match(port.lines.back());
}

void TextWatch::quiet() {
    for (Port& port : ports_)
        if (std::exchange(port.changed, false)) match(port.line);
}

void TextWatch::look_at_screen() {
    if (const std::optional<TextScreen> screen = screen_()) {
        screen_lines_.resize(screen->rows);
        for (unsigned n = 0; n < screen->rows && n < screen_lines_.size(); ++n) {
            std::string row = screen->row(n);
            if (row == screen_lines_[n]) continue;
            screen_lines_[n] = row;
            match(row);
        }
    }
    schedule_screen();
}

void TextWatch::match(const std::string& line) {
    if (line.empty()) return;
    ++matching_; // `found` may expect something new, or lead back here
    const size_t count = expectations_.size();
    for (size_t n = 0; n < count; ++n) {
        Expectation& expectation = expectations_[n];
        if (expectation.done || !expectation.pattern.found_in(line)) continue;
        expectation.done = true;
        const Found found = expectation.found;
        found(line);
    }
    --matching_;
    drop_done();
}

void TextWatch::drop_done() {
    if (matching_ != 0) return;
    std::erase_if(expectations_, [](const Expectation& e) { return e.done; });
}

std::vector<std::string> TextWatch::last_lines(unsigned port, size_t count) const {
    const Port& asked = ports_[port % port_count];
    std::vector<std::string> lines(asked.lines.begin(), asked.lines.end());
    if (!asked.line.empty()) lines.push_back(asked.line);
    if (lines.size() > count) lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(count));
    return lines;
}

} // namespace truering
