// `truering demo`: demonstrations that need no image, no display and no preparation. Each starts a guest under
// Ringmaster in this terminal, shows what the guest says and what Ringmaster does for it, and ends by itself.
#pragma once

#include <string>
#include <vector>

namespace truering {

std::vector<std::string> demo_names();
std::string demo_list();

// Returns the exit status. Throws UsageError for an unknown name, KernelError where files of a demonstration are
// missing.
int run_demo(const std::string& name);

} // namespace truering
