// Hardware task switches on behalf of the guest (SDM vol. 3A, chapter 7; docs/v32.md sections 6 and 8): what a VMM does
// on a TASK_SWITCH exit.
//
// The processor has checked selector, DPL, type, P and limit of the new TSS's descriptor; everything else happens here,
// the checks again among it, as guest memory may have changed. Works on a record that holds the *guest's own* CR0, CR3
// and CR4: with shadow paging the caller puts them there before and takes them out behind.
#pragma once

#include "base/control_area.h"
#include "vmm/shadow/guest_paging.hpp"

namespace ringmaster {

// The guest's linear memory, as supervisor, but for write_as_user; false: `fault` is filled in. probe_write proves that
// a write will succeed. load_CR3 does what MOV CR3 does, the caller's own part of it included; false: #GP(0).
struct TaskMemory {
    void* context;
    bool (*read)(void* context, u32 linear, void* to, u32 size, PageFault& fault);
    bool (*write)(void* context, u32 linear, const void* from, u32 size, PageFault& fault);
    bool (*probe_write)(void* context, u32 linear, u32 size, PageFault& fault);
    bool (*load_CR3)(void* context, u32 value);
    bool (*write_as_user)(void* context, u32 linear, const void* from, u32 size, PageFault& fault);
};

struct TaskVerdict {
    enum class Answer : u8 {
        Switched, // enter the record
        Inject,   // enter the record with this event: the fault of the old task, or of the new one
        Shutdown, // a third fault
    } answer = Answer::Switched;
    u32 event = 0; // for `inject_event`
    u32 error_code = 0;
};

// `exit`: of the TASK_SWITCH. On Switched and Inject the record is what to enter; CR2 of a #PF is in it, and the #DF
// rules have been applied where the switch was part of a delivery. IF_POLICY says where the visible IF lives
// (docs/v32.md section 5).
TaskVerdict switch_task(v32::StateRecord& guest, const v32::ExitInformation& exit, v32::IfPolicy policy,
                        const TaskMemory& memory);

} // namespace ringmaster
