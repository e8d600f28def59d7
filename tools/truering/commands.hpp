// The subcommands that answer a question and start no machine.
#pragma once

#include <string>
#include <vector>

namespace truering {

// `list WHAT`. Throws UsageError.
std::string list_text(const std::string& what);

// `doctor`: what this host has and lacks; `complete` is false when no machine could start.
struct Diagnosis {
    std::string text;
    bool complete = true;
};
Diagnosis diagnose();

std::string version_text();

// `completions bash`: a script for the shell, from the table of options. Throws UsageError for another shell.
std::string completions_text(const std::string& shell);

} // namespace truering
