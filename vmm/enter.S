/* V32ENTER, and where the VMM's own IDT leads.

   V32ENTER is to the VMM an instruction during which an interrupt arrives: the exit. All registers are back by then, so
   its handler is two instructions: the stack of before, and on behind V32ENTER. What tells an exit from a fault of the
   VMM's own is the EIP on the stack, with or without an error code before it. Source: docs/v32.md, 8. */

#include "base/control_area.h"

        .text

/* u32 enter_guest(): 1 after an exit, 0 if the processor refuses the control area. */
        .globl  enter_guest
enter_guest:
        push    %ebp
        mov     %esp, %ebp
enter:  V32ENTER
exited: mov     $1, %eax
        pop     %ebp
        ret
refused:
        mov     %ebp, %esp
        xor     %eax, %eax
        pop     %ebp
        ret

/* u32 try_rdmsr(u32 index, u64* value), try_wrmsr(u32 index, u32 low, u32 high), try_cr4(u32 value): 0 if it is #GP(0). */
        .globl  try_rdmsr, try_wrmsr, try_cr4
try_rdmsr:
        mov     4(%esp), %ecx
rdmsr_at:
        rdmsr
        mov     8(%esp), %ecx
        mov     %eax, (%ecx)
        mov     %edx, 4(%ecx)
        mov     $1, %eax
        ret
try_wrmsr:
        mov     4(%esp), %ecx
        mov     8(%esp), %eax
        mov     12(%esp), %edx
wrmsr_at:
        wrmsr
        mov     $1, %eax
        ret
try_cr4:
        mov     4(%esp), %eax
cr4_at: mov     %eax, %cr4
        mov     $1, %eax
        ret

/* Every vector but NMI: the vector's number is on the stack, then perhaps an error code, then EIP. */
arrived:
        cmpl    $exited, 8(%esp)
        je      1f
        cmpl    $exited, 4(%esp)
        je      1f
        cmpl    $enter, 8(%esp)
        je      refused
        cmpl    $rdmsr_at, 8(%esp)
        je      2f
        cmpl    $wrmsr_at, 8(%esp)
        je      2f
        cmpl    $cr4_at, 8(%esp)
        je      2f
        pusha
        push    %esp
        call    own_fault
1:      mov     %ebp, %esp
        jmp     exited
2:      add     $20, %esp                       /* vector, error code, EIP, CS, EFLAGS: back to the caller */
        xor     %eax, %eax
        ret

/* An NMI that the guest's blocking held back arrives here, in the VMM; so does one that exits. It is the guest's. */
entry_nmi:
        movl    $1, nmi_arrived
        iret

        .altmacro
        .macro  entry vector
        .balign 8
entry_\vector:
        .if     \vector == 2
        jmp     entry_nmi
        .else
        push    $\vector
        jmp     arrived
        .endif
        .section .rodata
        .long   entry_\vector
        .text
        .endm

        .section .rodata
        .balign 4
        .globl  idt_entries
idt_entries:
        .text
        .set    i, 0
        .rept   256
        entry   %i
        .set    i, i + 1
        .endr

        .section .note.GNU-stack, "", @progbits
