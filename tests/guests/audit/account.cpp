#include "tests/guests/audit/account.hpp"

#include "base/control_area.h"
#include "tests/guests/audit/cpuid.hpp"
#include "vmm/hypercall.h"

namespace audit {

bool under_ringmaster() {
    const Cpuid answer = cpuid(RINGMASTER_CPUID_LEAF);
    return answer.ebx == RINGMASTER_SIGNATURE_EBX && answer.ecx == RINGMASTER_SIGNATURE_ECX &&
           answer.edx == RINGMASTER_SIGNATURE_EDX;
}

Exits Exits::now() {
    Exits exits;
    for (u32 reason = 0; reason < reasons; ++reason) {
        u32 eax = RINGMASTER_COUNT_EXITS, ecx = reason, edx = 0;
        asm volatile(".byte 0x0F, 0x04, 0xC1" : "+a"(eax), "+c"(ecx), "=d"(edx)); // V32CALL
        exits.count[reason] = eax;
    }
    return exits;
}

u32 Exits::reason_since(const Exits& before, const Exits& idle_before, const Exits& idle_after) const {
    constexpr auto own = static_cast<u32>(v32::Reason::V32CALL), others = static_cast<u32>(v32::Reason::EXTINT);
    for (u32 reason = 0; reason < reasons; ++reason) {
        if (reason == own || reason == others) continue;
        const u32 idle = idle_after.count[reason] - idle_before.count[reason];
        if (count[reason] - before.count[reason] > idle) return reason;
    }
    return 0;
}

const char* reason_name(u32 reason) {
    switch (static_cast<v32::Reason>(reason)) {
    case v32::Reason::CR_ACCESS: return "CR_ACCESS";
    case v32::Reason::DT_LOAD: return "DT_LOAD";
    case v32::Reason::DT_STORE: return "DT_STORE";
    case v32::Reason::IF_MODIFY: return "IF_MODIFY";
    case v32::Reason::SOFT_INT: return "SOFT_INT";
    case v32::Reason::EXCEPTION: return "EXCEPTION";
    default: return "another";
    }
}

} // namespace audit
