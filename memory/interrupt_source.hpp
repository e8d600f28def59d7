// What a processor sees of the interrupt controllers: a request line (a Line into the processor) and this, the
// acknowledge cycle that answers with a vector.
#pragma once

#include "base/types.hpp"

namespace truering {

class InterruptSource {
  public:
    // Acknowledges the highest request and returns its vector; with no request left, the controller's spurious vector.
    virtual u8 acknowledge_interrupt() = 0;

  protected:
    ~InterruptSource() = default;
};

} // namespace truering
