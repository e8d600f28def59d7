// A first-in, first-out buffer of a fixed number of bytes, as a chip has it.
#pragma once

#include "base/types.hpp"

#include <array>

namespace truering {

template <unsigned capacity> class ByteFifo {
  public:
    [[nodiscard]] bool empty() const { return size_ == 0; }
    [[nodiscard]] bool full() const { return size_ == capacity; }
    [[nodiscard]] unsigned size() const { return size_; }
    [[nodiscard]] unsigned room() const { return capacity - size_; }

    // A full buffer loses the byte; the caller asks first where that matters.
    void push(u8 byte) {
        if (full()) return;
        bytes_[(first_ + size_) % capacity] = byte;
        ++size_;
    }

    // From an empty buffer: 0.
    u8 pop() {
        if (empty()) return 0;
        const u8 byte = bytes_[first_];
        first_ = (first_ + 1) % capacity;
        --size_;
        return byte;
    }

    [[nodiscard]] u8 front() const { return bytes_[first_]; }
    void clear() { first_ = size_ = 0; }

  private:
    std::array<u8, capacity> bytes_{};
    unsigned first_ = 0;
    unsigned size_ = 0;
};

} // namespace truering
