// TASK_SWITCH: the switch itself is vmm/task_switch.hpp's; here it gets the guest's own control registers and memory.
#include "vmm/guest.hpp"
#include "vmm/handlers.hpp"
#include "vmm/options.hpp"
#include "vmm/paging.hpp"
#include "vmm/restart.hpp"
#include "vmm/task_switch.hpp"

namespace ringmaster {

namespace {

bool finish(LinearOutcome outcome, const LinearMemory& by, PageFault& fault) {
    if (outcome == LinearOutcome::Done) return true;
    fault = by.fault();
    return false;
}

bool read(void*, u32 linear, void* to, u32 size, PageFault& fault) {
    LinearMemory by = guest_memory(Privilege::Supervisor);
    return finish(by.read(linear, to, size), by, fault);
}
bool write(void*, u32 linear, const void* from, u32 size, PageFault& fault) {
    LinearMemory by = guest_memory(Privilege::Supervisor);
    return finish(by.write(linear, from, size), by, fault);
}
bool write_as_user(void*, u32 linear, const void* from, u32 size, PageFault& fault) {
    LinearMemory by = guest_memory(Privilege::User);
    return finish(by.write(linear, from, size), by, fault);
}
bool probe_write(void*, u32 linear, u32 size, PageFault& fault) {
    LinearMemory by = guest_memory(Privilege::Supervisor);
    return finish(by.probe_write(linear, size), by, fault);
}

// The record holds the guest's own registers during the switch: MOV CR3 shows there too.
bool load_CR3(void*, u32 value) {
    if (!load_cr3(value)) return false;
    guest().cr3 = value;
    return true;
}

} // namespace

void handle_TASK_SWITCH() {
    guest().cr0 = visible().cr0;
    guest().cr3 = visible().cr3;
    guest().cr4 = visible().cr4;
    const TaskMemory memory{nullptr, read, write, probe_write, load_CR3, write_as_user};
    const TaskVerdict verdict = switch_task(guest(), area.exit, options.if_policy, memory);
    (void)load_cr0(guest().cr0); // TS is set; nothing that could be refused
    if (verdict.answer == TaskVerdict::Answer::Shutdown) return restart_guest(Cause::TripleFault);
    if (verdict.answer == TaskVerdict::Answer::Inject) inject(verdict.event, verdict.error_code);
}

} // namespace ringmaster
