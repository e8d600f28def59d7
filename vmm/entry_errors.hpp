// When processor and VMM disagree: a refused entry, an exit that nobody asked for. The VMM says what it sees, and
// stops.
#pragma once

namespace ringmaster {

[[noreturn]] void entry_refused();
[[noreturn]] void unexpected_exit();

} // namespace ringmaster
