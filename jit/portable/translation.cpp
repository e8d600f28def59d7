#include "jit/translation.hpp"

namespace truering {

std::unique_ptr<BlockRunner> make_translator(Cpu&) { return nullptr; }

} // namespace truering
