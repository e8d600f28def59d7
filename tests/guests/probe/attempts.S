/* Instructions that may fault, and what came of them. */

#include "base/control_area.h"

/* u32 attempt(Code code): the vector of the exception that `code` met, or NONE. */
        .set    NONE, 0xffffffff

        .text
        .globl  attempt, load_idt
attempt:
        pusha
        mov     %esp, saved_esp
        mov     $NONE, %eax
        mov     %eax, met
        call    *36(%esp)
back:   mov     saved_esp, %esp
        popa
        mov     met, %eax
        ret

load_idt:
        lidt    idt_register
        ret

        .altmacro
        .macro  entry vector
entry_\vector:
        movl    $\vector, met
        jmp     back
        .endm
        .set    i, 0
        .rept   32
        entry   %i
        .set    i, i + 1
        .endr

        .macro  gate vector
        .word   entry_\vector, 8, 0x8e00, 0
        .endm
        .data
        .balign 8
idt:
        .set    i, 0
        .rept   32
        gate    %i
        .set    i, i + 1
        .endr
idt_register:
        .word   . - idt - 1
        .long   idt
saved_esp:
        .long   0
met:    .long   0

        .text
        .macro  code name, text:vararg
        .globl  \name
\name:  \text
        ret
        .endm

        code    do_V32ENTER, V32ENTER
        code    do_INVD, invd
        code    do_WBINVD, wbinvd

        .globl  do_RDMSR, do_WRMSR, do_CR0, do_CR4, operand
do_RDMSR:
        mov     operand, %ecx
        rdmsr
        ret
do_WRMSR:
        mov     operand, %ecx
        xor     %eax, %eax
        xor     %edx, %edx
        wrmsr
        ret
do_CR0: mov     operand, %eax
        mov     %eax, %cr0
        ret
do_CR4: mov     operand, %eax
        mov     %eax, %cr4
        ret

/* An NMI to this very processor, by its local APIC; then some time for it. */
        .globl  do_NMI
        .set    ICR, 0xfee00300
        .set    NMI_ASSERTED, 0x4400
do_NMI: movl    $0, ICR + 0x10                  /* APIC number 0 */
        movl    $NMI_ASSERTED, ICR
        mov     $1000, %ecx
1:      loop    1b
        ret

/* A second NMI while the first is handled, and an exit before its end: it must come behind the IRET, not before.
   nmi_count: how many came; nmi_count_inside: how many had come when the first handler ended. */
        .globl  do_nested_NMI, nmi_count, nmi_count_inside
do_nested_NMI:
        movw    $nmi_handler, idt + 2 * 8       /* all addresses here are below 64 KiB */
        movl    $0, nmi_count
        call    do_NMI
        movw    $entry_2, idt + 2 * 8
        ret
nmi_handler:
        pusha
        incl    nmi_count
        cmpl    $1, nmi_count
        jne     1f
        call    do_NMI
        xor     %eax, %eax
        cpuid
        mov     nmi_count, %eax
        mov     %eax, nmi_count_inside
1:      popa
        iret

/* u32 vmm_call(u32 function, u32 argument, u32* edx) */
        .globl  vmm_call
vmm_call:
        mov     4(%esp), %eax
        mov     8(%esp), %ecx
        V32CALL
        mov     12(%esp), %ecx
        mov     %edx, (%ecx)
        ret

/* A triple fault: no IDT. */
        .globl  triple_fault
triple_fault:
        lidt    no_idt
        int3

        .data
operand:
        .long   0
nmi_count:
        .long   0
nmi_count_inside:
        .long   0
no_idt: .word   0
        .long   0

        .section .note.GNU-stack, "", @progbits
