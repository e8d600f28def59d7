#include "vmm/requirements.hpp"

#include "vmm/hypercall.h"
#include "vmm/log.hpp"
#include "vmm/options.hpp"
#include "vmm/processor.hpp"

namespace ringmaster {

namespace {

[[noreturn]] void refuse(const char* missing, const char* cure) {
    use_screen();
    say("\nRingmaster cannot start: ", missing, ".\n", cure, "\n");
    stop(Ending::CannotStart);
}

constexpr const char* cure_for_V32 = "V32 mode is a feature of the emulator Truering: boot this image there, with a\n"
                                     "processor that has it: truering --cpu pentium4 --kernel ringmaster.elf IMAGE\n"
                                     "(not --cpu MODEL,v32=off; not QEMU, Bochs or a real processor).";

bool flag_can_change(u32 flag) {
    u32 before = 0, after = 0;
    asm volatile("pushfl\n pop %0\n mov %0, %1\n xor %2, %1\n push %1\n popfl\n pushfl\n pop %1\n push %0\n popfl"
                 : "=&r"(before), "=&r"(after)
                 : "ri"(flag));
    return ((before ^ after) & flag) != 0;
}

bool runs_under_ringmaster() {
    const CpuidAnswer a = cpuid(RINGMASTER_CPUID_LEAF);
    return a.ebx == RINGMASTER_SIGNATURE_EBX && a.ecx == RINGMASTER_SIGNATURE_ECX && a.edx == RINGMASTER_SIGNATURE_EDX;
}

} // namespace

void require_V32_mode() {
    if (!flag_can_change(EFLAGS_ID)) refuse("this processor has no CPUID, so no V32 mode", cure_for_V32);
    if (runs_under_ringmaster())
        refuse("a Ringmaster is running already, and this is its guest",
               "It does not pass V32 mode on. Boot something else.");
    const u32 features = cpuid(1).edx;
    if ((features & CPUID_V32) == 0) refuse("this processor has no V32 mode (CPUID.01H:EDX[20] = 0)", cure_for_V32);
    const u32 revision = static_cast<u32>(rdmsr(msr_V32_CAP)) & 0xFF;
    if (revision != V32_REVISION)
        refuse("this processor's V32 mode has another revision than 1", "Use the Ringmaster that came with it.");
    if ((features & CPUID_PSE) == 0)
        refuse("this processor has no 4-MiB pages (CPUID.01H:EDX[3] = 0)", "Choose --cpu pentium or a later one.");
    if ((features & CPUID_PAE) == 0 && options.paging == PagingPolicy::Shadow)
        refuse("this processor has no PAE (CPUID.01H:EDX[6] = 0)",
               "Shadow tables are in PAE format: choose --cpu pentium2 or a later one, or the\n"
               "option paging=guest, which does without.");
}

} // namespace ringmaster
