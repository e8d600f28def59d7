// Faults that the tasks cause on purpose: #PF and #GP.
#pragma once

namespace demo {

void start_faults();

} // namespace demo
