// Types texts into a guest, one after the other, each when its moment has come: on the keyboard, or into COM1.
//
// A step waits until the one before it is done, then for its own moment. Keys go down and up in a steady rhythm of
// virtual time, as fast as a good typist's, and only while the keyboard has sent what it had.
#pragma once

#include "machine/key_text.hpp"
#include "machine/pc.hpp"
#include "machine/text_watch.hpp"
#include "machine/when.hpp"

#include <string>
#include <vector>

namespace truering {

struct TypeStep {
    When when;
    std::vector<KeyStroke> strokes; // on the keyboard
    std::string bytes;              // into COM1
};

class Typist {
  public:
    static constexpr Nanoseconds key_time = 15'000'000; // each, down and up
    static constexpr Nanoseconds byte_time = 2'000'000; // between bytes for COM1

    Typist(Pc& pc, TextWatch& watch, std::vector<TypeStep> steps);
    Typist(const Typist&) = delete;
    Typist& operator=(const Typist&) = delete;
    ~Typist();

    [[nodiscard]] bool done() const { return step_ >= steps_.size(); }

  private:
    void begin_step();
    void start_typing();
    void tick();
    void press_next();
    void send_next();
    void next_step();
    void again_in(Nanoseconds time);

    Pc& pc_;
    TextWatch& watch_;
    std::vector<TypeStep> steps_;
    size_t step_ = 0;
    size_t position_ = 0;
    bool typing_ = false;
    bool key_is_down_ = false;
    Alarm alarm_;
};

} // namespace truering
