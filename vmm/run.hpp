// The run loop: enter, account, handle, again.
#pragma once

namespace ringmaster {

[[noreturn]] void run();

} // namespace ringmaster
