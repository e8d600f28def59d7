// The sections of decoder/isa.def are compiled apart, each into a table of handlers in the order of its rows.
#pragma once

#include "cpu/interpreter/dispatch.hpp"

#include <span>

namespace truering {

[[nodiscard]] std::span<const RowHandlers> int_handlers();
[[nodiscard]] std::span<const RowHandlers> sys_handlers();
[[nodiscard]] std::span<const RowHandlers> x87_handlers();
[[nodiscard]] std::span<const RowHandlers> mmx_handlers();
[[nodiscard]] std::span<const RowHandlers> sse_handlers();

} // namespace truering
