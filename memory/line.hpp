// A wire between two chips: an output pin that rises and falls, and whoever listens to it.
//
// A Line is owned by the chip that drives it and connected once, when the machine is wired. It is plain data with a
// function pointer, so that a chip model compiles freestanding as well.
#pragma once

#include "base/types.hpp"

namespace truering {

class Line {
  public:
    using Sink = void (*)(void* receiver, unsigned number, bool level);

    // From now on changes go to `sink(receiver, number, level)`; the present level is told at once when it is high.
    void connect(Sink sink, void* receiver, unsigned number = 0) {
        sink_ = sink;
        receiver_ = receiver;
        number_ = number;
        if (level_) sink_(receiver_, number_, true);
    }

    // The common case: a member function `void T::method(unsigned number, bool level)` of the receiving chip.
    template <auto method, class T> void connect_to(T& receiver, unsigned number = 0) {
        connect([](void* self, unsigned n, bool level) { (static_cast<T*>(self)->*method)(n, level); }, &receiver,
                number);
    }

    void set(bool level) {
        if (level == level_) return;
        level_ = level;
        if (sink_ != nullptr) sink_(receiver_, number_, level);
    }
    void raise() { set(true); }
    void lower() { set(false); }
    void pulse() {
        raise();
        lower();
    }

    [[nodiscard]] bool level() const { return level_; }

  private:
    Sink sink_ = nullptr;
    void* receiver_ = nullptr;
    unsigned number_ = 0;
    bool level_ = false;
};

} // namespace truering
