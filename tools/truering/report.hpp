// What the user is told when a machine has ended: the reason in a line, and for everything but success the processor's
// state, the faults that led there, and the guest's last words.
#pragma once

#include "machine/run_loop.hpp"
#include "machine/text_watch.hpp"
#include "tools/truering/settings.hpp"

#include <string>

namespace truering {

// The process's exit status.
int status_of(const End& end, const Settings& settings);

// "triple fault", "instruction limit".
std::string reason_of(const End& end);

// Four lines of registers.
std::string registers_text(const Cpu& cpu);

// Several lines, ended by a newline.
std::string report_text(const End& end, Pc& pc, const TextWatch& watch);

} // namespace truering
