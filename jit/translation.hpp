// The translator, as the machine sees it: a way to run blocks that some hosts have and others have not.
#pragma once

#include "cpu/interpreter/block_runner.hpp"

#include <memory>

namespace truering {

// Attaches a translator for this host to the processor, until it is destroyed. Null where there is none: the processor
// then goes on interpreting. Throws std::system_error where no memory for code is to be had.
[[nodiscard]] std::unique_ptr<BlockRunner> make_translator(Cpu& cpu);

} // namespace truering
