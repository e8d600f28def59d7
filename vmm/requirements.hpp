// What Ringmaster needs of the processor. If something is missing it says so, with the cure, and ends.
#pragma once

namespace ringmaster {

void require_V32_mode();

} // namespace ringmaster
