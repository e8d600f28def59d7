#include "vmm/trace.hpp"

#include "vmm/account.hpp"
#include "vmm/guest.hpp"
#include "vmm/log.hpp"

namespace ringmaster {

void trace_exit() {
    const ExitInformation& e = area.exit;
    constexpr const char* modes[phase_count] = {"real", "flat", "page", "v86 "};
    say(Right{exits_in_all(), 9}, " ", Left{reason_name(e.exit_reason), 12}, modes[static_cast<u32>(phase_now())], " ",
        Hex{guest().segment[CS].selector, 4}, ":", Hex{guest().eip}, " q ", Hex{e.qualification}, " v ",
        Hex{e.qualification_value});
    if (e.event != 0) say(" event ", Hex{e.event}, "/", Hex{e.event_error_code});
    if (e.vectoring_event != 0) say(" cut short ", Hex{e.vectoring_event}, "/", Hex{e.vectoring_error_code});
    say(" |");
    const u32 length = e.instruction_length < sizeof e.instruction_bytes ? e.instruction_length : 16u;
    for (u32 n = 0; n < length; ++n) say(" ", Hex{e.instruction_bytes[n], 2});
    say("\n");
}

} // namespace ringmaster
