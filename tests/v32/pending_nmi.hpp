// NMIs, for images that need them: the local APIC sends them to its own processor.
//
// Root enters with an NMI pending so: a first NMI brings it into its handler; there, NMI blocked, it sends the second
// and executes V32ENTER. Root is then not as judge_exit() expects it: the images judge for themselves.
#pragma once

#include "tests/v32/harness.hpp"

extern "C" {
void v32_send_nmi_and_wait();
void v32_enter_with_nmi();
extern const proof::u8 v32_after_enter_with_nmi[];
}
asm(R"(
        .globl  v32_send_nmi_and_wait, v32_enter_with_nmi, v32_after_enter_with_nmi
v32_send_nmi_and_wait:
        movl    $0x44400, 0xfee00300
1:      jmp     1b
v32_enter_with_nmi:                             # root's gate of NMI is EDI's, its usual content ECX:EBX
        mov     %ebx, (%edi)
        mov     %ecx, 4(%edi)
        movl    $0x44400, 0xfee00300
        mov     %ebp, %esp
        .byte   0x0f, 0x04, 0xc0
v32_after_enter_with_nmi:
        int     $0x40
)");

namespace proof {

enum LocalApic : u32 {
    local_apic = 0xfee00000,
    end_of_interrupt_register = local_apic + 0xb0,
    spurious_register = local_apic + 0xf0,
    command_register = local_apic + 0x300
};
constexpr u32 nmi_to_itself = 0x44400, interrupt_to_itself = 0x44000; // the second with the vector

inline void enable_local_apic() { word_at(spurious_register) = 0x1ff; }

[[gnu::naked]] inline void int_40() { asm("nop; nop; nop; int $0x40"); }

// NMI blocking of root ends with an IRET; a second one takes what has waited.
inline bool nmi_waits_in_root() {
    const Event event = enter(in_ring(0, int_40));
    if (event.vector == vector::done) return false;
    enter(in_ring(0, int_40));
    return event.vector == vector::NMI;
}

inline Event run_with_nmi(ControlArea& area) {
    Registers vmm = vmm_registers();
    vmm.eip = address(v32_send_nmi_and_wait);
    vmm.edi = address(&idt[vector::NMI]);
    vmm.ebx = static_cast<u32>(idt[vector::NMI]);
    vmm.ecx = static_cast<u32>(idt[vector::NMI] >> 32);
    idt[vector::NMI] = gate(code_selector(0), address(v32_enter_with_nmi), present | interrupt_gate32);
    return run(area, vmm);
}

} // namespace proof
