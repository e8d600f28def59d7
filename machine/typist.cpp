#include "machine/typist.hpp"

#include <algorithm>

namespace truering {

namespace {

// How often a step that waits for an instruction count looks whether it has come.
constexpr Nanoseconds look_interval = 1'000'000;

} // namespace

Typist::Typist(Pc& pc, TextWatch& watch, std::vector<TypeStep> steps)
    : pc_(pc), watch_(watch), steps_(std::move(steps)), alarm_(Alarm::calling<&Typist::tick>(*this)) {
    begin_step();
}

Typist::~Typist() { pc_.clock.disarm(alarm_); }

void Typist::again_in(Nanoseconds time) { pc_.clock.arm(alarm_, pc_.clock.now() + time); }

void Typist::begin_step() {
    position_ = 0;
    typing_ = key_is_down_ = false;
    if (done()) return;
    const When& when = steps_[step_].when;
    switch (when.kind) {
    case When::Kind::Time: pc_.clock.arm(alarm_, std::max(when.time, pc_.clock.now())); break;
    case When::Kind::Instructions: again_in(look_interval); break;
    case When::Kind::Text: watch_.expect(when.text, [this](const std::string&) { start_typing(); }); break;
    case When::Kind::Exit: next_step(); break;
    }
}

void Typist::start_typing() {
    typing_ = true;
    again_in(key_time); // whoever asked is about to read
}

void Typist::tick() {
    const When& when = steps_[step_].when;
    if (!typing_ && when.kind == When::Kind::Instructions && pc_.cpu.retired() < when.instructions) {
        again_in(look_interval);
        return;
    }
    typing_ = true;
    if (steps_[step_].strokes.empty())
        send_next();
    else
        press_next();
}

void Typist::press_next() {
    const TypeStep& step = steps_[step_];
    if (!pc_.keyboard.idle()) {
        again_in(key_time);
        return;
    }
    if (position_ >= step.strokes.size()) {
        next_step();
        return;
    }
    const KeyStroke& stroke = step.strokes[position_];
    if (!key_is_down_) {
        for (const Key modifier : stroke.modifiers) pc_.take(KeyInput{modifier, true});
        pc_.take(KeyInput{stroke.key, true});
    } else {
        pc_.take(KeyInput{stroke.key, false});
        for (auto held = stroke.modifiers.rbegin(); held != stroke.modifiers.rend(); ++held)
            pc_.take(KeyInput{*held, false});
        ++position_;
    }
    key_is_down_ = !key_is_down_;
    again_in(key_time);
}

void Typist::send_next() {
    const TypeStep& step = steps_[step_];
    if (position_ >= step.bytes.size()) {
        next_step();
        return;
    }
    if (pc_.com1.can_receive()) pc_.take(SerialInput{0, static_cast<u8>(step.bytes[position_++])});
    again_in(byte_time);
}

void Typist::next_step() {
    ++step_;
    begin_step();
}

} // namespace truering
