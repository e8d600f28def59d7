// What a fault during the delivery of an event becomes (SDM vol. 3A, table 6-5).
#pragma once

#include "cpu/exception.hpp"

namespace truering {

enum class Combination : u8 {
    Serial,      // the second event is delivered instead; the first comes again when its instruction is restarted
    DoubleFault, // #DF
    Shutdown,    // a fault during the delivery of #DF
};

[[nodiscard]] Combination combination(const Event& first, const Event& second);

// Neither contributory, nor #PF, nor #DF.
[[nodiscard]] bool is_benign(const Event& event);

[[nodiscard]] Event double_fault();

} // namespace truering
