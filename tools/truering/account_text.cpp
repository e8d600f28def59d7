#include "tools/truering/account_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <sstream>
#include <string_view>

namespace truering {

namespace {

struct Reason {
    std::string_view name;
    std::string_view why;
};

// docs/v32.md 6 and 8, for people.
constexpr std::array reasons{
    Reason{"CR_ACCESS", "a control register: they decide on modes and address spaces, which are the VMM's to grant"},
    Reason{"DR_ACCESS", "a debug register: lent to the guest when it first asks"},
    Reason{"DT_LOAD", "a descriptor table was loaded"},
    Reason{"DT_STORE", "a descriptor table's place was read"},
    Reason{"IO", "a port that the VMM shares or guards: reset, A20, its own console"},
    Reason{"MSR_READ", "a model-specific register was read"},
    Reason{"MSR_WRITE", "a model-specific register was written"},
    Reason{"CPUID", "the VMM says which processor the guest sees"},
    Reason{"HLT", "the guest has nothing to do: so the VMM waits, not the guest"},
    Reason{"INVLPG", "a translation is stale: the VMM's shadow of the guest's page tables must know"},
    Reason{"CACHE", "a cache was flushed"},
    Reason{"RDTSC", "the time-stamp counter was read"},
    Reason{"IF_MODIFY", "CLI, STI, POPF or IRET would have changed the interrupt flag"},
    Reason{"IF_WINDOW", "the guest can take the interrupt that waited for it"},
    Reason{"SOFT_INT", "a BIOS call that the VMM must see: the map of memory, or the end of a boot"},
    Reason{"TASK_SWITCH", "a hardware task switch, done by the VMM on the guest's behalf"},
    Reason{"V32ENTER", "the guest tried to enter V32 mode itself"},
    Reason{"V32CALL", "the guest called its VMM"},
    Reason{"STEP", "a single step, on the VMM's wish"},
    Reason{"SHUTDOWN", "a third fault: on the bare machine, a reset"},
    Reason{"INIT", "the reset line"},
    Reason{"EXCEPTION",
           "page faults mostly: the VMM fills its shadow of the guest's page tables, or gives the fault back"},
    Reason{"EXTINT", "a device's interrupt, which belongs to the VMM until the guest can take it"},
    Reason{"NMI", "a non-maskable interrupt"},
};

} // namespace

std::string explain_account(std::span<const std::string> lines) {
    // A row of the table begins with a reason's name and its count.
    std::string text;
    for (const std::string& line : lines) {
        std::istringstream words(line);
        std::string name;
        unsigned long long count = 0;
        if (!(words >> name >> count)) continue;
        const auto reason =
            std::find_if(reasons.begin(), reasons.end(), [&](const Reason& r) { return r.name == name; });
        if (reason != reasons.end()) text += fmt::format("  {:11} {:>9}  {}\n", name, count, reason->why);
    }
    return text.empty() ? text : "  exit         how often  because\n" + text;
}

} // namespace truering
