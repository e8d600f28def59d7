// QEMU's options with one dash, rewritten to ours before parsing, so that the parser itself stays strict.
#pragma once

#include <string>
#include <vector>

namespace truering {

struct Rewritten {
    std::vector<std::string> words;
    std::vector<std::string> notes; // what was accepted and has no effect here
};

// Throws UsageError for QEMU's options that this machine cannot honour, and for unknown words with one dash.
Rewritten rewrite_qemu_spellings(const std::vector<std::string>& words);

} // namespace truering
