// The model-specific registers of a guest that is reset: what it has changed in the machine's own goes back to the
// values after RESET (SDM vol. 3A, table 9-1), its time-stamp counter to 0.
#pragma once

namespace ringmaster {

void reset_MSRs();

} // namespace ringmaster
