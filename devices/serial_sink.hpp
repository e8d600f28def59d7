// Where the bytes go that a chip sends out of the machine: a serial line, a printer, a debug console.
#pragma once

#include "base/types.hpp"

namespace truering {

class SerialSink {
  public:
    virtual void transmit(u8 byte) = 0;

  protected:
    ~SerialSink() = default;
};

} // namespace truering
