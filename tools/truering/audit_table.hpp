// The lines that the audit's guest writes (tests/guests/audit), in several settings, as one table for people.
#pragma once

#include <span>
#include <string>

namespace truering {

struct AuditRun {
    std::string heading;
    std::string words; // what the guest wrote to COM1
};

std::string audit_table(std::span<const AuditRun> runs);

} // namespace truering
