/* The loops of virtual.cpp, and the guest in them. A wrong reason ends in dead_end, and the driver gets no checksum. */
#include "base/control_area.h"

        .set    INSTRUCTION_LENGTH, 0x09c
        .set    GUEST_EIP, V32_OFFSET_GUEST + 0x20
        .set    REASON_CPUID, 8
        .set    VMCB_EXITCODE, 0x070
        .set    VMCB_RIP, 0x578
        .set    VMEXIT_CPUID, 0x72

        .text
        .globl  virtual_guest, v32_loop, v32_exit, svm_loop
virtual_guest:
        cpuid
        jmp     virtual_guest

/* v32_loop(area, turns). Each exit comes to v32_exit as vector 20, with our registers back. */
v32_loop:
        push    %ebp
        push    %esi
        push    %edi
        mov     16(%esp), %esi
        mov     20(%esp), %edi
        mov     %esp, %ebp
1:      V32ENTER
        jmp     dead_end
v32_exit:
        mov     %ebp, %esp
        cmpl    $REASON_CPUID, V32_OFFSET_EXIT_REASON(%esi)
        jne     dead_end
        mov     INSTRUCTION_LENGTH(%esi), %eax
        add     %eax, GUEST_EIP(%esi)
        dec     %edi
        jnz     1b
        pop     %edi
        pop     %esi
        pop     %ebp
        ret

/* svm_loop(vmcb, turns) */
svm_loop:
        push    %ebp
        push    %esi
        push    %edi
        mov     16(%esp), %esi
        mov     20(%esp), %edi
1:      mov     %esi, %eax
        .byte   0x0f, 0x01, 0xd8                /* VMRUN */
        cmpl    $VMEXIT_CPUID, VMCB_EXITCODE(%esi)
        jne     dead_end
        addl    $2, VMCB_RIP(%esi)              /* CPUID has two bytes */
        dec     %edi
        jnz     1b
        pop     %edi
        pop     %esi
        pop     %ebp
        ret

        .section .note.GNU-stack, "", @progbits
