// Ringmaster's account of exits, in words: what the guest did that left V32 mode, and why the VMM has to see it.
#pragma once

#include <span>
#include <string>

namespace truering {

// `lines` are what Ringmaster wrote. Empty when there is no account among them.
std::string explain_account(std::span<const std::string> lines);

} // namespace truering
