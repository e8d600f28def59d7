// Switching the machine off.
#pragma once

namespace demo {

[[noreturn]] void power_off();

} // namespace demo
