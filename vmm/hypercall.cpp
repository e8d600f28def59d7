// V32CALL: the guest's own calls (hypercall.h), and the instruction by which a page of the BIOS is patched.
#include "vmm/hypercall.h"

#include "vmm/account.hpp"
#include "vmm/bios_calls.hpp"
#include "vmm/bios_page.hpp"
#include "vmm/guest.hpp"
#include "vmm/handlers.hpp"

namespace ringmaster {

namespace {

u32 call(u32 function) {
    switch (function) {
    case RINGMASTER_SAY_ACCOUNT: say_account(); return 0;
    case RINGMASTER_COUNT_EXITS:
        guest().gpr[EDX] = static_cast<u32>(exits_in_all());
        return static_cast<u32>(exits_of(guest().gpr[ECX]));
    case RINGMASTER_GET_VERSION: return RINGMASTER_VERSION;
    default: return RINGMASTER_NO_SUCH_CALL;
    }
}

} // namespace

void handle_V32CALL() {
    if (at_patched_entry()) return bios_entered();
    u32& eax = guest().gpr[EAX];
    eax = guest().cpl == 0 ? call(eax) : RINGMASTER_NO_SUCH_CALL;
    skip_instruction();
}

} // namespace ringmaster
