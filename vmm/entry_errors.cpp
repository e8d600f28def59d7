#include "vmm/entry_errors.hpp"

#include "vmm/account.hpp"
#include "vmm/guest.hpp"
#include "vmm/log.hpp"

namespace ringmaster {

namespace {

// docs/v32.md, 7.1, by number.
constexpr const char* meanings[] = {
    "not one of the checks: V32ENTER met another fault",
    "revision differs from V32_CAP",
    "a reserved bit in controls",
    "IF_POLICY reserved, or DIRECT without EXTINT_EXIT",
    "CR0: PG=0, NW without CD, or a reserved bit",
    "CR4: a bit the processor does not have",
    "a present PDPTE with reserved bits",
    "EFLAGS: bit 1, a reserved bit, or VM without PE",
    "a segment register",
    "inject_event",
    "io_bitmap unaligned or not RAM",
    "cpl, activity, sif, interruptibility or pending_debug",
    "a limit of GDTR or IDTR above FFFFH",
    "EFER: a bit the processor does not have",
    "tlb_drop",
};
constexpr const char* gpr_names[] = {"EAX ", " ECX ", " EDX ", " EBX ", "\nESP ", " EBP ", " ESI ", " EDI "};
constexpr const char* segment_names[] = {"ES", "CS", "SS", "DS", "FS", "GS", "LDTR", "TR"};

void say_guest() {
    const StateRecord& g = guest();
    for (u32 n = 0; n < 8; ++n) say(gpr_names[n], Hex{g.gpr[n]});
    say("\nEIP ", Hex{g.eip}, " EFLAGS ", Hex{g.eflags}, " CPL ", g.cpl, " SIF ", g.sif, "\nCR0 ", Hex{g.cr0}, " CR2 ",
        Hex{g.cr2}, " CR3 ", Hex{g.cr3}, " CR4 ", Hex{g.cr4}, " EFER ", Hex{g.efer[0]}, "\n");
    for (u32 n = 0; n < 8; ++n) {
        const SegmentRecord& s = g.segment[n];
        say(Left{segment_names[n], 5}, Hex{s.selector, 4}, " base ", Hex{s.base}, " limit ", Hex{s.limit},
            " attributes ", Hex{s.attributes, 4}, "\n");
    }
    say("GDTR ", Hex{g.gdtr.base}, "/", Hex{g.gdtr.limit, 4}, " IDTR ", Hex{g.idtr.base}, "/", Hex{g.idtr.limit, 4},
        " interruptibility ", g.interruptibility, " activity ", g.activity, " pending_debug ", Hex{g.pending_debug},
        "\ninject_event ", Hex{area.inject_event}, " controls ", Hex{area.controls}, "\n");
}

} // namespace

void entry_refused() {
    const u32 error = area.instruction_error;
    use_screen();
    say("\nRingmaster: V32ENTER refused, check ", error, ": ",
        error < sizeof meanings / sizeof *meanings ? meanings[error] : "unknown", "\n");
    say_guest();
    say_account();
    stop(Ending::GaveUp);
}

void unexpected_exit() {
    const ExitInformation& e = area.exit;
    use_screen();
    say("\nRingmaster: an exit that it did not ask for: ", reason_name(e.exit_reason), " (", e.exit_reason,
        "), qualification ", Hex{e.qualification}, " ", Hex{e.qualification_value}, ", event ", Hex{e.event}, " error ",
        Hex{e.event_error_code}, ", vectoring ", Hex{e.vectoring_event}, "\n");
    say_guest();
    say_account();
    stop(Ending::GaveUp);
}

} // namespace ringmaster
