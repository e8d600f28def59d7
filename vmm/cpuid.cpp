// CPUID: the machine's own answer, without V32 mode. A leaf that processors leave to VMMs says who runs here; bit 31 of
// leaf 1's ECX does not point to it, because operating systems then change their ways (and their messages).
#include "vmm/guest.hpp"
#include "vmm/handlers.hpp"
#include "vmm/hypercall.h"

namespace ringmaster {

void handle_CPUID() {
    u32* const gpr = guest().gpr;
    const u32 leaf = gpr[EAX];
    CpuidAnswer answer{RINGMASTER_CPUID_LEAF, RINGMASTER_SIGNATURE_EBX, RINGMASTER_SIGNATURE_ECX,
                       RINGMASTER_SIGNATURE_EDX};
    if (leaf != RINGMASTER_CPUID_LEAF) answer = cpuid(leaf, gpr[ECX]);
    if (leaf == 1) answer.edx &= ~u32{CPUID_V32};
    gpr[EAX] = answer.eax;
    gpr[EBX] = answer.ebx;
    gpr[ECX] = answer.ecx;
    gpr[EDX] = answer.edx;
    skip_instruction();
}

} // namespace ringmaster
